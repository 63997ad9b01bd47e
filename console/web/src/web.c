#include "web/web.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

enum { CONNECTIONS_KEPT = 8 };

struct exchange {
    CURL *easy; /* NULL: free */
    struct curl_slist *header;
    char *body; /* of the answer */
    size_t len, cap, max;
    bool too_long;
    int64_t date_s;
    uint32_t retry_after_s;
    char error[CURL_ERROR_SIZE];
    web_done_fn *done;
    void *ctx;
};

struct web {
    CURLM *multi;
    struct exchange exchange[WEB_REQUESTS];
    size_t pending;
    struct pollfd fd[WEB_FDS];
    size_t fd_count;
    int64_t due_ms; /* on the monotonic clock; -1: none */
};

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- what libcurl asks for
 * ------------------------------------------------------------------------------------- */

static short events_of(int what)
{
    return (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
}

/* A request has two at most: libcurl tries IPv6 and IPv4 side by side. */
static int on_socket(CURL *easy, curl_socket_t s, int what, void *ctx, void *socket_ctx)
{
    struct web *w = ctx;
    size_t i = 0;

    (void)easy;
    (void)socket_ctx;
    while (i < w->fd_count && w->fd[i].fd != s)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < w->fd_count)
            w->fd[i] = w->fd[--w->fd_count];
        return 0;
    }
    if (i == w->fd_count) {
        if (i == WEB_FDS)
            return 0;
        w->fd_count++;
    }
    w->fd[i] = (struct pollfd){ .fd = s, .events = events_of(what) };
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct web *w = ctx;

    (void)multi;
    w->due_ms = timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms;
    return 0;
}

/* The console starts programs: they get none of our sockets. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)ctx;
    (void)purpose;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * count;

    if (len > x->max - x->len) {
        x->too_long = true;
        return 0; /* ends the exchange */
    }
    if (x->len + len + 1 > x->cap) {
        x->cap = (x->len + len + 1) * 2;
        x->body = mem_grow(x->body, x->cap, 1);
    }
    memcpy(x->body + x->len, data, len);
    x->len += len;
    x->body[x->len] = '\0';
    return len;
}

/* The value of the header `name`, when this line is it; false otherwise. */
static bool header_is(const char *line, const char *name, const char **value)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return false;
    *value = line + len + 1 + strspn(line + len + 1, " \t");
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * count;
    char line[128];
    const char *value;
    uint64_t seconds;

    if (!text_copy_n(line, sizeof(line), data, len))
        return len;
    line[strcspn(line, "\r\n")] = '\0';
    if (header_is(line, "Date", &value)) {
        time_t t = curl_getdate(value, NULL);
        x->date_s = t > 0 ? t : 0;
    } else if (header_is(line, "Retry-After", &value) &&
               text_to_u64(value, 0, UINT32_MAX, &seconds))
        x->retry_after_s = (uint32_t)seconds;
    return len;
}

/* ---- a request
 * -------------------------------------------------------------------------------------------------
 */

static bool is_usable(const struct web_request *q, struct err *err)
{
    bool scheme = strncasecmp(q->url, "http://", 7) == 0 || strncasecmp(q->url, "https://", 8) == 0;

    if (!scheme)
        err_set(err, EXIT_USAGE, "a URL must begin with https:// or http://");
    else if (strlen(q->url) >= WEB_URL_MAX || q->len > WEB_SENT_MAX || q->timeout_ms < 1 ||
             q->timeout_ms > WEB_TIMEOUT_MAX)
        err_set(err, EXIT_USAGE, "a request's URL, body or time limit is too long");
    else
        return true;
    return false;
}

static struct exchange *free_slot(struct web *w)
{
    for (size_t i = 0; i < WEB_REQUESTS; i++) {
        if (!w->exchange[i].easy)
            return &w->exchange[i];
    }
    return NULL;
}

static void set_tls(CURL *c, const struct web_request *q)
{
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (q->ca && *q->ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, q->ca);
    if (q->cert && *q->cert)
        curl_easy_setopt(c, CURLOPT_SSLCERT, q->cert);
    if (q->key && *q->key)
        curl_easy_setopt(c, CURLOPT_SSLKEY, q->key);
}

static void set_body(CURL *c, const struct web_request *q)
{
    if (strcmp(q->method, "GET") == 0)
        return;
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->len);
    curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, q->len ? (const char *)q->body : "");
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
}

/* "Expect:" as an empty header takes out libcurl's question before a large body, which small
 * servers leave without an answer for a second. */
static void set_headers(struct exchange *x, const struct web_request *q)
{
    x->header = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < WEB_HEADERS && q->header[i]; i++)
        x->header = curl_slist_append(x->header, q->header[i]);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->header);
}

static void set_up(struct exchange *x, const struct web_request *q)
{
    CURL *c = x->easy;

    curl_easy_setopt(c, CURLOPT_URL, q->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_PRIVATE, x);
    if (q->direct)
        curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    set_tls(c, q);
    set_body(c, q);
    set_headers(x, q);
}

static void drop(struct web *w, struct exchange *x)
{
    curl_multi_remove_handle(w->multi, x->easy);
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->header);
    free(x->body);
    memset(x, 0, sizeof(*x));
    w->pending--;
}

int web_start(struct web *w, const struct web_request *q, web_done_fn *done, void *ctx,
              struct err *err)
{
    struct exchange *x = free_slot(w);

    if (!is_usable(q, err))
        return -1;
    if (!x)
        return err_set(err, EXIT_REFUSED, "%d requests are under way: try later", WEB_REQUESTS);
    x->easy = curl_easy_init();
    if (!x->easy)
        return err_set(err, EXIT_REFUSED, "out of memory for a request");
    x->max = q->answer_max ? q->answer_max : WEB_ANSWER_MAX;
    x->done = done;
    x->ctx = ctx;
    w->pending++;
    set_up(x, q);
    if (curl_multi_add_handle(w->multi, x->easy) != CURLM_OK) {
        drop(w, x);
        return err_set(err, EXIT_REFUSED, "libcurl did not take the request");
    }
    return 0;
}

/* ---- the loop
 * --------------------------------------------------------------------------------------------------
 */

static void error_text(const struct exchange *x, CURLcode rc, char out[WEB_ERROR_MAX])
{
    const char *said = x->error[0] ? x->error : curl_easy_strerror(rc);

    if (x->too_long)
        text_format(out, WEB_ERROR_MAX, "the answer is longer than %zu bytes", x->max);
    else
        text_clean(out, WEB_ERROR_MAX, said, strlen(said));
}

static void finish(struct web *w, struct exchange *x, CURLcode rc)
{
    char error[WEB_ERROR_MAX];
    struct exchange done = *x;
    struct web_answer a = { .body = "",
                            .date_s = done.date_s,
                            .retry_after_s = done.retry_after_s };
    long status = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    a.status = (int)status;
    error_text(x, rc, error);
    if (rc != CURLE_OK)
        a.error = error;
    else if (done.len > 0) {
        a.body = done.body;
        a.len = done.len;
    }
    x->body = NULL; /* the callback may start another in this slot */
    drop(w, x);
    done.done(done.ctx, &a);
    free(done.body);
}

static void collect(struct web *w)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(w->multi, &left))) {
        struct exchange *x = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        finish(w, x, rc);
    }
}

size_t web_fds(const struct web *w, struct pollfd *out, size_t cap)
{
    size_t n = w->fd_count < cap ? w->fd_count : cap;

    memcpy(out, w->fd, n * sizeof(*out));
    return n;
}

int web_wait_ms(const struct web *w)
{
    if (w->due_ms < 0)
        return -1;
    int64_t left = w->due_ms - monotonic_ms();
    return left < 0 ? 0 : left > WEB_TIMEOUT_MAX ? WEB_TIMEOUT_MAX : (int)left;
}

void web_run(struct web *w, const struct pollfd *fds, size_t count)
{
    int running;

    if (w->pending == 0 && w->fd_count == 0 && w->due_ms < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        int seen = (fds[i].revents & POLLIN ? CURL_CSELECT_IN : 0) |
                   (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (fds[i].revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
        if (seen)
            curl_multi_socket_action(w->multi, fds[i].fd, seen, &running);
    }
    if (w->due_ms >= 0 && w->due_ms <= monotonic_ms()) {
        w->due_ms = -1; /* libcurl sets the next one */
        curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect(w);
}

size_t web_pending(const struct web *w)
{
    return w->pending;
}

struct web *web_new(void)
{
    struct web *w = mem_alloc(sizeof(*w));

    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted by libcurl */
    w->due_ms = -1;
    w->multi = curl_multi_init();
    if (!w->multi) {
        curl_global_cleanup();
        free(w);
        return NULL;
    }
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return w;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < WEB_REQUESTS; i++) {
        if (w->exchange[i].easy)
            drop(w, &w->exchange[i]);
    }
    curl_multi_cleanup(w->multi);
    curl_global_cleanup();
    free(w);
}

/* ---- for commands
 * ---------------------------------------------------------------------------------------------- */

struct waiting {
    web_done_fn *done;
    void *ctx;
    struct err *err;
    int rc;
};

static void on_fetched(void *ctx, const struct web_answer *a)
{
    struct waiting *wait = ctx;

    if (a->error) {
        err_set(wait->err, EXIT_REACH, "%s", a->error);
        return;
    }
    wait->rc = 0;
    wait->done(wait->ctx, a);
}

int web_fetch(const struct web_request *request, web_done_fn *done, void *ctx, struct err *err)
{
    struct waiting wait = { done, ctx, err, -1 };
    struct pollfd fds[WEB_FDS];
    struct web *w = web_new();

    if (!w)
        return err_set(err, EXIT_REACH, "libcurl could not be started");
    if (web_start(w, request, on_fetched, &wait, err) == 0) {
        while (web_pending(w) > 0) {
            size_t n = web_fds(w, fds, WEB_FDS);
            if (poll(fds, (nfds_t)n, web_wait_ms(w)) < 0)
                n = 0;
            web_run(w, fds, n);
        }
    }
    web_free(w);
    return wait.rc;
}
