#ifndef IDENTITY_NVS_CSV_H
#define IDENTITY_NVS_CSV_H

#include <stddef.h>

#include "base/err.h"
#include "identity/pki.h"

/*
 * The factory settings of one device as ESP-IDF's nvs_partition_gen.py reads them
 * (key,type,encoding,value; RFC 4180 quoting, so a PEM text keeps its lines), all in namespace
 * `factory`.
 */
#define NVS_ITEMS_MAX  20
#define NVS_STRING_MAX 4000 /* ESP-IDF's limit for a string, NUL included */

struct nvs_item {
    const char *key;
    const char *encoding; /* "string", "u16", "u32" */
    const char *value;
};

/* The text, free() it; NULL when a value is longer than NVS takes. */
char *nvs_csv_text(const struct nvs_item *item, size_t count, struct err *e);

#endif
