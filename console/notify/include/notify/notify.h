#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include "base/err.h"
#include "base/log.h"
#include "base/profile.h"
#include "notify/words.h"
#include "store/outbox.h"
#include "store/store.h"
#include "web/web.h"

/*
 * Messages to people, by the sinks of the profile ([notify NAME]): a command, a webhook, a chat by
 * Telegram's Bot API. They wait in the journal's outbox (store/outbox.h) until they are delivered;
 * per sink one at a time, in their order. Only the process that leads calls notify_tick().
 *
 * Alerts come the same way: notify_post() with NOTIFY_ALERT or NOTIFY_CLEAR.
 *
 * A secret (a webhook's URL, a token) is in no log, error, argument or journal row.
 */
struct notify;

/* All outlive it. NULL and *err when a sink of the profile can't be used. */
struct notify *notify_new(const struct profile *profile, struct store *store, struct web *web,
                          const struct log *log, struct err *err);
/* NULL is fine. What is under way is dropped; it is delivered by whoever leads next. */
void notify_free(struct notify *n);

/* From now on every store_commit() of this process also writes what it is to tell. */
void notify_watch(struct notify *n);

/* For every sink that wants `facts->event`, in one transaction. 0, or -1 and *err. */
int notify_post(struct notify *n, const struct notify_facts *facts, struct err *err);

/* Start deliveries that are due, look after those under way. Cheap; at every turn of the loop. */
void notify_tick(struct notify *n, int64_t now_ms);
/* Something is under way: the loop should turn every 100 ms. */
bool notify_is_busy(const struct notify *n);

/* Nothing waits in the outbox for a sink of the profile. */
bool notify_is_empty(struct notify *n);

/* A test message to one sink, past the outbox; waits for its end. 0, or -1 and *err (EXIT_USAGE: no
 * such sink; EXIT_REACH: what came back). */
int notify_test(const struct profile *profile, const char *sink, int64_t now_ms, struct err *err);

/* What a profile's [notify NAME] lacks. 0, or -1 and *err. */
int notify_check(const struct profile_notify *sink, struct err *err);

#endif
