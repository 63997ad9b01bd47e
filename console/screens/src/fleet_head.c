#include "fleet_draw.h"

#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "views.h"

/* Above the table: how many devices are in which state, what is shown of them. */

int fleet_head_rows(int rows, int cols)
{
    return rows >= 32 && cols >= 100 ? 2 : 1;
}

/* `words`: how much of them; 0 none, 1 beside the glyph, 2 in its place. */
static int draw_chip(struct area a, int col, char key, bool active, enum fleet_state state,
                     uint32_t count, int words)
{
    struct area b = a;
    b.under = active ? ROLE_SELECTION : ROLE_TEXT;
    if (active)
        col = area_put(b, 0, col - 1, ROLE_TEXT, ' ');
    col = area_printf(b, 0, col, ROLE_KEY, "%c ", key);
    if (words < 2)
        col = area_put(b, 0, col, state_role(state), state_glyph(state));
    if (words)
        col = area_printf(b, 0, col, words < 2 ? ROLE_TEXT : state_role(state), "%s%s",
                          words < 2 ? " " : "", fleet_state_word(state));
    col = area_printf(b, 0, col, count ? ROLE_TEXT : ROLE_DIM, " %u", count);
    if (active)
        area_put(b, 0, col, ROLE_TEXT, ' ');
    return col + 3;
}

static int draw_chips(struct ui *ui, struct area a, bool all)
{
    static const struct {
        char key;
        enum fleet_state state;
    } chips[] = { { '1', FLEET_CRIT },
                  { '2', FLEET_WARN },
                  { '3', FLEET_OFFLINE },
                  { '4', FLEET_UPDATING },
                  { '5', FLEET_OK } };
    const struct fleet_screen *f = &ui->fleet;
    int words = a.c->words ? 2 : a.cols >= 100;
    int col = 1;
    for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++) {
        bool active = f->states & 1u << chips[i].state;
        col = draw_chip(a, col, chips[i].key, active, chips[i].state,
                        fleet_view_matched_state(f->view, chips[i].state), words);
        uint32_t stale = fleet_view_matched_state(f->view, FLEET_STALE);
        if (chips[i].state == FLEET_OFFLINE && stale) {
            struct area b = a;
            b.under = active ? ROLE_SELECTION : ROLE_TEXT;
            col = area_printf(b, 0, col - 2, ROLE_STALE, words < 2 ? "? " : "");
            col = area_printf(b, 0, col, ROLE_TEXT, "%s%u", words ? "stale " : "", stale) + 3;
        }
    }
    if (!all && !f->states)
        return col;
    col = area_text(a, 0, col, ROLE_KEY, "0 ");
    return area_printf(a, 0, col, f->states ? ROLE_DIM : ROLE_TEXT, "all %u",
                       fleet_view_matched(f->view)) +
           2;
}

/* "severity", "temp▾, firmware▴" */
static void sort_text(const struct fleet_screen *f, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f->sort_count && used < cap; i++) {
        const struct sort_choice *by = &f->sort[i];
        bool plain = strcmp(by->word, "state") == 0 && !by->invert;
        used += (size_t)snprintf(out + used, cap - used, "%s%s%s", i ? ", " : "",
                                 column_label(f->of, by->word),
                                 plain        ? ""
                                 : by->invert ? "▾"
                                              : "▴");
    }
}

/* "view hot*": changed since it was chosen. Empty without one. */
static void view_text(struct ui *ui, char *out, size_t cap)
{
    const struct saved_view *view = view_find(ui, ui->views.now);
    out[0] = '\0';
    if (view)
        snprintf(out, cap, "view %s%s", view->name, view_is_shown(&ui->fleet, view) ? "" : "*");
}

static void draw_crumb(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_screen *f = &ui->fleet;
    char sort[160], text[240];
    int col = area_text(a, 0, 1, ROLE_CRUMB, "fleet");
    if (*f->filter)
        col = area_printf(a, 0, col, ROLE_TEXT, " › %s", f->filter);
    char shown[VIEW_NAME_MAX + 16];
    view_text(ui, shown, sizeof(shown));
    sort_text(f, sort, sizeof(sort));
    snprintf(text, sizeof(text), "%s%s%ssort %s   %u of %u devices ",
             m->now_ms < f->hold_until_ms ? "rows held   " : "", shown, *shown ? "   " : "", sort,
             fleet_view_count(f->view), fleet_count(m->fleet));
    if (area_width(a, text) + col < a.cols)
        area_right(a, 0, a.cols, ROLE_DIM, text);
}

/* Behind the chips, where there is no line for it: the view's name and the filter; both, or the
 * filter as far as it fits. */
static void draw_narrow_crumb(struct ui *ui, struct area a)
{
    const char *filter = ui->fleet.filter;
    char view[VIEW_NAME_MAX + 16], text[200 + VIEW_NAME_MAX];
    view_text(ui, view, sizeof(view));
    snprintf(text, sizeof(text), "%s%s%s%.180s ", view, *view && *filter ? "  " : "",
             *filter ? "/" : "", filter);
    if (area_width(a, text) > a.cols)
        snprintf(text, sizeof(text), "%s%.180s ", *filter ? "/" : "", filter);
    if (area_width(a, text) <= a.cols)
        area_right(a, 0, a.cols, ROLE_MATCH, text);
    else
        area_field(a, 0, 0, a.cols - 1, ROLE_MATCH, text, false);
}

void fleet_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_link *link = fleet_link(m->fleet);
    char text[200], clock[FMT_MAX];
    int col = draw_chips(ui, area_sub(a, 0, 0, 1, -1), link->up || a.cols >= 100);
    if (!link->up && link->since_ms) {
        snprintf(text, sizeof(text), "values as of %s, not live ",
                 fmt_clock(link->since_ms, clock));
        if (area_width(a, text) + col < a.cols)
            area_right(a, 0, a.cols, ROLE_DISCONNECTED, text);
    } else if (a.rows < 2 && m->now_ms < ui->fleet.hold_until_ms && col + 11 < a.cols) {
        area_right(a, 0, a.cols, ROLE_DIM, "rows held ");
    } else if (a.rows < 2) {
        draw_narrow_crumb(ui, area_sub(a, 0, col, 1, -1));
    }
    if (a.rows >= 2)
        draw_crumb(ui, m, area_sub(a, 1, 0, 1, -1));
}
