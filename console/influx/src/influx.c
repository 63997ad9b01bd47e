#include "influx/influx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "lines.h"
#include "queue.h"

enum { FIRST_WAIT_MS = 1000, TOKEN_MAX = 4096 };

struct influx {
    struct web *web;
    const struct log *log;
    char url[WEB_URL_MAX];
    char header[TOKEN_MAX + 32]; /* Authorization; "" without a token */
    char ca[PROFILE_PATH_MAX];
    char head[2 * PROFILE_TEXT_MAX]; /* the measurement, escaped */
    char tags[3 * PROFILE_TEXT_MAX];
    struct queue *queue;
    struct lines filling, sending;
    bool from_queue; /* what is being sent is the queue's oldest */
    bool busy;
    int64_t begun_ms, now_ms, retry_ms;
    bool said;
    struct influx_counters counters;
};

/* ---- settings ------------------------------------------------------------------------------- */

static void add_encoded(char *out, size_t cap, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t used = strlen(out);
    int n = snprintf(out + used, cap - used, "%s=", name);

    used += n > 0 ? (size_t)n : 0;
    for (; *value && used + 4 < cap; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out[used++] = (char)c;
        } else {
            out[used++] = '%';
            out[used++] = hex[c >> 4];
            out[used++] = hex[c & 15];
        }
    }
    out[used] = '\0';
}

static int make_url(struct influx *i, const struct profile *p, struct err *err)
{
    char base[PROFILE_TEXT_MAX];
    const char *bucket = *p->influx.bucket ? p->influx.bucket : p->influx.database;

    text_copy(base, sizeof(base), p->influx.url);
    for (size_t len = strlen(base); len && base[len - 1] == '/'; len--)
        base[len - 1] = '\0';
    if (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0)
        return err_set(err, EXIT_USAGE, "[influx] url wants http:// or https://, not '%s'", base);
    if (p->influx.version < 1 || p->influx.version > 3)
        return err_set(err, EXIT_USAGE, "[influx] version is 1, 2 or 3");
    if (p->influx.version == 1 ? !*p->influx.database : !*bucket)
        return err_set(err, EXIT_USAGE, "[influx] %s is missing",
                       p->influx.version == 1 ? "database" : "bucket");
    if (p->influx.version == 2 && !*p->influx.org)
        return err_set(err, EXIT_USAGE, "[influx] org is missing");
    snprintf(i->url, sizeof(i->url), "%s%s", base,
             p->influx.version == 1 ? "/write?precision=ms&" : "/api/v2/write?precision=ms&");
    if (p->influx.version == 1)
        add_encoded(i->url, sizeof(i->url), "db", p->influx.database);
    else
        add_encoded(i->url, sizeof(i->url), "bucket", bucket);
    if (p->influx.version == 2)
        add_encoded(i->url, sizeof(i->url), "&org", p->influx.org);
    return 0;
}

static void base64(const char *in, size_t len, char *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < len; at += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (at + k < len ? (uint8_t)in[at + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            *out++ = at + k <= len ? digit[v >> (18 - 6 * k) & 63] : '=';
    }
    *out = '\0';
}

/* Version 1 takes a name and a password, 2 and 3 a token. */
static int read_token(struct influx *i, const struct profile *p, struct err *err)
{
    char *text, coded[TOKEN_MAX];
    size_t len;

    if (!*p->influx.token_file)
        return 0;
    if (files_read(p->influx.token_file, TOKEN_MAX / 2, &text, &len, err))
        return err_prefix(err, "[influx] token_file");
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        text[--len] = '\0';
    base64(text, len, coded);
    bool fits = strlen(text) == len && !strpbrk(text, "\r\n") &&
                text_format(i->header, sizeof(i->header), "Authorization: %s %s",
                            p->influx.version == 1   ? "Basic"
                            : p->influx.version == 2 ? "Token"
                                                     : "Bearer",
                            p->influx.version == 1 ? coded : text);
    free(text);
    return fits ? 0 : err_set(err, EXIT_USAGE, "[influx] token_file: not one line of text");
}

static int open_queue(struct influx *i, const struct profile *p, struct err *err)
{
    char folder[PROFILE_PATH_MAX + 16];

    if (!*p->journal || !text_format(folder, sizeof(folder), "%s-influx", p->journal))
        return err_set(err, EXIT_USAGE, "[influx] needs [journal] path: what waits is kept there");
    i->queue = queue_open(folder, (uint64_t)p->influx.queue_mb << 20, err);
    return i->queue ? 0 : -1;
}

static int settings(struct influx *i, const struct profile *p, struct err *err)
{
    text_copy(i->ca, sizeof(i->ca), p->influx.ca);
    lines_escape(i->head, sizeof(i->head), p->influx.measurement, LINES_MEASUREMENT);
    return make_url(i, p, err) || read_token(i, p, err) ||
                   lines_tags(p->influx.tags, i->tags, sizeof(i->tags), err)
               ? -1
               : 0;
}

int influx_check(const struct profile *p, struct err *err)
{
    struct influx *i = mem_alloc(sizeof(*i));
    int rc = settings(i, p, err);
    free(i);
    return rc;
}

struct influx *influx_new(const struct profile *p, struct web *web, const struct log *log,
                          struct err *err)
{
    struct influx *i = mem_alloc(sizeof(*i));

    i->web = web;
    i->log = log;
    if (settings(i, p, err) || open_queue(i, p, err)) {
        influx_free(i);
        return NULL;
    }
    return i;
}

/* ---- queue ---------------------------------------------------------------------------------- */

static void keep(struct influx *i, const struct lines *l)
{
    struct err err;
    uint64_t dropped;

    if (!l->count)
        return;
    if (queue_push(i->queue, l->text, l->len, l->count, &dropped, &err)) {
        dropped += l->count;
        log_say(i->log, LOG_WARN, "%s: %u lines are lost", err.text, l->count);
    }
    i->counters.dropped += dropped;
}

void influx_free(struct influx *i)
{
    if (!i)
        return;
    if (i->queue) {
        if (i->busy && !i->from_queue)
            keep(i, &i->sending); /* sending it twice does no harm: the same points */
        lines_close(&i->filling);
        keep(i, &i->filling);
    }
    queue_close(i->queue);
    lines_free(&i->filling);
    lines_free(&i->sending);
    free(i);
}

void influx_add(struct influx *i, const char *device, const char *reading, int64_t t_ms,
                double value)
{
    uint32_t before = i->filling.count;

    if (i->filling.len >= INFLUX_BATCH_MAX) { /* between two ticks: rare */
        lines_close(&i->filling);
        keep(i, &i->filling);
        lines_clear(&i->filling);
        before = 0;
    }
    if (!i->filling.len)
        i->begun_ms = i->now_ms;
    lines_add(&i->filling, i->head, i->tags, device, reading, t_ms, value);
    i->counters.lines += i->filling.count - before;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* The server's own words, on one line. */
static void say_error(struct influx *i, const struct web_answer *a)
{
    char text[120];

    if (a->error) {
        text_clean(i->counters.error, sizeof(i->counters.error), a->error, strlen(a->error));
        return;
    }
    text_clean(text, sizeof(text), a->body, a->len);
    snprintf(i->counters.error, sizeof(i->counters.error), "HTTP %d %s", a->status, text);
}

static void back_off(struct influx *i, const struct web_answer *a)
{
    int64_t wait = FIRST_WAIT_MS;

    for (uint32_t n = 0; n < i->counters.failures && wait < INFLUX_WAIT_MAX_MS; n++)
        wait *= 2;
    if (a->retry_after_s)
        wait = (int64_t)(a->retry_after_s > 3600 ? 3600 : a->retry_after_s) * 1000;
    else if (wait > INFLUX_WAIT_MAX_MS)
        wait = INFLUX_WAIT_MAX_MS;
    i->retry_ms = i->now_ms + wait;
    i->counters.failures++;
    say_error(i, a);
    if (!i->said)
        log_say(i->log, LOG_WARN, "influx: %s; readings wait on disk", i->counters.error);
    i->said = true;
    if (!i->from_queue)
        keep(i, &i->sending);
}

static void went_well(struct influx *i)
{
    if (i->said)
        log_say(i->log, LOG_INFO, "influx: takes readings again");
    i->said = false;
    i->counters.failures = 0;
    i->counters.error[0] = '\0';
    i->retry_ms = 0;
}

/* It will not take it later either; of a partial write the rest is kept there. */
static void rejected(struct influx *i, const struct web_answer *a)
{
    went_well(i);
    say_error(i, a);
    i->counters.rejected += i->sending.count;
    log_say(i->log, LOG_WARN, "influx: a batch of %u lines was not taken whole: %s",
            i->sending.count, i->counters.error);
}

static bool may_pass(int status)
{
    return status == 0 || status == 401 || status == 403 || status == 404 || status == 408 ||
           status == 429 || status >= 500 || (status >= 300 && status < 400);
}

static void on_answer(void *ctx, const struct web_answer *a)
{
    struct influx *i = ctx;
    bool good = !a->error && a->status >= 200 && a->status < 300;

    i->busy = false;
    if (good) {
        went_well(i);
        i->counters.sent += i->sending.count;
    } else if (a->error || may_pass(a->status)) {
        back_off(i, a);
        return;
    } else {
        rejected(i, a);
    }
    if (i->from_queue)
        queue_pop(i->queue);
}

static void send_batch(struct influx *i)
{
    struct err err;
    struct web_request r = { .method = "POST",
                             .url = i->url,
                             .header = { "Content-Type: text/plain; charset=utf-8", NULL },
                             .body = i->sending.text,
                             .len = i->sending.len,
                             .ca = *i->ca ? i->ca : NULL,
                             .timeout_ms = INFLUX_ASK_MS };

    if (*i->header)
        r.header[1] = i->header;
    i->busy = web_start(i->web, &r, on_answer, i, &err) == 0;
    if (!i->busy) {
        struct web_answer a = { .error = err.text, .body = "" };
        back_off(i, &a);
    }
}

static bool take_from_queue(struct influx *i)
{
    struct err err;
    char *text;
    size_t len;
    uint32_t count;
    int rc = queue_first(i->queue, &text, &len, &count, &err);

    if (rc < 0)
        log_say(i->log, LOG_WARN, "influx: a waiting batch is lost: %s", err.text);
    if (rc <= 0)
        return false;
    free(i->sending.text);
    i->sending = (struct lines){ .text = text, .len = len, .cap = len, .count = count };
    i->from_queue = true;
    return true;
}

/* The batch is full or old enough: out with it, or into the queue when others wait. */
static void turn_over(struct influx *i, bool resting)
{
    int64_t age = i->now_ms - i->begun_ms;
    bool full = i->filling.len >= (resting ? INFLUX_BATCH_MAX - 20000 : INFLUX_BATCH_BYTES);

    if (!i->filling.len ||
        (!full && age >= 0 && age < (resting ? INFLUX_HOLD_MS : INFLUX_BATCH_MS)))
        return;
    lines_close(&i->filling);
    if (i->busy || resting || !queue_is_empty(i->queue)) {
        keep(i, &i->filling);
        lines_clear(&i->filling);
        return;
    }
    struct lines old = i->sending;
    i->sending = i->filling;
    i->filling = old;
    lines_clear(&i->filling);
    i->from_queue = false;
    send_batch(i);
}

void influx_tick(struct influx *i, int64_t now_ms)
{
    i->now_ms = now_ms;
    bool resting = i->retry_ms && now_ms < i->retry_ms && i->retry_ms - now_ms <= 3600000;

    if (!i->busy && !resting && take_from_queue(i))
        send_batch(i);
    turn_over(i, resting || (i->busy && i->from_queue));
}

void influx_counters(const struct influx *i, struct influx_counters *out)
{
    *out = i->counters;
    out->waiting_bytes = queue_bytes(i->queue) + i->filling.len;
}
