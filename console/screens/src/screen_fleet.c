#include "fleet_draw.h"
#include "fleet_table.h"

#include <string.h>

#include "base/text.h"
#include "columns.h"

/* The fleet: a live table, worst first. This file is what keys do to it; fleet_draw.c what it
 * looks like. */

static void chip(struct step *s, uint32_t mask)
{
    struct fleet_screen *f = &s->ui->fleet;
    f->states = f->states == mask ? 0 : mask; /* the same key again: all */
    fleet_view_states(f->view, f->states);
    fleet_table_show_now(s);
}

static void back(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (f->mark_count)
        fleet_screen_clear_marks(s->ui);
    else if (*f->filter)
        fleet_filter_set(s, "");
    else if (f->states)
        chip(s, f->states);
    else
        ui_say(s, TAIL_PLAIN, "q quits");
}

/* ------------------------------------------------------------------------------------ moving */

static bool move(struct step *s, enum action action)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct cursor c = { .row = f->row, .top = f->top };
    if (!cursor_action(&c, action, fleet_view_count(f->view), f->page))
        return false;
    f->top = c.top;
    fleet_table_select(f, c.row);
    fleet_table_hold(s);
    return true;
}

void fleet_screen_move(struct ui *ui, const struct ui_model *m, int by)
{
    struct fleet_screen *f = &ui->fleet;
    fleet_table_refresh(ui, m);
    uint32_t count = fleet_view_count(f->view);
    int64_t row = (int64_t)f->row + by;
    if (count == 0)
        return;
    fleet_table_select(f, (uint32_t)(row < 0 ? 0 : row >= count ? count - 1 : row));
    fleet_table_scroll(f, f->row);
}

static void open_selected(struct step *s)
{
    if (*s->ui->fleet.selected)
        ui_push(s, SCREEN_DEVICE);
}

void fleet_screen_open(struct step *s, const char *id)
{
    struct fleet_screen *f = &s->ui->fleet;
    ui_push(s, SCREEN_FLEET);
    if (fleet_find(s->m->fleet, id) == FLEET_NONE ||
        !text_copy(f->selected, sizeof(f->selected), id))
        return;
    f->touched = true;
    fleet_table_find(f);
    text_copy(f->selected, sizeof(f->selected), id); /* also when the filter hides it */
    ui_push(s, SCREEN_DEVICE);
}

static bool filter_action(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_FILTER:
        fleet_filter_edit(s);
        return true;
    case ACTION_CHIP_ALL:
        s->ui->fleet.states = 0;
        fleet_view_states(s->ui->fleet.view, 0);
        fleet_table_show_now(s);
        return true;
    case ACTION_CHIP_1:
        chip(s, 1u << FLEET_CRIT);
        return true;
    case ACTION_CHIP_2:
        chip(s, 1u << FLEET_WARN);
        return true;
    case ACTION_CHIP_3:
        chip(s, 1u << FLEET_OFFLINE | 1u << FLEET_STALE);
        return true;
    case ACTION_CHIP_4:
        chip(s, 1u << FLEET_UPDATING);
        return true;
    case ACTION_CHIP_5:
        chip(s, 1u << FLEET_OK);
        return true;
    default:
        return false;
    }
}

static bool view_action(struct step *s, enum action action)
{
    struct fleet_screen *f = &s->ui->fleet;
    switch ((int)action) {
    case ACTION_SORT:
        sort_open(s->ui);
        return true;
    case ACTION_INVERT:
        f->sort[0].invert = !f->sort[0].invert;
        fleet_screen_sort_by(s, f->sort, f->sort_count);
        return true;
    case ACTION_COLUMNS:
        columns_open(s);
        return true;
    case ACTION_VIEWS:
        views_open(s);
        return true;
    case ACTION_FOLLOW:
        f->follow = !f->follow;
        ui_say(s, TAIL_PLAIN, f->follow ? "the view follows %s" : "the view stays",
               *f->selected ? f->selected : "the selected row");
        return true;
    case ACTION_PREVIEW:
        f->preview_off = !f->preview_off;
        if (s->ui->rows < FLEET_PREVIEW_ROWS || s->ui->cols < 100)
            ui_say(s, TAIL_PLAIN,
                   f->preview_off
                       ? "no line for what is not ok (a plot from 100 columns, %d rows)"
                       : "the plot needs 100 columns and %d rows; here it is a line for what is "
                         "not ok",
                   FLEET_PREVIEW_ROWS);
        return true;
    case ACTION_SPAN_MORE:
    case ACTION_SPAN_LESS:
        change_span(s, &f->span_ms, action == ACTION_SPAN_MORE ? 1 : -1);
        return true;
    default:
        return false;
    }
}

static bool mark_action(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_MARK:
        fleet_marks_toggle(s);
        return true;
    case ACTION_MARK_RANGE:
        fleet_marks_range(s);
        return true;
    case ACTION_MARK_ALL:
        if (fleet_view_count(s->ui->fleet.view))
            fleet_marks_add(s, 0, fleet_view_count(s->ui->fleet.view) - 1);
        return true;
    case ACTION_EXPORT:
        export_open(s, UI_ROWS_DEVICES);
        return true;
    default:
        return false;
    }
}

static bool action_taken(struct step *s, enum action action)
{
    if (action == ACTION_OPEN)
        open_selected(s);
    else if (action == ACTION_BACK)
        back(s);
    else if (!move(s, action) && !filter_action(s, action) && !view_action(s, action) &&
             !mark_action(s, action))
        return fleet_screen_act(s, action);
    return true;
}

/* A click on a header sorts by it; again, the other way round. */
static void click_header(struct step *s, int col)
{
    struct fleet_screen *f = &s->ui->fleet;
    for (size_t i = 0; i < f->column_count; i++) {
        const struct column *c = &f->column[i];
        struct sort_choice by = { .invert = column_inverts(c->word) };
        if (col < c->col || col > c->col + c->width || c->kind == COLUMN_TREND)
            continue;
        text_copy(by.word, sizeof(by.word), c->word);
        if (strcmp(c->word, f->sort[0].word) == 0)
            by.invert = !f->sort[0].invert;
        fleet_screen_sort_by(s, &by, 1);
        return;
    }
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (ev->mouse == UI_WHEEL_UP || ev->mouse == UI_WHEEL_DOWN) {
        for (int i = 0; i < 3; i++)
            move(s, ev->mouse == UI_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
        return;
    }
    if (ev->row == f->head_row) {
        click_header(s, ev->col);
        return;
    }
    uint32_t row = f->top + (uint32_t)(ev->row - f->list_row);
    if (ev->row < f->list_row || ev->row >= f->list_row + f->page ||
        row >= fleet_view_count(f->view))
        return;
    bool again = row == f->row;
    fleet_table_select(f, row);
    fleet_table_hold(s);
    if (again || ev->mouse == UI_DOUBLE_CLICK)
        open_selected(s);
}

const struct screen_ops screen_fleet = {
    .refresh = fleet_table_refresh,
    .typing = fleet_filter_typing,
    .action = action_taken,
    .mouse = mouse,
    .head_rows = fleet_head_rows,
    .bottom_rows = fleet_bottom_rows,
    .head = fleet_head,
    .body = fleet_body,
    .acts = fleet_acts,
    .bar = fleet_bar,
    .narrow = fleet_narrow,
};
