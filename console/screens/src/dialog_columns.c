#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"

/*
 * The columns chooser. What it changes is seen behind it at once; Enter keeps it, Esc brings back
 * what was. Who a row is always stands first: an act must never hit a row without a name.
 */

static int find(const struct columns_dialog *d, const char *word)
{
    for (int i = 0; i < d->count; i++) {
        if (strcmp(d->item[i].word, word) == 0)
            return i;
    }
    return -1;
}

static void push(struct columns_dialog *d, const char *word, int width, bool on)
{
    if (d->count == COLUMN_ITEMS || find(d, word) >= 0 || strcmp(word, "state") == 0)
        return;
    text_copy(d->item[d->count].word, sizeof(d->item[0].word), word);
    d->item[d->count].width = width;
    d->on[d->count++] = on;
}

/* What is shown first, then what could be. */
static void list_items(struct columns_dialog *d, const struct fleet_screen *f)
{
    const char *word[COLUMN_WORDS];
    size_t count = column_words(f->of, word);
    d->count = 0;
    push(d, "id", 0, true);
    size_t wanted;
    const struct column_choice *c = columns_wanted(f, &wanted);
    for (size_t i = 0; i < wanted; i++) {
        push(d, c[i].word, c[i].width, true);
        int at = find(d, c[i].word);
        if (at >= 0)
            d->item[at].width = c[i].width;
    }
    for (size_t i = 0; i < f->column_count && !wanted; i++)
        push(d, f->column[i].word, 0, true);
    for (size_t i = 0; i < count; i++)
        push(d, word[i], 0, false);
}

/* Nothing is chosen: the list follows what the table has made of what the fleet sends. */
static void follow_fleet(struct columns_dialog *d, const struct fleet_screen *f)
{
    struct column_choice at = d->item[d->row];
    list_items(d, f);
    int row = find(d, at.word);
    d->row = row < 0 ? 0 : row;
}

void columns_open(struct step *s)
{
    struct columns_dialog *d = &s->ui->columns;
    struct fleet_screen *f = &s->ui->fleet;
    d->before_count = f->chosen_count;
    memcpy(d->before, f->chosen, sizeof(d->before));
    d->by_fleet = f->chosen_count == 0;
    d->row = 0;
    list_items(d, f);
    s->ui->dialog = DIALOG_COLUMNS;
}

/* As chosen so far, for the table behind. */
static void apply(struct step *s)
{
    struct columns_dialog *d = &s->ui->columns;
    struct fleet_screen *f = &s->ui->fleet;
    f->chosen_count = 0;
    for (int i = 0; i < d->count && f->chosen_count < FLEET_COLUMNS - 1 && !d->by_fleet; i++) {
        if (d->on[i])
            f->chosen[f->chosen_count++] = d->item[i];
    }
}

static void toggle(struct step *s)
{
    struct columns_dialog *d = &s->ui->columns;
    int shown = 0;
    for (int i = 0; i < d->count; i++)
        shown += d->on[i];
    if (d->row == 0)
        ui_say(s, TAIL_PLAIN, "the device's id is always shown");
    else if (!d->on[d->row] && shown == FLEET_COLUMNS - 1)
        ui_say(s, TAIL_WARN, "not more than %d columns", FLEET_COLUMNS - 1);
    else
        d->on[d->row] = !d->on[d->row];
}

/* Past its neighbour; the id keeps its place. */
static void move(struct columns_dialog *d, int by)
{
    int to = d->row + by;
    if (d->row < 1 || to < 1 || to >= d->count)
        return;
    struct column_choice item = d->item[d->row];
    bool on = d->on[d->row];
    d->item[d->row] = d->item[to];
    d->on[d->row] = d->on[to];
    d->item[to] = item;
    d->on[to] = on;
    d->row = to;
}

/* The width it has on the screen, or chosen. */
static int width_of(const struct ui *ui, const struct column_choice *c)
{
    for (size_t i = 0; i < ui->fleet.column_count && !c->width; i++) {
        if (strcmp(ui->fleet.column[i].word, c->word) == 0)
            return ui->fleet.column[i].width;
    }
    return c->width;
}

static void widen(struct ui *ui, int by)
{
    struct column_choice *c = &ui->columns.item[ui->columns.row];
    int width = width_of(ui, c) + by;
    if (strcmp(c->word, "trend") == 0) /* takes what is left */
        return;
    c->width = width < 3 ? 3 : width > COLUMN_WIDTH_MAX ? COLUMN_WIDTH_MAX : width;
}

static bool change(struct step *s, const struct ui_event *ev)
{
    struct columns_dialog *d = &s->ui->columns;
    if (is_key(ev, ' '))
        toggle(s);
    else if (is_key(ev, 'K') || is_key(ev, '<'))
        move(d, -1);
    else if (is_key(ev, 'J') || is_key(ev, '>'))
        move(d, 1);
    else if (is_key(ev, '+') || is_key(ev, '-'))
        widen(s->ui, ev->key == '+' ? 1 : -1);
    else if (is_key(ev, '='))
        d->item[d->row].width = 0;
    else
        return false;
    d->by_fleet = false;
    apply(s);
    return true;
}

static void columns_event(struct step *s, const struct ui_event *ev)
{
    struct columns_dialog *d = &s->ui->columns;
    struct fleet_screen *f = &s->ui->fleet;
    if (is_cancel(ev)) {
        memcpy(f->chosen, d->before, sizeof(d->before));
        f->chosen_count = d->before_count;
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER) || is_key(ev, 'q') || is_key(ev, 'o')) {
        dialog_close(s->ui);
        ui_save(s);
    } else if (is_key(ev, 'a')) {
        d->by_fleet = true;
        apply(s);
    } else if (!change(s, ev)) {
        list_key(ev, &d->row, d->count);
    }
}

static void draw_item(const struct ui *ui, struct area line, int i)
{
    const struct columns_dialog *d = &ui->columns;
    const struct column_choice *c = &d->item[i];
    const struct column_def *def = column_find(c->word);
    bool on = d->on[i];
    area_text(line, 0, 1, on && !d->by_fleet ? ROLE_FOCUS : ROLE_DIM, on ? "[x]" : "[ ]");
    area_field(line, 0, 5, 18, on ? ROLE_TEXT : ROLE_DIM, c->word, false);
    area_field(line, 0, 24, 14, ROLE_DIM, def ? def->label : "reading", false);
    int width = width_of(ui, c);
    if (width)
        area_printf(line, 0, 39, c->width ? ROLE_TEXT : ROLE_DIM, "%2d%s", width,
                    c->width ? "" : " own");
}

static void columns_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct columns_dialog *d = &ui->columns;
    int rows = d->count + 5 > screen.rows ? screen.rows : d->count + 5;
    struct area box = dialog_right(screen, rows, 52); /* the table stays in sight */
    char title[64] = "columns";
    (void)m;
    if (d->by_fleet)
        follow_fleet(d, &ui->fleet);
    if (d->by_fleet)
        snprintf(title, sizeof(title), "columns: what the fleet sends");
    else if (ui->fleet.column_left)
        snprintf(title, sizeof(title), "columns: no room for %zu", ui->fleet.column_left);
    area_box(box, ROLE_FOCUS, title, "Enter keeps   Esc as it was");
    struct area in = area_sub(box, 1, 1, rows - 4, box.cols - 2);
    int top = list_top(d->row, in.rows);
    for (int i = 0; i < in.rows && top + i < d->count; i++)
        draw_item(ui, list_line(in, i, top + i == d->row), top + i);
    area_text(box, rows - 3, 2, ROLE_HINT, "Space show, hide   < > move   + - width   = own");
    area_text(box, rows - 2, 2, ROLE_HINT, "a as the fleet sends");
}

const struct dialog_ops dialog_columns = { columns_event, columns_draw };
