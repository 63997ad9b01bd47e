#ifndef PORT_UPDATE_H
#define PORT_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "ota/agent.h"
#include "ota/port.h"
#include "port/nvs.h"
#include "port/slots.h"

struct app;
struct evp_md_ctx_st;

/*
 * The agent's port on this board: slots and otadata on the flash, records in the `muster`
 * partition, downloads by libcurl, SHA-256 by OpenSSL. Everything pointed to must outlive it.
 */
struct update {
    const struct slots *slots;
    uint32_t running; /* slot */
    struct nvs *records;
    struct http *http;
    struct app *app; /* for reports and questions */
    struct evp_md_ctx_st *sha;
    bool *restart; /* set when the board must restart */
    struct ota_port port;
};

/* Fill the part of u->port that is flash, records and what boots, from slots, running, records and
 * restart: update_flash.c, which needs neither network nor application. */
void update_flash_port(struct update *u);
int update_init(struct update *u); /* fills u->port from the rest; 0, -1 */
void update_free(struct update *u);

/* What the boot record of the slot that does not run says. */
enum ota_passive update_passive(const struct slots *slots, uint32_t running);

#endif
