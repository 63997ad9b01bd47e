#ifndef OTA_INTERNAL_H
#define OTA_INTERNAL_H

#include "ota/agent.h"

/* Where an update is, as flash remembers it. The numbers are kept in records: append only. */
enum ota_phase {
    PHASE_NONE = 0,
    PHASE_WAITING =
        1, /* accepted, also a way back; how far the download is says the progress record */
    PHASE_SWITCHING = 2, /* written before boot_switch() */
    PHASE_TRIAL = 3,     /* written by the new image, or by the agent giving it up */
    PHASE_ENDED = 4
};

/* Kept in records: append only. */
enum ota_job_flag {
    JOB_ACKED = 1,     /* the broker has the report of the end */
    JOB_RETRIED = 2,   /* power was lost in the trial: this is the second try */
    JOB_UNFIT = 4,     /* the trial failed, `reason` says why; going back */
    JOB_UNSETTLED = 8, /* rolled back for want of a broker: whose fault is not known yet */
    JOB_BACK = 16,     /* no update: back to the earlier image, which is in the other slot */
    JOB_LOOPED = 32    /* and not by order, but because this one kept crashing */
};

/* What an action found. OK and FAIL are the table's columns; the others are raised as an event. */
enum outcome {
    OUT_OK,
    OUT_FAIL,
    OUT_STAY,
    OUT_SETBACK,  /* later: why and pause_ms are set */
    OUT_RESTART,  /* what is in the slot is of no use: from zero */
    OUT_COMPLETE, /* the whole image is in flash */
    OUT_EXPIRED
};

typedef enum outcome action_fn(struct ota_agent *a);

enum {
    MS = 1000, /* in a second */
    POLL_MS = 50,
    STEP_BYTES = 65536, /* progress is journalled once per so many */
    RESTARTS_MAX = 3,
    REFUSALS_MAX = 5,
    STARTS_MAX = 3,
    CONNECT_S = 60
};
#define NEVER UINT64_MAX

/* ---- record.c ------------------------------------------------------------------------------ */

/* Read all three. RECORD_IO if any copy could not be read; what is good is used all the same. */
enum reason records_load(struct ota_agent *a);
/* These use a->tmp. */
enum reason counters_save(struct ota_agent *a);
enum reason job_save(struct ota_agent *a);
enum reason progress_save(struct ota_agent *a);
/* Read a record, of at most OTA_RECORD_MAX bytes, in three tries. */
enum reason record_read(const struct ota_port *port, enum ota_record id, uint8_t *data,
                        size_t *len);
/* Any record: form (1)  kind (1)  serial (4)  what it says  CRC-32 of all before (4). */
enum { RECORD_HEAD = 6, RECORD_CRC = 4 };
/* Head and CRC around what is there from RECORD_HEAD to `len`. The length in all. */
size_t record_seal(uint8_t *data, size_t len, uint8_t kind, uint32_t serial);
/* Its serial number; 0: it is not a record of this kind, or damaged. */
uint32_t record_serial(const uint8_t *data, size_t len, uint8_t kind);
void record_put_u32(uint8_t *to, uint32_t value); /* little-endian */
uint32_t record_get_u32(const uint8_t *from);

/* ---- check.c ------------------------------------------------------------------------------- */

/*
 * Checks of an order by itself, into a->order. `*authentic` tells whether its signature held, so
 * that its rollout may be named. `*digest` is the head of the digest of its JWS.
 */
enum reason check_order(struct ota_agent *a, const struct ota_command *cmd, bool *authentic);
/* Checks of the release that came with the good order in a->order, into a->release. */
enum reason check_release(struct ota_agent *a, const struct ota_command *cmd);
/* Is this the order the job came from? */
bool order_is_known(const struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN]);
/* Digest of the order in a command's body; BAD_ORDER. */
enum reason order_digest(struct ota_agent *a, const struct ota_command *cmd,
                         uint8_t digest[PROTO_SHA256_LEN]);

/* ---- keys.c -------------------------------------------------------------------------------- */

/* If the keyset that counters.heal waits for is in use: forget the numbers that were used before
 * it. */
void heal_counters(struct ota_agent *a);

/* ---- hosts.c ------------------------------------------------------------------------------- */

/* Where an order that says `url` sends the device: the base URL, to tmp.url. NONE, or
 * HOST_NOT_ALLOWED: not there, or `url` is relative and the device has nothing it is relative to,
 * or nothing that leaves room for it. */
enum reason address(struct ota_agent *a, const char *url);

/* ---- agent.c ------------------------------------------------------------------------------- */

/* ota_agent_init() without a look at what it is given. */
void agent_begin(struct ota_agent *a, const struct ota_port *p, const struct ota_config *cfg);

/* The job of an end to flash; if it can't be, again at the next tick. */
void save_end(struct ota_agent *a);

/* Count the order in a->order as used, on flash, before anything is done about it. */
enum reason order_use_up(struct ota_agent *a);

/* ---- report.c ------------------------------------------------------------------------------ */

/* Tell the present state, or leave `unsaid` set. */
void say_state(struct ota_agent *a);
/* Tell of something that is not the present state: nothing is remembered of it. False: not now. */
bool say_once(struct ota_agent *a, enum ota_report_state state, enum reason reason,
              const char *rollout, uint32_t attempt, const char *detail);
enum ota_report_state report_state(enum ota_state state);

/* ---- wait.c, fetch.c, install.c, trial.c: actions ------------------------------------------ */

action_fn act_take, act_replace, act_schedule, act_there, act_wait, act_abort, act_expire;
action_fn act_pause, act_resume, act_open, act_connect, act_download, act_restart;
action_fn act_seal, act_verify, act_install, act_reboot;
action_fn act_trial, act_give_up;
action_fn act_back, act_returned;
action_fn act_idle;

/* Choose the other slot for the next start, which flash knows before. */
enum reason switch_over(struct ota_agent *a);
/* What a start finds: sets state, job and the rest. */
void boot_resolve(struct ota_agent *a, const struct ota_boot *boot);
enum outcome unfit(struct ota_agent *a, enum reason reason, const char *detail);
/* Append a word to a text, after a blank. */
void text_add(char *out, size_t cap, const char *text);

/* ---- back.c ---------------------------------------------------------------------------------- */

/* INSTALL of a job that is JOB_BACK: look at the earlier image once more, switch. */
enum outcome back_install(struct ota_agent *a);
/* The earlier image ran and did not stay. */
void back_failed(struct ota_agent *a, enum reason reason);
/* At each start that does not follow a switch (that crash was another image's), after
 * boot_resolve(): count crashes. True: there were too many, and the state is
 * INSTALL now, with a job that goes back. */
bool crashed_too_often(struct ota_agent *a, enum reset_reason reset);
/* When a row of crashes ends; NEVER: there is none. */
uint64_t calm_at_ms(const struct ota_agent *a);

/* Broker reached after a rollback: was it the image or the network? */
void settle_net_lost(struct ota_agent *a);
bool trial_is_proved(const struct ota_agent *a);
/* "boot, self-test, network": what the trial has seen so far. Returns `out`. */
void trial_steps(const struct ota_agent *a, char *out, size_t cap);

/* ---- shared bits ---------------------------------------------------------------------------- */

/* Is that the digest of what runs? */
bool runs(const struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN]);
void copy_digest(uint8_t to[PROTO_SHA256_LEN], const uint8_t from[PROTO_SHA256_LEN]);
bool is_zero_digest(const uint8_t digest[PROTO_SHA256_LEN]);
uint32_t or_default(uint32_t value, uint32_t fallback);
/* Bounded copy with NUL; cuts what is too long. */
void copy_text(char *out, size_t cap, const char *text);
/* What the report of this job says beside its reason; NULL: nothing. */
void set_detail(struct ota_agent *a, const char *text);
/* The next tick is wanted in so many ms. */
void wake_in(struct ota_agent *a, uint32_t ms);
/* `s` seconds after. */
uint64_t later(uint64_t mono_ms, uint32_t s);
bool is_past(const struct ota_agent *a, uint64_t mono_ms);
static inline bool is_end(enum ota_state state)
{
    return state >= OTA_DONE;
}
/* Unix time at which the job may start downloading; 0 while the first receipt has no date. */
uint64_t job_start_s(const struct ota_agent *a);
uint32_t job_delay_s(const struct ota_agent *a);
bool job_is_expired(const struct ota_agent *a);
/* Has a key that signed the job's order or release been revoked since? */
bool job_is_revoked(const struct ota_agent *a);
/* Does the progress record speak of this job's image? */
bool progress_is_ours(const struct ota_agent *a);
/* Hash the slot from a->offset on, a call's worth of it; OK at `end`. */
enum outcome hash_flash(struct ota_agent *a, uint32_t end);
enum outcome fail(struct ota_agent *a, enum reason reason); /* OUT_FAIL, for this reason */
enum outcome hold(struct ota_agent *a, enum reason reason, uint32_t pause_ms);
/* hold() for as long as it takes after so many in a row, by chance. */
enum outcome setback(struct ota_agent *a, enum reason reason);
/* Ask the application. */
enum reason ask(struct ota_agent *a, enum ota_gate gate);
/* The same, and hold() if it says not now. */
enum outcome ask_or_hold(struct ota_agent *a, enum ota_gate gate);
uint32_t gate_retry_ms(const struct ota_agent *a);

#endif
