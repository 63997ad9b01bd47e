#ifndef OTA_PORT_H
#define OTA_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/reason.h"
#include "protocol/report.h"

/*
 * Everything the agent needs from the outside world: a const table of functions and its context.
 * The agent keeps no globals, so a test can run twenty of them in one process.
 *
 * For every slot:
 *   - it is called only from inside ota_agent_handle(), ota_agent_check_order() and the functions
 * of ota/keys.h, on the caller's thread, and it must not call back into the agent (events go in
 *     afterwards);
 *   - it must not wait for the network; what can't be answered yet is OTA_AGAIN;
 *   - all slots are required; ota_agent_init() asserts that none is NULL;
 *   - a text or buffer passed in is valid during the call only.
 *
 * Power may go at any instant, also inside a call. What each slot may leave behind then is said
 * with it: that, and nothing more, is what the agent is built to survive.
 */

enum {
    OTA_BLOCK = 4096,     /* bytes: one flash sector; the unit of slot_write() */
    OTA_ETAG_MAX = 80,    /* an entity tag with its quotes and NUL */
    OTA_RECORD_MAX = 1024 /* bytes: the longest record */
};

/* What a network call has to say. */
enum ota_io {
    OTA_OK,
    OTA_AGAIN, /* nothing yet: the agent asks again at its next event */
    OTA_FAIL   /* and *why says what */
};

/*
 * Records: small, by number, kept over reboots and updates (NVS). The agent keeps two copies of
 * each with a serial number and a CRC of its own and always writes the older one, so a put need not
 * be atomic: power lost inside it may leave *that* record old, new, empty or damaged, but must not
 * touch any other.
 * Wear: an update writes JOB about 6 times, COUNTERS 2 to 3 times, PROGRESS once per 64 KB.
 */
enum ota_record {
    OTA_RECORD_COUNTERS_A, /* at most 128 bytes */
    OTA_RECORD_COUNTERS_B,
    OTA_RECORD_JOB_A, /* at most OTA_RECORD_MAX */
    OTA_RECORD_JOB_B,
    OTA_RECORD_PROGRESS_A, /* at most 128 bytes */
    OTA_RECORD_PROGRESS_B,
    OTA_RECORD_KEYSET_A, /* at most OTA_RECORD_MAX; written by ota_keys_take() alone */
    OTA_RECORD_KEYSET_B,
    OTA_RECORD_COUNT
};

/* What the application is asked before a step that costs it something. */
enum ota_gate {
    OTA_GATE_ACCEPT,   /* take the order at all? BUSY and LOW_BATTERY reject it */
    OTA_GATE_DOWNLOAD, /* may radio and flash be used now? */
    OTA_GATE_SWITCH    /* may the device restart now? */
};

/* The head of an HTTP answer. */
struct ota_http_answer {
    int status;             /* 200, 206, 404, 503 … */
    uint32_t retry_after_s; /* Retry-After in seconds (an HTTP date: the difference); 0: none */
    bool has_total;
    uint32_t total; /* bytes of the whole thing: Content-Length of a 200, after the '/' of a 206 */
    uint32_t from;  /* first byte of Content-Range; 0 for a 200 */
    char etag[OTA_ETAG_MAX]; /* as sent, with quotes; empty: none, or too long to keep */
};

/* The image in the passive slot. */
struct ota_other {
    uint8_t sha256[PROTO_SHA256_LEN]; /* of the whole image file, as ota_boot.image */
    uint32_t size;
    uint32_t security; /* secure_version of its app description */
    char version[PROTO_VERSION_MAX];
};

struct ota_port {
    void *ctx;
    const struct crypto *crypto; /* SHA-256 of short texts, ECDSA P-256 */
    uint32_t slot_size;          /* bytes of the passive slot */

    /* ---- the passive slot: the one that is not running -------------------------------------- */

    /*
     * Get the passive slot ready for an image of `size` bytes (at most slot_size), of which the
     * first `keep` are there already and must stay. `keep` is a multiple of OTA_BLOCK, or `size`.
     * Everything from `keep` on is erased, now or lazily before the block is written, and any boot
     * record of the passive slot (otadata entry; on ESP-IDF
     * esp_ota_invalidate_inactive_ota_data_slot()) is dropped, so that afterwards
     * ota_boot.passive would be OTA_PASSIVE_NONE. May take seconds if it erases at once.
     * Never called while the running image is on probation. No slot is open when it is called.
     * REASON_NONE, REASON_FLASH_WRITE, REASON_NO_SPACE.
     * Power lost inside: the first `keep` bytes are still there, the rest is anything.
     */
    enum reason (*slot_open)(void *ctx, uint32_t size, uint32_t keep);

    /*
     * Write at `offset`: starts at `keep`, goes up without gap or overlap; `len` is OTA_BLOCK but
     * for the last block of the image. REASON_NONE, REASON_FLASH_WRITE.
     * Power lost inside: these `len` bytes are anything, those before them are safe.
     */
    enum reason (*slot_write)(void *ctx, uint32_t offset, const uint8_t *data, size_t len);

    /*
     * Read back from flash itself (not from a cache of what was written): only bytes below `keep`
     * or written since slot_open(). REASON_NONE, REASON_FLASH_READ.
     */
    enum reason (*slot_read)(void *ctx, uint32_t offset, uint8_t *data, size_t len);

    /*
     * Look at the image in the open slot as the bootloader will: header magic, chip id, segment
     * table inside `size`, checksum, appended hash. Called after the agent's own digest of what
     * was read back was right. May take as long as reading the slot.
     * REASON_NONE, REASON_IMAGE_INVALID, REASON_FLASH_READ.
     */
    enum reason (*image_check)(void *ctx, uint32_t size);

    /* Done with the slot, whatever became of it. Nothing is booted by this. */
    void (*slot_close)(void *ctx);

    /*
     * What is in the passive slot now? Looked at as the bootloader will (see image_check()), and
     * hashed. May take twice as long as reading the slot. No slot is open.
     * REASON_NONE and *out, REASON_IMAGE_INVALID (nothing there that would boot),
     * REASON_FLASH_READ.
     */
    enum reason (*other_image)(void *ctx, struct ota_other *out);

    /* ---- what boots ------------------------------------------------------------------------- */

    /*
     * From the next restart on boot the passive slot, on probation (ESP-IDF: state NEW, which the
     * bootloader makes PENDING_VERIFY; a second start before mark_valid() goes back to the image
     * that runs now). Called once image_check() was good, with the slot still open; or, to go back
     * to the earlier image, right after other_image(), with no slot open.
     * Power lost inside: either the old choice or the new one stands.
     * REASON_NONE, REASON_BOOT_SWITCH (then the old choice stands).
     */
    enum reason (*boot_switch)(void *ctx);

    /*
     * The running image has proved itself: end its probation.
     * REASON_NONE, REASON_BOOT_SWITCH (then it is still on probation).
     * Power lost inside: it is valid, or on probation still, or its boot record is lost and the
     * other image boots (ESP-IDF rewrites the record in place).
     */
    enum reason (*mark_valid)(void *ctx);

    /*
     * The running image is on probation and has failed: mark it invalid and restart into the
     * other one. Does not return on a device; a test's may, with REASON_NONE, and nothing more is
     * asked of it. REASON_ROLLBACK_FAILED when there is nothing to go back to: the agent then
     * tries reboot().
     */
    enum reason (*rollback)(void *ctx);

    /* Restart. Need not happen at once (finish what the broker is owed, at most seconds), and may
     * return. */
    void (*reboot)(void *ctx);

    /* ---- records ---------------------------------------------------------------------------- */

    /*
     * Read a record; *len is 0 when there is none. REASON_NONE, REASON_RECORD_IO (can't be read or
     * is longer than `cap`: at boot the agent then refuses orders rather than forget its counters).
     */
    enum reason (*record_get)(void *ctx, enum ota_record id, uint8_t *data, size_t cap,
                              size_t *len);

    /* Replace a record; on flash when it returns. REASON_NONE, REASON_RECORD_IO (then it may be
     * old, new or damaged, as after a power cut). */
    enum reason (*record_put)(void *ctx, enum ota_record id, const uint8_t *data, size_t len);

    /* ---- download: one at a time ------------------------------------------------------------ */

    /*
     * Start GET `url` (https). `from` > 0 asks `Range: bytes=from-`, and with a non-empty `etag`
     * `If-Range: etag`. The server is verified, the device's certificate is shown; a redirect is
     * not followed to another host or scheme (REASON_REDIRECT), and at most three times at all.
     * REASON_NONE (under way), or DNS, CONNECT, TLS, NO_SPACE, INTERNAL. Not open after a failure.
     */
    enum reason (*http_open)(void *ctx, const char *url, uint32_t from, const char *etag);

    /*
     * The answer's head. OTA_AGAIN until it is there. OTA_FAIL: *why is DNS, CONNECT, TLS,
     * REDIRECT or TRUNCATED. Its status is not judged by the port.
     */
    enum ota_io (*http_answer)(void *ctx, struct ota_http_answer *answer, enum reason *why);

    /*
     * Next bytes of the body: OTA_OK with 1 ≤ *got ≤ cap, or *got = 0 at the clean end of the
     * body. OTA_AGAIN: none yet. OTA_FAIL: *why is CONNECT, TLS or TRUNCATED (the connection ended
     * before Content-Length). Must not buffer without bound: stop reading the socket instead.
     */
    enum ota_io (*http_read)(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why);

    /* End it, in whatever state it is. Called once per successful http_open(). */
    void (*http_close)(void *ctx);

    /* ---- hashing the image: one SHA-256 at a time, its state is the port's ------------------- */

    void (*sha_begin)(void *ctx); /* a hash that was never ended is forgotten */
    void (*sha_add)(void *ctx, const uint8_t *data, size_t len);
    void (*sha_end)(void *ctx, uint8_t out[PROTO_SHA256_LEN]);

    /* ---- the rest --------------------------------------------------------------------------- */

    /* 32 random bits from the hardware generator. */
    uint32_t (*random)(void *ctx);

    /*
     * Publish on <root>/<id>/ota/report, QoS 1, retained (ota_report_encode() makes the body).
     * True: handed to the MQTT client, which will raise OTA_EV_REPORT_ACKED with report->n once the
     * broker has acknowledged it. False: can't now (offline, queue full); the agent sends its
     * latest state again at OTA_EV_BROKER_UP and asks again at later ticks. Reports must reach the
     * broker in the order of the calls.
     */
    bool (*report)(void *ctx, const struct ota_report *report);

    /*
     * REASON_NONE: go on. REASON_BUSY, REASON_LOW_BATTERY, REASON_DEFERRED: not now; but for
     * OTA_GATE_ACCEPT the agent asks again every cfg.gate_retry_s until the deadline.
     */
    enum reason (*may_proceed)(void *ctx, enum ota_gate gate);
};

#endif
