#ifndef APP_EXPORT_H
#define APP_EXPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fleet/fleet.h"
#include "protocol/limits.h"

/*
 * Devices into a new file, in the order given: JSON as `muster ls --json` gives it, or CSV (RFC
 * 4180) with a column per fact and per reading that one of them has, in canonical units (see
 * docs/protocol.md). A text that a spreadsheet would take for a formula gets a ' before it. An id
 * that is not known any more is left out. 0, or -1 and err: the file exists already, or cannot be
 * written.
 */
int export_write(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count, bool csv,
                 const char *path, int64_t now_ms, struct err *err);

/*
 * A list of JSON objects into a new file: as it is, or as CSV with `columns` (NULL behind the last;
 * "silence.who" is the key of an object in it), a list in a cell with blanks between its texts. The
 * rest as above.
 */
int export_list_write(const json_t *list, const char *const *columns, bool csv, const char *path,
                      struct err *err);

#endif
