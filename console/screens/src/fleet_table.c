#include "fleet_table.h"

#include <string.h>

#include "base/text.h"
#include "columns.h"

/* Which rows the fleet screen shows, in which order, and which of them is selected. */

/* The keys that the fleet knows; a reading nobody has sent yet waits. Then severity, then id. */
static void apply_sort(struct fleet_screen *f)
{
    struct fleet_sort_key keys[FLEET_SORT_KEYS];
    bool by_state = false;
    f->key_count = 0;
    f->key_readings = fleet_reading_count(f->of);
    for (size_t i = 0; i < f->sort_count; i++) {
        if (column_sort_key(f->of, &f->sort[i], &f->key[f->key_count]))
            f->key_count++;
    }
    memcpy(keys, f->key, sizeof(keys));
    for (size_t i = 0; i < f->key_count; i++)
        by_state = by_state || keys[i].column == FLEET_COL_STATE;
    size_t count = f->key_count;
    if (!by_state && count < FLEET_SORT_KEYS)
        keys[count++] = (struct fleet_sort_key){ .column = FLEET_COL_STATE, .reading = FLEET_NONE };
    fleet_view_sort(f->view, keys, count);
    f->stale = true;
}

static void new_view(struct fleet_screen *f, const struct ui_model *m)
{
    fleet_view_free(f->view);
    f->view = fleet_view_new(m->fleet);
    f->of = m->fleet;
    f->trend = FLEET_NONE;
    apply_sort(f);
    fleet_view_states(f->view, f->states);
    if (*f->filter) {
        struct filter_error err;
        fleet_view_filter(f->view, filter_compile(f->filter, &err));
    }
}

const struct fleet_device *fleet_table_at(const struct fleet_screen *f, uint32_t row)
{
    uint32_t index = fleet_view_at(f->view, row);
    return index == FLEET_NONE ? NULL : fleet_device(f->of, index);
}

void fleet_table_select(struct fleet_screen *f, uint32_t row)
{
    const struct fleet_device *d = fleet_table_at(f, row);
    f->selected[0] = '\0';
    f->row = row;
    if (d)
        text_copy(f->selected, sizeof(f->selected), d->id);
}

/* Scroll as little as shows the selected row; a followed one keeps its place on the screen. */
void fleet_table_scroll(struct fleet_screen *f, uint32_t was_row)
{
    uint32_t count = fleet_view_count(f->view), page = f->page < 1 ? 1 : (uint32_t)f->page;
    if (f->follow && f->row != was_row) {
        int64_t top = (int64_t)f->top + (int64_t)f->row - (int64_t)was_row;
        f->top = (uint32_t)(top < 0 ? 0 : top);
    }
    if (f->row < f->top)
        f->top = f->row;
    if (f->row >= f->top + page)
        f->top = f->row - page + 1;
    if (f->top + page > count)
        f->top = count > page ? count - page : 0;
}

/* The selection is an id: find its row again; if it is no longer shown, take what stands there. */
void fleet_table_find(struct fleet_screen *f)
{
    uint32_t was = f->row, count = fleet_view_count(f->view);
    uint32_t row = *f->selected ? fleet_view_row(f->view, f->selected) : FLEET_NONE;
    if (!f->touched) /* nobody has chosen yet: the worst */
        fleet_table_select(f, 0);
    else if (row != FLEET_NONE)
        f->row = row;
    else
        fleet_table_select(f, count == 0 ? 0 : was < count ? was : count - 1);
    fleet_table_scroll(f, was);
}

void fleet_table_refresh(struct ui *ui, const struct ui_model *m)
{
    struct fleet_screen *f = &ui->fleet;
    if (f->of != m->fleet)
        new_view(f, m);
    if (f->key_count < f->sort_count && f->key_readings != fleet_reading_count(m->fleet))
        apply_sort(f);
    bool held = m->now_ms < f->hold_until_ms && !f->stale;
    if (!held)
        fleet_view_refresh(f->view, m->now_ms);
    f->stale = false;
    fleet_table_find(f);
}

/* After a key that says what is to be shown: at once, so that the next key acts on it. */
void fleet_table_show_now(struct step *s)
{
    s->ui->fleet.stale = true;
    fleet_table_refresh(s->ui, s->m);
}

/* After a cursor key: rows stand still for a while. */
void fleet_table_hold(struct step *s)
{
    s->ui->fleet.touched = true;
    s->ui->fleet.hold_until_ms = s->m->now_ms + FLEET_HOLD_MS;
}

size_t fleet_screen_rows(struct ui *ui)
{
    struct fleet_screen *f = &ui->fleet;
    uint32_t count = fleet_view_count(f->view);
    size_t used = 0;
    ui_ids_room(ui, count);
    for (uint32_t row = 0; row < count; row++) {
        const struct fleet_device *d = fleet_table_at(f, row);
        if (d)
            text_copy(ui->ids[used++], sizeof(*ui->ids), d->id);
    }
    return used;
}

void fleet_screen_trend(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    bool by_reading = f->key_count && f->key[0].column == FLEET_COL_READING;
    uint32_t reading = by_reading ? f->key[0].reading : FLEET_NONE;
    if (!f->of || reading == f->trend)
        return;
    f->trend = reading;
    ui_effect(s, UI_TREND)->reading = reading;
}

void fleet_screen_sort_by(struct step *s, const struct sort_choice *by, size_t count)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (count == 0)
        return;
    f->sort_count = count < FLEET_SORT_KEYS ? count : FLEET_SORT_KEYS;
    memmove(f->sort, by, f->sort_count * sizeof(*by));
    apply_sort(f);
    fleet_table_show_now(s);
    f->top = 0;
    fleet_table_scroll(f, f->row);
    ui_save(s);
}
