#include "console_loop.h"

#include <stdio.h>
#include <string.h>

#include "console_acts.h"
#include "console_effects.h"
#include "console_model.h"

static void feed(struct console *c, const struct ui_event *ev)
{
    struct ui_effects fx;
    struct ui_model m = console_model(c, session_now());

    ui_step(c->ui, ev, &m, &fx);
    for (size_t i = 0; i < fx.count; i++)
        console_carry_out(c, &m, &fx.item[i]);
    if (ev->kind != UI_TICK)
        pace_at_once(&c->pace);
}

/* The history of what is on the screen, a piece at a time. */
static void read_past(struct console *c, int64_t now)
{
    struct ui_model m = console_model(c, now);
    struct ui_past_want want;

    if (!past_is_busy(c->past) && now - c->past_ms < PACE_FRAME_MS && now >= c->past_ms)
        return;
    c->past_ms = now;
    const char *id = ui_screen(c->ui) == SCREEN_DEVICE ? ui_selected(c->ui) : "";
    if (device_acts_work(c->acts, session_store(c->session), m.fleet, id, now))
        pace_at_once(&c->pace);
    if (device_cert_work(&c->cert, alerting_registry(session_alerting(c->session)), m.fleet, id,
                         now))
        pace_at_once(&c->pace);
    bool wanted = ui_wants_past(c->ui, &m, &want);
    if (past_work(c->past, wanted ? &want : NULL, session_fleet(c->session), now))
        pace_at_once(&c->pace);
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

/* The terminal has taken the last picture. */
static bool is_ready(const struct console *c)
{
    return !c->term || term_ready(c->term);
}

void console_draw(struct console *c, int64_t now)
{
    struct ui_model m = console_model(c, now);

    console_read_link(c);
    ui_draw(c->ui, &m, c->canvas);
    if (c->term && !term_show(c->term, c->canvas, &c->theme))
        return; /* a script draws without asking; the terminal gets it when it is ready */
    c->drawn = fleet_changes(m.fleet);
    pace_drawn(&c->pace, now, is_ready(c));
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

/* Until something is to be done though nothing happens. */
static int wait_ms(struct console *c)
{
    struct ui_model m = console_model(c, session_now());
    int wait = pace_wait_ms(&c->pace, ui_next_ms(c->ui, &m), m.now_ms);

    if (past_is_busy(c->past))
        return 0;
    return c->script && wait > PACE_FRAME_MS ? PACE_FRAME_MS : wait;
}

/* What is looked after once a turn, beside keys and the session. */
static void look(struct console *c, int64_t now)
{
    stray_read(c->stray, &c->log);
    console_look_around(c, now);
    ring(c);
    console_tell_answers(c, now);
    console_look_at_leaving(c, now);
    read_past(c, now);
    if (keys_watch_work(c->keys_watch, session_store(c->session), session_fleet(c->session),
                        ui_screen(c->ui) == SCREEN_KEYS, now))
        pace_changed(&c->pace);
}

void console_loop(struct console *c)
{
    struct pollfd fds[TERM_FDS + 1];
    struct ui_event tick = { .kind = UI_TICK };

    while (!c->quit) {
        if (!session_poll(c->session, fds, polls(c, fds), wait_ms(c)))
            break;
        read_keys(c); /* keys first: they are drawn at once */
        int64_t now = session_now();
        look(c, now);
        if (pace_is_due(&c->pace, now))
            feed(c, &tick);
        if (fleet_changes(session_fleet(c->session)) != c->drawn)
            pace_changed(&c->pace);
        follow_script(c, now);
        if (!c->quit && pace_draws(&c->pace, now, is_ready(c)))
            console_draw(c, now);
    }
}
