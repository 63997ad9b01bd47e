#include "console_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"

enum {
    RELEASES_MS = 2000, /* how often the release folder is looked at */
    HINT_MS = 60000,
    STORY_MAX = 200
};

static void fill_release(struct console *c, const struct release_entry *e, struct ui_release *out)
{
    struct release checked;

    out->release = e->release;
    out->why = c->have_keys
                   ? release_check(e->jws, e->jws_len, ossl_crypto(), &c->keys.keys, &checked)
                   : REASON_UNKNOWN_KEY;
    out->signed_ok = out->why == REASON_NONE;
    text_copy(out->kid, sizeof(out->kid), e->kid);
}

/* What an engine elsewhere wrote down; our own says it through the log. The past comes first. */
static void read_story(struct console *c)
{
    struct store_event *event = mem_array(STORY_MAX, sizeof(*event));
    int n = store_event_list(session_store(c->session), NULL, c->story, event, STORY_MAX, NULL);
    bool ours = c->past_told && !engine_leader(session_engine(c->session));

    for (int i = 0; i < n; i++) {
        char text[ROLLOUT_NOTE_MAX + PROTO_ROLLOUT_MAX + 4];
        c->story = event[i].id;
        text_format(text, sizeof(text), "%s: %s", event[i].rollout, event[i].text);
        if (!ours) {
            tail_push(c->lines, event[i].ts_ms, event[i].bad ? TAIL_WARN : TAIL_PLAIN, false, "",
                      text, strlen(text));
            tail_in_order(c->lines); /* what we said meanwhile is later */
        }
        pace_changed(&c->pace);
    }
    c->past_told = true;
    free(event);
}

/* What other processes may have changed: the release folder, and the next rollout's id. */
void console_look_around(struct console *c, int64_t now)
{
    if (now - c->releases_ms < RELEASES_MS)
        return;
    bool first = c->releases_ms == 0;
    c->releases_ms = now;
    store_rollout_next_id(session_store(c->session), now, c->next_rollout, NULL);
    rollout_rows_refresh(c->rows, session_store(c->session));
    if (first || now % (5 * RELEASES_MS) < RELEASES_MS)
        plan_help_refresh(c->help);
    read_story(c);
    if (!c->releases || (release_store_refresh(c->releases, NULL) <= 0 && !first))
        return;
    c->release_count = 0;
    for (size_t i = 0;
         i < release_store_count(c->releases) && c->release_count < CONSOLE_RELEASES_MAX; i++) {
        const struct release_entry *e = release_store_at(c->releases, i);
        if (!e->superseded)
            fill_release(c, e, &c->release[c->release_count++]);
    }
    pace_changed(&c->pace);
}

void console_read_link(struct console *c)
{
    struct link_facts f;
    struct ui_link *l = &c->link;
    const struct profile *p = c->cmd->profile;

    link_facts(session_link(c->session), &f);
    text_format(l->host, sizeof(l->host), "%.60s:%u", p->broker.host, p->broker.port);
    l->tls = p->broker.tls;
    text_copy(l->tls_text, sizeof(l->tls_text), f.tls);
    l->rtt_ms = f.rtt_ms;
    l->retry_at_ms = f.retry_at_ms;
    l->attempt = f.attempt;
}

/* A prod profile acts only for a while after somebody said so. */
static bool is_shut(const struct console *c, int64_t now)
{
    return c->cmd->profile->ui.prod && now >= c->write_until_ms;
}

static const char *why_read_only(const struct console *c, const char *trouble)
{
    if (*trouble)
        return trouble;
    if (c->cmd->profile->ui.read_only)
        return "the profile says read_only";
    return c->read_only ? "started with --read-only"
                        : "a prod profile: :write allows acts for 15 minutes";
}

struct ui_model console_model(struct console *c, int64_t now)
{
    static const char hint[] =
        "Enter opens a device, u updates, R shows rollouts, / filters, ? helps";
    const struct profile *p = c->cmd->profile;
    const char *trouble = engine_trouble(session_engine(c->session));
    struct ui_model m = { .now_ms = now,
                          .fleet = session_fleet(c->session),
                          .alerts = alerting_alerts(session_alerting(c->session)),
                          .releases = c->release,
                          .release_count = c->release_count,
                          .next_rollout = c->next_rollout,
                          .crypto = ossl_crypto(),
                          .link = &c->link,
                          .past = past_picture(c->past),
                          .acts = device_acts_picture(c->acts),
                          .device_cert = &c->cert.picture,
                          .log = c->lines,
                          .profile = p->name,
                          .operator_name = c->who,
                          .prod = p->ui.prod,
                          .may_write = p->ui.prod && !c->read_only && !*trouble,
                          .write_until_ms = c->write_until_ms,
                          .read_only = c->read_only || *trouble || is_shut(c, now),
                          .read_only_why = why_read_only(c, trouble),
                          .engine = engine_leader(session_engine(c->session)),
                          .themes = c->themes.name,
                          .theme_count = c->themes.count,
                          .theme = c->theme.name,
                          .hint = c->hints && now - c->opened_ms < HINT_MS ? hint : NULL };

    size_t count;
    const struct rollout *const *list = engine_rollouts(session_engine(c->session), &count);
    rollout_rows_model(c->rows, list, count, &m);
    plan_help_model(c->help, &m);
    keys_watch_model(c->keys_watch, &m);
    return m;
}
