#include "internal.h"

#include <string.h>

/* From a whole image in flash to the restart into it. */

/* What is in the slot can't be used: the next try starts from nothing. */
static enum outcome spoil(struct ota_agent *a, enum reason reason)
{
    a->progress.got = 0;
    (void)progress_save(a); /* if this fails, the next try finds the wrong hash and restarts */
    return fail(a, reason);
}

/* ---- VERIFY ---------------------------------------------------------------------------------- */

/* The last byte is written: begin to read back. */
enum outcome act_seal(struct ota_agent *a)
{
    a->reading_back = false;
    return OUT_OK;
}

/* Is what was hashed the image of the job? */
static bool is_right(struct ota_agent *a)
{
    uint8_t digest[PROTO_SHA256_LEN];

    a->port->sha_end(a->port->ctx, digest);
    return memcmp(digest, a->job.sha256, sizeof(digest)) == 0;
}

/* The hash of what came in. A wrong one in a download that went on from flash says only that flash
 * did not hold what was thought: once more from zero. */
static enum outcome check_stream(struct ota_agent *a)
{
    if (!is_right(a))
        return a->keep > 0 ? OUT_RESTART : spoil(a, REASON_HASH_MISMATCH);
    a->reading_back = true;
    a->port->sha_begin(a->port->ctx);
    a->offset = 0;
    a->fill = 0;
    return OUT_STAY;
}

enum outcome act_verify(struct ota_agent *a)
{
    if (!a->reading_back) {
        enum outcome stream = check_stream(a);
        if (stream != OUT_STAY)
            return stream;
    }
    enum outcome out = hash_flash(a, a->job.size);
    if (out != OUT_OK)
        return out;
    return is_right(a) ? OUT_OK : spoil(a, REASON_FLASH_VERIFY);
}

enum reason switch_over(struct ota_agent *a)
{
    a->job.phase = PHASE_SWITCHING;
    a->job.starts = 0;
    if (job_save(a) != REASON_NONE)
        return REASON_RECORD_IO;
    return a->port->boot_switch(a->port->ctx);
}

/* ---- INSTALL --------------------------------------------------------------------------------- */

enum outcome act_install(struct ota_agent *a)
{
    if (a->job.flags & JOB_BACK)
        return back_install(a);
    if (job_is_revoked(a))
        return fail(a, REASON_REVOKED_KEY);
    enum reason r = a->port->image_check(a->port->ctx, a->job.size);
    if (r == REASON_IMAGE_INVALID)
        return spoil(a, r);
    if (r != REASON_NONE)
        return fail(a, r);
    if (job_is_expired(a))
        return OUT_EXPIRED;
    if (ask_or_hold(a, OTA_GATE_SWITCH) != OUT_OK)
        return OUT_SETBACK;

    r = switch_over(a);
    return r == REASON_NONE ? OUT_OK : fail(a, r);
}

/* ---- REBOOT ---------------------------------------------------------------------------------- */

/* Into the new image, or away from it. */
static void restart(struct ota_agent *a)
{
    if (!(a->job.flags & JOB_UNFIT)) {
        a->port->reboot(a->port->ctx);
        return;
    }
    /* The bootloader goes back by itself when an image on probation starts twice. */
    if (a->port->rollback(a->port->ctx) != REASON_NONE)
        a->port->reboot(a->port->ctx);
}

/* Give the report a moment to reach the broker, who else would learn of it a whole boot later. */
enum outcome act_reboot(struct ota_agent *a)
{
    uint32_t wait_ms = or_default(a->cfg->reboot_wait_ms, 3000);
    bool told = a->heard || !a->broker;

    if (!told && !is_past(a, a->since_ms + wait_ms)) {
        a->wake_ms = a->since_ms + wait_ms;
        return OUT_STAY;
    }
    restart(a);
    wake_in(a, 10 * MS); /* it returned: should this not lead anywhere, again */
    return OUT_STAY;
}
