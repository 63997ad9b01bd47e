#include "frame.h"

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

const struct dialog_ops *ui_dialog_ops(const struct ui *ui)
{
    switch (ui->dialog) {
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

const struct screen_ops *ui_screen_ops(const struct ui *ui)
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
    free(ui->alerts.shown);
    list_filter_free(&ui->alerts.of_alerts);
    list_filter_free(&ui->alerts.of_silences);
    list_filter_free(&ui->rollouts.filter);
    list_filter_free(&ui->releases.filter);
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

/* Who goes to another screen, by a click in the list too, has done with typing: what was in force
 * stays. Or the keys of the next visit would be taken for text. */
static void end_typing(struct ui *ui)
{
    ui->fleet.editing = false;
    ui->fleet.kept[0] = '\0';
    ui->device.editing = EDIT_NOTHING;
    ui->rollouts.filter.editing = ui->releases.filter.editing = ui->log.editing = false;
    ui->alerts.of_alerts.editing = ui->alerts.of_silences.editing = false;
}

void ui_push(struct step *s, enum screen_id screen)
{
    struct ui *ui = s->ui;
    if (ui_screen(ui) == screen)
        return;
    end_typing(ui);
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
    const struct screen_ops *ops = ui_screen_ops(ui);
    end_typing(ui);
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
        s->ui->freeze_next = !s->ui->freeze_next; /* twice before a picture: as if never */
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
    const struct screen_ops *ops = ui_screen_ops(s->ui);
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
    else
        ui_say(s, TAIL_PLAIN, "the picture is frozen; z goes on");
}

/* Control keys that are about the terminal mean the same in dialogs and in text, too. */
static bool terminal_key(struct step *s, const struct ui_event *ev)
{
    const struct key_binding *b = ev->kind == UI_KEY && ev->key > 0 && ev->key < ' '
                                      ? keymap_find(&s->ui->keys, ui_screen(s->ui), ev->key)
                                      : NULL;
    if (!b || (b->action != ACTION_REDRAW && b->action != ACTION_SUSPEND))
        return false;
    shared_action(s, b->action);
    return true;
}

static void key(struct step *s, const struct ui_event *ev)
{
    struct ui *ui = s->ui;
    const struct screen_ops *ops = ui_screen_ops(ui);
    if (terminal_key(s, ev))
        return;
    ui->toast.until_ms = 0;
    if (ui->dialog != DIALOG_NONE) {
        ui_dialog_ops(ui)->event(s, ev);
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
    else if (ui->dialog == DIALOG_NONE && !ui->frozen && ui_screen_ops(ui)->mouse)
        ui_screen_ops(ui)->mouse(s, ev);
}

void ui_step(struct ui *ui, const struct ui_event *ev, const struct ui_model *model,
             struct ui_effects *out)
{
    struct step s = { .ui = ui, .m = model, .out = out };
    out->count = 0;
    if (ui_screen_ops(ui)->refresh && !ui->frozen && ui->fleet.of != model->fleet)
        ui_screen_ops(ui)->refresh(ui,
                                   model); /* the first event may come before the first picture */
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
