#include "internal.h"

#include <string.h>

#include "protocol/hex.h"

/*
 * Getting the image into the passive slot, a bounded piece per call. Everything that was fetched is
 * hashed from what is in flash when a download goes on after a pause or a reset, so that there is
 * one path only: OPEN (hash what is there) -> CONNECT (ask for the rest) -> DOWNLOAD.
 */

/* ---- when and whether to go on --------------------------------------------------------------- */

enum outcome fail(struct ota_agent *a, enum reason reason)
{
    a->job.reason = (uint16_t)reason;
    return OUT_FAIL;
}

enum outcome hold(struct ota_agent *a, enum reason reason, uint32_t pause_ms)
{
    a->why = (uint16_t)reason;
    a->pause_ms = pause_ms;
    return OUT_SETBACK;
}

uint32_t gate_retry_ms(const struct ota_agent *a)
{
    return or_default(a->cfg->gate_retry_s, 60) * MS;
}

enum reason ask(struct ota_agent *a, enum ota_gate gate)
{
    return a->port->may_proceed(a->port->ctx, gate);
}

enum outcome ask_or_hold(struct ota_agent *a, enum ota_gate gate)
{
    enum reason r = ask(a, gate);
    return r == REASON_NONE ? OUT_OK : hold(a, r, gate_retry_ms(a));
}

/* An answer that will hardly get better by waiting: a few times, for the server may be half up. */
static enum outcome refusal(struct ota_agent *a, enum reason reason)
{
    a->refusals++;
    if (a->refusals >= REFUSALS_MAX)
        return fail(a, reason);
    return setback(a, reason);
}

/* 429 and 503: as long as the server says, and up to a quarter more so that not all come back at
 * once. */
static enum outcome told_to_wait(struct ota_agent *a, uint32_t retry_after_s)
{
    uint32_t limit_s = 3600;
    if (retry_after_s == 0)
        return setback(a, REASON_HTTP_STATUS);
    uint32_t ms = (retry_after_s < limit_s ? retry_after_s : limit_s) * MS;
    return hold(a, REASON_HTTP_STATUS, ms + a->port->random(a->port->ctx) % (ms / 4 + 1));
}

/* The order's expiry, and the deadline: time since the first connect, pauses counted. */
static enum outcome within_limits(struct ota_agent *a)
{
    uint32_t passed = (uint32_t)(a->now.mono_ms - a->spent_ms) / MS;
    a->spent_ms = later(a->spent_ms, passed);
    a->progress.spent_s += passed;
    if (job_is_expired(a))
        return OUT_EXPIRED;
    if (a->progress.spent_s > or_default(a->cfg->deadline_s, 86400))
        return fail(a, REASON_DEADLINE);
    return OUT_OK;
}

/* ---- PAUSED ---------------------------------------------------------------------------------- */

enum outcome act_pause(struct ota_agent *a)
{
    /* A device that pauses for days must still come to its deadline if it is reset in between. */
    if (a->progress.spent_s - a->saved_spent_s >= 600 && progress_save(a) == REASON_NONE)
        a->saved_spent_s = a->progress.spent_s;
    wake_in(a, a->pause_ms);
    return OUT_OK;
}

enum outcome act_resume(struct ota_agent *a)
{
    enum outcome limits = within_limits(a);
    if (limits != OUT_OK)
        return limits;
    if (!is_past(a, a->wake_ms))
        return OUT_STAY;
    uint16_t before = a->why;
    enum outcome out = ask_or_hold(a, OTA_GATE_DOWNLOAD);
    if (a->why != before)
        a->unsaid = true;
    return out;
}

/* ---- OPEN: the slot, and what is in it already ------------------------------------------------
 */

bool progress_is_ours(const struct ota_agent *a)
{
    const struct ota_progress *g = &a->progress;
    return memcmp(g->image, a->job.sha256, sizeof(g->image)) == 0 && g->got <= a->job.size &&
           (g->got % OTA_BLOCK == 0 || g->got == a->job.size);
}

/* The record must say that nothing is there before the slot is erased. */
static enum reason progress_reset(struct ota_agent *a)
{
    struct ota_progress *g = &a->progress;
    memcpy(g->image, a->job.sha256, sizeof(g->image));
    g->got = 0;
    g->etag[0] = '\0';
    enum reason r = progress_save(a);
    if (r != REASON_NONE)
        memset(g->image, 0, sizeof(g->image)); /* not ours until flash says so */
    return r;
}

static enum outcome open_slot(struct ota_agent *a)
{
    if (!progress_is_ours(a) && progress_reset(a) != REASON_NONE)
        return fail(a, REASON_RECORD_IO);
    a->keep = a->progress.got;
    enum reason r = a->port->slot_open(a->port->ctx, a->job.size, a->keep);
    if (r != REASON_NONE)
        return fail(a, r);
    a->slot_is_open = true;
    a->port->sha_begin(a->port->ctx);
    a->offset = 0;
    a->fill = 0;
    return OUT_OK;
}

enum outcome hash_flash(struct ota_agent *a, uint32_t end)
{
    for (int i = 0; i < OTA_BLOCKS_PER_CALL && a->offset < end; i++) {
        uint32_t left = end - a->offset;
        uint32_t len = left < OTA_BLOCK ? left : OTA_BLOCK;
        enum reason r = a->port->slot_read(a->port->ctx, a->offset, a->block, len);
        if (r != REASON_NONE)
            return fail(a, r);
        a->port->sha_add(a->port->ctx, a->block, len);
        a->offset += len;
    }
    wake_in(a, 0);
    return a->offset < end ? OUT_STAY : OUT_OK;
}

enum outcome act_open(struct ota_agent *a)
{
    if (job_is_revoked(a)) /* a thief's update may have waited for its slot for days */
        return fail(a, REASON_REVOKED_KEY);
    if (!a->slot_is_open && open_slot(a) == OUT_FAIL)
        return OUT_FAIL;
    enum outcome out = hash_flash(a, a->keep);
    if (out != OUT_OK)
        return out;
    return a->offset == a->job.size ? OUT_COMPLETE : OUT_OK;
}

enum outcome act_restart(struct ota_agent *a)
{
    a->restarts++;
    if (a->restarts > RESTARTS_MAX)
        return fail(a, a->keep == a->job.size ? REASON_HASH_MISMATCH : REASON_BAD_RANGE);
    return progress_reset(a) == REASON_NONE ? OUT_OK : fail(a, REASON_RECORD_IO);
}

/* ---- CONNECT: ask, and judge the head of the answer -------------------------------------------
 */

/* The image's address is the order's url and the digest. Settings may have changed since the order
 * came: a server that has moved is found where it is now. */
static enum reason request(struct ota_agent *a)
{
    enum reason r = address(a, a->job.url);
    if (r != REASON_NONE)
        return r;
    hex_encode(a->job.sha256, sizeof(a->job.sha256), a->tmp.url + strlen(a->tmp.url));
    return a->port->http_open(a->port->ctx, a->tmp.url, a->offset, a->progress.etag);
}

static enum outcome judge_whole(struct ota_agent *a, const struct ota_http_answer *h)
{
    if (a->offset > 0)
        return OUT_RESTART; /* If-Range: it is another file now, or the server can't do ranges */
    if (h->has_total && h->total > a->job.size)
        return fail(a, REASON_TOO_LONG);
    if (h->has_total && h->total < a->job.size)
        return refusal(a, REASON_TRUNCATED);
    memcpy(a->progress.etag, h->etag, sizeof(a->progress.etag));
    a->progress.etag[OTA_ETAG_MAX - 1] = '\0';
    a->has_total = h->has_total;
    return OUT_OK;
}

static enum outcome judge_part(struct ota_agent *a, const struct ota_http_answer *h)
{
    if (a->offset == 0 || h->from != a->offset || (h->has_total && h->total != a->job.size))
        return OUT_RESTART;
    if (h->etag[0] && a->progress.etag[0] && strcmp(h->etag, a->progress.etag) != 0)
        return OUT_RESTART;
    a->has_total = h->has_total;
    return OUT_OK;
}

static enum outcome judge(struct ota_agent *a, const struct ota_http_answer *h)
{
    switch (h->status) {
    case 200:
        return judge_whole(a, h);
    case 206:
        return judge_part(a, h);
    case 416:
        return OUT_RESTART;
    case 429:
    case 503:
        return told_to_wait(a, h->retry_after_s);
    case 408:
    case 425:
        return setback(a, REASON_HTTP_STATUS);
    default:
        break;
    }
    if (h->status >= 500)
        return setback(a, REASON_HTTP_STATUS);
    return refusal(a, h->status >= 300 && h->status < 400 ? REASON_REDIRECT : REASON_HTTP_STATUS);
}

static enum outcome network_failed(struct ota_agent *a, enum reason why)
{
    if (why == REASON_HOST_NOT_ALLOWED)
        return fail(a, why);
    return why == REASON_REDIRECT ? refusal(a, why) : setback(a, why);
}

enum outcome act_connect(struct ota_agent *a)
{
    enum reason why = REASON_CONNECT;

    enum outcome limits = within_limits(a);
    if (limits != OUT_OK)
        return limits;
    if (!a->http_is_open) {
        enum reason r = request(a);
        if (r != REASON_NONE)
            return network_failed(a, r);
        a->http_is_open = true;
    }
    struct ota_http_answer *h = &a->tmp.answer;
    memset(h, 0, sizeof(*h));
    switch (a->port->http_answer(a->port->ctx, h, &why)) {
    case OTA_OK:
        break;
    case OTA_AGAIN:
        wake_in(a, POLL_MS);
        if (is_past(a, later(a->since_ms, CONNECT_S)))
            return setback(a, REASON_CONNECT);
        return OUT_STAY;
    case OTA_FAIL:
    default:
        return network_failed(a, why);
    }
    a->window_ms = a->now.mono_ms;
    a->window_got = a->offset;
    return judge(a, h);
}

/* ---- DOWNLOAD: block by block -----------------------------------------------------------------
 */

static bool is_slow(struct ota_agent *a)
{
    uint32_t window_s = or_default(a->cfg->speed_window, 60);
    if (!is_past(a, later(a->window_ms, window_s)))
        return false;
    uint64_t wanted = (uint64_t)or_default(a->cfg->min_speed, 1000) * window_s;
    bool slow = a->offset - a->window_got < wanted;
    a->window_ms = a->now.mono_ms;
    a->window_got = a->offset;
    return slow;
}

/* Every so often the way is marked; a mark that can't be written costs only a longer resume. */
static void note_progress(struct ota_agent *a)
{
    bool whole = a->offset == a->job.size;
    if (!whole && a->offset % STEP_BYTES != 0)
        return;
    a->progress.got = a->offset;
    if (progress_save(a) == REASON_NONE)
        a->saved_spent_s = a->progress.spent_s;
    if (!whole && a->now.mono_ms - a->said_ms >= 2 * MS)
        a->unsaid = true;
}

static enum reason write_block(struct ota_agent *a)
{
    enum reason r = a->port->slot_write(a->port->ctx, a->offset - a->fill, a->block, a->fill);
    if (r != REASON_NONE)
        return r;
    a->port->sha_add(a->port->ctx, a->block, a->fill);
    a->fill = 0;
    a->setbacks = 0;
    a->refusals = 0;
    note_progress(a);
    return REASON_NONE;
}

/* One read. OUT_OK: goes on, *got bytes came; the end of the body is *got = 0. */
static enum outcome read_some(struct ota_agent *a, size_t *got)
{
    enum reason why = REASON_CONNECT;
    bool whole = a->offset == a->job.size;
    uint8_t beyond; /* what comes after the last byte has no place anywhere else */
    uint32_t left = a->job.size - a->offset;
    uint32_t room = OTA_BLOCK - a->fill;
    size_t cap = whole ? 1 : left < room ? left : room;

    *got = 0;
    uint8_t *to = whole ? &beyond : a->block + a->fill;
    switch (a->port->http_read(a->port->ctx, to, cap, got, &why)) {
    case OTA_OK:
        if (*got > cap)
            return fail(a, REASON_INTERNAL);
        return OUT_OK;
    case OTA_AGAIN:
        wake_in(a, POLL_MS);
        return OUT_STAY;
    case OTA_FAIL:
    default:
        /* The last byte is here: how the connection ends is no matter. */
        return whole ? OUT_OK : setback(a, why);
    }
}

/* Take one helping; OUT_COMPLETE when the image is whole and nothing followed. */
static enum outcome take_some(struct ota_agent *a)
{
    size_t got;
    bool whole = a->offset == a->job.size;

    if (whole && a->has_total)
        return OUT_COMPLETE;
    enum outcome out = read_some(a, &got);
    if (out != OUT_OK)
        return out;
    if (whole)
        return got == 0 ? OUT_COMPLETE : fail(a, REASON_TOO_LONG);
    if (got == 0)
        return setback(a, REASON_TRUNCATED);
    a->offset += (uint32_t)got;
    a->fill += (uint32_t)got;
    if (a->fill < OTA_BLOCK && a->offset < a->job.size)
        return OUT_OK;
    enum reason r = write_block(a);
    return r == REASON_NONE ? OUT_OK : fail(a, r);
}

enum outcome act_download(struct ota_agent *a)
{
    uint32_t budget = a->offset + OTA_BLOCKS_PER_CALL * OTA_BLOCK;

    enum outcome limits = within_limits(a);
    if (limits != OUT_OK)
        return limits;
    wake_in(a, 0);
    for (int reads = 0; reads < 16 * OTA_BLOCKS_PER_CALL && a->offset < budget; reads++) {
        enum outcome out = take_some(a);
        if (out == OUT_STAY)
            break;
        if (out != OUT_OK)
            return out;
    }
    return is_slow(a) ? setback(a, REASON_SLOW_DOWNLOAD) : OUT_STAY;
}
