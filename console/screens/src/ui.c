#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define TOAST_MS 8000

static const struct screen_ops *const screens[SCREEN_COUNT] = {
    [SCREEN_FLEET] = &screen_fleet,       [SCREEN_DEVICE] = &screen_device,
    [SCREEN_ROLLOUTS] = &screen_rollouts, [SCREEN_ROLLOUT] = &screen_rollout,
    [SCREEN_RELEASES] = &screen_releases, [SCREEN_LOG] = &screen_log,
    [SCREEN_ALERTS] = &screen_alerts,     [SCREEN_KEYS] = &screen_keys,
};

static const struct dialog_ops *dialog_ops(enum dialog dialog)
{
    switch (dialog) {
    case DIALOG_CONFIRM:
        return &dialog_confirm;
    case DIALOG_HELP:
        return &dialog_help;
    case DIALOG_PALETTE:
        return &dialog_palette;
    case DIALOG_SORT:
        return &dialog_sort;
    case DIALOG_START:
        return &dialog_start;
    case DIALOG_FORM:
        return &dialog_form;
    case DIALOG_QUIT:
        return &dialog_quit;
    case DIALOG_COLUMNS:
        return &dialog_columns;
    case DIALOG_THEME:
        return &dialog_theme;
    case DIALOG_VIEWS:
        return &dialog_views;
    case DIALOG_EXPORT:
        return &dialog_export;
    case DIALOG_NONE:
        break;
    }
    return NULL;
}

static const struct screen_ops *ops_of(const struct ui *ui)
{
    return screens[ui->stack[ui->depth - 1]];
}

struct ui *ui_new(void)
{
    struct ui *ui = mem_alloc(sizeof(*ui));
    ui->stack[0] = SCREEN_FLEET;
    ui->depth = 1;
    keymap_default(&ui->keys);
    ui->rows = 24;
    ui->cols = 80;
    ui_set_usual(ui, "", "");
    ui->fleet.trend = FLEET_NONE;
    ui->fleet.span_ms = ui->device.span_ms = SPAN_AUTO;
    ui->fleet.page = ui->rollouts.page = ui->rollout.page = ui->releases.page = 10;
    return ui;
}

void ui_free(struct ui *ui)
{
    if (!ui)
        return;
    fleet_view_free(ui->fleet.view);
    free(ui->fleet.mark);
    canvas_free(ui->picture);
    free(ui->ids);
    free(ui);
}

void ui_set_keymap(struct ui *ui, const struct keymap *keys)
{
    ui->keys = *keys;
}

void ui_set_words(struct ui *ui, bool words)
{
    ui->fleet.words = words;
}

enum screen_id ui_screen(const struct ui *ui)
{
    return ui->stack[ui->depth - 1];
}

const char *ui_selected(const struct ui *ui)
{
    return ui_screen(ui) == SCREEN_DEVICE ? ui->device.id : ui->fleet.selected;
}

bool ui_frozen(const struct ui *ui)
{
    return ui->frozen;
}

int64_t ui_next_ms(const struct ui *ui, const struct ui_model *m)
{
    (void)ui;
    int64_t next = m->now_ms - m->now_ms % 1000 + 1000; /* the clock in the corner */
    return next < m->now_ms + 100 ? m->now_ms + 100 : next;
}

/* ---------------------------------------------------------------------------------- effects */

struct ui_effect *ui_effect(struct step *s, enum ui_effect_kind kind)
{
    if (s->out->count == UI_EFFECTS)
        return &s->ui->spare; /* a step makes at most a few */
    struct ui_effect *e = &s->out->item[s->out->count++];
    *e = (struct ui_effect){ .kind = kind, .reading = FLEET_NONE };
    return e;
}

const char *ui_theme(const struct ui *ui)
{
    return ui->theme;
}

void ui_save(struct step *s)
{
    for (size_t i = 0; i < s->out->count; i++) {
        if (s->out->item[i].kind == UI_SAVE)
            return;
    }
    ui_effect(s, UI_SAVE);
}

static void toast(struct ui *ui, const struct ui_model *m, enum tail_level level, const char *text)
{
    ui->toast.level = level;
    text_clean(ui->toast.text, sizeof(ui->toast.text), text, strlen(text));
    ui->toast.until_ms = m->now_ms + TOAST_MS;
}

void ui_notify(struct ui *ui, const struct ui_model *m, enum tail_level level, const char *text)
{
    toast(ui, m, level, text);
}

void ui_say(struct step *s, enum tail_level level, const char *format, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    toast(s->ui, s->m, level, text);
}

static void open_writing(struct step *s)
{
    if (!s->m->may_write)
        ui_say(s, TAIL_WARN, "%s%s", s->m->read_only ? "read-only: " : "acts are allowed already",
               s->m->read_only && s->m->read_only_why ? s->m->read_only_why : "");
    else
        ui_effect(s, UI_WRITE);
}

bool ui_may_act(struct step *s)
{
    if (!s->m->read_only)
        return true;
    ui_say(s, TAIL_WARN, "read-only: %s",
           s->m->read_only_why ? s->m->read_only_why : "this profile does not act");
    return false;
}

void ui_ids_room(struct ui *ui, size_t count)
{
    if (count <= ui->ids_cap)
        return;
    ui->ids = mem_grow(ui->ids, count, sizeof(*ui->ids));
    ui->ids_cap = count;
}

/* -------------------------------------------------------------------------------- the stack */

void ui_push(struct step *s, enum screen_id screen)
{
    struct ui *ui = s->ui;
    if (ui_screen(ui) == screen)
        return;
    for (int i = 0; i < ui->depth; i++) {
        if (ui->stack[i] == screen) { /* go back to it rather than on in circles */
            while (ui->depth - 1 > i)
                ui_back(s);
            return;
        }
    }
    if (ui->depth == UI_DEPTH)
        return;
    ui->stack[ui->depth++] = screen;
    if (screens[screen]->opened)
        screens[screen]->opened(s);
}

void ui_back(struct step *s)
{
    struct ui *ui = s->ui;
    if (ui->depth <= 1)
        return;
    const struct screen_ops *ops = ops_of(ui);
    ui->depth--;
    if (ops->closed)
        ops->closed(s);
}

/* ------------------------------------------------------------------------- what all share */

static void quit(struct step *s)
{
    if (s->ui->depth > 1)
        ui_back(s);
    else if (!quit_open(s->ui, s->m))
        ui_effect(s, UI_QUIT);
}

static void shared_action(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_BACK:
        ui_back(s);
        break;
    case ACTION_QUIT:
        quit(s);
        break;
    case ACTION_HELP:
        help_open(s->ui);
        break;
    case ACTION_PALETTE:
        palette_open(s->ui);
        break;
    case ACTION_FLEET:
        ui_push(s, SCREEN_FLEET);
        break;
    case ACTION_ROLLOUTS:
        ui_push(s, SCREEN_ROLLOUTS);
        break;
    case ACTION_RELEASES:
        ui_push(s, SCREEN_RELEASES);
        break;
    case ACTION_LOG:
        ui_push(s, SCREEN_LOG);
        break;
    case ACTION_KEYS:
        ui_push(s, SCREEN_KEYS);
        break;
    case ACTION_WRITE:
        open_writing(s);
        break;
    case ACTION_ALERTS:
        ui_push(s, SCREEN_ALERTS);
        break;
    case ACTION_THEME:
        theme_open(s);
        break;
    case ACTION_FREEZE:
        s->ui->freeze_next = true;
        s->ui->frozen_ms = s->m->now_ms;
        break;
    case ACTION_REDRAW:
        ui_effect(s, UI_REDRAW);
        break;
    case ACTION_SUSPEND:
        ui_effect(s, UI_SUSPEND);
        break;
    case ACTION_RECONNECT:
        ui_effect(s, UI_RECONNECT);
        ui_say(s, TAIL_PLAIN, "reconnecting");
        break;
    default:
        break;
    }
}

void ui_act(struct step *s, enum action action)
{
    const struct screen_ops *ops = ops_of(s->ui);
    if (!ops->action || !ops->action(s, action))
        shared_action(s, action);
}

/* ------------------------------------------------------------------------------------- step */

static void thaw(struct ui *ui)
{
    ui->frozen = ui->freeze_next = false;
    ui->fleet.stale = true;
}

/* A frozen picture takes few keys: what is under the cursor may no longer be so. */
static void frozen_key(struct step *s, const struct ui_event *ev)
{
    const struct key_binding *b = keymap_find(&s->ui->keys, ui_screen(s->ui), ev->key);
    enum action action = b ? b->action : ACTION_NONE;
    if (action == ACTION_FREEZE || action == ACTION_BACK || action == ACTION_QUIT)
        thaw(s->ui);
    else if (action == ACTION_REDRAW || action == ACTION_SUSPEND)
        shared_action(s, action);
    else
        ui_say(s, TAIL_PLAIN, "the picture is frozen; z goes on");
}

static void key(struct step *s, const struct ui_event *ev)
{
    struct ui *ui = s->ui;
    const struct screen_ops *ops = ops_of(ui);
    ui->toast.until_ms = 0;
    if (ui->dialog != DIALOG_NONE) {
        dialog_ops(ui->dialog)->event(s, ev);
    } else if (ui->frozen) {
        frozen_key(s, ev);
    } else if (!ops->typing || !ops->typing(s, ev)) {
        const struct key_binding *b =
            ev->kind == UI_KEY ? keymap_find(&ui->keys, ui_screen(ui), ev->key) : NULL;
        if (b)
            ui_act(s, b->action);
    }
}

/* The key that stands for what was clicked on in the last picture. */
static int clicked_key(const struct ui *ui, const struct ui_event *ev)
{
    for (int i = 0; i < ui->hot_count && ev->mouse == UI_CLICK; i++) {
        const struct canvas_hot *h = &ui->hot[i];
        if (ev->row == h->row && ev->col >= h->col && ev->col < h->end)
            return h->key;
    }
    return K_NONE;
}

/* A dialog has its buttons and, by the wheel, its cursor. A click beside it does nothing: least of
 * all to what it hides. */
static int dialog_mouse(const struct ui_event *ev, int clicked)
{
    return ev->mouse == UI_WHEEL_UP ? K_UP : ev->mouse == UI_WHEEL_DOWN ? K_DOWN : clicked;
}

/* A click on a key's name in the lines at the foot is that key. */
static void mouse(struct step *s, const struct ui_event *ev)
{
    struct ui *ui = s->ui;
    if (ui->hot_dialog != (int)ui->dialog) /* it opened after the picture that was clicked on */
        return;
    struct ui_event press = { .kind = UI_KEY, .key = clicked_key(ui, ev) };
    if (ui->dialog != DIALOG_NONE)
        press.key = dialog_mouse(ev, press.key);
    if (press.key && (ui->dialog != DIALOG_NONE || !ui->frozen))
        key(s, &press);
    else if (ui->dialog == DIALOG_NONE && !ui->frozen && ops_of(ui)->mouse)
        ops_of(ui)->mouse(s, ev);
}

void ui_step(struct ui *ui, const struct ui_event *ev, const struct ui_model *model,
             struct ui_effects *out)
{
    struct step s = { .ui = ui, .m = model, .out = out };
    out->count = 0;
    if (ops_of(ui)->refresh && !ui->frozen && ui->fleet.of != model->fleet)
        ops_of(ui)->refresh(ui, model); /* the first event may come before the first picture */
    switch (ev->kind) {
    case UI_KEY:
    case UI_PASTE:
        key(&s, ev);
        break;
    case UI_MOUSE:
        mouse(&s, ev);
        break;
    case UI_RESIZE:
        ui->rows = ev->row;
        ui->cols = ev->col;
        break;
    case UI_TICK:
    case UI_RESUMED:
        break;
    }
    fleet_screen_trend(&s);
}

/* ------------------------------------------------------------------------------------- draw */

enum role state_role(enum fleet_state state)
{
    static const enum role roles[FLEET_STATES] = {
        [FLEET_CRIT] = ROLE_CRIT,         [FLEET_WARN] = ROLE_WARN,
        [FLEET_OFFLINE] = ROLE_OFFLINE,   [FLEET_STALE] = ROLE_STALE,
        [FLEET_UPDATING] = ROLE_UPDATING, [FLEET_OK] = ROLE_OK,
    };
    return (unsigned)state < FLEET_STATES ? roles[state] : ROLE_TEXT;
}

uint32_t state_glyph(enum fleet_state state)
{
    static const uint32_t glyphs[FLEET_STATES] = {
        [FLEET_CRIT] = 0x2717, [FLEET_WARN] = 0x25b2,     [FLEET_OFFLINE] = 0x25cb,
        [FLEET_STALE] = '?',   [FLEET_UPDATING] = 0x21e1, [FLEET_OK] = 0x25cf,
    };
    return (unsigned)state < FLEET_STATES ? glyphs[state] : ' ';
}

int draw_state(struct area a, int row, int col, enum fleet_state state)
{
    if (a.c->words)
        return area_text(a, row, col, state_role(state), fleet_state_word(state));
    return area_put(a, row, col, state_role(state), state_glyph(state));
}

const char *clean(char *out, size_t cap, const char *text)
{
    text_clean(out, cap, text ? text : "", text ? strlen(text) : 0);
    return out;
}

const char *tail_level_word(enum tail_level level)
{
    return level == TAIL_WARN ? "warn" : level == TAIL_ERROR ? "error" : "";
}

void draw_log_level(struct area a, int row, enum tail_level level)
{
    if (level == TAIL_WARN)
        area_mark(a, row, 0, ROLE_LOG_WARN, "▲");
    if (level == TAIL_ERROR)
        area_mark(a, row, 0, ROLE_LOG_ERROR, "✗");
}

void area_pointer(struct area line, int col)
{
    area_put(line, 0, col, ROLE_FOCUS, 0x25b8);
    area_cursor(line, 0, col);
}

char *key_shown(struct area a, int key, char *out, size_t cap)
{
    return key_text(key, a.c->ascii || a.c->words, out, cap);
}

int draw_act(struct area a, int col, const char *key, const char *word)
{
    int start = col;
    if (col + area_width(a, key) + area_width(a, word) + 1 > a.cols)
        return col;
    col = area_text(a, 0, col, ROLE_KEY, key);
    col = area_printf(a, 0, col, ROLE_HINT, " %s  ", word);
    area_hot(a, 0, start, col - 2, key_from_text(key));
    return col;
}

int draw_action(const struct ui *ui, struct area a, int col, enum action action, const char *word)
{
    const struct key_binding *b = keymap_of(&ui->keys, ui_screen(ui), action);
    char name[16];
    if (!b || !b->key[0])
        return col;
    return draw_act(a, col, key_shown(a, b->key[0], name, sizeof(name)), word);
}

void draw_act_right(struct area a, int col, const char *text)
{
    if (col + area_width(a, text) < a.cols)
        area_right(a, 0, a.cols - 1, ROLE_DIM, text);
}

void draw_pane_rule(struct area a, int row, bool focus, const char *title, const char *right)
{
    bool room = right && area_width(a, title) + area_width(a, right) + 10 < a.cols;
    area_rule(a, row, NULL, room ? right : NULL);
    char text[160];
    snprintf(text, sizeof(text), " %s ", title);
    area_text(area_sub(a, row, 2, 1, a.cols - 4), 0, 0, focus ? ROLE_FOCUS : ROLE_TITLE, text);
    if (focus && row < a.rows) /* until a row of it is chosen */
        area_cursor(a, row, 3);
}

/* Bindings of a screen with a place in its footer, in that order. */
static size_t footer_of(const struct ui *ui, const struct key_binding *out[32])
{
    size_t used = 0;
    const struct keymap *k = &ui->keys;
    for (int place = 1; place < 32; place++) {
        for (size_t i = 0; i < k->count && used < 32; i++) {
            const struct key_binding *b = &k->binding[i];
            if (b->footer == place && b->key[0] && b->screens & 1u << ui_screen(ui))
                out[used++] = b;
        }
    }
    return used;
}

/* Always in the footer, at its end. */
static bool always(const struct key_binding *b)
{
    return b->action == ACTION_HELP || b->action == ACTION_QUIT || b->action == ACTION_BACK;
}

static int key_width(struct area a, const struct key_binding *b)
{
    char name[16];
    return area_width(a, key_shown(a, b->key[0], name, sizeof(name))) + area_width(a, b->foot) + 3;
}

void draw_keys(const struct ui *ui, struct area a)
{
    const struct key_binding *list[32];
    size_t count = footer_of(ui, list);
    int room = a.cols, col = 1; /* each width has a gap of two behind it; the last needs none */

    for (size_t i = 0; i < count; i++) {
        if (always(list[i]))
            room -= key_width(a, list[i]);
    }
    for (size_t i = 0; i < count; i++) {
        bool must = always(list[i]);
        int width = key_width(a, list[i]);
        if (!must && width > room)
            continue;
        room -= must ? 0 : width;
        char name[16];
        int start = col;
        col = area_text(a, 0, col, ROLE_KEY, key_shown(a, list[i]->key[0], name, sizeof(name)));
        col = area_printf(a, 0, col, ROLE_HINT, " %s  ", list[i]->foot);
        area_hot(a, 0, start, col - 2, list[i]->key[0]);
    }
}

/* The rate of messages, four seconds to a bar so that it moves rarely. */
static int draw_rate(struct area a, const struct ui_model *m, int col)
{
    uint32_t history[FLEET_RATE_SECONDS];
    struct fleet_point point[FLEET_RATE_SECONDS / 4];
    double most = 0;
    fleet_rate_history(m->fleet, m->now_ms - m->now_ms % 4000, history);
    for (int i = 0; i < FLEET_RATE_SECONDS / 4; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++)
            sum += (float)history[4 * i + k];
        point[i] = (struct fleet_point){ FLEET_POINT_SAMPLE, sum, sum, sum };
        most = (double)sum > most ? (double)sum : most;
    }
    plot_spark(a, 0, col, FLEET_RATE_SECONDS / 4, point, FLEET_RATE_SECONDS / 4, 0,
               most > 0 ? most * 1.01 : 1, ROLE_PLOT);
    return col + FLEET_RATE_SECONDS / 4;
}

/* One more part of the header if it fits; the column after it. */
static int part(struct area a, int col, enum role role, const char *text)
{
    if (col + area_width(a, text) > a.cols)
        return a.cols;
    return area_text(a, 0, col, role, text) + 2;
}

static int draw_pace(const struct ui_model *m, double per_second, struct area a, int col)
{
    char text[40], rate[FMT_MAX];
    if (m->link->rtt_ms >= 0) {
        snprintf(text, sizeof(text), "rtt %dms", m->link->rtt_ms);
        col = part(a, col, ROLE_DIM, text);
    }
    snprintf(text, sizeof(text), "%s msg/s", fmt_rate(per_second, rate));
    col = part(a, col, ROLE_DIM, text) - 1;
    return col + FLEET_RATE_SECONDS / 4 + 1 < a.cols ? draw_rate(a, m, col) + 2 : col;
}

static void head_up(const struct ui_model *m, struct area a, int col)
{
    const struct ui_link *l = m->link;
    struct fleet_counters counters;
    char text[160];
    bool wide = a.cols >= 100;

    fleet_counters(m->fleet, m->now_ms, &counters);
    col = area_glyph(a, 0, col, ROLE_OK, "● ", wide ? "" : "link up ");
    if (wide)
        col = part(a, col, ROLE_TEXT, "connected");
    snprintf(text, sizeof(text), "%s%s", !wide ? "" : l->tls ? "mqtts://" : "mqtt://", l->host);
    col = part(a, col, ROLE_TEXT, text);
    snprintf(text, sizeof(text), "tls%s%s", wide && *l->tls_text ? " " : "",
             wide ? l->tls_text : "");
    col = part(a, col, l->tls ? ROLE_DIM : ROLE_WARN, l->tls ? text : "no tls");
    if (!a.c->words) /* what changes each second would be read each second */
        col = draw_pace(m, counters.per_second, a, col);
    if (counters.broker_dropped || wide) {
        snprintf(text, sizeof(text), "%llu drops", (unsigned long long)counters.broker_dropped);
        part(a, col, counters.broker_dropped ? ROLE_WARN : ROLE_DIM, text);
    }
}

static void head_down(const struct ui_model *m, struct area a, int col)
{
    const struct fleet_link *link = fleet_link(m->fleet);
    const struct ui_link *l = m->link;
    char text[200], age[FMT_MAX];
    const char *glyph = a.c->words ? "" : "✗ ";
    if (link->since_ms)
        snprintf(text, sizeof(text), " %sdisconnected %s ", glyph,
                 fmt_duration((m->now_ms - link->since_ms) / 1000, age));
    else
        snprintf(text, sizeof(text), " %snot connected to %s ", glyph, l->host);
    col = area_text(a, 0, col, ROLE_DISCONNECTED, text) + 1;
    if (*link->reason)
        col = part(a, col, ROLE_TEXT, link->reason);
    if (l->retry_at_ms > m->now_ms)
        snprintf(text, sizeof(text), "retry %u in %ds", l->attempt,
                 (int)((l->retry_at_ms - m->now_ms + 999) / 1000));
    else
        snprintf(text, sizeof(text), "trying");
    col = part(a, col, ROLE_TEXT, text);
    part(a, col, ROLE_KEY, "^R now");
}

/* "serve" of "serve, pid 4711 on host gw1, since …"; the whole stands on the rollout screens. */
static int short_engine(const char *engine)
{
    size_t len = strcspn(engine, ",:");
    return len < 24 ? (int)len : 24;
}

static void draw_link(const struct ui_model *m, struct area a)
{
    char text[80], clock[FMT_MAX];
    snprintf(text, sizeof(text), "%sZ ",
             a.c->words ? fmt_hm(m->now_ms, clock) : fmt_clock(m->now_ms, clock));
    int end = area_right(a, 0, a.cols, ROLE_TEXT, text); /* ticks: a colour costs 22 B/s */
    struct area room = area_sub(a, 0, 0, 1, end - 1);
    int col = area_printf(room, 0, 1, ROLE_TITLE, "%s", m->profile ? m->profile : "muster") + 1;
    if (m->prod)
        col = area_text(room, 0, col, ROLE_BADGE_PROD, " PROD ") + 1;
    if (m->read_only)
        col = area_text(room, 0, col, ROLE_BADGE_READONLY, " READ-ONLY ") + 1;
    else if (m->write_until_ms > m->now_ms)
        col = area_printf(room, 0, col, ROLE_BADGE_PROD, " WRITE %dm ",
                          (int)((m->write_until_ms - m->now_ms + 59999) / 60000)) +
              1;
    if (m->engine && a.cols >= 80 && (!LINK_DOWN(m) || a.cols >= 120)) /* the link first */
        col = area_printf(room, 0, col + 1, ROLE_WARN, "engine: %.*s", short_engine(m->engine),
                          m->engine);
    if (LINK_DOWN(m))
        head_down(m, room, col + 1);
    else
        head_up(m, room, col + 1);
}

/* The last thing that happened, when nothing more urgent is to be said. */
static void draw_last_note(const struct ui_model *m, struct area a)
{
    uint64_t first, last;
    char clock[FMT_MAX];
    fleet_note_range(m->fleet, &first, &last);
    const struct fleet_note *n = last ? fleet_note(m->fleet, last) : NULL;
    if (!n)
        return;
    int col = draw_state(a, 0, 1, n->state);
    col = area_printf(a, 0, col, ROLE_DIM, " %s ", fmt_clock(n->t_ms, clock));
    area_printf(a, 0, col, ROLE_TEXT, "%s%s%s", n->id, *n->id ? " " : "", n->text);
}

/* Where there is no room for the strip: why the selected device is what it is, then the last event
 * as far as it fits. */
static void draw_selected(const struct ui *ui, const struct ui_model *m, struct area a)
{
    uint32_t index = fleet_find(m->fleet, ui->fleet.selected);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
    char why[120] = "";
    if (d && ui_screen(ui) == SCREEN_FLEET && !ui->fleet.preview_off)
        device_why(m, d, why, sizeof(why));
    if (!*why) {
        draw_last_note(m, a);
        return;
    }
    int col = draw_state(a, 0, 1, (enum fleet_state)d->state);
    col = area_printf(a, 0, col, ROLE_TITLE, " %s", d->id);
    col = area_printf(a, 0, col, ROLE_TEXT, " %s", why) + 3;
    if (col + 24 < a.cols)
        draw_last_note(m, area_sub(a, 0, col, 1, -1));
}

/* For the first minute, and only where it is true. */
static bool wants_hint(const struct ui *ui, const struct ui_model *m)
{
    return m->hint && *m->hint && ui_screen(ui) == SCREEN_FLEET && ui->fleet.mark_count == 0;
}

/* What does not fit loses its middle: names stand at the beginning, causes at the end. */
static void draw_both_ends(struct area a, enum role role, const char *text)
{
    int room = a.cols - 2, width = area_width(a, text), head = room * 2 / 5;
    int tail = room - head - 1;
    if (width <= room || tail < 8) {
        area_text(a, 0, 1, role, text);
        return;
    }
    area_text(area_sub(a, 0, 1, 1, head), 0, 0, role, text);
    area_text(a, 0, 1 + head, role, "…");
    area_text(area_sub(a, 0, head + 2, 1, tail), 0, tail - width, role, text);
}

static void draw_message(const struct ui *ui, const struct ui_model *m, struct area a)
{
    static const enum role roles[] = { ROLE_TITLE, ROLE_LOG_WARN, ROLE_LOG_ERROR };
    if (ui->toast.until_ms > m->now_ms)
        draw_both_ends(a, roles[ui->toast.level], ui->toast.text);
    else if (wants_hint(ui, m))
        area_printf(a, 0, 1, ROLE_HINT, "%s", m->hint);
    else if (ui_screen(ui) != SCREEN_LOG)
        draw_selected(ui, m, a);
}

/* Whom the next act hits is said even where a message takes the place of the acts. */
static int draw_marks(const struct ui *ui, struct area a)
{
    if (ui_screen(ui) != SCREEN_FLEET || ui->fleet.mark_count == 0)
        return 0;
    return area_printf(a, 0, 1, ROLE_MARKED, "%zu marked", ui->fleet.mark_count) + 1;
}

/* Four rows: rule, message, acts, keys. Three: no message line of its own. Two: no rule either. */
static void draw_bottom(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct screen_ops *ops = ops_of(ui);
    if (a.rows > 2)
        area_rule(a, 0, NULL, NULL);
    struct area in = a.rows > 2 ? area_sub(a, 1, 0, -1, -1) : a;
    if (ops->bar && ops->bar(ui, m, in))
        return;
    struct area acts = area_sub(in, in.rows - 2, 0, 1, -1);
    if (in.rows > 2)
        draw_message(ui, m, area_sub(in, 0, 0, 1, -1));
    if (in.rows <= 2 && (ui->toast.until_ms > m->now_ms || wants_hint(ui, m)))
        draw_message(ui, m, area_sub(acts, 0, draw_marks(ui, acts), 1, -1));
    else if (ops->acts)
        ops->acts(ui, m, acts);
    draw_keys(ui, area_sub(in, in.rows - 1, 0, 1, -1));
}

static void draw_frozen(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    const struct canvas *p = ui->picture;
    c->cursor_row = p->cursor_row;
    c->cursor_col = p->cursor_col;
    for (int row = 1; row < c->rows && row < p->rows; row++) {
        int cols = c->cols < p->cols ? c->cols : p->cols;
        memcpy(&c->cell[(size_t)row * (size_t)c->cols], &p->cell[(size_t)row * (size_t)p->cols],
               (size_t)cols * sizeof(*c->cell));
        if (cols < p->cols && canvas_at(p, row, cols)->cp == 0)
            c->cell[(size_t)row * (size_t)c->cols + (size_t)cols - 1] =
                (struct cell){ .cp = ' ', .width = 1 };
    }
    struct area banner = area_sub(area_all(c), c->rows > 12 ? 2 : 1, 0, 1, -1);
    char clock[FMT_MAX], age[FMT_MAX];
    area_fill(banner, 0, 0, banner.cols, ROLE_FROZEN, ' ');
    int col = area_printf(banner, 0, 1, ROLE_FROZEN, "frozen at %s, %s ago",
                          fmt_clock(ui->frozen_ms, clock),
                          fmt_duration((m->now_ms - ui->frozen_ms) / 1000, age));
    area_text(banner, 0, col, ROLE_FROZEN, "   data is still collected   z goes on");
    if (ui->toast.until_ms > m->now_ms) {
        struct area line = area_sub(area_all(c), c->rows - 2, 0, 1, -1);
        area_blank(line);
        draw_message(ui, m, line);
    }
}

static void draw_narrow(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    struct area a = area_all(c);
    const struct screen_ops *ops = ops_of(ui);
    const char *word = screen_word(ui_screen(ui));
    char clock[FMT_MAX];
    bool down = LINK_DOWN(m);
    int col = area_glyph(a, 0, 0, down ? ROLE_DISCONNECTED : ROLE_OK, down ? "✗" : "●",
                         down ? "link down," : "link up,");
    col = area_printf(a, 0, col, ROLE_TITLE, " %s", m->profile ? m->profile : "muster");
    area_printf(a, 0, col, ROLE_DIM, " %s", word);
    if (a.cols >= 30)
        area_right(a, 0, a.cols, ROLE_DIM,
                   a.c->words ? fmt_hm(m->now_ms, clock) : fmt_clock(m->now_ms, clock));
    struct area list = area_sub(a, 1, 0, a.rows > 3 ? a.rows - 2 : -1, -1);
    if (ops->narrow)
        ops->narrow(ui, m, list);
    else if (ops->body)
        ops->body(ui, m, list);
    if (a.rows > 3) {
        struct area low = area_sub(a, a.rows - 1, 0, 1, -1);
        if (ui->toast.until_ms > m->now_ms)
            draw_message(ui, m, low);
        else if (!ops->bar || !ops->bar(ui, m, low))
            draw_keys(ui, low);
    }
}

static void draw_screen(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    const struct screen_ops *ops = ops_of(ui);
    struct area a = area_all(c);
    int head = ops->head_rows ? ops->head_rows(a.rows, a.cols) : 1;
    int bottom = ops->bottom_rows ? ops->bottom_rows(ui) : a.rows >= 20 ? 4 : 3;

    draw_link(m, area_sub(a, 0, 0, 1, -1));
    if (ops->head)
        ops->head(ui, m, area_sub(a, 1, 0, head, -1));
    area_rule(a, 1 + head, NULL, NULL);
    if (ops->body)
        ops->body(ui, m, area_sub(a, 2 + head, 0, a.rows - 2 - head - bottom, -1));
    draw_bottom(ui, m, area_sub(a, a.rows - bottom, 0, bottom, -1));
}

static void keep_picture(struct ui *ui, const struct canvas *c)
{
    canvas_free(ui->picture);
    ui->picture = canvas_new(c->rows, c->cols, c->ascii);
    ui->picture->cursor_row = c->cursor_row;
    ui->picture->cursor_col = c->cursor_col;
    memcpy(ui->picture->cell, c->cell, (size_t)c->rows * (size_t)c->cols * sizeof(*c->cell));
    ui->frozen = true;
    ui->freeze_next = false;
}

void ui_draw(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    canvas_clear(c);
    c->words = ui->fleet.words;
    ui->rows = c->rows;
    ui->cols = c->cols;
    bool small = c->rows < 15 || c->cols < 60;
    if (ui->frozen && !ui->freeze_next) {
        if (!small)
            draw_link(m, area_sub(area_all(c), 0, 0, 1, -1));
        draw_frozen(ui, m, c);
    } else {
        if (ops_of(ui)->refresh)
            ops_of(ui)->refresh(ui, m);
        if (small)
            draw_narrow(ui, m, c);
        else
            draw_screen(ui, m, c);
    }
    if (ui->freeze_next) {
        keep_picture(ui, c);
        draw_frozen(ui, m, c);
    }
    const struct dialog_ops *dialog = dialog_ops(ui->dialog);
    if (dialog && c->words) /* read by lines: what is beside a box would be read with it */
        area_blank(area_all(c));
    if (dialog) {
        c->hot_count = 0; /* what it hides can't be clicked on */
        dialog->draw(ui, m, area_all(c));
    }
    ui->hot_count = c->hot_count;
    ui->hot_dialog = (int)ui->dialog;
    memcpy(ui->hot, c->hot, sizeof(ui->hot));
    c->cursor_visible |= c->words;
    if (c->cursor_row >= c->rows || c->cursor_row < 0)
        c->cursor_row = c->rows - 1;
    if (c->cursor_col >= c->cols || c->cursor_col < 0)
        c->cursor_col = c->cols - 1;
}

/* ------------------------------------------------------------------------------------ lists */

void cursor_fit(struct cursor *c, uint32_t count, int page)
{
    uint32_t rows = page < 1 ? 1 : (uint32_t)page;
    if (c->row >= count)
        c->row = count ? count - 1 : 0;
    if (c->top > c->row)
        c->top = c->row;
    if (c->row >= c->top + rows)
        c->top = c->row - rows + 1;
    if (c->top + rows > count)
        c->top = count > rows ? count - rows : 0;
}

bool cursor_action(struct cursor *c, enum action action, uint32_t count, int page)
{
    int64_t row = c->row;
    switch ((int)action) {
    case ACTION_UP:
        row -= 1;
        break;
    case ACTION_DOWN:
        row += 1;
        break;
    case ACTION_PAGE_UP:
        row -= page;
        break;
    case ACTION_PAGE_DOWN:
        row += page;
        break;
    case ACTION_HALF_UP:
        row -= page / 2;
        break;
    case ACTION_HALF_DOWN:
        row += page / 2;
        break;
    case ACTION_FIRST:
        row = 0;
        break;
    case ACTION_LAST:
        row = (int64_t)count - 1;
        break;
    default:
        return false;
    }
    c->row = (uint32_t)(row < 0 ? 0 : row);
    cursor_fit(c, count, page);
    return true;
}
