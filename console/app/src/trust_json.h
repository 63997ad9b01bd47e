#ifndef APP_TRUST_JSON_H
#define APP_TRUST_JSON_H

#include <jansson.h>

#include "screens/trust.h"

/* What the keys screen shows, as JSON. All return a new reference. */

json_t *cert_json(const struct ui_cert *cert, int64_t now_ms);
/* {"certificate","role","path","key","key_path","error"}; certificate null when there is none. */
json_t *operator_json(const struct ui_trust *t, int64_t now_ms);
json_t *authorities_json(const struct ui_trust *t, int64_t now_ms);
/* What is known of a device's certificate, and from where. */
json_t *device_cert_json(const struct ui_device_cert *c, int64_t now_ms);
/* Null when there is none here. */
json_t *keyset_json(const struct ui_trust *t);
json_t *key_orders_json(const struct ui_key_orders *orders);
/* Those that are not fine. */
json_t *findings_json(const struct trust_finding *list, size_t count);

#endif
