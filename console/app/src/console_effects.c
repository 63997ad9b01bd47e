#include "console_effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console_acts.h"
#include "console_model.h"
#include "device_export.h"
#include "list_export.h"
#include "ui_file.h"

void console_tell(struct console *c, const struct ui_model *m, enum tail_level level,
                  const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    ui_notify(c->ui, m, level, text);
    tail_push(c->lines, m->now_ms, level, false, "", text, strlen(text));
    pace_at_once(&c->pace);
}

static void do_leave(struct console *c, const struct ui_model *m, enum ui_effect_kind kind)
{
    struct err err;
    int rc = kind == UI_HAND_OVER ? leaving_hand_over(&c->leaving, c->session, c->cmd->program,
                                                      c->cmd->profile, m->now_ms, &err)
                                  : leaving_pause(&c->leaving, c->session, c->who, m->now_ms, &err);

    if (rc != 0)
        console_tell(c, m, TAIL_ERROR, "%s", err.text);
    else
        console_tell(c, m, TAIL_PLAIN, "%s",
                     kind == UI_HAND_OVER ? "handing over to muster serve …" : "pausing …");
}

void console_look_at_leaving(struct console *c, int64_t now)
{
    struct err err;

    if (c->leaving.what == LEAVING_NOT)
        return;
    enum leaving_how how = leaving_look(&c->leaving, c->session, now, &err);
    if (how == LEAVING_FAILED) {
        struct ui_model m = console_model(c, now);
        console_tell(c, &m, TAIL_ERROR, "%s", err.text);
    }
    c->quit = c->quit || how == LEAVING_IS_DONE;
}

static void do_load(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;

    if (rollout_rows_load(c->rows, session_store(c->session), fx->id, &err))
        console_tell(c, m, TAIL_ERROR, "%s: %s", fx->id, err.text);
}

static void do_write(struct console *c, const struct ui_model *m)
{
    bool open = m->read_only;

    c->write_until_ms = open ? m->now_ms + UI_WRITE_MS : 0;
    console_tell(c, m, TAIL_WARN,
                 open ? "acts are allowed for 15 minutes; :write again ends it"
                      : "acts are no longer allowed");
}

static void do_export(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    const struct list_export from = { m, session_store(c->session), c->releases };
    size_t count;
    struct err err;

    if (list_export_write(&from, fx, &count, &err))
        console_tell(c, m, TAIL_ERROR, "not exported: %s", err.text);
    else
        console_tell(c, m, TAIL_PLAIN, "%zu rows written to %s", count, fx->text);
}

static void do_save(struct console *c, const struct ui_model *m)
{
    struct err err;

    if (ui_file_save(c->cmd->profile, c->ui, &err))
        console_tell(c, m, TAIL_WARN, "not kept: %s", err.text);
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
        console_tell(c, m, TAIL_ERROR, "not exported: %s", err.text);
    else
        console_tell(c, m, TAIL_PLAIN, "%zu lines written to %s", count, path);
}

void console_carry_out(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    if (console_act(c, m, fx))
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
