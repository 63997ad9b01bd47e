#include "dialog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "screens/line_cut.h"

void form_open(struct ui *ui, const struct form *f)
{
    ui->form = *f;
    ui->form.on_act = false; /* the harmless button has the focus */
    ui->dialog = DIALOG_FORM;
}

#define FORM_WIDTH 72 /* columns of a line; what is longer goes on in the next */

void form_line(struct form *f, const char *format, ...)
{
    char text[256];
    const char *rest = text, *indent = "";
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    while (*rest && f->lines < FORM_LINES) {
        size_t cut = line_cut(rest, FORM_WIDTH);
        snprintf(f->line[f->lines++], sizeof(f->line[0]), "%s%.*s", indent, (int)cut, rest);
        rest += cut + (rest[cut] == ' ');
        indent = "  ";
    }
}

/* ------------------------------------------------------------------------------------- keys */

static void describe(struct form *f, const struct ui_model *m)
{
    f->lines = 0;
    f->problem[0] = '\0';
    f->ops->describe(f, m);
}

static bool armed(const struct form *f)
{
    return *f->type ? strcmp(f->word.text, f->type) == 0 : f->on_act;
}

static void finish(struct step *s, struct form *f)
{
    struct ui_effect e = { .reading = FLEET_NONE };
    if (!armed(f) || !ui_may_act(s)) { /* rights may have ended while the dialog stood there */
        s->ui->dialog = DIALOG_NONE;
    } else if (f->ops->effect(f, s->m, &e)) {
        *ui_effect(s, e.kind) = e;
        if (e.kind == UI_COMMAND)
            fleet_screen_clear_marks(s->ui);
        s->ui->dialog = DIALOG_NONE;
    }
}

static bool is(const struct ui_event *ev, int key)
{
    return ev->kind == UI_KEY && ev->key == key;
}

static void choose(struct form *f, int by)
{
    int to = f->chosen + by;
    if (to >= 0 && to < f->options) {
        f->chosen = to;
        field_set(&f->word, ""); /* was typed for another choice */
    }
}

static void row_event(struct form *f, const struct ui_event *ev)
{
    bool taken, last = f->at == f->rows;
    struct form_row *row = last ? NULL : &f->row[f->at];
    int by = is(ev, K_RIGHT) || is(ev, ' ') ? 1 : is(ev, K_LEFT) ? -1 : 0;
    if (row && row->kind == FORM_CHOICE)
        choose(f, by);
    else if (row && field_event(&row->field, ev, &taken))
        field_set(&f->word, "");
    else if (last && *f->type)
        field_event(&f->word, ev, &taken);
    else if (last && by)
        f->on_act = by > 0;
}

static void event(struct step *s, const struct ui_event *ev)
{
    struct form *f = &s->ui->form;
    f->refused[0] = '\0';
    describe(f, s->m);
    if (is(ev, K_ESC) || is(ev, K_CTRL('C'))) {
        s->ui->dialog = DIALOG_NONE;
    } else if (is(ev, K_ENTER) && f->at == f->rows) {
        finish(s, f);
    } else if (is(ev, K_TAB) && f->at == f->rows && !*f->type) {
        f->on_act = !f->on_act;
    } else if (is(ev, K_TAB) || is(ev, K_DOWN) || is(ev, K_ENTER)) {
        f->at += f->at < f->rows;
    } else if (is(ev, K_BACKTAB) || is(ev, K_UP)) {
        f->at -= f->at > 0;
        f->on_act = false;
    } else if (is(ev, K_PGDN) || is(ev, K_PGUP)) {
        f->at = is(ev, K_PGDN) ? f->rows : 0;
        f->on_act = false;
    } else {
        row_event(f, ev);
    }
}

/* ------------------------------------------------------------------------------------- draw */

#define LABEL 14
#define FIELD 8 /* of a short value, with its help behind it */

static void draw_row(struct form *f, int i, struct area a, int row)
{
    struct form_row *r = &f->row[i];
    bool focus = f->at == i;
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    area_text(a, row, 2, focus ? ROLE_FOCUS : ROLE_DIM, r->label);
    int col = LABEL;
    if (r->kind == FORM_CHOICE) {
        col = area_text(a, row, col - 2, ROLE_KEY, focus && f->chosen > 0 ? "◂ " : "  ");
        col = area_text(a, row, col, ROLE_TITLE, f->option[f->chosen]);
        area_text(a, row, col, ROLE_KEY, focus && f->chosen + 1 < f->options ? " ▸" : "");
        if (focus)
            area_cursor(a, row, 0);
        return;
    }
    int width = r->help ? FIELD : a.cols - col;
    if (focus)
        field_draw(&r->field, a, row, col, width);
    else
        area_field(a, row, col, width, ROLE_TEXT, r->field.text, false);
    if (r->help)
        area_field(a, row, col + width + 2, a.cols - col - width - 2, ROLE_DIM, r->help, false);
}

/* What a click on the button that acts is: on to the buttons, focus, press. */
static int act_key(const struct form *f, bool focus)
{
    if (focus && armed(f))
        return K_ENTER;
    return !focus ? K_PGDN : *f->type ? K_NONE : K_RIGHT;
}

static void draw_last(struct form *f, struct area a, int row)
{
    bool focus = f->at == f->rows;
    if (*f->type) {
        area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
        int col = area_text(a, row, 2, focus ? ROLE_TEXT : ROLE_DIM, "Type ");
        col = area_text(a, row, col, focus ? ROLE_TITLE : ROLE_DIM, f->type);
        col = area_printf(a, row, col, focus ? ROLE_TEXT : ROLE_DIM, " to %s:  ", f->doing);
        if (focus)
            field_draw(&f->word, a, row, col, a.cols - col < 24 ? a.cols - col : 24);
        row += 2;
    }
    int col = dialog_button(a, row, 4, f->keep, !(focus && armed(f)), K_ESC);
    dialog_button(a, row, col, f->act, focus && armed(f), act_key(f, focus));
    if (focus && !*f->type)
        area_cursor(a, row, armed(f) ? col : 4);
}

static void draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct form *f = &ui->form;
    char note[80];
    describe(f, m);
    const char *problem = *f->problem ? f->problem : f->refused;
    int width = area_width(screen, f->title) + 8;
    for (int i = 0; i < f->lines; i++) {
        int w = area_width(screen, f->line[i]) + 8;
        width = w > width ? w : width;
    }
    for (int i = 0; i < f->rows; i++) {
        int w = f->row[i].help ? LABEL + FIELD + area_width(screen, f->row[i].help) + 8 : 0;
        width = w > width ? w : width;
    }
    width = width < 64 ? 64 : width;
    width = width > screen.cols ? screen.cols : width;
    int inside = f->lines + f->rows + (*problem != 0) + (*f->type ? 3 : 1) + 2;
    bool roomy = inside + 4 <= screen.rows;
    int rows = inside + (roomy ? 4 : 2) > screen.rows ? screen.rows : inside + (roomy ? 4 : 2);
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - width) / 2, rows, width);
    area_blank(box);
    snprintf(note, sizeof(note), "Esc: %s", f->keep);
    area_box(box, ROLE_FOCUS, f->title, note);
    struct area in = area_sub(box, 1, 2, rows - 2, width - 4);
    int row = roomy;
    for (int i = 0; i < f->lines; i++)
        area_field(in, row++, 1, in.cols - 1, ROLE_TEXT, f->line[i], false);
    row++;
    for (int i = 0; i < f->rows; i++)
        draw_row(f, i, in, row++);
    if (*problem)
        area_field(in, row++, 2, in.cols - 2, ROLE_INPUT_ERROR, problem, false);
    row += f->rows > 0;
    draw_last(f, in, row);
}

const struct dialog_ops dialog_form = { event, draw };
