#ifndef PORT_NVS_H
#define PORT_NVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/flash.h"

/*
 * Key/value store in a flash partition, safe against power cuts at any operation and inside a
 * write: a value that was set is the old one or the new one afterwards.
 *
 * A log of records over the partition's sectors, which are pages:
 *
 *   page    magic, number, CRC | complete | record, record, ... FF
 *   record  magic, type, name lengths, length, CRC | namespace key value, padded to 4
 *
 * The newest record of a name is its value. One page is always free. When the log needs it, the
 * live records of the oldest page are copied into it, it is marked complete, and the oldest is
 * erased. So at mount: the newest page is not complete: erase it, it holds only copies; no page is
 * free: erase the oldest, it has been copied.
 */
#define NVS_NAME_MAX  15   /* characters of a namespace or key, as in ESP-IDF */
#define NVS_VALUE_MAX 4000 /* bytes, as ESP-IDF's strings */
#define NVS_PAGES     32

enum nvs_type { NVS_NONE, NVS_U32, NVS_STR, NVS_BLOB };

enum nvs_result {
    NVS_OK = 0,
    NVS_ABSENT = -1,   /* no such key */
    NVS_TOO_LONG = -2, /* the value does not fit the room given, or the store's limits */
    NVS_NO_SPACE = -3, /* the store is full of live values */
    NVS_IO = -4        /* flash failed */
};
const char *nvs_result_text(int result);

/* The caller's memory; private. `flash` must outlive it. One owner at a time. */
struct nvs {
    const struct flash *flash;
    uint32_t base, pages;
    struct {
        uint32_t number; /* rises with every page begun; 0: free */
        uint32_t end;    /* offset behind the last whole record */
        bool closed;     /* nothing more may be appended: a torn record lies there */
    } page[NVS_PAGES];
    uint32_t current;
    bool failed; /* the last write: mount again before the next */
    uint8_t walk[ESP_SECTOR], record[ESP_SECTOR];
};

/* Find the records of a partition of 3 to NVS_PAGES sectors, finish or undo what a power cut
 * interrupted; an empty one is made ready. NVS_OK, NVS_IO. */
int nvs_mount(struct nvs *nvs, const struct flash *flash, uint32_t base, uint32_t size);

/* Length of the value, or NVS_ABSENT, NVS_TOO_LONG, NVS_IO. Of another type is absent. */
int nvs_get(struct nvs *nvs, const char *ns, const char *key, enum nvs_type type, void *out,
            size_t cap);
/* Terminated; `cap` counts the NUL. */
int nvs_get_str(struct nvs *nvs, const char *ns, const char *key, char *out, size_t cap);
/* A number, also when it is kept as decimal text. NVS_OK, or why not. */
int nvs_get_u32(struct nvs *nvs, const char *ns, const char *key, uint32_t *out);

/* Durable when it returns NVS_OK. The same value again writes nothing. TOO_LONG, NO_SPACE, IO. */
int nvs_set(struct nvs *nvs, const char *ns, const char *key, enum nvs_type type, const void *data,
            size_t len);
int nvs_set_str(struct nvs *nvs, const char *ns, const char *key, const char *value);
int nvs_set_u32(struct nvs *nvs, const char *ns, const char *key, uint32_t value);
/* Absent afterwards. NVS_OK also when it was. */
int nvs_remove(struct nvs *nvs, const char *ns, const char *key);

#endif
