#include "sink.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char telegram_url[] = "https://api.telegram.org";
static const char *const kinds[] = { "command", "webhook", "telegram" };

int sink_kind_of(const char *word, enum sink_kind *out)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(kinds[i], word) == 0) {
            *out = (enum sink_kind)i;
            return 0;
        }
    }
    return -1;
}

static int lacks(const struct profile_notify *p, const char *key, struct err *err)
{
    return err_set(err, EXIT_USAGE, "[notify %s]: a %s needs %s = …", p->name, p->kind, key);
}

int notify_check(const struct profile_notify *p, struct err *err)
{
    enum sink_kind kind;
    uint32_t mask;

    if (sink_kind_of(p->kind, &kind) != 0)
        return err_set(err, EXIT_USAGE,
                       "[notify %s]: kind is command, webhook or telegram, not '%s'", p->name,
                       p->kind);
    if (notify_mask(p->on, &mask, err) != 0)
        return err_prefix(err, "[notify %s]: on", p->name);
    if (kind == SINK_COMMAND && !p->command[0])
        return lacks(p, "command", err);
    if (kind == SINK_WEBHOOK && !p->url[0])
        return lacks(p, "url", err);
    if (kind == SINK_TELEGRAM && !p->token_file[0])
        return lacks(p, "token_file", err);
    if (kind == SINK_TELEGRAM && !p->chat[0])
        return lacks(p, "chat", err);
    if (p->url[0] && strncmp(p->url, "https://", 8) != 0 && strncmp(p->url, "http://", 7) != 0)
        return err_set(err, EXIT_USAGE, "[notify %s]: url must begin with https:// or http://",
                       p->name);
    return 0;
}

/* ---- a request
 * -------------------------------------------------------------------------------------------------
 */

/* The first line of the file: no character that would mean something in a URL or header. */
static int read_token(const struct profile_notify *p, char out[SINK_TOKEN_MAX], struct err *err)
{
    FILE *f = fopen(p->token_file, "re");
    char line[SINK_TOKEN_MAX + 2] = "";

    if (!f || !fgets(line, sizeof(line), f)) {
        if (f)
            fclose(f);
        return err_set(err, EXIT_USAGE, "[notify %s]: token_file cannot be read", p->name);
    }
    fclose(f);
    size_t len = strcspn(line, "\r\n");
    line[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (line[i] <= ' ' || line[i] > '~' || strchr("/?#%\\\"", line[i]))
            len = 0;
    }
    bool fits = len > 0 && text_copy(out, SINK_TOKEN_MAX, line);
    memset(line, 0, sizeof(line));
    return fits ? 0
                : err_set(err, EXIT_USAGE,
                          "[notify %s]: token_file holds no token in its first line", p->name);
}

static int webhook(const struct profile_notify *p, struct sink_request *q, struct err *err)
{
    char token[SINK_TOKEN_MAX];

    if (!p->token_file[0])
        return 0;
    if (read_token(p, token, err) != 0)
        return -1;
    text_format(q->auth, sizeof(q->auth), "Authorization: Bearer %s", token);
    q->web.header[2] = q->auth;
    memset(token, 0, sizeof(token));
    return 0;
}

static int telegram(const struct profile_notify *p, const char *text, struct sink_request *q,
                    struct err *err)
{
    char token[SINK_TOKEN_MAX];
    const char *base = p->url[0] ? p->url : telegram_url;

    if (read_token(p, token, err) != 0)
        return -1;
    bool fits = text_format(q->url, sizeof(q->url), "%s/bot%s/sendMessage", base, token);
    memset(token, 0, sizeof(token));
    json_t *o = json_pack("{s:s, s:s}", "chat_id", p->chat, "text", text);
    char *json = json_dumps(o, JSON_COMPACT);
    fits = fits && json && text_copy(q->body, sizeof(q->body), json);
    free(json);
    json_decref(o);
    return fits ? 0 : err_set(err, EXIT_USAGE, "[notify %s]: the message is too long", p->name);
}

int sink_request(const struct profile_notify *p, enum sink_kind kind, const char *text,
                 const char *body, const char *key, struct sink_request *q, struct err *err)
{
    memset(q, 0, sizeof(*q));
    text_copy(q->url, sizeof(q->url), p->url);
    text_copy(q->body, sizeof(q->body), body);
    text_format(q->key, sizeof(q->key), "Idempotency-Key: %s", key);
    q->web = (struct web_request){ .method = "POST",
                                   .url = q->url,
                                   .header = { "Content-Type: application/json", q->key },
                                   .body = q->body,
                                   .ca = p->ca[0] ? p->ca : NULL,
                                   .timeout_ms = SINK_HTTP_MS };
    int rc = kind == SINK_TELEGRAM ? telegram(p, text, q, err) : webhook(p, q, err);
    q->web.len = strlen(q->body);
    return rc;
}

void sink_request_wipe(struct sink_request *q)
{
    memset(q, 0, sizeof(*q));
}

/* ---- an answer
 * -------------------------------------------------------------------------------------------------
 */

/* {"ok":false,"description":"…","parameters":{"retry_after":30}} */
static void telegram_says(const struct web_answer *a, struct sink_result *out)
{
    json_t *o = json_loadb(a->body, a->len, 0, NULL);
    const char *said = json_string_value(json_object_get(o, "description"));
    json_int_t wait =
        json_integer_value(json_object_get(json_object_get(o, "parameters"), "retry_after"));
    char clean[100];

    if (said) {
        text_clean(clean, sizeof(clean), said, strlen(said));
        text_format(out->why, sizeof(out->why), "Telegram answers %d: %s", a->status, clean);
    }
    if (wait > 0 && wait < 86400)
        out->retry_after_s = (uint32_t)wait;
    json_decref(o);
}

void sink_result_of(enum sink_kind kind, const struct web_answer *a, struct sink_result *out)
{
    memset(out, 0, sizeof(*out));
    out->outcome = a->error ? NOTIFY_AGAIN : notify_outcome_of(a->status);
    out->retry_after_s = a->retry_after_s;
    if (a->error)
        text_format(out->why, sizeof(out->why), "%.150s", a->error);
    else
        text_format(out->why, sizeof(out->why), "it answers %d", a->status);
    if (kind == SINK_TELEGRAM && !a->error && out->outcome != NOTIFY_DELIVERED)
        telegram_says(a, out);
}
