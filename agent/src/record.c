#include "internal.h"

#include <string.h>

/*
 * Records on flash. Each kind has two copies, A and B; the older one is written, so that power lost
 * in the middle leaves the other. A copy is
 *
 *     form (1)  kind (1)  serial (4)  fields  CRC-32 of all before (4)
 *
 * little-endian. Fields are only ever appended: a reader that finds fewer takes the rest as zero,
 * one that finds more ignores them. That is what lets an old image read what a newer one wrote, and
 * the other way round, which happens in every trial and rollback.
 */
enum { FORM = 1, HEAD = 6, CRC = 4 };
enum kind { KIND_COUNTERS, KIND_JOB, KIND_PROGRESS };

static uint32_t crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

/* ---- fields --------------------------------------------------------------------------------- */

/*
 * One description for both directions: a pass over the fields either writes them to `at` or reads
 * them from it.
 */
struct pass {
    uint8_t *at;
    size_t left;
    bool reading;
};

static void field_bytes(struct pass *p, void *data, size_t len)
{
    if (p->left < len) { /* reading what an older agent wrote */
        p->left = 0;
        memset(data, 0, len);
        return;
    }
    if (p->reading)
        memcpy(data, p->at, len);
    else
        memcpy(p->at, data, len);
    p->at += len;
    p->left -= len;
}

static void field_u64(struct pass *p, uint64_t *value)
{
    uint8_t b[8];
    for (size_t i = 0; i < 8; i++)
        b[i] = (uint8_t)(*value >> (8 * i));
    field_bytes(p, b, sizeof(b));
    *value = 0;
    for (size_t i = 8; i-- > 0;)
        *value = *value << 8 | b[i];
}

static void field_u32(struct pass *p, uint32_t *value)
{
    uint8_t b[4];
    for (size_t i = 0; i < 4; i++)
        b[i] = (uint8_t)(*value >> (8 * i));
    field_bytes(p, b, sizeof(b));
    *value = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void field_u16(struct pass *p, uint16_t *value)
{
    uint32_t wide = *value;
    field_u32(p, &wide);
    *value = (uint16_t)wide;
}

/* Fixed width on flash: the sum is known, and a damaged length can't lead astray. */
static void field_text(struct pass *p, char *text, size_t cap)
{
    field_bytes(p, text, cap);
    text[cap - 1] = '\0';
}

static void pass_counters(struct pass *p, struct ota_counters *c)
{
    for (size_t i = 0; i < 4; i++)
        field_u32(p, &c->order_seq[i]);
    field_u32(p, &c->release_seq);
    field_u32(p, &c->security);
    field_u32(p, &c->n);
    field_bytes(p, c->image, sizeof(c->image));
}

static void pass_job(struct pass *p, struct ota_job *j)
{
    field_bytes(p, &j->phase, 1);
    field_bytes(p, &j->end, 1);
    field_bytes(p, &j->flags, 1);
    field_bytes(p, &j->starts, 1);
    field_u16(p, &j->reason);
    field_bytes(p, j->order_digest, sizeof(j->order_digest));
    field_text(p, j->rollout, sizeof(j->rollout));
    field_text(p, j->url, sizeof(j->url));
    field_text(p, j->from, sizeof(j->from));
    field_text(p, j->to, sizeof(j->to));
    field_text(p, j->detail, sizeof(j->detail));
    field_bytes(p, j->sha256, sizeof(j->sha256));
    field_u32(p, &j->size);
    field_u32(p, &j->release_seq);
    field_u32(p, &j->security);
    field_u32(p, &j->order_seq);
    field_u32(p, &j->attempt);
    field_u32(p, &j->jitter);
    field_u32(p, &j->trial);
    field_u64(p, &j->nbf);
    field_u64(p, &j->exp);
    field_u64(p, &j->receipt);
}

static void pass_progress(struct pass *p, struct ota_progress *g)
{
    field_bytes(p, g->image, sizeof(g->image));
    field_u32(p, &g->got);
    field_u32(p, &g->spent_s);
    field_text(p, g->etag, sizeof(g->etag));
}

static void pass_fields(struct ota_agent *a, enum kind kind, struct pass *p)
{
    switch (kind) {
    case KIND_COUNTERS:
        pass_counters(p, &a->counters);
        break;
    case KIND_JOB:
        pass_job(p, &a->job);
        break;
    case KIND_PROGRESS:
        pass_progress(p, &a->progress);
        break;
    }
}

/* ---- copies --------------------------------------------------------------------------------- */

_Static_assert((int)VERB_CLASS_COUNT == 4, "a new replay class goes to the end of the counters");
_Static_assert((int)OTA_RECORD_COUNTERS_A == 2 * (int)KIND_COUNTERS &&
                   (int)OTA_RECORD_JOB_A == 2 * (int)KIND_JOB &&
                   (int)OTA_RECORD_PROGRESS_A == 2 * (int)KIND_PROGRESS,
               "copy A of a kind, then copy B");

static enum ota_record record_id(enum kind kind, unsigned copy)
{
    return (enum ota_record)(2u * (unsigned)kind + copy);
}

/* Read one copy to tmp; its serial and length, or serial 0 when there is no good one. */
static enum reason copy_read(struct ota_agent *a, enum kind kind, unsigned copy, uint32_t *serial,
                             size_t *len)
{
    uint8_t *b = a->tmp.bytes;
    *serial = 0;
    *len = 0;
    enum reason r = REASON_RECORD_IO;
    for (int tries = 0; tries < 3 && r != REASON_NONE; tries++)
        r = a->port->record_get(a->port->ctx, record_id(kind, copy), b, OTA_RECORD_MAX, len);
    if (r != REASON_NONE)
        return r;
    if (*len < HEAD + CRC || *len > OTA_RECORD_MAX || b[0] != FORM || b[1] != (uint8_t)kind)
        return REASON_NONE;

    uint32_t crc = 0;
    struct pass tail = { b + *len - CRC, CRC, true };
    field_u32(&tail, &crc);
    if (crc != crc32(b, *len - CRC))
        return REASON_NONE;
    struct pass head = { b + 2, 4, true };
    field_u32(&head, serial);
    return REASON_NONE;
}

static enum reason record_load(struct ota_agent *a, enum kind kind)
{
    struct ota_copies *c = &a->copies[kind];
    enum reason bad = REASON_NONE;

    *c = (struct ota_copies){ 0 };
    for (unsigned copy = 0; copy < 2; copy++) {
        uint32_t serial;
        size_t len;
        enum reason r = copy_read(a, kind, copy, &serial, &len);
        if (r != REASON_NONE)
            bad = r;
        if (serial == 0 || serial <= c->serial)
            continue;
        c->serial = serial;
        c->newest = (uint8_t)copy;
        struct pass p = { a->tmp.bytes + HEAD, len - HEAD - CRC, true };
        pass_fields(a, kind, &p);
    }
    return bad;
}

enum reason records_load(struct ota_agent *a)
{
    enum reason counters = record_load(a, KIND_COUNTERS);
    enum reason job = record_load(a, KIND_JOB);
    (void)record_load(a, KIND_PROGRESS); /* lost progress is only a longer download */
    return counters != REASON_NONE ? counters : job;
}

static enum reason record_save(struct ota_agent *a, enum kind kind)
{
    struct ota_copies *c = &a->copies[kind];
    uint8_t *b = a->tmp.bytes;
    uint8_t copy = c->serial == 0 ? 0 : (uint8_t)(c->newest ^ 1u);
    uint32_t serial = c->serial + 1;

    if (a->records_bad) /* what could not be read may be newer: don't write older counters over it
                         */
        return REASON_RECORD_IO;
    b[0] = FORM;
    b[1] = (uint8_t)kind;
    struct pass p = { b + 2, OTA_RECORD_MAX - 2 - CRC, false };
    field_u32(&p, &serial);
    pass_fields(a, kind, &p);
    size_t len = (size_t)(p.at - b);
    uint32_t crc = crc32(b, len);
    p.left += CRC;
    field_u32(&p, &crc);

    enum reason r = a->port->record_put(a->port->ctx, record_id(kind, copy), b, len + CRC);
    if (r != REASON_NONE)
        return r; /* the same copy is written next time: the good one stays */
    c->serial = serial;
    c->newest = copy;
    return REASON_NONE;
}

enum reason counters_save(struct ota_agent *a)
{
    return record_save(a, KIND_COUNTERS);
}

enum reason job_save(struct ota_agent *a)
{
    return record_save(a, KIND_JOB);
}

enum reason progress_save(struct ota_agent *a)
{
    return record_save(a, KIND_PROGRESS);
}
