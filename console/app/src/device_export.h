#ifndef APP_DEVICE_EXPORT_H
#define APP_DEVICE_EXPORT_H

#include "screens/ui.h"

/*
 * What the device screen shows, as a file in the working folder: `path` gets its name, *count how
 * many lines it has. 0, or -1 and *err.
 *   tail    a JSON object a line: t, topic, retained, body (text), or base16 where it is no text
 *   series  CSV: time, reading, min, avg, max in the unit sent; a line per column of the plot that
 * has values
 */
int device_export_tail(const struct fleet *fleet, const char *id, int64_t now_ms, char *path,
                       size_t cap, size_t *count, struct err *err);
int device_export_series(const struct ui_model *m, const struct ui_past_want *what, char *path,
                         size_t cap, size_t *count, struct err *err);

#endif
