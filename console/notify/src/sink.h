#ifndef NOTIFY_SINK_H
#define NOTIFY_SINK_H

/* One sink: what is sent to it and what its answer means. */
#include <sys/types.h>

#include "notify/notify.h"

#define SINK_HTTP_MS    15000
#define SINK_COMMAND_MS 30000
#define SINK_TOKEN_MAX  256
#define SINK_WHY_MAX    160

enum sink_kind { SINK_COMMAND, SINK_WEBHOOK, SINK_TELEGRAM };
/* 0, or -1. */
int sink_kind_of(const char *word, enum sink_kind *out);

/* A request and the memory its texts lie in. Wipe it with sink_request_wipe() when it was started.
 */
struct sink_request {
    struct web_request web;
    char url[WEB_URL_MAX], auth[SINK_TOKEN_MAX + 32], key[64];
    char body[NOTIFY_BODY_MAX + 512];
};
/* `key`: the same for every attempt at a message, so that a receiver can tell a repetition. 0, or
 * -1 and *err, without the secret (token file unreadable …). */
int sink_request(const struct profile_notify *p, enum sink_kind kind, const char *text,
                 const char *body, const char *key, struct sink_request *out, struct err *err);
void sink_request_wipe(struct sink_request *q);

/* How it went; `why` in words without secrets. Telegram's own words, cleaned, where it has some. */
struct sink_result {
    enum notify_outcome outcome;
    char why[SINK_WHY_MAX];
    uint32_t retry_after_s;
};
void sink_result_of(enum sink_kind kind, const struct web_answer *a, struct sink_result *out);

/*
 * Start the sink's command by /bin/sh: the JSON on its stdin, the text and event in MUSTER_TEXT and
 * MUSTER_EVENT, no output, a process group of its own. Its pid, or -1 and *err.
 */
pid_t command_start(const char *command, const char *event, const char *text, const char *body,
                    struct err *err);
/* 1 when it has ended (then *result is set), 0 while it runs. */
int command_look(pid_t pid, struct sink_result *result);
/* End it and what it started, now. */
void command_kill(pid_t pid);

#endif
