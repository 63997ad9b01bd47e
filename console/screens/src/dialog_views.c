#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"
#include "views.h"

/* Saved views: Enter shows one, a keeps what is shown under a name, X twice removes one, 0 is the
 * usual table. */

void views_open(struct step *s)
{
    struct saved_views *v = &s->ui->views;
    v->row = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->item[i].name, v->now) == 0)
            v->row = (int)i;
    }
    v->sure = false;
    v->naming = false;
    field_set(&v->name, "");
    s->ui->dialog = DIALOG_VIEWS;
}

static void keep(struct step *s)
{
    struct saved_views *v = &s->ui->views;
    const char *name = v->name.len ? v->name.text : v->now; /* Enter alone: the same again */
    struct saved_view *view = view_named(s->ui, name);
    if (!view) {
        ui_say(s, TAIL_WARN,
               v->count == VIEWS_MAX ? "not more than %d views: X removes one"
                                     : "a name of 1 to %d letters, without [ ]",
               v->count == VIEWS_MAX ? VIEWS_MAX : VIEW_NAME_MAX - 1);
        return;
    }
    char kept[VIEW_NAME_MAX];
    text_copy(kept, sizeof(kept), name);
    view_take(&s->ui->fleet, kept, view);
    text_copy(v->now, sizeof(v->now), view->name);
    ui_say(s, TAIL_PLAIN, "view %s kept", view->name);
    ui_save(s);
    dialog_close(s->ui);
}

static void naming_event(struct step *s, const struct ui_event *ev)
{
    struct saved_views *v = &s->ui->views;
    bool taken;
    if (is_cancel(ev)) {
        v->naming = false;
    } else if (is_key(ev, K_ENTER)) {
        keep(s);
    } else {
        field_event(&v->name, ev, &taken);
    }
}

static void discard(struct step *s)
{
    struct saved_views *v = &s->ui->views;
    if (!v->sure) {
        v->sure = true;
        return;
    }
    v->sure = false;
    size_t at = (size_t)v->row;
    ui_say(s, TAIL_PLAIN, "view %s removed", v->item[at].name);
    memmove(&v->item[at], &v->item[at + 1], (v->count - at - 1) * sizeof(*v->item));
    v->count--;
    v->row = v->row > 0 && (size_t)v->row == v->count ? v->row - 1 : v->row;
    ui_save(s);
    if (v->count == 0)
        dialog_close(s->ui);
}

static void views_event(struct step *s, const struct ui_event *ev)
{
    struct saved_views *v = &s->ui->views;
    if (v->naming) {
        naming_event(s, ev);
        return;
    }
    bool was_sure = v->sure;
    if (is_cancel(ev) || is_key(ev, 'q') || is_key(ev, '\\')) {
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER) && v->count) {
        dialog_close(s->ui);
        view_apply(s, &v->item[v->row]);
    } else if (is_key(ev, '0')) {
        dialog_close(s->ui);
        view_usual(s);
    } else if (is_key(ev, 'a')) {
        v->naming = true;
        field_set(&v->name, "");
    } else if (is_key(ev, 'X') && v->count) {
        discard(s);
        was_sure = false;
    } else {
        list_key(ev, &v->row, (int)v->count);
    }
    if (was_sure)
        v->sure = false;
}

static void draw_view(struct area line, const struct saved_view *v, bool sure)
{
    char about[FILTER_TEXT_MAX + 64];
    area_field(line, 0, 1, VIEW_NAME_MAX - 1, ROLE_TEXT, v->name, false);
    if (sure) {
        area_text(line, 0, VIEW_NAME_MAX + 1, ROLE_WARN, "X again removes it");
        return;
    }
    char sort[PROTO_READING_MAX + 16];
    snprintf(sort, sizeof(sort), "%s%s", strcmp(v->sort[0].word, "state") ? "by " : "",
             strcmp(v->sort[0].word, "state") ? v->sort[0].word : "");
    snprintf(about, sizeof(about), "%s%s%s%s%s", v->filter, *v->filter ? "  " : "", sort,
             *sort ? "  " : "", v->column_count ? "own columns" : "");
    area_field(line, 0, VIEW_NAME_MAX + 1, line.cols - VIEW_NAME_MAX - 2, ROLE_DIM, about, false);
}

static void views_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct saved_views *v = &ui->views;
    int rows = (int)(v->count ? v->count : 1) + 5;
    rows = rows > screen.rows ? screen.rows : rows;
    struct area box = dialog_centred(screen, rows, 76);
    (void)m;
    area_box(box, ROLE_FOCUS, "saved views",
             v->naming ? "Enter keeps   Esc cancels"
                       : "Enter shows   a keep this   X remove   0 the usual");
    struct area in = area_sub(box, 1, 1, rows - 4, box.cols - 2);
    int top = list_top(v->row, in.rows < 1 ? 1 : in.rows);
    for (int i = 0; i < in.rows && top + i < (int)v->count; i++) {
        bool chosen = top + i == v->row && !v->naming;
        draw_view(list_line(in, i, chosen), &v->item[top + i], chosen && v->sure);
    }
    if (v->count == 0 && !v->naming)
        area_text(list_line(in, 0, true), 0, 1, ROLE_DIM, "none yet: a keeps what is shown now");
    if (v->naming) {
        int col = area_text(box, rows - 2, 2, ROLE_TEXT, "Keep what is shown as: ");
        field_draw(&v->name, box, rows - 2, col, VIEW_NAME_MAX);
        if (*v->now && !v->name.len && view_find(ui, v->now))
            area_printf(box, rows - 2, col + 2, ROLE_DIM, "(%s again)", v->now);
    } else {
        area_text(box, rows - 2, 2, ROLE_HINT, "a view is a filter, columns, a sort and chips");
    }
}

const struct dialog_ops dialog_views = { views_event, views_draw };
