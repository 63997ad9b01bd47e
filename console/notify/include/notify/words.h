#ifndef NOTIFY_WORDS_H
#define NOTIFY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What a notification says and when it is tried again. Pure: no clock, no I/O. Delivery is
 * notify/notify.h.
 */

/* X(NAME, "word", told by default). The words are those of `on = …` in the profile, and "event" in
 * the JSON. Append only: they lie in the journal. */
#define NOTIFY_EVENT_MAP(X)                                                                        \
    X(START, "start", true)                                                                        \
    X(HOLD, "hold", true)         /* a stage is through and its gate does not open */              \
    X(APPROVAL, "approval", true) /* a stage waits for a person */                                 \
    X(PAUSE, "pause", false)                                                                       \
    X(RESUME, "resume", false)                                                                     \
    X(STOP, "stop", true) /* by itself */                                                          \
    X(ABORT, "abort", true)                                                                        \
    X(ABORTED, "aborted", true) /* everybody has answered, or the deadline is over */              \
    X(DONE, "done", true)                                                                          \
    X(ALERT, "alert", true)                                                                        \
    X(CLEAR, "clear", false) /* an alert is over */                                                \
    X(TEST, "test", true)

enum notify_event {
#define X(name, word, told) NOTIFY_##name,
    NOTIFY_EVENT_MAP(X)
#undef X
        NOTIFY_EVENTS
};

const char *notify_event_word(enum notify_event event);
/* "start, hold,stop" or "all" → a mask of 1 << event; an empty text is the default. 0, or -1 and
 * *err that names the word and lists those there are. */
int notify_mask(const char *text, uint32_t *mask, struct err *err);

#define NOTIFY_TEXT_MAX 400
#define NOTIFY_BODY_MAX 2048

/* Texts are cleaned by notify_write(); NULL is "". */
struct notify_facts {
    enum notify_event event;
    int64_t ts_ms;
    const char *fleet;
    const char *rollout; /* or "" */
    const char *release; /* "weather@1.4.0", or "" */
    const char *stage;   /* the present stage's name, or "" */
    uint32_t stage_number, stages;
    const char *subject;      /* of an alert: device or rule; or "" */
    const char *rule, *level; /* of an alert: its rule, "info" "warn" "crit"; or "" */
    const char *why;          /* what stopped it, what is missing, what the alert says; may be "" */
    uint32_t devices, done, failed;
};
/* One line for people ("r-1 has stopped: 4 of 10 failed …"), and the same as a JSON object. Both
 * always fit: over-long texts are cut. */
void notify_write(const struct notify_facts *facts, char text[NOTIFY_TEXT_MAX],
                  char body[NOTIFY_BODY_MAX]);

/* --- When to try again --- */

#define NOTIFY_FIRST_MS   5000
#define NOTIFY_LONGEST_MS 900000    /* between two attempts */
#define NOTIFY_AGE_MS     259200000 /* three days: then it is old news and dropped */
#define NOTIFY_ATTEMPTS   300
#define NOTIFY_REFUSALS   4 /* attempts that a sink may refuse for good ("no such chat") */

/* Until attempt `failed` + 1: doubled from NOTIFY_FIRST_MS to NOTIFY_LONGEST_MS, of which half is
 * by chance (`random`: any number), and at least what the sink asked for. */
int64_t notify_delay_ms(uint32_t failed, uint32_t random, uint32_t retry_after_s);

enum notify_outcome {
    NOTIFY_DELIVERED,
    NOTIFY_AGAIN,  /* no answer, too busy: may pass */
    NOTIFY_REFUSED /* it will say the same tomorrow */
};
/* Of an HTTP status; 0 is no answer. */
enum notify_outcome notify_outcome_of(int status);

/* Is a message that has just failed for the `failed`-th time to be given up? NULL: no; else why, in
 * words. */
const char *notify_give_up(enum notify_outcome outcome, uint32_t failed, int64_t age_ms);

#endif
