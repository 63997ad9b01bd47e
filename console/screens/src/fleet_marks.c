#include "fleet_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* The marked devices: a sorted list of ids. */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char (*find_mark(const struct fleet_screen *f, const char *id))[PROTO_ID_MAX]
{
    if (f->mark_count == 0)
        return NULL;
    return bsearch(id, f->mark, f->mark_count, sizeof(*f->mark), compare_ids);
}

bool fleet_screen_is_marked(const struct ui *ui, const char *id)
{
    return find_mark(&ui->fleet, id) != NULL;
}

void fleet_screen_clear_marks(struct ui *ui)
{
    ui->fleet.mark_count = 0;
    ui->fleet.last_mark[0] = '\0';
}

static bool add_mark(struct fleet_screen *f, const char *id)
{
    if (f->mark_count == FLEET_MARKS_MAX)
        return false;
    MEM_PUSH_ROOM(f->mark, f->mark_count, f->mark_cap);
    text_copy(f->mark[f->mark_count++], sizeof(*f->mark), id);
    return true;
}

/* Mark rows first … last. */
void fleet_marks_add(struct step *s, uint32_t first, uint32_t last)
{
    struct fleet_screen *f = &s->ui->fleet;
    size_t before = f->mark_count, sorted;
    bool room = true;
    for (uint32_t row = first; row <= last && room; row++) {
        const struct fleet_device *d = fleet_table_at(f, row);
        sorted = f->mark_count;
        f->mark_count = before; /* look only among the sorted ones */
        bool known = d && find_mark(f, d->id);
        f->mark_count = sorted;
        if (d && !known)
            room = add_mark(f, d->id);
    }
    if (f->mark_count)
        qsort(f->mark, f->mark_count, sizeof(*f->mark), compare_ids);
    if (!room)
        ui_say(s, TAIL_WARN, "not more than %d devices can be marked", FLEET_MARKS_MAX);
}

void fleet_marks_toggle(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (!*f->selected)
        return;
    char(*mark)[PROTO_ID_MAX] = find_mark(f, f->selected);
    if (mark) {
        size_t at = (size_t)(mark - f->mark);
        memmove(mark, mark + 1, (f->mark_count - at - 1) * sizeof(*mark));
        f->mark_count--;
    } else {
        fleet_marks_add(s, f->row, f->row);
        text_copy(f->last_mark, sizeof(f->last_mark), f->selected);
    }
    fleet_table_hold(s);
    if (f->row + 1 < fleet_view_count(f->view))
        fleet_table_select(f, f->row + 1);
    fleet_table_scroll(f, f->row);
}

void fleet_marks_range(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    uint32_t from = *f->last_mark ? fleet_view_row(f->view, f->last_mark) : FLEET_NONE;
    if (!*f->selected)
        return;
    if (from == FLEET_NONE)
        from = f->row;
    fleet_marks_add(s, from < f->row ? from : f->row, from < f->row ? f->row : from);
    text_copy(f->last_mark, sizeof(f->last_mark), f->selected);
    fleet_table_hold(s);
}
