#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"

/* The sort menu: Enter sorts by one; Space puts several together, the first the most important. */

static int choices(const struct fleet *fleet, const char *out[COLUMN_WORDS])
{
    size_t count = column_words(fleet, out), used = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(out[i], "trend") != 0)
            out[used++] = out[i];
    }
    return (int)used;
}

static int place_of(const struct fleet_screen *f, const char *word)
{
    for (size_t i = 0; i < f->sort_count; i++) {
        if (strcmp(f->sort[i].word, word) == 0)
            return (int)i;
    }
    return -1;
}

void sort_open(struct ui *ui)
{
    const char *word[COLUMN_WORDS];
    struct sort_menu *menu = &ui->sort;
    int count = choices(ui->fleet.of, word);
    *menu = (struct sort_menu){ .before_count = ui->fleet.sort_count };
    memcpy(menu->before, ui->fleet.sort, sizeof(menu->before));
    for (int i = 0; i < count; i++) {
        if (place_of(&ui->fleet, word[i]) == 0)
            menu->row = i;
    }
    ui->dialog = DIALOG_SORT;
}

/* In or out; of too many the last gives way, and of none it is severity. */
static void toggle(struct step *s, const char *word)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct sort_choice by[FLEET_SORT_KEYS + 1];
    size_t count = f->sort_count;
    int place = place_of(f, word);
    memcpy(by, f->sort, sizeof(f->sort));
    if (place >= 0) {
        count--;
        memmove(&by[place], &by[place + 1], (count - (size_t)place) * sizeof(*by));
    } else {
        count = count == FLEET_SORT_KEYS ? count - 1 : count;
        text_copy(by[count].word, sizeof(by[count].word), word);
        by[count++].invert = column_inverts(word);
    }
    if (count == 0) {
        text_copy(by[0].word, sizeof(by[0].word), "state");
        by[0].invert = false;
        count = 1;
    }
    s->ui->sort.several = true;
    fleet_screen_sort_by(s, by, count);
}

static void invert(struct step *s, const char *word)
{
    struct fleet_screen *f = &s->ui->fleet;
    int place = place_of(f, word);
    if (place < 0)
        toggle(s, word);
    place = place_of(f, word);
    f->sort[place].invert = !f->sort[place].invert;
    s->ui->sort.several = true;
    fleet_screen_sort_by(s, f->sort, f->sort_count);
}

static void only(struct step *s, const char *word)
{
    struct sort_choice by = { .invert = column_inverts(word) };
    text_copy(by.word, sizeof(by.word), word);
    fleet_screen_sort_by(s, &by, 1);
}

static void sort_event(struct step *s, const struct ui_event *ev)
{
    const char *word[COLUMN_WORDS];
    struct sort_menu *menu = &s->ui->sort;
    int count = choices(s->m->fleet, word);
    menu->row = menu->row < count ? menu->row : count - 1;
    if (is_cancel(ev)) {
        dialog_close(s->ui);
        fleet_screen_sort_by(s, menu->before, menu->before_count);
    } else if (is_key(ev, K_ENTER)) {
        dialog_close(s->ui);
        if (!menu->several)
            only(s, word[menu->row]);
    } else if (is_key(ev, 'q') || is_key(ev, 's')) {
        dialog_close(s->ui);
    } else if (is_key(ev, ' ') || is_key(ev, '+')) {
        toggle(s, word[menu->row]);
    } else if (is_key(ev, 'I')) {
        invert(s, word[menu->row]);
    } else {
        list_key(ev, &menu->row, count);
    }
}

static void draw_choice(const struct ui *ui, struct area line, const char *word)
{
    const struct fleet_screen *f = &ui->fleet;
    const struct column_def *def = column_find(word);
    int place = place_of(f, word);
    if (place >= 0)
        area_printf(line, 0, 1, ROLE_FOCUS, "%d%s", place + 1, f->sort[place].invert ? "▾" : "▴");
    int col = area_text(line, 0, line.c->words ? 8 : 4, ROLE_TEXT, def ? def->label : word);
    const char *order = def ? def->order : "highest first";
    if (order)
        area_printf(line, 0, col, ROLE_DIM, ", %s", order);
}

static void sort_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    const char *word[COLUMN_WORDS];
    int count = choices(m->fleet, word);
    int rows = count + 2 > screen.rows ? screen.rows : count + 2;
    struct area box = dialog_centred(screen, rows, 54);
    area_box(box, ROLE_FOCUS, "sort by", "Enter this   Space several   I inverted");
    struct area in = area_sub(box, 1, 1, rows - 2, box.cols - 2);
    int top = list_top(ui->sort.row, in.rows);
    for (int i = 0; i < in.rows && top + i < count; i++)
        draw_choice(ui, list_line(in, i, top + i == ui->sort.row), word[top + i]);
}

const struct dialog_ops dialog_sort = { sort_event, sort_draw };
