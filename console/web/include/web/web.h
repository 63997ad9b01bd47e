#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * HTTP requests from a poll loop: the only folder of the console that knows libcurl. Nothing here
 * waits but web_fetch(). Everything happens on the caller's thread, inside web_run(); a name is
 * resolved by libcurl's own resolver, which does not block.
 *
 *     size_t n = web_fds(w, fds, WEB_FDS);
 *     poll(fds, n, web_wait_ms(w));
 *     web_run(w, fds, n);              callbacks come from here
 *
 * http and https only; redirects are not followed (what a request carries is for one host). TLS 1.2
 * at least, certificate and host name are always checked.
 */
struct web;

#define WEB_REQUESTS    16     /* at a time */
#define WEB_FDS         32     /* sockets they may have open */
#define WEB_HEADERS     8      /* of a request */
#define WEB_URL_MAX     2048   /* bytes, with the terminator */
#define WEB_SENT_MAX    262144 /* bytes of a request's body */
#define WEB_ANSWER_MAX  65536  /* bytes of an answer's body, unless the request says otherwise */
#define WEB_ERROR_MAX   256
#define WEB_TIMEOUT_MAX 600000 /* ms */

/* All texts are copied by web_start(); NULL where "may be NULL". */
struct web_request {
    const char *method; /* "GET", "POST", "PUT" … */
    const char *url;
    const char *header[WEB_HEADERS]; /* "Name: value"; the first NULL ends them */
    const void *body;                /* may be NULL with len 0 */
    size_t len;
    const char *ca;         /* PEM file of authorities; NULL: the system's */
    const char *cert, *key; /* PEM files; NULL: none */
    int timeout_ms;         /* for the whole exchange, 1 to WEB_TIMEOUT_MAX */
    size_t answer_max;      /* bytes of body that are kept; more is an error. 0: WEB_ANSWER_MAX */
    bool direct;            /* never by a proxy (else http_proxy, https_proxy, no_proxy count) */
};

/* Valid during the callback only. */
struct web_answer {
    int status;        /* of HTTP; 0 when there was no answer */
    const char *error; /* NULL when an answer came whole, whatever its status; else one line for
                          people, without URL, headers or body of the request: those hold secrets */
    const char *body;  /* terminated, may hold NULs; "" on errors */
    size_t len;
    int64_t date_s;         /* the Date header as Unix s; 0 without one */
    uint32_t retry_after_s; /* the Retry-After header when it is a number; else 0 */
};

/* Called once for each started request, from web_run(); it may start others. */
typedef void web_done_fn(void *ctx, const struct web_answer *answer);

struct web *web_new(void);
/* NULL is fine. Requests under way are dropped without a callback. */
void web_free(struct web *w);

/* 0, or -1 and *err: too many at a time (EXIT_REFUSED), or a request that can't be made
 * (EXIT_USAGE). No callback comes after -1. */
int web_start(struct web *w, const struct web_request *request, web_done_fn *done, void *ctx,
              struct err *err);

/* What to poll for; at most `cap` (use WEB_FDS) are written. */
size_t web_fds(const struct web *w, struct pollfd *out, size_t cap);
/* ms until web_run() has something to do without a socket's word; -1: never. */
int web_wait_ms(const struct web *w);
/* After poll(): `fds` as web_fds() gave them, with their revents. */
void web_run(struct web *w, const struct pollfd *fds, size_t count);
size_t web_pending(const struct web *w);

/* For a command that has nothing else to do: waits for the answer, gives it to `done`. 0 when there
 * was one (of any status), or -1 and *err with its error text (EXIT_REACH). */
int web_fetch(const struct web_request *request, web_done_fn *done, void *ctx, struct err *err);

#endif
