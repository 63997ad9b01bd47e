#include "views.h"

#include <string.h>

#include "base/text.h"

void view_take(const struct fleet_screen *f, const char *name, struct saved_view *out)
{
    memset(out, 0, sizeof(*out));
    text_copy(out->name, sizeof(out->name), name);
    text_copy(out->filter, sizeof(out->filter), f->filter);
    memcpy(out->column, f->chosen, sizeof(out->column));
    out->column_count = f->chosen_count;
    memcpy(out->sort, f->sort, sizeof(out->sort));
    out->sort_count = f->sort_count;
    out->states = f->states;
}

static bool same_columns(const struct fleet_screen *f, const struct saved_view *v)
{
    if (f->chosen_count != v->column_count)
        return false;
    for (size_t i = 0; i < v->column_count; i++) {
        if (strcmp(f->chosen[i].word, v->column[i].word) != 0 ||
            f->chosen[i].width != v->column[i].width)
            return false;
    }
    return true;
}

bool view_is_shown(const struct fleet_screen *f, const struct saved_view *v)
{
    if (strcmp(f->filter, v->filter) != 0 || f->states != v->states ||
        f->sort_count != v->sort_count || !same_columns(f, v))
        return false;
    for (size_t i = 0; i < v->sort_count; i++) {
        if (strcmp(f->sort[i].word, v->sort[i].word) != 0 || f->sort[i].invert != v->sort[i].invert)
            return false;
    }
    return true;
}

void view_apply(struct step *s, const struct saved_view *v)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct sort_choice sort[FLEET_SORT_KEYS];
    memcpy(sort, v->sort, sizeof(sort));
    memcpy(f->chosen, v->column, sizeof(f->chosen));
    f->chosen_count = v->column_count;
    text_copy(s->ui->views.now, sizeof(s->ui->views.now), v->name);
    fleet_screen_show(s, v->filter, v->states);
    fleet_screen_sort_by(s, sort, v->sort_count);
    ui_save(s);
}

void view_usual(struct step *s)
{
    const struct fleet_screen *f = &s->ui->fleet;
    struct saved_view usual = { .sort_count = f->usual_sort_count };
    memcpy(usual.sort, f->usual_sort, sizeof(usual.sort));
    view_apply(s, &usual);
}

struct saved_view *view_find(struct ui *ui, const char *name)
{
    for (size_t i = 0; i < ui->views.count; i++) {
        if (strcmp(ui->views.item[i].name, name) == 0)
            return &ui->views.item[i];
    }
    return NULL;
}

/* A name stands between brackets in the state file. */
static bool name_is_good(const char *name)
{
    return *name && *name != ' ' && strlen(name) < VIEW_NAME_MAX && !strpbrk(name, "[]\n") &&
           name[strlen(name) - 1] != ' ';
}

struct saved_view *view_named(struct ui *ui, const char *name)
{
    struct saved_view *v = view_find(ui, name);
    if (v || !name_is_good(name) || ui->views.count == VIEWS_MAX)
        return v;
    v = &ui->views.item[ui->views.count++];
    memset(v, 0, sizeof(*v));
    text_copy(v->name, sizeof(v->name), name);
    text_copy(v->sort[0].word, sizeof(v->sort[0].word), "state");
    v->sort_count = 1;
    return v;
}

static void forget(struct past_filters *p, size_t at)
{
    memmove(p->text[at], p->text[at + 1], (p->count - at - 1) * sizeof(*p->text));
    p->count--;
}

void past_add(struct past_filters *p, const char *text)
{
    if (!*text || strlen(text) >= sizeof(*p->text))
        return;
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->text[i], text) == 0)
            forget(p, i--);
    }
    if (p->count == PAST_FILTERS)
        p->count--;
    memmove(p->text[1], p->text[0], p->count * sizeof(*p->text));
    text_copy(p->text[0], sizeof(*p->text), text);
    p->count++;
}

void past_add_oldest(struct past_filters *p, const char *text)
{
    if (*text && p->count < PAST_FILTERS && text_copy(p->text[p->count], sizeof(*p->text), text))
        p->count++;
}
