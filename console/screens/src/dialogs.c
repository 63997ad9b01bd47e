#include "dialog.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What dialogs share, and two small ones: confirm, help. */

static struct area dialog_box(struct area screen, int rows, int cols, int parts)
{
    rows = rows > screen.rows ? screen.rows : rows;
    cols = cols > screen.cols ? screen.cols : cols;
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - cols) / parts, rows, cols);
    area_blank(box);
    return box;
}

struct area dialog_centred(struct area screen, int rows, int cols)
{
    return dialog_box(screen, rows, cols, 2);
}

struct area dialog_right(struct area screen, int rows, int cols)
{
    return dialog_box(screen, rows, cols, 1);
}

void dialog_close(struct ui *ui)
{
    ui->dialog = DIALOG_NONE;
}

bool is_key(const struct ui_event *ev, int key)
{
    return ev->kind == UI_KEY && ev->key == key;
}

bool is_cancel(const struct ui_event *ev)
{
    return is_key(ev, K_ESC) || is_key(ev, K_CTRL('C'));
}

bool list_key(const struct ui_event *ev, int *row, int count)
{
    int to = *row;
    if (is_key(ev, K_DOWN) || is_key(ev, 'j'))
        to++;
    else if (is_key(ev, K_UP) || is_key(ev, 'k'))
        to--;
    else if (is_key(ev, K_PGDN))
        to += 10;
    else if (is_key(ev, K_PGUP))
        to -= 10;
    else if (is_key(ev, K_HOME) || is_key(ev, 'g'))
        to = 0;
    else if (is_key(ev, K_END) || is_key(ev, 'G'))
        to = count - 1;
    else
        return false;
    to = to >= count ? count - 1 : to;
    *row = to < 0 ? 0 : to;
    return true;
}

int list_top(int row, int rows)
{
    return row >= rows ? row - rows + 1 : 0;
}

struct area list_line(struct area in, int y, bool chosen)
{
    struct area line = area_sub(in, y, 0, 1, -1);
    if (!chosen)
        return line;
    area_cursor(line, 0, 1);
    return area_over(line, ROLE_SELECTION);
}

/* ---------------------------------------------------------------------------------- confirm */

void confirm_open(struct ui *ui, const struct confirm *c)
{
    ui->confirm = *c;
    ui->confirm.on_act = false; /* the harmless button has the focus */
    ui->dialog = DIALOG_CONFIRM;
}

static bool armed(const struct confirm *c)
{
    return *c->type ? strcmp(c->field.text, c->type) == 0 : c->on_act;
}

/* Asked again: rights may have ended while the dialog stood there. */
static void confirmed(struct step *s, const struct ui_effect *effect)
{
    if (!ui_may_act(s))
        return;
    struct ui_effect *e = ui_effect(s, effect->kind);
    *e = *effect;
    e->ids = e->id_count ? s->ui->ids : NULL;
    fleet_screen_clear_marks(s->ui);
}

static void confirm_event(struct step *s, const struct ui_event *ev)
{
    struct confirm *c = &s->ui->confirm;
    bool taken = false;
    if (is_cancel(ev)) {
        dialog_close(s->ui);
        return;
    }
    if (is_key(ev, K_ENTER)) {
        if (armed(c))
            confirmed(s, &c->effect);
        dialog_close(s->ui);
        return;
    }
    if (*c->type)
        field_event(&c->field, ev, &taken);
    else if (is_key(ev, K_TAB) || is_key(ev, K_BACKTAB) || is_key(ev, K_LEFT) ||
             is_key(ev, K_RIGHT))
        c->on_act = !c->on_act;
}

int dialog_button(struct area a, int row, int col, const char *word, bool focus, int key)
{
    struct area b = a;
    int start = col;
    b.under = focus ? ROLE_SELECTION : ROLE_TEXT;
    col =
        area_printf(b, row, col, focus ? ROLE_FOCUS : ROLE_TEXT, focus ? "[ %s ]" : "  %s  ", word);
    area_hot(a, row, start, col, key);
    return col + 3;
}

static void confirm_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct confirm *c = &ui->confirm;
    int width = area_width(screen, c->title) + 8;
    (void)m;
    for (int i = 0; i < c->lines; i++) {
        int w = area_width(screen, c->line[i]) + 6;
        width = w > width ? w : width;
    }
    width = width < 52 ? 52 : width;
    struct area box = dialog_centred(screen, c->lines + (*c->type ? 8 : 6), width);
    char note[80];
    snprintf(note, sizeof(note), "Esc%s: %s", armed(c) ? "" : " or Enter", c->keep);
    area_box(box, ROLE_FOCUS, c->title, note);
    struct area in = area_sub(box, 1, 3, box.rows - 2, box.cols - 5);
    for (int i = 0; i < c->lines; i++)
        area_text(in, 1 + i, 0, ROLE_TEXT, c->line[i]);
    int row = c->lines + 2;
    if (*c->type) {
        int col = area_text(in, row, 0, ROLE_TEXT, "Type ");
        col = area_text(in, row, col, ROLE_TITLE, c->type);
        col = area_printf(in, row, col, ROLE_TEXT, " to %s:  ", c->doing);
        field_draw(&c->field, in, row, col, in.cols - col < 24 ? in.cols - col : 24);
        row += 2;
    }
    int col = dialog_button(in, row, 4, c->keep, !armed(c), K_ESC);
    dialog_button(in, row, col, c->act, armed(c), armed(c) ? K_ENTER : *c->type ? K_NONE : K_TAB);
    if (!*c->type)
        area_cursor(in, row, armed(c) ? col : 4);
}

const struct dialog_ops dialog_confirm = { confirm_event, confirm_draw };

/* ------------------------------------------------------------------------------------- help */

void help_open(struct ui *ui)
{
    ui->help = (struct help){ 0 };
    ui->dialog = DIALOG_HELP;
}

static void help_event(struct step *s, const struct ui_event *ev)
{
    struct help *h = &s->ui->help;
    bool taken;
    if (is_cancel(ev) && h->search.len) {
        field_set(&h->search, "");
    } else if (is_cancel(ev) || is_key(ev, K_ENTER) || is_key(ev, K_FN(1)) ||
               (is_key(ev, '?') && !h->search.len) || (is_key(ev, 'q') && !h->search.len)) {
        dialog_close(s->ui);
    } else if (is_key(ev, K_DOWN) || is_key(ev, K_PGDN)) {
        h->top += ev->key == K_DOWN ? 1 : 10;
    } else if (is_key(ev, K_UP) || is_key(ev, K_PGUP)) {
        h->top -= ev->key == K_UP ? 1 : 10;
        h->top = h->top < 0 ? 0 : h->top;
    } else if (field_event(&h->search, ev, &taken)) {
        h->top = 0;
    }
}

/* A line of the overlay: a heading, a binding, or nothing. */
struct help_line {
    const char *heading;
    const struct key_binding *binding;
};
#define HELP_LINES 96

bool text_holds(const char *text, const char *what)
{
    size_t len = strlen(what);
    for (; *text; text++) {
        size_t i = 0;
        while (i < len && text[i] && (text[i] | 0x20) == (what[i] | 0x20))
            i++;
        if (i == len)
            return true;
    }
    return len == 0;
}

static bool wanted(const struct key_binding *b, enum screen_id screen, const char *search)
{
    char key[16];
    if (!(b->screens & 1u << screen) || !b->key[0])
        return false;
    return text_holds(b->help, search) || text_holds(action_word(b->action), search) ||
           strcmp(key_text(b->key[0], true, key, sizeof(key)), search) == 0;
}

static int help_lines(const struct ui *ui, struct help_line out[HELP_LINES])
{
    int used = 0;
    enum screen_id screen = ui_screen(ui);
    const char *search = ui->help.search.text;
    size_t count = ui->keys.count;
    const struct key_binding *table = ui->keys.binding;
    for (int group = 0; group < GROUP_COUNT; group++) {
        int heading = used;
        for (size_t i = 0; i < count; i++) {
            if ((int)table[i].group != group || !wanted(&table[i], screen, search))
                continue;
            if (used == heading) {
                if (used > 0 && used < HELP_LINES)
                    out[used++] = (struct help_line){ 0 };
                if (used < HELP_LINES)
                    out[used++].heading = key_group_word((enum key_group)group);
                out[used - 1].binding = NULL;
            }
            if (used < HELP_LINES)
                out[used++] = (struct help_line){ NULL, &table[i] };
        }
    }
    return used;
}

static void draw_help_line(struct area a, int row, int col, int width, const struct help_line *l)
{
    struct area cell = area_sub(a, row, col, 1, width - 1);
    int at = 1;
    if (l->heading)
        area_text(cell, 0, 0, ROLE_TITLE, l->heading);
    if (!l->binding)
        return;
    for (int i = 0; i < KEYS_PER_ACTION && l->binding->key[i] && at < 9; i++) {
        char key[16];
        key_shown(a, l->binding->key[i], key, sizeof(key));
        if (at + area_width(a, key) > 9 && i > 0)
            break;
        at = area_text(cell, 0, at, ROLE_KEY, key) + 1;
    }
    area_text(cell, 0, at > 9 ? at : 9, ROLE_TEXT, l->binding->help);
}

static void help_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct help *h = &ui->help;
    struct help_line line[HELP_LINES] = { { NULL, NULL } };
    enum screen_id id = ui_screen(ui);
    int count = help_lines(ui, line);
    int columns = screen.cols >= 78 ? 3 : screen.cols >= 52 ? 2 : 1;
    int height = (count + columns - 1) / columns, most = screen.rows - 4;
    char title[64];
    (void)m;

    height = height < 6 ? 6 : height > most ? most : height;
    /* A heading at the foot of a column, or a blank at its head, reads badly but says no lie. */
    struct area box = dialog_centred(screen, height + 4, screen.cols < 96 ? screen.cols : 96);
    snprintf(title, sizeof(title), "keys: %s", screen_word(id));
    area_box(box, ROLE_FOCUS, title, "type to search   Esc closes");
    struct area in = area_sub(box, 1, 2, box.rows - 2, box.cols - 3);
    if (h->top > count - height * columns)
        h->top = count > height * columns ? count - height * columns : 0;
    int width = in.cols / columns;
    for (int i = 0; i < height * columns && h->top + i < count; i++)
        draw_help_line(in, 1 + i % height, i / height * width, width, &line[h->top + i]);
    if (count == 0)
        area_text(in, 1, 1, ROLE_DIM, "no key does that on this screen");
    if (h->search.len)
        area_printf(in, 0, 0, ROLE_INPUT, "/%s", h->search.text);
    area_cursor(in, 0, h->search.len ? 1 + area_width(in, h->search.text) : 0);
}

const struct dialog_ops dialog_help = { help_event, help_draw };
