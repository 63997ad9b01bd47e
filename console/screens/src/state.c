#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "views.h"

/*
 * What outlives a run. Written whole when something changed; read with tolerance, because people
 * edit it and older programs wrote it: a line that says nothing is passed over.
 */

/* ---------------------------------------------------------------------------------- writing */

struct writer {
    char *out;
    size_t used, cap;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line that does not fit whole is left out, and so is all that follows. */
static void put(struct writer *w, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(w->out + w->used, w->cap - w->used, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= w->cap - w->used) {
        w->out[w->used] = '\0';
        w->cap = w->used + 1;
    } else {
        w->used += (size_t)n;
    }
}

static void put_columns(struct writer *w, const struct saved_view *v)
{
    char text[FLEET_COLUMNS * (PROTO_READING_MAX + 4)];
    columns_write(v->column, v->column_count, text, sizeof(text));
    if (*text)
        put(w, "columns = %s\n", text);
}

static void put_sort(struct writer *w, const struct saved_view *v)
{
    char text[FLEET_SORT_KEYS * (PROTO_READING_MAX + 4)];
    sort_write(v->sort, v->sort_count, text, sizeof(text));
    put(w, "sort = %s\n", text);
}

/* What is as usual is not kept: the profile may say something else tomorrow. */
static bool is_sorted_as_usual(const struct fleet_screen *f)
{
    if (f->sort_count != f->usual_sort_count)
        return false;
    for (size_t i = 0; i < f->sort_count; i++) {
        if (strcmp(f->sort[i].word, f->usual_sort[i].word) != 0 ||
            f->sort[i].invert != f->usual_sort[i].invert)
            return false;
    }
    return true;
}

static void put_states(struct writer *w, uint32_t states)
{
    const char *gap = "states = ";
    for (int i = 0; i < FLEET_STATES && states; i++) {
        if (states & 1u << i) {
            put(w, "%s%s", gap, fleet_state_word((enum fleet_state)i));
            gap = " ";
        }
    }
    if (states)
        put(w, "\n");
}

void ui_state_write(const struct ui *ui, char *out, size_t cap)
{
    struct writer w = { out, 0, cap };
    struct saved_view now;
    out[0] = '\0';
    view_take(&ui->fleet, "", &now);
    put(&w,
        "; kept by muster: how the fleet is shown, theme, saved views, past filters\n[fleet]\n");
    put_columns(&w, &now);
    if (!is_sorted_as_usual(&ui->fleet))
        put_sort(&w, &now);
    put(&w, "preview = %s\n", ui->fleet.preview_off ? "no" : "yes");
    if (*ui->theme)
        put(&w, "\n[ui]\ntheme = %s\n", ui->theme);
    for (size_t i = 0; i < ui->views.count; i++) {
        const struct saved_view *v = &ui->views.item[i];
        put(&w, "\n[view %s]\n", v->name);
        if (*v->filter)
            put(&w, "filter = %s\n", v->filter);
        put_columns(&w, v);
        put_sort(&w, v);
        put_states(&w, v->states);
    }
    if (ui->past.count)
        put(&w, "\n[filters]\n");
    for (size_t i = 0; i < ui->past.count; i++)
        put(&w, "past = %s\n", ui->past.text[i]);
}

/* ---------------------------------------------------------------------------------- reading */

static uint32_t states_read(const char *text)
{
    uint32_t mask = 0;
    for (; *(text += strspn(text, " \t,")); text += strcspn(text, " \t,")) {
        size_t len = strcspn(text, " \t,");
        for (int i = 0; i < FLEET_STATES; i++) {
            const char *word = fleet_state_word((enum fleet_state)i);
            if (strlen(word) == len && strncmp(word, text, len) == 0)
                mask |= 1u << i;
        }
    }
    return mask;
}

static void look_read(struct saved_view *v, const char *key, const char *value)
{
    if (strcmp(key, "columns") == 0) {
        v->column_count = *value ? columns_read(value, v->column) : 0;
    } else if (strcmp(key, "sort") == 0) {
        struct sort_choice sort[FLEET_SORT_KEYS];
        size_t count = sort_read(value, sort);
        if (count) {
            memcpy(v->sort, sort, sizeof(sort));
            v->sort_count = count;
        }
    } else if (strcmp(key, "states") == 0) {
        v->states = states_read(value);
    } else if (strcmp(key, "filter") == 0) {
        struct filter_error err;
        struct filter *filter = filter_compile(value, &err);
        if (filter)
            text_copy(v->filter, sizeof(v->filter), value);
        filter_free(filter);
    }
}

struct reader {
    struct ui *ui;
    char section[64];
    struct saved_view now;
    struct saved_view *view;
};

static void on_section(struct reader *r, const char *name)
{
    text_copy(r->section, sizeof(r->section), name);
    r->view = NULL;
    if (strcmp(name, "fleet") == 0)
        r->view = &r->now;
    else if (strncmp(name, "view ", 5) == 0)
        r->view = view_named(r->ui, name + 5);
}

static void on_entry(struct reader *r, const char *key, const char *value)
{
    if (r->view)
        look_read(r->view, key, value);
    if (r->view == &r->now && strcmp(key, "preview") == 0)
        r->ui->fleet.preview_off = strcmp(value, "no") == 0;
    if (strcmp(r->section, "ui") == 0 && strcmp(key, "theme") == 0)
        text_copy(r->ui->theme, sizeof(r->ui->theme), value);
    if (strcmp(r->section, "filters") == 0 && strcmp(key, "past") == 0)
        past_add_oldest(&r->ui->past, value);
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
        text[--len] = '\0';
    return text;
}

static void on_line(struct reader *r, char *line)
{
    line = trim(line);
    size_t len = strlen(line);
    char *equals = strchr(line, '=');
    if (line[0] == '[' && len > 2 && line[len - 1] == ']') {
        line[len - 1] = '\0';
        on_section(r, line + 1);
    } else if (line[0] != ';' && line[0] != '#' && equals) {
        *equals = '\0';
        on_entry(r, trim(line), trim(equals + 1));
    }
}

void ui_state_read(struct ui *ui, const char *text)
{
    struct reader r = { .ui = ui };
    char raw[4096], line[4096];
    view_take(&ui->fleet, "", &r.now);
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (text_copy_n(raw, sizeof(raw), text, len)) {
            text_clean(line, sizeof(line), raw, strlen(raw));
            on_line(&r, line);
        }
        text += len + (text[len] == '\n');
    }
    struct fleet_screen *f = &ui->fleet;
    memcpy(f->chosen, r.now.column, sizeof(f->chosen));
    f->chosen_count = r.now.column_count;
    memcpy(f->sort, r.now.sort, sizeof(f->sort));
    f->sort_count = r.now.sort_count;
    f->key_count = 0; /* the next refresh makes keys of it */
    f->key_readings = 0;
}

/* ---------------------------------------------------------------------------------- the usual */

void ui_set_usual(struct ui *ui, const char *columns, const char *sort)
{
    struct fleet_screen *f = &ui->fleet;

    f->usual_count = *columns ? columns_read(columns, f->usual) : 0;
    f->usual_sort_count = sort_read(sort, f->usual_sort);
    if (!f->usual_sort_count)
        f->usual_sort_count = sort_read("state", f->usual_sort);
    memcpy(f->sort, f->usual_sort, sizeof(f->sort));
    f->sort_count = f->usual_sort_count;
}
