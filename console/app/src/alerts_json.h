#ifndef APP_ALERTS_JSON_H
#define APP_ALERTS_JSON_H

#include <jansson.h>

#include "fleet/alert.h"
#include "store/alerts.h"

/* Alerts and silences as `muster alerts --json` and `alerts silences --json` give them, and the
 * console's export: docs/alerts.md. `silence`: it is under that one, or NULL. */
json_t *alert_json(const struct store_alert *a, const struct alert_silence *silence);
json_t *alert_silence_json(const struct store_silence *s);

/* An alert of this process as the journal keeps it. */
void alert_row_fill(const struct alerts *alerts, const struct alert *alert,
                    struct store_alert *out);

#endif
