#include "frame.h"

/* The rows below a screen's body: the last message, the acts, the keys. */

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

void draw_message(const struct ui *ui, const struct ui_model *m, struct area a)
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

/* Four rows: rule, message, acts, keys. Three: no message line of its own, two: no rule either; a
 * message then takes the place of the keys, which ? says, for what was just begun may have to be
 * stopped: "pause" and "abort" stay. */
void draw_foot(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct screen_ops *ops = ui_screen_ops(ui);
    if (a.rows > 2)
        area_rule(a, 0, NULL, NULL);
    struct area in = a.rows > 2 ? area_sub(a, 1, 0, -1, -1) : a;
    if (ops->bar && ops->bar(ui, m, in))
        return;
    struct area acts = area_sub(in, in.rows - 2, 0, 1, -1);
    if (in.rows > 2)
        draw_message(ui, m, area_sub(in, 0, 0, 1, -1));
    bool said = in.rows <= 2 && ui->toast.until_ms > m->now_ms;
    struct area keys = area_sub(in, in.rows - 1, 0, 1, -1);
    if (in.rows <= 2 && !said && wants_hint(ui, m))
        draw_message(ui, m, area_sub(acts, 0, draw_marks(ui, acts), 1, -1));
    else if (ops->acts)
        ops->acts(ui, m, acts);
    if (said)
        draw_message(ui, m, keys);
    else
        draw_keys(ui, keys);
}
