#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The small dialogs: confirm, help, palette, sort menu. */

/* A box of that size in the middle of the screen, blank inside. */
static struct area centred(struct area screen, int rows, int cols)
{
    rows = rows > screen.rows ? screen.rows : rows;
    cols = cols > screen.cols ? screen.cols : cols;
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - cols) / 2, rows, cols);
    area_blank(box);
    return box;
}

static void close(struct ui *ui)
{
    ui->dialog = DIALOG_NONE;
}

static bool is_key(const struct ui_event *ev, int key)
{
    return ev->kind == UI_KEY && ev->key == key;
}

static bool is_cancel(const struct ui_event *ev)
{
    return is_key(ev, K_ESC) || is_key(ev, K_CTRL('C'));
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

static void confirm_event(struct step *s, const struct ui_event *ev)
{
    struct confirm *c = &s->ui->confirm;
    bool taken = false;
    if (is_cancel(ev)) {
        close(s->ui);
        return;
    }
    if (is_key(ev, K_ENTER)) {
        if (armed(c)) {
            struct ui_effect *e = ui_effect(s, c->effect.kind);
            *e = c->effect;
            e->ids = e->id_count ? s->ui->ids : NULL;
            fleet_screen_clear_marks(s->ui);
        }
        close(s->ui);
        return;
    }
    if (*c->type)
        field_event(&c->field, ev, &taken);
    else if (is_key(ev, K_TAB) || is_key(ev, K_BACKTAB) || is_key(ev, K_LEFT) ||
             is_key(ev, K_RIGHT))
        c->on_act = !c->on_act;
}

static int button(struct area a, int row, int col, const char *word, bool focus)
{
    struct area b = a;
    b.under = focus ? ROLE_SELECTION : ROLE_TEXT;
    col =
        area_printf(b, row, col, focus ? ROLE_FOCUS : ROLE_TEXT, focus ? "[ %s ]" : "  %s  ", word);
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
    struct area box = centred(screen, c->lines + (*c->type ? 8 : 6), width);
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
    } else {
        in.c->cursor_row = in.row + row;
        in.c->cursor_col = in.col;
    }
    int col = button(in, row, 4, c->keep, !armed(c));
    button(in, row, col, c->act, armed(c));
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
        close(s->ui);
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

static bool holds(const char *text, const char *what)
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
    return holds(b->help, search) || holds(action_word(b->action), search) ||
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
        key_text(l->binding->key[i], a.c->ascii, key, sizeof(key));
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
    struct area box = centred(screen, height + 4, screen.cols < 96 ? screen.cols : 96);
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
    screen.c->cursor_row = in.row;
    screen.c->cursor_col = in.col + (h->search.len ? 1 + (int)h->search.len : 0);
}

const struct dialog_ops dialog_help = { help_event, help_draw };

/* ---------------------------------------------------------------------------------- palette */

#define PALETTE_ROWS 8

void palette_open(struct ui *ui)
{
    ui->palette = (struct palette){ 0 };
    ui->dialog = DIALOG_PALETTE;
}

/* Bindings of this screen whose name or help holds the text; names that begin with it first. */
static int palette_matches(const struct ui *ui, const struct key_binding *out[64])
{
    int used = 0;
    size_t count = ui->keys.count;
    const char *text = ui->palette.field.text;
    const struct key_binding *table = ui->keys.binding;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count && used < 64; i++) {
            const char *name = action_word(table[i].action);
            bool begins = strncmp(name, text, strlen(text)) == 0;
            if (!(table[i].screens & 1u << ui_screen(ui)) || table[i].group == GROUP_MOVE)
                continue;
            if (pass == 0 ? begins : !begins && (holds(name, text) || holds(table[i].help, text)))
                out[used++] = &table[i];
        }
    }
    return used;
}

static void palette_event(struct step *s, const struct ui_event *ev)
{
    struct palette *p = &s->ui->palette;
    const struct key_binding *match[64];
    int count = palette_matches(s->ui, match);
    bool taken;
    if (is_cancel(ev)) {
        close(s->ui);
    } else if (is_key(ev, K_ENTER)) {
        close(s->ui);
        if (p->row < count)
            ui_act(s, match[p->row]->action); /* as its key would: dialogs still ask */
        else
            ui_say(s, TAIL_WARN, "no command \"%s\" here", p->field.text);
    } else if (is_key(ev, K_DOWN)) {
        p->row += p->row + 1 < count;
    } else if (is_key(ev, K_UP)) {
        p->row -= p->row > 0;
    } else if (is_key(ev, K_TAB)) {
        if (p->row < count)
            field_set(&p->field, action_word(match[p->row]->action));
        p->row = 0;
    } else if (field_event(&p->field, ev, &taken)) {
        p->row = 0;
    }
}

static void palette_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct palette *p = &ui->palette;
    const struct key_binding *match[64];
    int count = palette_matches(ui, match);
    int rows = PALETTE_ROWS + 4 < screen.rows ? PALETTE_ROWS + 4 : screen.rows;
    struct area box = area_sub(screen, screen.rows - rows, 0, rows, -1);
    int page = rows - 3, top = p->row >= page ? p->row - page + 1 : 0;
    (void)m;

    area_blank(box);
    area_rule(box, 0, "command", NULL);
    area_text(box, 1, 1, ROLE_KEY, ":");
    field_draw(&p->field, box, 1, 3, box.cols - 5);
    for (int i = 0; i < page && top + i < count; i++) {
        struct area line = area_sub(box, 2 + i, 0, 1, -1);
        char key[16];
        if (top + i == p->row)
            line = area_over(line, ROLE_SELECTION);
        area_field(line, 0, 3, 18, ROLE_TEXT, action_word(match[top + i]->action), false);
        area_text(line, 0, 23, ROLE_DIM, match[top + i]->help);
        key_text(match[top + i]->key[0], box.c->ascii, key, sizeof(key));
        area_right(line, 0, line.cols - 2, ROLE_KEY, key);
    }
    area_text(box, rows - 1, 3, ROLE_HINT, "Enter runs   Tab completes   ↑↓ choose   Esc cancels");
}

const struct dialog_ops dialog_palette = { palette_event, palette_draw };

/* ---------------------------------------------------------------------------------- sorting */

#define SORT_MAX 40
struct sort_choice {
    const char *name;
    struct fleet_sort_key key;
};

static int sort_choices(const struct fleet *fleet, struct sort_choice out[SORT_MAX])
{
    static const struct sort_choice fixed[] = {
        { "severity, worst first", { FLEET_COL_STATE, FLEET_NONE, false } },
        { "id", { FLEET_COL_ID, FLEET_NONE, false } },
        { "firmware, oldest first", { FLEET_COL_FW, FLEET_NONE, false } },
        { "update under way", { FLEET_COL_OTA, FLEET_NONE, false } },
        { "last seen, longest silent first", { FLEET_COL_SEEN, FLEET_NONE, false } },
        { "messages, most first", { FLEET_COL_RATE, FLEET_NONE, true } },
        { "product", { FLEET_COL_PRODUCT, FLEET_NONE, false } },
        { "hardware", { FLEET_COL_HW, FLEET_NONE, false } },
        { "group", { FLEET_COL_GROUPS, FLEET_NONE, false } },
        { "boots, most first", { FLEET_COL_BOOTS, FLEET_NONE, true } },
        { "certificate, soonest to end first", { FLEET_COL_CERT, FLEET_NONE, false } },
    };
    int used = (int)(sizeof(fixed) / sizeof(fixed[0]));
    memcpy(out, fixed, sizeof(fixed));
    for (uint32_t i = 0; i < fleet_reading_count(fleet) && used < SORT_MAX; i++)
        out[used++] =
            (struct sort_choice){ fleet_reading(fleet, i)->name, { FLEET_COL_READING, i, true } };
    return used;
}

static bool same_key(const struct fleet_sort_key *a, const struct fleet_sort_key *b)
{
    return a->column == b->column && a->reading == b->reading;
}

void sort_open(struct ui *ui)
{
    struct sort_choice choice[SORT_MAX];
    int count = sort_choices(ui->fleet.of, choice);
    ui->sort.row = 0;
    for (int i = 0; i < count; i++) {
        if (same_key(&choice[i].key, &ui->fleet.sort))
            ui->sort.row = i;
    }
    ui->dialog = DIALOG_SORT;
}

static void sort_event(struct step *s, const struct ui_event *ev)
{
    struct sort_choice choice[SORT_MAX];
    int count = sort_choices(s->m->fleet, choice);
    int *row = &s->ui->sort.row;
    if (is_cancel(ev) || is_key(ev, 'q') || is_key(ev, 's')) {
        close(s->ui);
    } else if (is_key(ev, K_ENTER) || is_key(ev, 'I')) {
        struct fleet_sort_key key = choice[*row < count ? *row : 0].key;
        if (ev->key == 'I')
            key.invert = !key.invert;
        close(s->ui);
        fleet_screen_sort_by(s, key);
    } else if (is_key(ev, K_DOWN) || is_key(ev, 'j')) {
        *row += *row + 1 < count;
    } else if (is_key(ev, K_UP) || is_key(ev, 'k')) {
        *row -= *row > 0;
    } else if (is_key(ev, K_HOME) || is_key(ev, 'g')) {
        *row = 0;
    } else if (is_key(ev, K_END) || is_key(ev, 'G')) {
        *row = count - 1;
    }
}

static void sort_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct sort_choice choice[SORT_MAX];
    int count = sort_choices(m->fleet, choice);
    int rows = count + 2 > screen.rows ? screen.rows : count + 2;
    struct area box = centred(screen, rows, 46);
    area_box(box, ROLE_FOCUS, "sort by", "Enter sorts   I inverted");
    struct area in = area_sub(box, 1, 1, rows - 2, box.cols - 2);
    int top = ui->sort.row >= in.rows ? ui->sort.row - in.rows + 1 : 0;
    for (int i = 0; i < in.rows && top + i < count; i++) {
        struct area line = area_sub(in, i, 0, 1, -1);
        const struct fleet_sort_key *key = &choice[top + i].key;
        bool now = same_key(key, &ui->fleet.sort);
        if (top + i == ui->sort.row) {
            line = area_over(line, ROLE_SELECTION);
            line.c->cursor_row = line.row;
            line.c->cursor_col = line.col + 1;
        }
        area_put(line, 0, 1, ROLE_FOCUS, now ? 0x25b8 : ' ');
        int col = area_text(line, 0, 3, ROLE_TEXT, choice[top + i].name);
        if (key->column == FLEET_COL_READING)
            area_text(line, 0, col, ROLE_DIM, ", highest first");
    }
}

const struct dialog_ops dialog_sort = { sort_event, sort_draw };
