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
enum { FORM = 1, HEAD = RECORD_HEAD, CRC = RECORD_CRC };
enum kind { KIND_COUNTERS, KIND_JOB, KIND_PROGRESS };

static uint32_t crc_of(const uint8_t *data, size_t len)
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
 * The fields of each kind, in the order they have on flash: new ones go to the end. A description
 * instead of code, because it is smaller and serves both directions.
 */
enum type { BYTES, TEXT, NUMBER };
struct field {
    uint16_t offset;
    uint8_t size; /* bytes */
    uint8_t type; /* enum type */
};

#define FIELD(st, member, type)                                                                    \
    {                                                                                              \
        offsetof(struct st, member), sizeof(((struct st *)0)->member), type                        \
    }

/* clang-format off */
static const struct field counters_fields[] = {
    FIELD(ota_counters, order_seq[0], NUMBER),
    FIELD(ota_counters, order_seq[1], NUMBER),
    FIELD(ota_counters, order_seq[2], NUMBER),
    FIELD(ota_counters, order_seq[3], NUMBER),
    FIELD(ota_counters, release_seq, NUMBER),
    FIELD(ota_counters, security, NUMBER),
    FIELD(ota_counters, n, NUMBER),
    FIELD(ota_counters, image, BYTES),
    FIELD(ota_counters, prev_image, BYTES),
    FIELD(ota_counters, prev_seq, NUMBER),
    FIELD(ota_counters, crashes, NUMBER),
    FIELD(ota_counters, heal, NUMBER),
};

static const struct field job_fields[] = {
    FIELD(ota_job, phase, NUMBER),
    FIELD(ota_job, end, NUMBER),
    FIELD(ota_job, flags, NUMBER),
    FIELD(ota_job, starts, NUMBER),
    FIELD(ota_job, reason, NUMBER),
    FIELD(ota_job, order_digest, BYTES),
    FIELD(ota_job, rollout, TEXT),
    FIELD(ota_job, url, TEXT),
    FIELD(ota_job, from, TEXT),
    FIELD(ota_job, to, TEXT),
    FIELD(ota_job, detail, TEXT),
    FIELD(ota_job, sha256, BYTES),
    FIELD(ota_job, size, NUMBER),
    FIELD(ota_job, release_seq, NUMBER),
    FIELD(ota_job, security, NUMBER),
    FIELD(ota_job, order_seq, NUMBER),
    FIELD(ota_job, attempt, NUMBER),
    FIELD(ota_job, jitter, NUMBER),
    FIELD(ota_job, trial, NUMBER),
    FIELD(ota_job, nbf, NUMBER),
    FIELD(ota_job, exp, NUMBER),
    FIELD(ota_job, receipt, NUMBER),
    FIELD(ota_job, from_image, BYTES),
    FIELD(ota_job, from_seq, NUMBER),
    FIELD(ota_job, signed_by[0], NUMBER),
    FIELD(ota_job, signed_by[1], NUMBER),
};

static const struct field progress_fields[] = {
    FIELD(ota_progress, image, BYTES),
    FIELD(ota_progress, got, NUMBER),
    FIELD(ota_progress, spent_s, NUMBER),
    FIELD(ota_progress, etag, TEXT),
};

#define COUNT(array) ((uint8_t)(sizeof(array) / sizeof((array)[0])))

static const struct kind_info {
    uint16_t offset; /* of the struct in struct ota_agent */
    uint8_t count;
    const struct field *fields;
} kinds[] = {
    [KIND_COUNTERS] = { offsetof(struct ota_agent, counters), COUNT(counters_fields), counters_fields },
    [KIND_JOB]      = { offsetof(struct ota_agent, job),      COUNT(job_fields),      job_fields      },
    [KIND_PROGRESS] = { offsetof(struct ota_agent, progress), COUNT(progress_fields), progress_fields },
};
/* clang-format on */

/* A number's bytes on flash are little-endian, whatever the machine's are. */
static void copy_field(uint8_t *to, const uint8_t *from, const struct field *f)
{
    const uint16_t probe = 1;
    bool little = *(const uint8_t *)&probe == 1;

    memcpy(to, from, f->size);
    for (size_t i = 0; !little && f->type == NUMBER && i < f->size; i++)
        to[i] = from[f->size - 1 - i];
}

static size_t fields_write(const struct ota_agent *a, enum kind kind, uint8_t *out)
{
    const struct kind_info *k = &kinds[kind];
    const uint8_t *base = (const uint8_t *)a + k->offset;
    size_t len = 0;

    for (size_t i = 0; i < k->count; i++) {
        const struct field *f = &k->fields[i];
        copy_field(out + len, base + f->offset, f);
        len += f->size;
    }
    return len;
}

/* What an older agent did not write is zero, what a newer one wrote beyond is not looked at. */
static void fields_read(struct ota_agent *a, enum kind kind, const uint8_t *in, size_t len)
{
    const struct kind_info *k = &kinds[kind];
    uint8_t *base = (uint8_t *)a + k->offset;

    for (size_t i = 0; i < k->count; i++) {
        const struct field *f = &k->fields[i];
        uint8_t *to = base + f->offset;
        if (len < f->size) {
            len = 0;
            memset(to, 0, f->size);
            continue;
        }
        copy_field(to, in, f);
        if (f->type == TEXT)
            to[f->size - 1] = '\0';
        in += f->size;
        len -= f->size;
    }
}

void record_put_u32(uint8_t *to, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

uint32_t record_get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

size_t record_seal(uint8_t *data, size_t len, uint8_t kind, uint32_t serial)
{
    data[0] = FORM;
    data[1] = kind;
    record_put_u32(data + 2, serial);
    record_put_u32(data + len, crc_of(data, len));
    return len + CRC;
}

uint32_t record_serial(const uint8_t *data, size_t len, uint8_t kind)
{
    if (len < HEAD + CRC || len > OTA_RECORD_MAX || data[0] != FORM || data[1] != kind)
        return 0;
    len -= CRC;
    return record_get_u32(data + len) == crc_of(data, len) ? record_get_u32(data + 2) : 0;
}

/* ---- copies --------------------------------------------------------------------------------- */

_Static_assert(sizeof(struct ota_job) + HEAD + CRC <= OTA_RECORD_MAX &&
                   sizeof(struct ota_progress) + HEAD + CRC <= 128 &&
                   sizeof(struct ota_counters) + HEAD + CRC <= 128,
               "the port's bounds hold");
_Static_assert((int)VERB_CLASS_COUNT == 4, "a new replay class goes to the end of the counters");
_Static_assert((int)OTA_RECORD_COUNTERS_A == 2 * (int)KIND_COUNTERS &&
                   (int)OTA_RECORD_JOB_A == 2 * (int)KIND_JOB &&
                   (int)OTA_RECORD_PROGRESS_A == 2 * (int)KIND_PROGRESS,
               "copy A of a kind, then copy B");

static enum ota_record record_id(enum kind kind, unsigned copy)
{
    return (enum ota_record)(2u * (unsigned)kind + copy);
}

enum reason record_read(const struct ota_port *port, enum ota_record id, uint8_t *data, size_t *len)
{
    enum reason r = REASON_RECORD_IO;
    for (int tries = 0; tries < 3 && r != REASON_NONE; tries++)
        r = port->record_get(port->ctx, id, data, OTA_RECORD_MAX, len);
    return r;
}

/* Read one copy to tmp; its serial and length, or serial 0 when there is no good one. */
static enum reason copy_read(struct ota_agent *a, enum kind kind, unsigned copy, uint32_t *serial,
                             size_t *len)
{
    uint8_t *b = a->tmp.bytes;
    *serial = 0;
    *len = 0;
    enum reason r = record_read(a->port, record_id(kind, copy), b, len);
    if (r != REASON_NONE)
        return r;
    *serial = record_serial(b, *len, (uint8_t)kind);
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
        fields_read(a, kind, a->tmp.bytes + HEAD, len - HEAD - CRC);
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
    size_t len = record_seal(b, HEAD + fields_write(a, kind, b + HEAD), (uint8_t)kind, serial);

    enum reason r = a->port->record_put(a->port->ctx, record_id(kind, copy), b, len);
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
