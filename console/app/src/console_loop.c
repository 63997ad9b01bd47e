#include "console_loop.h"

#include <stdio.h>
#include <string.h>

#include "console_acts.h"
#include "console_effects.h"
#include "console_model.h"

enum { FRAME_MS = TERM_FRAME_MS };

static void feed(struct console *c, const struct ui_event *ev)
{
    struct ui_effects fx;
    struct ui_model m = console_model(c, session_now());

    ui_step(c->ui, ev, &m, &fx);
    for (size_t i = 0; i < fx.count; i++)
        console_carry_out(c, &m, &fx.item[i]);
    c->dirty = true;
}

/* The history of what is on the screen, a piece at a time. */
static void read_past(struct console *c, int64_t now)
{
    struct ui_model m = console_model(c, now);
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

void console_draw(struct console *c, int64_t now)
{
    struct ui_model m = console_model(c, now);

    console_read_link(c);
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

void console_print(const struct console *c)
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
        console_print(c);
}

/* As far as it goes without waiting; each key sees the picture that the one before made. */
static void follow_script(struct console *c, int64_t now)
{
    while (c->script && !c->quit) {
        console_draw(c, now);
        struct script_step step = script_next(c->script, c->canvas, now, &c->cmd->err);
        struct ui_event ev = { .kind = UI_KEY, .key = step.key };
        if (step.what == SCRIPT_SIZE && !c->term) {
            ev = (struct ui_event){ .kind = UI_RESIZE, .row = step.rows, .col = step.cols };
            canvas_resize(c->canvas, ev.row, ev.col);
        }
        if (step.what == SCRIPT_KEY || ev.kind == UI_RESIZE)
            feed(c, &ev);
        else if (step.what == SCRIPT_DUMP && !c->term)
            console_print(c);
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

void console_loop(struct console *c)
{
    struct pollfd fds[TERM_FDS + 1];
    struct ui_event tick = { .kind = UI_TICK };

    while (!c->quit) {
        struct ui_model m = console_model(c, session_now());
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
        console_look_around(c, now);
        ring(c);
        console_tell_answers(c, now);
        console_look_at_leaving(c, now);
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
            console_draw(c, now);
    }
}
