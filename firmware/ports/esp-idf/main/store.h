#ifndef ESP_PORT_STORE_H
#define ESP_PORT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "ota/port.h"

/*
 * NVS. Partition `nvs` holds what the factory wrote (namespaces `factory` and `wifi`) and what
 * orders have changed (`config`); partition `muster` the agent's records and the port's own few
 * numbers. Neither is ever erased here: one holds the device's identity, the other the counters
 * that keep old orders out.
 */
#define STORE_NS_WIFI "wifi"

/* 0, or -1: partition `nvs` can't be read, and *why (static text) says what to do. A `muster`
 * partition that can't be read is not fatal: the records then answer RECORD_IO and the agent
 * refuses orders. */
int store_open(const char **why);

/* As app_platform's slots of the same name; `ns` is a namespace of partition `nvs`. */
int store_get_str(const char *ns, const char *key, char *out, size_t cap);
int store_get_u32(const char *ns, const char *key, uint32_t *out);
int store_set_str(const char *ns, const char *key, const char *value);
int store_set_u32(const char *ns, const char *key, uint32_t value);

/* The whole string on the heap, or NULL: absent or no memory. free() it. */
char *store_text(const char *ns, const char *key);

/* One more start; the number of starts so far, this one included. 0: it could not be counted. */
uint32_t store_count_boot(void);

/* The last time that was known for sure, Unix s; 0: none. */
uint64_t store_last_time(void);
void store_keep_time(uint64_t unix_s);

/* As ota_port's slots. */
enum reason store_record_get(enum ota_record id, uint8_t *data, size_t cap, size_t *len);
enum reason store_record_put(enum ota_record id, const uint8_t *data, size_t len);

#endif
