#ifndef BOOT_CSV_H
#define BOOT_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "port/nvs.h"

/*
 * The CSV that ESP-IDF's nvs_partition_gen takes: a head line "key,type,encoding,value", then rows
 * of type "namespace" (key is its name) and "data". A value in quotes may hold commas, newlines and
 * doubled quotes. Lines that begin with # are comments. Pure.
 */
struct csv {
    const char *text;
    size_t len, at;
    uint32_t line; /* of the row just read */
    char ns[NVS_NAME_MAX + 1];
};

struct csv_row {
    char ns[NVS_NAME_MAX + 1], key[NVS_NAME_MAX + 1];
    enum nvs_type type; /* NVS_U32 for every integer encoding */
    uint32_t number;
    char value[NVS_VALUE_MAX + 1]; /* NVS_STR: terminated; NVS_BLOB: len bytes */
    size_t len;
};

/* `text` must outlive the reader. 0, or -1 with *why (static text) when the head line is not there.
 */
int csv_begin(struct csv *csv, const char *text, size_t len, const char **why);
/* 1 and a data row, 0 at the end, or -1 with *why; csv->line says where. Encodings string, u8, u16,
 * u32 and hex2bin are understood; others, and type "file", are refused. */
int csv_next(struct csv *csv, struct csv_row *row, const char **why);

#endif
