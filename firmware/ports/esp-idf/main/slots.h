#ifndef ESP_PORT_SLOTS_H
#define ESP_PORT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_partition.h"

#include "app/app.h"
#include "crypto.h"
#include "fetch.h"
#include "ota/agent.h"
#include "ota/port.h"

/*
 * The agent's port on this board: the passive slot by esp_partition (which encrypts and decrypts
 * where flash encryption is on), what boots by esp_ota_ops, records in NVS, downloads by fetch.c,
 * SHA-256 by PSA.
 */
struct slots {
    const esp_partition_t *running, *passive;
    uint32_t index; /* of the running one: 0 or 1 */
    struct fetch *fetch;
    struct app *app; /* for reports and questions */
    bool *restart;   /* set when the board must restart */
    struct sha sha;
    struct ota_port port;
};

/* Finds the two slots and fills s->port; fetch, app and restart must be set. 0, or -1 and *why
 * (static text): not started from ota_0 or ota_1. */
int slots_init(struct slots *s, const char **why);

/* Facts of this start. */
bool slots_on_probation(const struct slots *s);
enum ota_passive slots_passive(const struct slots *s);
/* SHA-256 of the running image as it was released, signature block included. Takes about a second;
 * all zeros when it can't be read. */
void slots_digest(struct slots *s, uint8_t out[PROTO_SHA256_LEN]);

#endif
