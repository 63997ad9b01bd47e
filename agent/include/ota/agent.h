#ifndef OTA_AGENT_H
#define OTA_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/port.h"
#include "protocol/keyset.h"
#include "protocol/order.h"
#include "protocol/ota_state.h"
#include "protocol/reason.h"
#include "protocol/release.h"
#include "protocol/report.h"
#include "protocol/status.h"

/*
 * The OTA agent: events go in, port calls come out. No heap, no globals, no clock, no floating
 * point; `struct ota_agent` is the caller's memory. See docs/agent.md for the state machine.
 *
 *     IDLE -> CHECK -> WAIT -> OPEN -> CONNECT -> DOWNLOAD -> VERIFY -> INSTALL -> REBOOT
 *                                ^        PAUSED <-'                                 |
 *     before the switch: -> REJECTED | ABORTED | EXPIRED | FAILED                 TRIAL
 *                                                              DONE | ROLLED_BACK <-'
 *
 * How to use it:
 *     ota_agent_init(&agent, &port, &cfg);
 *     ota_agent_handle(&agent, &boot_event);           first, before any other event
 *     for (;;) {
 *         wait at most ota_agent_wants(&agent, mono_ms), or until something happens;
 *         ota_agent_handle(&agent, &event);            OTA_EV_TICK when nothing else did
 *     }
 * Each call does a bounded piece of work: at most OTA_BLOCKS_PER_CALL blocks of download, hashing
 * or reading back, one image_check(), or one order's two signatures. Not reentrant, not
 * thread-safe.
 */

enum {
    OTA_AGENT_VERSION = 1,  /* what a release's min_agent is compared with; status.agent */
    OTA_BLOCKS_PER_CALL = 8 /* blocks of OTA_BLOCK bytes handled in one call */
};

/* X(NAME, state in reports) */
#define OTA_STATE_MAP(X)                                                                           \
    X(IDLE, IDLE)                                                                                  \
    X(CHECK, RECEIVED)                                                                             \
    X(WAIT, WAITING)                                                                               \
    X(OPEN, DOWNLOADING)     /* passive slot made ready, what is in it hashed again */             \
    X(CONNECT, DOWNLOADING)  /* request sent, waiting for the answer's head */                     \
    X(DOWNLOAD, DOWNLOADING) /* block by block */                                                  \
    X(PAUSED, PAUSED)        /* back-off, Retry-After, or the application said not now */          \
    X(VERIFY, VERIFYING)     /* reading back and hashing again */                                  \
    X(INSTALL, INSTALLING)   /* image check, last questions, switch */                             \
    X(REBOOT, REBOOTING)                                                                           \
    X(TRIAL, TRIAL)                                                                                \
    X(DONE, DONE)                                                                                  \
    X(ROLLED_BACK, ROLLED_BACK)                                                                    \
    X(REJECTED, REJECTED)                                                                          \
    X(ABORTED, ABORTED)                                                                            \
    X(EXPIRED, EXPIRED)                                                                            \
    X(FAILED, FAILED)

enum ota_state {
#define X(name, report) OTA_##name,
    OTA_STATE_MAP(X)
#undef X
        OTA_STATE_COUNT
};

/* ---- events -------------------------------------------------------------------------------- */

struct ota_time {
    uint64_t mono_ms; /* since some moment of this boot; never goes back */
    uint64_t unix_s;  /* UTC; only looked at when trusted */
    bool trusted;     /* from NTP or as good: an order's expiry may be judged by it */
};

/* What the boot record of the *other* slot says. */
enum ota_passive {
    OTA_PASSIVE_NONE,    /* nothing, or it is older than the running slot's */
    OTA_PASSIVE_GIVEN_UP /* it was chosen after the running one, and is not what runs: marked
                            INVALID or ABORTED, or found unbootable */
};

/* Facts of this start. Texts and arrays are copied. */
struct ota_boot {
    enum reset_reason reset;         /* why the last run ended */
    bool on_probation;               /* the running image is PENDING_VERIFY */
    enum ota_passive passive;        /* for ESP-IDF: from the two otadata entries */
    uint8_t image[PROTO_SHA256_LEN]; /* SHA-256 of the running image file: size as released */
    const char *version;             /* of the running image, SemVer */
    const char *boot_id;             /* 16 hex digits, random per boot, as in status */
    uint32_t security_floor;         /* kept in hardware (eFuse); 0 when there is no such thing */
    uint32_t factory_seq;            /* `seq` of the release that the factory flashed; 0: not known.
                                        Looked at until the first commit */
};

/* A message on <root>/<id>/commands/<verb>. */
struct ota_command {
    enum verb verb; /* from the topic */
    const char *body;
    size_t len;
};

/* The application tested itself: every sensor answers, and so on. */
struct ota_self_test {
    bool ok;
    const char *detail; /* what failed, for a person; up to 60 characters are kept. NULL: nothing */
};

enum ota_event_kind {
    OTA_EV_BOOT,         /* .boot: once, first */
    OTA_EV_TICK,         /* nothing but time */
    OTA_EV_COMMAND,      /* .command: verbs update and abort; the others: ota_agent_check_order() */
    OTA_EV_NETWORK_UP,   /* the device has an address */
    OTA_EV_NETWORK_DOWN, /* and lost it */
    OTA_EV_BROKER_UP,    /* CONNACK received; implies NETWORK_UP */
    OTA_EV_BROKER_DOWN,
    OTA_EV_REPORT_ACKED, /* .acked_n: the broker's PUBACK for the report with that n */
    OTA_EV_SELF_TEST,    /* .self_test: may be sent at each boot; matters on probation */
    OTA_EV_COUNT
};

struct ota_event {
    enum ota_event_kind kind;
    struct ota_time now;
    union {
        struct ota_boot boot;
        struct ota_command command;
        uint32_t acked_n;
        struct ota_self_test self_test;
    };
};

/* ---- configuration ------------------------------------------------------------------------- */

/* Everything is the caller's and must outlive the agent; the keyset may be changed between calls.
 * A number that is 0 takes the default. */
struct ota_config {
    const char *id;      /* device id */
    const char *fleet;   /* "": the keyset's */
    const char *product; /* what it is */
    const char *hw;
    const struct keyset *keyset;
    const char *url;   /* NULL or "": none. Base URL for orders that name none, or a folder of it */
    const char *hosts; /* which servers images may come from: see ota_host_is_allowed() */

    uint32_t min_speed;      /* [1000] bytes per second … */
    uint32_t speed_window;   /* [60] … over so many seconds */
    uint32_t deadline_s;     /* [86400] s from first connect to the last byte, pauses counted */
    uint32_t backoff_ms;     /* [1000] first back-off; doubles, drawn from 0 to it (full jitter) */
    uint32_t backoff_max_s;  /* [900] */
    uint32_t gate_retry_s;   /* [60] ask may_proceed() again */
    uint32_t trial_s;        /* [300] when the order does not say */
    uint32_t trial_grace_s;  /* [180] beyond `trial` for network, broker and acknowledgement */
    uint32_t reboot_wait_ms; /* [3000] at most, for the broker to acknowledge `rebooting` */
    uint32_t net_lost_s;   /* [120] after a rollback for want of a broker: when the old image needs
                              longer than this to reach it too, it was the network's fault */
    uint32_t crash_limit;  /* [5] an image that was found good and then crashes (panic, watchdog) so
                              often in a row is left for the earlier one */
    uint32_t crash_calm_s; /* [600] a run of so long ends the row */
};

struct ota_agent;

/* `port` and `cfg` must outlive the agent. Asserts that every slot of the port is there. */
void ota_agent_init(struct ota_agent *agent, const struct ota_port *port,
                    const struct ota_config *cfg);

/*
 * Take in one event. Everything that follows from it has been done when this returns: records are
 * written, reports handed over. The answer is REASON_NONE, or for OTA_EV_COMMAND why the order was
 * refused (which the report says too); a repeated delivery of an order that is known is NONE and
 * does nothing. REASON_UNSUPPORTED: the event means nothing in this state, nothing changed.
 * After OTA_EV_BOOT REASON_RECORD_IO: records could not be read. Rather than let counters go back
 * the agent then refuses orders, writes nothing and reports nothing until the next boot.
 */
enum reason ota_agent_handle(struct ota_agent *agent, const struct ota_event *ev);

/*
 * Check a command of any verb but update and abort, which are refused as UNSUPPORTED here: size,
 * envelope, signature, strict form, fleet, device, replay in its class, time. On REASON_NONE *out
 * is the order, valid until the next call into the agent, and its `seq` is on flash already: it
 * will never be accepted again, so carry it out; but for `config`, `renew` and `rollback`, see
 * ota_agent_count_order(). An
 * `identify` without a signed order is accepted with an *out that has only the verb. Else
 * BAD_ORDER, BAD_CONFIG, BAD_SIGNATURE, UNKNOWN_KEY, REVOKED_KEY, WRONG_FLEET, WRONG_DEVICE,
 * REPLAY, EXPIRED, NOT_YET, RECORD_IO. `ev` is an OTA_EV_COMMAND. (`keys`: the keyset beside the
 * order is not looked at here.)
 */
enum reason ota_agent_check_order(struct ota_agent *agent, const struct ota_event *ev,
                                  const struct order **out);

/*
 * The `config` or `renew` order that ota_agent_check_order() has just handed back is carried out,
 * or is one that never can be: count it as used. In this order, because doing it twice does no
 * harm, while an order counted first would be lost, and called a replay when it is delivered again,
 * if power went between the two. NONE; RECORD_IO: not counted.
 */
enum reason ota_agent_count_order(struct ota_agent *agent);

/*
 * Carry out the `rollback` order that ota_agent_check_order() has just handed back: to the image
 * that ran before the last commit, if it still is in the other slot, whole, and not below the
 * security floor. On probation: give the trial of the named rollout up. REASON_NONE: it is under
 * way, reports say the rest (installing, rebooting, trial, then the end rolled_back with reason
 * aborted_by_operator; or failed with rollback_failed, and the device goes on as it is).
 * It is on flash before its number is, and counts it. Else nothing has changed: BUSY (an update or
 * rollback is under way), NO_WAY_BACK, IMAGE_INVALID, SECURITY_DOWNGRADE, FLASH_READ, NO_ROLLOUT
 * (the trial is of another one), UNSUPPORTED.
 */
enum reason ota_agent_rollback(struct ota_agent *agent);

/*
 * May an image be fetched from there? `url` is a base URL. `hosts` is a list with commas between:
 * "gw.example.org" (any port of it), "gw.example.org:8443" (that one), compared letter by letter.
 * An empty list or NULL: the host of the device's own `base`, any port; and without that any host,
 * as TLS vouches for it. A redirect never leaves its host and port (http_open()), so what holds for
 * the order's URL holds for all that follows.
 */
bool ota_host_is_allowed(const char *hosts, const char *base, const char *url);

/*
 * For who starts the program and sees it die: a bootloader, or a program's first lines. An image
 * that was committed (`boot->on_probation` is false) and crashes before its agent gets
 * OTA_EV_BOOT counts nothing; once it has crashed that way some five times in a row, call this
 * instead of starting it again, with `boot` as it would get it. Goes back to the image before it by
 * the same rules as from a crash later on, whatever was under way: NONE, the other slot boots next.
 * Else it must go on as it is: NO_WAY_BACK (nothing good in the other slot), RECORD_IO. The earlier
 * image may not stay either, and power may go in its trial: then call it again, after twice as many
 * crashes each time, for each call wears the boot record. `agent` is scratch; of the port only
 * flash, what boots, records and the drawing of a number are asked, and reboot() may be, which then
 * need do nothing.
 */
enum reason ota_agent_leave(struct ota_agent *agent, const struct ota_port *port,
                            const struct ota_boot *boot);

/* Milliseconds after `mono_ms` at which the agent wants OTA_EV_TICK at the latest; 0: at once;
 * UINT32_MAX: not before something happens. Sooner does no harm: tick when the download's socket
 * becomes readable. */
uint32_t ota_agent_wants(const struct ota_agent *agent, uint64_t mono_ms);

enum ota_state ota_agent_state(const struct ota_agent *agent);
const char *ota_state_word(enum ota_state state); /* "DOWNLOAD"; never NULL */
bool ota_agent_on_trial(const struct ota_agent *agent);
/* An update is between acceptance and its end: a good time not to reboot. */
bool ota_agent_is_active(const struct ota_agent *agent);
/* For status: `release_seq` of what runs (0: not known), and security floor. */
uint32_t ota_agent_release_seq(const struct ota_agent *agent);
uint32_t ota_agent_security(const struct ota_agent *agent);

/* ---- the agent's memory: private, here so that the caller can place it ---------------------- */

enum { OTA_DETAIL_MAX = 64 };

/* What must survive a reset: the update. Kept as a record; record.c has its form on flash. */
struct ota_job {
    uint8_t phase;   /* enum ota_phase */
    uint8_t end;     /* enum ota_state, once phase is ENDED */
    uint8_t flags;   /* enum ota_job_flag */
    uint8_t starts;  /* of the new image on probation */
    uint16_t reason; /* enum reason: of the end, or of the trial's failure */
    uint32_t size;
    uint32_t release_seq, security;
    uint32_t order_seq, attempt, jitter, trial;
    uint64_t nbf, exp;
    uint64_t receipt;      /* Unix s of the first receipt; 0: the clock was not trusted yet */
    uint32_t from_seq;     /* `seq` of the release that from_image is */
    uint32_t signed_by[2]; /* ends of the kids that signed order and release; 0: not known */
    uint8_t sha256[PROTO_SHA256_LEN];       /* the image to get */
    uint8_t order_digest[PROTO_SHA256_LEN]; /* of the order JWS; zero: not to be recognised */
    uint8_t from_image[PROTO_SHA256_LEN];   /* what ran when the order came */
    char rollout[PROTO_ROLLOUT_MAX];
    char url[PROTO_URL_MAX];
    char from[PROTO_VERSION_MAX], to[PROTO_VERSION_MAX];
    char detail[OTA_DETAIL_MAX];
};

struct ota_counters {
    uint32_t order_seq[VERB_CLASS_COUNT];
    uint32_t release_seq, security; /* floors: only a commit raises them */
    uint32_t n;                     /* no report has had an n above this one */
    uint32_t prev_seq;              /* `seq` of the release that prev_image is */
    uint32_t heal;   /* once the keyset of this version is in use, order_seq begins anew; 0: no */
    uint8_t crashes; /* in a row, of a committed image; bounded by cfg.crash_limit */
    uint8_t image[PROTO_SHA256_LEN];      /* the image that release_seq belongs to */
    uint8_t prev_image[PROTO_SHA256_LEN]; /* what ran before its commit; zero: not known */
};

/* How far the passive slot is filled, and with what. */
struct ota_progress {
    uint8_t image[8]; /* head of its digest */
    uint32_t got;     /* bytes in flash: a multiple of OTA_BLOCK, or the whole size */
    uint32_t spent_s; /* since the first connect */
    char etag[OTA_ETAG_MAX];
};

/* A record's two copies. */
struct ota_copies {
    uint32_t serial; /* of the newest good one; 0: there is none */
    uint8_t newest;  /* which of the two that is */
};

/* What is small and used everywhere comes first, here and in the structs above: a small processor
 * has short instructions for what is near the beginning. */
struct ota_agent {
    const struct ota_port *port;
    const struct ota_config *cfg;
    enum ota_state state;

    bool booted, on_probation, network, broker, self_tested, test_failed;
    bool records_bad; /* could not be read at boot: orders are refused */
    bool job_unsaved; /* an end could not be written; tried again at each tick */
    bool unsaid;      /* the present state is not told yet */
    bool heard;       /* the broker has acknowledged it */
    bool slot_is_open, http_is_open, has_total, reading_back;
    uint8_t setbacks;     /* in a row, without a block in between */
    uint8_t refusals;     /* answers that will not get better, in a row */
    uint8_t restarts;     /* from zero, in this run */
    uint16_t why;         /* enum reason of a pause ... */
    uint32_t pause_ms;    /* and its length */
    uint16_t told_reason; /* enum reason: what the answer to told_digest was */

    /* Download. */
    uint32_t offset; /* bytes of the image so far, those in `block` included */
    uint32_t fill;   /* bytes in `block` */
    uint32_t keep;   /* bytes that were in flash when the slot was opened */
    uint32_t saved_spent_s;

    /* Reports. */
    uint32_t n;              /* of the last one */
    uint32_t first_n, own_n; /* first and last that told the present state; 0: none in this boot */

    struct ota_time now;
    uint64_t wake_ms;       /* next tick wanted; UINT64_MAX: none */
    uint64_t since_ms;      /* when this state was entered */
    uint64_t boot_ms;       /* when OTA_EV_BOOT came */
    uint64_t spent_ms;      /* up to when spent_s counts */
    uint64_t window_ms;     /* start of the minimum-speed window ... */
    uint32_t window_got;    /* ... and how far the download was then */
    uint64_t said_ms;       /* time of the last report */
    uint64_t moment_ms;     /* WAIT: when it is over, to the millisecond; 0: not known yet */
    uint8_t told_digest[8]; /* head of the digest of an order that was answered: once is enough */
    uint32_t factory_seq;
    uint32_t signed_by[2]; /* as in the job */

    struct ota_counters counters;
    struct ota_job job;
    struct ota_progress progress;
    struct ota_copies copies[3];
    uint8_t image[PROTO_SHA256_LEN];
    char version[PROTO_VERSION_MAX];
    char boot_id[PROTO_BOOT_MAX];

    /* Scratch, within one call: big things that would not fit the stack. `order` carries an
     * accepted order out of ota_agent_check_order(). `tmp`, which most
     * use, begins where a short offset reaches. */
    struct order order;
    union {
        uint8_t bytes[PROTO_RELEASE_BYTES * 3 / 4]; /* a JWS payload; a record on its way */
        struct ota_report report;
        struct ota_http_answer answer;
        char url[PROTO_URL_MAX + PROTO_SHA256_HEX];
    } tmp;
    struct release release;

    uint8_t block[OTA_BLOCK];
};

#endif
