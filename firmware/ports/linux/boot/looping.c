#include "looping.h"

#include <stdlib.h>
#include <string.h>

#include "esp/partition.h"
#include "update.h"

/* ---- slots of the port that are required and not for a bootloader ---- */

static enum reason no_open(void *ctx, const char *url, uint32_t from, const char *etag)
{
    (void)ctx;
    (void)url;
    (void)from;
    (void)etag;
    return REASON_CONNECT;
}

static enum ota_io no_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    (void)ctx;
    (void)answer;
    *why = REASON_CONNECT;
    return OTA_FAIL;
}

static enum ota_io no_body(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    (void)ctx;
    (void)data;
    (void)cap;
    *got = 0;
    *why = REASON_CONNECT;
    return OTA_FAIL;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void no_bytes(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
}

static void no_digest(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    memset(out, 0, PROTO_SHA256_LEN);
}

static bool no_report(void *ctx, const struct ota_report *report)
{
    (void)ctx;
    (void)report;
    return false;
}

static enum reason go_on(void *ctx, enum ota_gate gate)
{
    (void)ctx;
    (void)gate;
    return REASON_NONE;
}

/* ---- */

struct leaving {
    struct ota_agent agent;
    struct nvs records;
    struct update update;
    bool restart;
};

static void fill_port(struct leaving *l, const struct slots *slots, uint32_t running)
{
    l->update.slots = slots;
    l->update.running = running;
    l->update.records = &l->records;
    l->update.restart = &l->restart;
    update_flash_port(&l->update);
    struct ota_port *p = &l->update.port;
    p->http_open = no_open;
    p->http_answer = no_answer;
    p->http_read = no_body;
    p->http_close = nothing;
    p->sha_begin = nothing;
    p->sha_add = no_bytes;
    p->sha_end = no_digest;
    p->report = no_report;
    p->may_proceed = go_on;
}

static enum reason leave(struct leaving *l, const struct slots *slots,
                         const struct slots_boot *boot, enum reset_reason reset)
{
    struct esp_partition_table table;
    enum esp_fault fault;
    const struct flash *f = slots->flash;
    if (flash_read_table(f, &table, &fault))
        return REASON_RECORD_IO;
    const struct esp_partition *own = esp_partition_by_label(&table, "muster");
    if (!own || nvs_mount(&l->records, f, own->offset, own->size) != NVS_OK)
        return REASON_RECORD_IO;
    fill_port(l, slots, boot->slot);
    struct ota_boot facts = { .reset = reset,
                              .on_probation = boot->trial,
                              .passive = update_passive(slots, boot->slot),
                              .version = boot->image.desc.version,
                              .boot_id = "" };
    memcpy(facts.image, boot->digest, sizeof(facts.image));
    return ota_agent_leave(&l->agent, &l->update.port, &facts);
}

enum reason looping_leave(const struct slots *slots, const struct slots_boot *boot,
                          enum reset_reason reset)
{
    struct leaving *l = calloc(1, sizeof(*l)); /* 20 KB that a bootloader hardly ever needs */
    if (!l)
        return REASON_RECORD_IO;
    enum reason r = leave(l, slots, boot, reset);
    free(l);
    return r;
}
