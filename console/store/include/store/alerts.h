#ifndef STORE_ALERTS_H
#define STORE_ALERTS_H

#include "store/store.h"

/*
 * Alerts and silences in the journal. Whoever leads writes what fired and cleared; anybody
 * acknowledges and silences, which is audited. Kept: what is firing, and the newest
 * STORE_ALERTS_KEPT that cleared.
 */
#define STORE_ALERTS_KEPT 20000

struct store_alert {
    char rule[33];
    char subject[PROTO_ID_MAX]; /* device or rollout */
    char level[8];
    char text[160];
    int64_t since_ms, fired_ms;
    int64_t cleared_ms; /* 0: fires */
    char ack_who[65];   /* empty: nobody has seen it */
    int64_t ack_ms;
};

/* It fires from now on. 0, 1 when that rule fires for that subject already, -1. */
int store_alert_fired(struct store *s, const struct store_alert *alert, struct err *err);
/*
 * Many in one transaction, as a site that goes dark brings them: one with cleared_ms is over, one
 * without fires. fresh[i] tells whether that was news. 0, or -1 and nothing was kept.
 */
int store_alerts_put(struct store *s, const struct store_alert *alert, size_t count, bool *fresh,
                     struct err *err);
/* Nothing happens when it does not fire. */
int store_alert_cleared(struct store *s, const char *rule, const char *subject, int64_t now_ms,
                        struct err *err);
/* Audited. 0, 1 when no such alert fires, -1. */
int store_alert_ack(struct store *s, const char *rule, const char *subject, const char *who,
                    int64_t now_ms, struct err *err);
/* Firing ones, newest first. How many, or -1. */
int store_alert_open(struct store *s, struct store_alert *out, size_t cap, struct err *err);
/* All that fired at or after `since_ms`, newest first. How many, or -1. */
int store_alert_list(struct store *s, int64_t since_ms, struct store_alert *out, size_t cap,
                     struct err *err);

struct store_silence {
    int64_t id;
    char rule[33];    /* empty: every rule */
    char target[256]; /* filter; empty: everything */
    char who[65];
    char reason[121];
    int64_t made_ms, until_ms;
};
/* In force at a time; one more is refused, because nobody would see that it isn't. */
#define STORE_SILENCES 64
/* Audited. *id gets its number. 0, or -1. */
int store_silence_add(struct store *s, const struct store_silence *silence, int64_t *id,
                      struct err *err);
/* Ends it now; audited. 0, 1 when none of that number is in force, -1. */
int store_silence_end(struct store *s, int64_t id, const char *who, int64_t now_ms,
                      struct err *err);
/* Those in force at `now_ms`. How many, or -1. */
int store_silence_list(struct store *s, int64_t now_ms, struct store_silence *out, size_t cap,
                       struct err *err);

/* Changes when alerts or silences were changed by anybody, this process too. */
int store_alerts_version(struct store *s, int64_t *version, struct err *err);

#endif
