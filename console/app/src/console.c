#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/history.h"
#include "ossl/crypto.h"
#include "protocol/topic.h"
#include "screens/config_fields.h"
#include "screens/ui.h"
#include "store/alerts.h"
#include "term/term.h"

#include "asked.h"
#include "commands.h"
#include "cmdline.h"
#include "config_keys.h"
#include "export.h"
#include "keys_watch.h"
#include "leaving.h"
#include "device_acts.h"
#include "device_cert.h"
#include "device_export.h"
#include "output.h"
#include "past.h"
#include "plan_help.h"
#include "planning.h"
#include "rollout_rows.h"
#include "script.h"
#include "session.h"
#include "stray.h"
#include "themes.h"
#include "ui_file.h"

enum {
    FRAME_MS = TERM_FRAME_MS,
    RELEASES_MS = 2000, /* how often the release folder is looked at */
    LOG_LINES = 1000,
    RELEASES_MAX = UI_RELEASES,
    HINT_MS = 60000,
    BACKGROUND_MS = 100,
    ASKED_MS = 300, /* how often acts that were asked for are looked after */
    STORY_MAX = 200
};

/* Everything the screen is drawn from, and what keeps it up to date. */
struct console {
    struct cmd_context *cmd;
    struct log log;
    struct session *session;
    struct term *term; /* NULL: pictures are only printed (--dump) */
    struct script *script;
    struct stray *stray;
    struct canvas *canvas;
    struct ui *ui;
    struct theme theme;
    struct themes themes;
    struct tail *lines;
    struct past *past;
    struct device_acts *acts;
    struct keys_watch *keys_watch;
    struct device_cert cert;
    int64_t past_ms;
    struct release_store *releases;
    struct rollout_rows *rows;
    struct plan_help *help;
    struct keyset keys;
    bool have_keys;
    struct ui_release *release;
    size_t release_count;
    int64_t releases_ms;
    char next_rollout[PROTO_ROLLOUT_MAX];
    bool hints;
    int64_t write_until_ms; /* a prod profile acts until then */
    int64_t story;          /* the last event of the journal that was read */
    int64_t opened_ms;
    struct ui_link link;
    char who[65];
    uint64_t drawn; /* fleet_changes() of the last frame */
    int64_t drawn_ms;
    int64_t pause_ms; /* until the next frame that no key asks for */
    bool sending;     /* the last picture is not all sent yet */
    bool noted;       /* the log has grown, or time has passed: drawn at the pace of data */
    int64_t due_ms;   /* when time changes the picture; kept until it is there, for ui_next_ms()
                       * asked again a moment before is never nearer than a tenth of a second */
    bool dirty, quit, failed;
    bool read_only; /* by --read-only or the profile: it never leads either */
    struct asked asked;
    int64_t asked_ms;
    struct leaving leaving;
};

static void sink(void *ctx, enum log_level level, const char *line)
{
    struct console *c = ctx;
    enum tail_level as = level == LOG_ERROR  ? TAIL_ERROR
                         : level == LOG_WARN ? TAIL_WARN
                                             : TAIL_PLAIN;
    tail_push(c->lines, session_now(), as, false, "", line, strlen(line));
    c->noted = true;
}

/* ---- the model
 * ----------------------------------------------------------------------------------------------------
 */

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
    bool ours = c->story && !engine_leader(session_engine(c->session));

    for (int i = 0; i < n; i++) {
        char text[ROLLOUT_NOTE_MAX + PROTO_ROLLOUT_MAX + 4];
        c->story = event[i].id;
        text_format(text, sizeof(text), "%s: %s", event[i].rollout, event[i].text);
        if (!ours)
            tail_push(c->lines, event[i].ts_ms, event[i].bad ? TAIL_WARN : TAIL_PLAIN, false, "",
                      text, strlen(text));
        c->dirty = true;
    }
    free(event);
}

/* What other processes may have changed: the release folder, and the next rollout's id. */
static void look_around(struct console *c, int64_t now)
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
    for (size_t i = 0; i < release_store_count(c->releases) && c->release_count < RELEASES_MAX;
         i++) {
        const struct release_entry *e = release_store_at(c->releases, i);
        if (!e->superseded)
            fill_release(c, e, &c->release[c->release_count++]);
    }
    c->dirty = true;
}

static void read_link(struct console *c)
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

static struct ui_model model_of(struct console *c, int64_t now)
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

/* ---- effects
 * ------------------------------------------------------------------------------------------------------
 */

static void tell(struct console *c, const struct ui_model *m, enum tail_level level,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(struct console *c, const struct ui_model *m, enum tail_level level,
                 const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    ui_notify(c->ui, m, level, text);
    tail_push(c->lines, m->now_ms, level, false, "", text, strlen(text));
}

static void do_command(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;
    uint32_t seq;
    size_t sent = 0;
    struct cmdline line;

    for (size_t i = 0; i < fx->id_count; i++) {
        struct order order = { .verb = fx->verb };
        if (fx->set)
            order.set = *fx->set;
        text_copy(order.dev, sizeof(order.dev), fx->ids[i]);
        if (session_command(c->session, &order, c->who, &seq, &err)) {
            tell(c, m, TAIL_ERROR, "%s %s: %s", verb_word(fx->verb), fx->ids[i], err.text);
            break;
        }
        cmdline_device(&line, c->cmd->profile, fx->verb, fx->ids[i], fx->set);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
        sent++;
    }
    if (sent == fx->id_count)
        tell(c, m, TAIL_PLAIN, "%s sent to %zu device%s; answers come in the events",
             verb_word(fx->verb), sent, sent == 1 ? "" : "s");
}

static void do_start(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX], id[PROTO_ROLLOUT_MAX] = "";
    struct err err = { .text = "the release store could not be opened" };
    struct plan_candidate *candidate;
    struct cmdline line;
    int64_t act;
    uint32_t count =
        planning_candidates_of(session_fleet(c->session), fx->ids, fx->id_count, &candidate);

    text_format(name, sizeof(name), "%s@%s", fx->plan->product, fx->plan->version);
    text_copy(id, sizeof(id), fx->id);
    struct planning p = { .profile = c->cmd->profile,
                          .crypto = ossl_crypto(),
                          .store = session_store(c->session),
                          .plan = fx->plan,
                          .candidate = candidate,
                          .count = count,
                          .who = c->who };
    p.release = c->releases ? planning_release(p.profile, c->releases, p.crypto, name, &err) : NULL;
    if (!p.release || planning_start(&p, m->now_ms, id, &act, &err))
        tell(c, m, TAIL_ERROR, "not started: %s", err.text);
    else {
        tell(c, m, TAIL_PLAIN, "%s started: %s to %u devices", id, name, count);
        cmdline_start(&line, c->cmd->profile, fx->plan);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
        asked_add(&c->asked, act);
    }
    c->releases_ms = 0;
    engine_nudge(session_engine(c->session));
    free(candidate);
}

static void do_act(struct console *c, const struct ui_model *m, const struct ui_effect *fx,
                   enum rollout_act act)
{
    struct err err;
    struct rollout_ask ask;
    struct cmdline line;
    int64_t id = 0;

    if (rollout_ask_read(fx->text, &ask, &err) ||
        store_act_ask(session_store(c->session), c->who, fx->id, act, &ask, m->now_ms, &id, &err))
        tell(c, m, TAIL_ERROR, "%s %s: %s", rollout_act_word(act), fx->id, err.text);
    else {
        cmdline_act(&line, c->cmd->profile, act, fx->id, &ask);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    if (id)
        asked_add(&c->asked, id);
    engine_nudge(session_engine(c->session));
}

/* What whoever leads has made of it: in the act's own row. */
static void tell_answers(struct console *c, int64_t now)
{
    struct store_act *act;

    if (c->asked.count == 0 || now - c->asked_ms < ASKED_MS)
        return;
    c->asked_ms = now;
    act = mem_alloc(sizeof(*act));
    while (asked_take(&c->asked, session_store(c->session), act)) {
        struct ui_model m = model_of(c, now);
        if (act->refused && act->act == ROLLOUT_ACT_START)
            planning_give_up(session_store(c->session), c->who, act->rollout, now);
        if (act->refused)
            tell(c, &m, TAIL_ERROR, "%s: %s", act->rollout, act->result);
    }
    free(act);
}

static void do_leave(struct console *c, const struct ui_model *m, enum ui_effect_kind kind)
{
    struct err err;
    int rc = kind == UI_HAND_OVER ? leaving_hand_over(&c->leaving, c->session, c->cmd->program,
                                                      c->cmd->profile, m->now_ms, &err)
                                  : leaving_pause(&c->leaving, c->session, c->who, m->now_ms, &err);

    if (rc != 0)
        tell(c, m, TAIL_ERROR, "%s", err.text);
    else
        tell(c, m, TAIL_PLAIN, "%s",
             kind == UI_HAND_OVER ? "handing over to muster serve …" : "pausing …");
}

static void look_at_leaving(struct console *c, int64_t now)
{
    struct err err;

    if (c->leaving.what == LEAVING_NOT)
        return;
    enum leaving_how how = leaving_look(&c->leaving, c->session, now, &err);
    if (how == LEAVING_FAILED) {
        struct ui_model m = model_of(c, now);
        tell(c, &m, TAIL_ERROR, "%s", err.text);
    }
    c->quit = c->quit || how == LEAVING_IS_DONE;
}

static void do_load(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;

    if (rollout_rows_load(c->rows, session_store(c->session), fx->id, &err))
        tell(c, m, TAIL_ERROR, "%s: %s", fx->id, err.text);
}

static void do_write(struct console *c, const struct ui_model *m)
{
    bool open = m->read_only;

    c->write_until_ms = open ? m->now_ms + UI_WRITE_MS : 0;
    tell(c, m, TAIL_WARN,
         open ? "acts are allowed for 15 minutes; :write again ends it"
              : "acts are no longer allowed");
}

static void do_ack(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;
    struct cmdline line;
    int rc = store_alert_ack(session_store(c->session), fx->text, fx->id, c->who, m->now_ms, &err);

    if (rc < 0)
        tell(c, m, TAIL_ERROR, "not acknowledged: %s", err.text);
    else if (rc == 1)
        tell(c, m, TAIL_WARN, "%s of %s is not kept yet: try again in a second", fx->text, fx->id);
    else {
        cmdline_begin(&line, c->cmd->profile, "alerts ack");
        cmdline_word(&line, fx->text);
        cmdline_word(&line, fx->id);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

static void do_silence(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct store_silence row = { .made_ms = m->now_ms, .until_ms = fx->silence->until_ms };
    struct err err;
    struct cmdline line;
    int64_t id;

    text_copy(row.rule, sizeof(row.rule), fx->silence->rule);
    text_copy(row.target, sizeof(row.target), fx->silence->target);
    text_copy(row.reason, sizeof(row.reason), fx->silence->reason);
    text_copy(row.who, sizeof(row.who), c->who);
    if (store_silence_add(session_store(c->session), &row, &id, &err))
        tell(c, m, TAIL_ERROR, "not muted: %s", err.text);
    else {
        tell(c, m, TAIL_PLAIN, "muted, as silence %lld", (long long)id);
        cmdline_silence(&line, c->cmd->profile, fx->silence, m->now_ms);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

static void do_unsilence(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    char number[24];
    struct cmdline line;
    struct err err;
    int rc = store_silence_end(session_store(c->session), fx->silence->id, c->who, m->now_ms, &err);

    text_format(number, sizeof(number), "%lld", (long long)fx->silence->id);
    if (rc < 0)
        tell(c, m, TAIL_ERROR, "still muted: %s", err.text);
    else if (rc == 1)
        tell(c, m, TAIL_WARN, "silence %s is over already", number);
    else {
        tell(c, m, TAIL_PLAIN, "silence %s ended: %s", number, fx->silence->reason);
        cmdline_begin(&line, c->cmd->profile, "alerts unsilence");
        cmdline_word(&line, number);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

static void do_export(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;

    if (export_write(m->fleet, fx->ids, fx->id_count, fx->csv, fx->text, m->now_ms, &err))
        tell(c, m, TAIL_ERROR, "not exported: %s", err.text);
    else
        tell(c, m, TAIL_PLAIN, "%zu rows written to %s", fx->id_count, fx->text);
}

static void do_save(struct console *c, const struct ui_model *m)
{
    struct err err;

    if (ui_file_save(c->cmd->profile, c->ui, &err))
        tell(c, m, TAIL_WARN, "not kept: %s", err.text);
}

/* What changes the world: refused while read-only, whenever the dialog was opened. */
static const struct act {
    enum ui_effect_kind kind;
    void (*run)(struct console *c, const struct ui_model *m, const struct ui_effect *fx);
    enum rollout_act act; /* with run NULL: a row for the engine */
} acts[] = {
    { UI_COMMAND, do_command, ROLLOUT_ACT_COUNT },
    { UI_START_ROLLOUT, do_start, ROLLOUT_ACT_COUNT },
    { UI_ALERT_ACK, do_ack, ROLLOUT_ACT_COUNT },
    { UI_ALERT_SILENCE, do_silence, ROLLOUT_ACT_COUNT },
    { UI_ALERT_UNSILENCE, do_unsilence, ROLLOUT_ACT_COUNT },
    { UI_PAUSE_ROLLOUT, NULL, ROLLOUT_ACT_PAUSE },
    { UI_RESUME_ROLLOUT, NULL, ROLLOUT_ACT_RESUME },
    { UI_ABORT_ROLLOUT, NULL, ROLLOUT_ACT_ABORT },
    { UI_ROLLBACK_ROLLOUT, NULL, ROLLOUT_ACT_ROLLBACK },
    { UI_APPROVE_ROLLOUT, NULL, ROLLOUT_ACT_APPROVE },
    { UI_RETRY_ROLLOUT, NULL, ROLLOUT_ACT_RETRY },
    { UI_SET_ROLLOUT, NULL, ROLLOUT_ACT_SET },
};

static bool carry_out_act(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    const struct act *act = NULL;

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (acts[i].kind == fx->kind)
            act = &acts[i];
    if (!act)
        return false;
    if (m->read_only)
        tell(c, m, TAIL_WARN, "not done, read-only: %s", m->read_only_why);
    else if (act->run)
        act->run(c, m, fx);
    else
        do_act(c, m, fx, act->act);
    return true;
}

static void do_device_export(struct console *c, const struct ui_model *m,
                             const struct ui_effect *fx)
{
    char path[PROTO_ID_MAX + 64];
    struct err err;
    size_t count;
    int rc = fx->kind == UI_EXPORT_TAIL
                 ? device_export_tail(m->fleet, fx->id, m->now_ms, path, sizeof(path), &count, &err)
                 : device_export_series(m, &fx->past, path, sizeof(path), &count, &err);

    if (rc)
        tell(c, m, TAIL_ERROR, "not exported: %s", err.text);
    else
        tell(c, m, TAIL_PLAIN, "%zu lines written to %s", count, path);
}

static void carry_out(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    if (carry_out_act(c, m, fx))
        return;
    switch ((int)fx->kind) {
    case UI_QUIT:
        c->quit = true;
        break;
    case UI_HAND_OVER:
    case UI_PAUSE_AND_QUIT:
        do_leave(c, m, fx->kind);
        break;
    case UI_SUSPEND:
        if (c->term)
            term_suspend(c->term);
        break;
    case UI_REDRAW:
        if (c->term)
            term_redraw(c->term);
        break;
    case UI_RECONNECT:
        link_reconnect(session_link(c->session), m->now_ms);
        break;
    case UI_WATCH:
        fleet_watch(session_fleet(c->session), fx->id);
        break;
    case UI_UNWATCH:
        fleet_unwatch(session_fleet(c->session), fx->id);
        break;
    case UI_TREND:
        fleet_set_trend(session_fleet(c->session), fx->reading);
        past_again(c->past);
        break;
    case UI_LOAD_ROLLOUT:
        do_load(c, m, fx);
        break;
    case UI_COPY:
        if (c->term)
            term_copy(c->term, fx->text);
        break;
    case UI_EXPORT:
        do_export(c, m, fx);
        break;
    case UI_SAVE:
        do_save(c, m);
        break;
    case UI_WRITE:
        do_write(c, m);
        break;
    case UI_EXPORT_TAIL:
    case UI_EXPORT_SERIES:
        do_device_export(c, m, fx);
        break;
    case UI_THEME:
        themes_load(&c->themes, fx->text, &c->theme, &c->log);
        if (c->term)
            term_redraw(c->term);
        break;
    }
}

/* ---- the loop
 * -----------------------------------------------------------------------------------------------------
 */

static void feed(struct console *c, const struct ui_event *ev)
{
    struct ui_effects fx;
    struct ui_model m = model_of(c, session_now());

    ui_step(c->ui, ev, &m, &fx);
    for (size_t i = 0; i < fx.count; i++)
        carry_out(c, &m, &fx.item[i]);
    c->dirty = true;
}

/* The history of what is on the screen, a piece at a time. */
static void read_past(struct console *c, int64_t now)
{
    struct ui_model m = model_of(c, now);
    struct ui_past_want want;

    if (!past_is_busy(c->past) && now - c->past_ms < FRAME_MS && now >= c->past_ms)
        return;
    c->past_ms = now;
    const char *id = ui_screen(c->ui) == SCREEN_DEVICE ? ui_selected(c->ui) : "";
    if (device_acts_work(c->acts, session_store(c->session), m.fleet, id, now))
        c->dirty = true;
    if (device_cert_work(&c->cert, alerting_registry(session_alerting(c->session)), m.fleet, id,
                         now))
        c->dirty = true;
    bool wanted = ui_wants_past(c->ui, &m, &want);
    if (past_work(c->past, wanted ? &want : NULL, session_fleet(c->session), now))
        c->dirty = true;
}

static void read_keys(struct console *c)
{
    struct ui_event ev;
    int rc;

    while (c->term && !c->quit && (rc = term_read(c->term, &ev)) != 0) {
        if (rc < 0) {
            c->quit = true; /* the terminal is gone */
            return;
        }
        if (ev.kind == UI_RESIZE)
            canvas_resize(c->canvas, ev.row, ev.col);
        feed(c, &ev);
    }
}

/* The last picture has reached the terminal, which says how often it can be given one. */
static bool is_ready(struct console *c, int64_t now)
{
    if (c->term && !term_ready(c->term))
        return false;
    if (c->sending)
        c->pause_ms = term_pause_ms(now - c->drawn_ms);
    c->sending = false;
    return true;
}

static void draw(struct console *c, int64_t now)
{
    struct ui_model m = model_of(c, now);

    read_link(c);
    ui_draw(c->ui, &m, c->canvas);
    if (c->term)
        term_show(c->term, c->canvas, &c->theme);
    c->drawn = fleet_changes(m.fleet);
    c->drawn_ms = now;
    c->sending = c->term != NULL;
    is_ready(c, session_now()); /* what was taken at once wakes nobody: a second later it would
                                   look like a terminal that had needed one */
    c->dirty = c->noted = false;
}

static void ring(struct console *c)
{
    enum alert_level rung = alerting_take_rung(session_alerting(c->session));
    const char *bell = c->cmd->profile->ui.bell;

    if (!c->term)
        return;
    if ((rung == ALERT_CRIT && strcmp(bell, "no") != 0) ||
        (rung == ALERT_WARN && strcmp(bell, "warn") == 0))
        term_bell(c->term);
}

static void print_picture(const struct console *c)
{
    char line[CANVAS_COLS_MAX * 4 + 1];

    for (int row = 0; row < c->canvas->rows; row++)
        fprintf(c->cmd->out, "%s\n", canvas_row(c->canvas, row, line, sizeof(line)));
    fflush(c->cmd->out);
}

static void script_end(struct console *c, enum script_do how)
{
    script_free(c->script);
    c->script = NULL;
    c->failed = how == SCRIPT_FAILED;
    c->quit = c->quit || !c->term || c->failed;
    if (!c->term)
        print_picture(c);
}

/* As far as it goes without waiting; each key sees the picture that the one before made. */
static void follow_script(struct console *c, int64_t now)
{
    while (c->script && !c->quit) {
        draw(c, now);
        struct script_step step = script_next(c->script, c->canvas, now, &c->cmd->err);
        struct ui_event ev = { .kind = UI_KEY, .key = step.key };
        if (step.what == SCRIPT_SIZE && !c->term) {
            ev = (struct ui_event){ .kind = UI_RESIZE, .row = step.rows, .col = step.cols };
            canvas_resize(c->canvas, ev.row, ev.col);
        }
        if (step.what == SCRIPT_KEY || ev.kind == UI_RESIZE)
            feed(c, &ev);
        else if (step.what == SCRIPT_DUMP && !c->term)
            print_picture(c);
        else if (step.what == SCRIPT_OVER || step.what == SCRIPT_FAILED)
            script_end(c, step.what);
        else if (step.what == SCRIPT_WAITS)
            return;
    }
}

/* What is to be waited for; none of it without a terminal. */
static nfds_t polls(const struct console *c, struct pollfd fds[TERM_FDS + 1])
{
    if (!c->term)
        return 0;
    term_polls(c->term, fds);
    fds[TERM_FDS] = (struct pollfd){ .fd = stray_fd(c->stray), .events = POLLIN };
    return TERM_FDS + 1;
}

static void loop(struct console *c)
{
    struct pollfd fds[TERM_FDS + 1];
    struct ui_event tick = { .kind = UI_TICK };

    while (!c->quit) {
        struct ui_model m = model_of(c, session_now());
        int64_t next = ui_next_ms(c->ui, &m);
        c->due_ms = next < c->due_ms ? next : c->due_ms;
        int64_t left = c->due_ms - m.now_ms;
        if (!session_poll(c->session, fds, polls(c, fds),
                          past_is_busy(c->past)          ? 0
                          : left < FRAME_MS || c->script ? FRAME_MS
                          : left > 1000                  ? 1000
                                                         : (int)left))
            break;
        read_keys(c); /* keys first: they are drawn at once */
        stray_read(c->stray, &c->log);
        int64_t now = session_now();
        look_around(c, now);
        ring(c);
        tell_answers(c, now);
        look_at_leaving(c, now);
        read_past(c, now);
        if (keys_watch_work(c->keys_watch, session_store(c->session), session_fleet(c->session),
                            ui_screen(c->ui) == SCREEN_KEYS, now))
            c->dirty = true;
        if (now >= c->due_ms) {
            c->due_ms = INT64_MAX;
            c->noted = true;
            feed(c, &tick);
        }
        bool changed = c->noted || fleet_changes(session_fleet(c->session)) != c->drawn;
        follow_script(c, now);
        if (!c->quit && is_ready(c, now) &&
            (c->dirty || (changed && now - c->drawn_ms >= c->pause_ms)))
            draw(c, now);
    }
}

/* ---- opening and closing
 * ------------------------------------------------------------------------------------------ */

static const char *theme_wanted(const struct console *c, const struct cmd_args *args)
{
    const char *wanted = cmd_get(args, "theme", c->cmd->profile->ui.theme);

    if (!c->cmd->color)
        return "mono";
    if (*wanted)
        return wanted;
    return term_is_light(BACKGROUND_MS) ? "default-light" : "default-dark";
}

/* --dump: a picture without a terminal, as large as a small one. */
static void open_picture(struct console *c, bool ascii)
{
    c->canvas = canvas_new(24, 80, ascii);
    theme_mono(&c->theme);
}

static int open_screen(struct console *c, const struct cmd_args *args)
{
    const struct profile *p = c->cmd->profile;
    struct term_options options = { .ascii =
                                        cmd_has(args, "ascii") || strcmp(p->ui.ascii, "yes") == 0,
                                    .utf8 = strcmp(p->ui.ascii, "no") == 0,
                                    .no_mouse = !p->ui.mouse,
                                    .no_sync = !p->ui.sync,
                                    .no_color = !c->cmd->color };
    int rows, cols;

    themes_find(&c->themes);
    if (cmd_has(args, "dump")) {
        open_picture(c, options.ascii);
    } else {
        const char *theme = theme_wanted(c, args); /* asks the terminal, before curses has it */
        c->term = term_open(&options, &c->cmd->err);
        if (!c->term)
            return -1;
        themes_load(&c->themes, theme, &c->theme, &c->log);
        term_size(c->term, &rows, &cols);
        c->canvas = canvas_new(rows, cols, !term_facts(c->term)->utf8);
    }
    c->ui = ui_new();
    struct keymap keys;
    if (config_keymap(p, &keys, &c->cmd->err))
        return -1;
    ui_set_keymap(c->ui, &keys);
    ui_set_words(c->ui, cmd_has(args, "words") || p->ui.words);
    ui_set_usual(c->ui, p->ui.columns, p->ui.sort);
    struct err err;
    if (ui_file_load(p, c->ui, &err))
        log_say(&c->log, LOG_WARN, "%s", err.text);
    if (*ui_theme(c->ui) && c->cmd->color && !cmd_has(args, "theme"))
        themes_load(&c->themes, ui_theme(c->ui), &c->theme, &c->log);
    return 0;
}

static int open_fleet(struct console *c)
{
    const struct profile *p = c->cmd->profile;
    struct session_config config = { .profile = p,
                                     .log = &c->log,
                                     .parts = c->read_only ? SESSION_ENGINE | SESSION_FOLLOW
                                                           : SESSION_ENGINE,
                                     .name = "console" };
    struct err err;

    c->session = session_open(&config, &c->cmd->err);
    if (!c->session)
        return -1;
    c->help = plan_help_new(session_store(c->session));
    c->have_keys = planning_keyset(p, &c->keys, &err) == 0;
    if (!c->have_keys)
        log_say(&c->log, LOG_WARN, "%s", err.text);
    c->releases = release_store_open(p->store_dir, ossl_crypto(), &err);
    if (!c->releases)
        log_say(&c->log, LOG_WARN, "%s", err.text);
    return 0;
}

static void close_all(struct console *c)
{
    term_close(c->term);
    script_free(c->script);
    ui_free(c->ui);
    canvas_free(c->canvas);
    themes_free(&c->themes);
    session_close(c->session);
    release_store_close(c->releases);
    tail_free(c->lines);
    rollout_rows_free(c->rows);
    plan_help_free(c->help);
    past_free(c->past);
    device_acts_free(c->acts);
    keys_watch_free(c->keys_watch);
    free(c->release);
}

/* On the terminal until somebody quits, or the script fails; without one until the script is over.
 */
static int run(struct console *c)
{
    signals_install();
    if (!c->term && !c->script) { /* the first whole picture, and that is it */
        if (session_settle(c->session, FRAME_MS, &c->cmd->err))
            return (int)c->cmd->err.code;
        look_around(c, session_now());
        draw(c, session_now());
        print_picture(c);
        return EXIT_DONE;
    }
    c->stray = c->term ? stray_open() : NULL;
    loop(c);
    term_close(c->term);
    c->term = NULL;
    stray_close(c->stray);
    fputs(c->leaving.told, c->cmd->out);
    return c->failed ? (int)c->cmd->err.code : EXIT_DONE;
}

static int run_console(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct console *c = mem_alloc(sizeof(*c));
    int rc = EXIT_DONE;

    c->cmd = ctx;
    c->log = (struct log){ .sink = sink, .ctx = c, .least = ctx->verbose ? LOG_DEBUG : LOG_INFO };
    c->lines = tail_new(LOG_LINES);
    c->rows = rollout_rows_new();
    c->past = past_new(ctx->profile->journal, &c->log);
    c->acts = device_acts_new(ctx->profile->journal, &c->log);
    c->keys_watch = keys_watch_new(ctx->profile, &c->log);
    c->release = mem_array(RELEASES_MAX, sizeof(*c->release));
    session_who(c->who, sizeof(c->who));
    c->hints = cmd_has(args, "hint");
    c->read_only = ctx->profile->ui.read_only || cmd_has(args, "read-only");
    c->opened_ms = session_now();
    const char *script = cmd_get(args, "script", NULL);
    if (script)
        c->script = script_load(script, &ctx->err);
    if ((script && !c->script) || open_fleet(c) || open_screen(c, args))
        rc = (int)ctx->err.code;
    else
        rc = run(c);
    close_all(c);
    free(c);
    return rc;
}

static const struct option console_options[] = {
    { "ascii", 0, NULL, "draw with ASCII only" },
    { "words", 0, NULL, "words and numbers for glyphs, bars and plots; for screen readers" },
    { "read-only", 0, NULL, "only look: no acts, and never drive the rollouts" },
    { "theme", 0, "NAME", "colours: a file in themes/ without .ini" },
    { "script", 0, "FILE", "type the keys of that file: docs/console.md" },
    { "dump", 0, NULL, "no terminal: print the picture when the script is over" },
    { "hint", 0, NULL, "say in the first minute what to press" },
    { 0 },
};

const struct command app_console_command = {
    "", "", "the console", console_options, run_console, COMMAND_PROFILE, NULL,
};
