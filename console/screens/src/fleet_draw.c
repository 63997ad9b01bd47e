#include "fleet_draw.h"
#include "fleet_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "columns.h"

/* The table, and which of the screen's rows it has. */

/* ----------------------------------------------------------------------------------- titles */

/* Which key of the sort a column is: 0 the first; -1 none. */
static int sort_place(const struct fleet_screen *f, const struct column *c)
{
    for (size_t i = 0; i < f->sort_count && c->kind != COLUMN_TREND; i++) {
        if (strcmp(f->sort[i].word, c->word) == 0)
            return (int)i;
    }
    return -1;
}

static bool by_reading(const struct fleet_screen *f)
{
    return f->key_count && f->key[0].column == FLEET_COL_READING;
}

static void draw_titles(const struct fleet_screen *f, struct area a)
{
    for (size_t i = 0; i < f->column_count; i++) {
        const struct column *c = &f->column[i];
        int place = sort_place(f, c);
        enum role role = place == 0 ? ROLE_HEADER_SORT : ROLE_HEADER;
        char title[64];
        text_copy(title, sizeof(title), c->title);
        if (c->kind == COLUMN_TREND && by_reading(f))
            snprintf(title, sizeof(title), "TREND %s 30m",
                     fleet_reading(f->of, f->key[0].reading)->label);
        area_field(a, 0, c->col, c->width, role, title, c->right);
        int end = c->right ? c->col + c->width : c->col + area_width(a, title);
        end = end > c->col + c->width ? c->col + c->width : end;
        bool plain = c->kind == COLUMN_STATE && !f->sort[place < 0 ? 0 : place].invert;
        if (place >= 0 && !plain && !f->words) /* whose titles say it */
            area_put(a, 0, end, role, f->sort[place].invert ? 0x25be : 0x25b4);
    }
}

/* ------------------------------------------------------------------------------------- rows */

/* What a row is drawn with. */
struct row {
    const struct ui_model *m;
    const struct fleet_device *d;
    bool dim; /* not true now: offline, or nobody's values are */
    enum role text;
    uint32_t trend_reading;
    bool trend_told; /* in words, in its own column */
    struct fleet_point trend[FLEET_TREND];
};

/* The trend of a device. The newest bucket has just begun: a device that is not overdue has no gap
 * in it yet. */
static uint32_t trend_of(const struct ui_model *m, const struct fleet_device *d,
                         struct fleet_point out[FLEET_TREND])
{
    uint32_t reading = fleet_trend(m->fleet, d, m->now_ms, out);
    struct fleet_point *last = &out[FLEET_TREND - 1];
    bool due = d->state != FLEET_OFFLINE && d->state != FLEET_STALE;
    if (due && last->kind == FLEET_POINT_NONE && last[-1].kind != FLEET_POINT_NONE) {
        *last = last[-1];
        last->kind = FLEET_POINT_BRIDGE;
    }
    return reading;
}

/* The trend's scale, one per reading over the rows shown, so that rows can be compared. */
#define SCALES 16
struct scales {
    struct {
        uint32_t reading;
        double least, greatest;
    } of[SCALES];
    size_t count;
};

static void take_scale(struct scales *s, uint32_t reading, const struct fleet_point *point)
{
    size_t i = 0;
    while (i < s->count && s->of[i].reading != reading)
        i++;
    if (i == SCALES || reading == FLEET_NONE)
        return;
    if (i == s->count) {
        s->of[i].reading = reading;
        s->of[i].least = HUGE_VAL;
        s->of[i].greatest = -HUGE_VAL;
        s->count++;
    }
    plot_range(point, FLEET_TREND, &s->of[i].least, &s->of[i].greatest);
}

/* Once all rows have been taken: differences too small to be shown as numbers make no mountains. */
static void widen_scales(const struct ui_model *m, struct scales *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct fleet_reading *r = fleet_reading(m->fleet, s->of[i].reading);
        plot_widen(&s->of[i].least, &s->of[i].greatest, r->scale, r->decimals);
    }
}

static void scale_of(const struct scales *s, uint32_t reading, double *least, double *greatest)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->of[i].reading == reading) {
            *least = s->of[i].least;
            *greatest = s->of[i].greatest;
            return;
        }
    }
    *least = 0;
    *greatest = 1;
}

/* Of the last two minutes against the six before. */
static int direction(const struct row *r, const struct scales *scales)
{
    double least, greatest;
    scale_of(scales, r->trend_reading, &least, &greatest);
    return plot_direction(r->trend, FLEET_TREND, least, greatest);
}

/* Room for the words is where the trend's column isn't, which has them itself. */
static void draw_direction(struct area a, int y, int col, const struct row *r,
                           const struct scales *scales)
{
    int way = direction(r, scales);
    if (way)
        area_glyph(a, y, col, ROLE_TEXT, way > 0 ? "↑" : "↓", way > 0 ? "up" : "down");
}

static void draw_reading(struct area a, int y, const struct column *c, const struct row *r,
                         const struct scales *scales)
{
    const struct fleet_value *v = fleet_value(r->d, c->reading);
    const struct fleet_reading *info = fleet_reading(r->m->fleet, c->reading);
    char text[FMT_MAX];
    if (!v || r->d->state == FLEET_OFFLINE) {
        area_field(a, y, c->col, c->width, ROLE_DIM, "–", true);
        return;
    }
    if (strcmp(info->name, "uptime") == 0)
        fmt_age((int64_t)(v->value * 1000), text);
    else
        fmt_reading(v->value, info->scale, info->decimals, text);
    area_field(a, y, c->col, c->width, r->dim ? ROLE_DIM : r->text, text, true);
    if (c->reading == r->trend_reading && !r->dim && !r->trend_told)
        draw_direction(a, y, c->col + c->width + 1, r, scales);
}

/* The version it runs; while it is being updated the one to come, with … */
static void draw_version(struct area a, int y, const struct column *c, const struct row *r)
{
    char text[PROTO_VERSION_MAX + 4];
    bool updating = r->d->state == FLEET_UPDATING;
    const char *target = updating ? fleet_target(r->m->fleet, r->d) : "";
    const char *fw = fleet_word(r->m->fleet, r->d->fw);
    if (*target)
        snprintf(text, sizeof(text), a.c->words ? "to %s" : "%s…", target);
    else
        snprintf(text, sizeof(text), "%s", *fw ? fw : "–");
    area_field(a, y, c->col, c->width,
               *target ? ROLE_UPDATING
               : *fw   ? r->text
                       : ROLE_DIM,
               text, false);
}

static void draw_trend(struct area a, int y, const struct column *c, const struct row *r,
                       const struct scales *scales)
{
    double least, greatest;
    if (a.c->words) {
        char text[PLOT_TREND_TEXT];
        const struct fleet_reading *info = fleet_reading(r->m->fleet, r->trend_reading);
        plot_trend_text(r->trend, FLEET_TREND, info ? info->scale : 1, info ? info->decimals : 0,
                        direction(r, scales), c->width, text);
        area_field(a, y, c->col, c->width, r->dim ? ROLE_DIM : ROLE_TEXT, text, false);
        return;
    }
    scale_of(scales, r->trend_reading, &least, &greatest);
    plot_spark(a, y, c->col, c->width, r->trend, FLEET_TREND, least, greatest,
               r->dim ? ROLE_DIM : ROLE_PLOT);
}

static void draw_state_cell(struct area a, int y, const struct column *c, enum fleet_state state)
{
    if (c->width > 1)
        area_field(a, y, c->col, c->width, state_role(state), fleet_state_word(state), false);
    else
        area_put(a, y, c->col, state_role(state), state_glyph(state));
}

/* What is nothing but text: values that are not there and facts that seldom matter are dim. */
static void draw_text(struct area a, int y, const struct column *c, const struct row *r)
{
    char text[128];
    enum fleet_state state = (enum fleet_state)r->d->state;
    enum role role = r->text;
    column_text(r->m, r->d, c->kind, text, sizeof(text));
    if (c->kind == COLUMN_SEEN && (state == FLEET_STALE || state == FLEET_OFFLINE))
        role = state_role(state);
    else if (c->kind == COLUMN_HW || c->kind == COLUMN_RATE || strcmp(text, "–") == 0)
        role = ROLE_DIM;
    area_field(a, y, c->col, c->width, role, text, c->right);
}

static void draw_cell(struct area a, int y, const struct column *c, const struct row *r,
                      const struct scales *scales)
{
    switch ((int)c->kind) {
    case COLUMN_STATE:
        draw_state_cell(a, y, c, (enum fleet_state)r->d->state);
        break;
    case COLUMN_FW:
        draw_version(a, y, c, r);
        break;
    case COLUMN_READING:
        draw_reading(a, y, c, r, scales);
        break;
    case COLUMN_TREND:
        draw_trend(a, y, c, r, scales);
        break;
    default:
        draw_text(a, y, c, r);
        break;
    }
}

static enum role text_role(const struct ui_model *m, const struct fleet_device *d)
{
    bool quiet = d->state == FLEET_OFFLINE || d->state == FLEET_STALE || LINK_DOWN(m);
    return quiet ? ROLE_DIM : ROLE_TEXT;
}

static void draw_row(struct ui *ui, const struct ui_model *m, struct area a, int y, struct row *r,
                     const struct scales *scales)
{
    struct fleet_screen *f = &ui->fleet;
    bool selected = strcmp(r->d->id, f->selected) == 0;
    bool marked = fleet_screen_is_marked(ui, r->d->id);
    struct area line = area_sub(a, y, 0, 1, -1);
    if (selected || marked)
        line = area_over(line, selected ? ROLE_SELECTION : ROLE_MARKED);
    if (selected) {
        area_pointer(line, 1);
    }
    if (marked)
        area_glyph(line, 0, a.c->words ? 4 : 2, ROLE_MARKED, "*", "marked");
    r->m = m;
    r->text = text_role(m, r->d);
    r->dim = r->text == ROLE_DIM;
    for (size_t i = 0; i < f->column_count; i++)
        draw_cell(line, 0, &f->column[i], r, scales);
}

static void draw_empty(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_screen *f = &ui->fleet;
    int row = a.rows > 4 ? 2 : 0;
    area_cursor(a, row, 4);
    if (fleet_count(m->fleet) == 0 && LINK_DOWN(m))
        area_text(a, row, 4, ROLE_DIM,
                  "No connection yet: devices appear when the broker answers.");
    else if (fleet_count(m->fleet) == 0)
        area_text(a, row, 4, ROLE_DIM, "No device has spoken yet.");
    else if (*f->filter && f->states)
        area_text(a, row, 4, ROLE_DIM,
                  "No device matches. Esc clears the filter, 0 shows all states.");
    else
        area_printf(a, row, 4, ROLE_DIM, "No device matches. %s",
                    *f->filter ? "Esc clears the filter." : "0 shows all states.");
    char meant[FILTER_MEANT_MAX];
    filter_meant(f->filter, m->fleet, meant);
    if (*meant && a.rows > row + 1)
        area_printf(a, row + 1, 4, ROLE_DIM, "A bare word is looked for in ids and groups: %s ?",
                    meant);
}

static void draw_table(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct fleet_screen *f = &ui->fleet;
    struct scales scales = { .count = 0 };
    uint32_t count = fleet_view_count(f->view);
    struct row r = { .m = m };

    f->page = a.rows - 1;
    if (f->page > 1 && count > (uint32_t)f->page)
        f->page--; /* the last line says how many more */
    if (f->top + (uint32_t)f->page > count)
        f->top = count > (uint32_t)f->page ? count - (uint32_t)f->page : 0;
    if (f->row >= f->top + (uint32_t)f->page)
        f->top = f->row - (uint32_t)f->page + 1;
    f->head_row = a.row;
    f->list_row = a.row + 1;
    columns_lay_out(f, m, a.cols);
    r.trend_told = a.c->words && columns_have(f, COLUMN_TREND);
    draw_titles(f, area_sub(a, 0, 0, 1, -1));
    for (int i = 0; i < f->page; i++) {
        const struct fleet_device *d = fleet_table_at(f, f->top + (uint32_t)i);
        if (d)
            take_scale(&scales, trend_of(m, d, r.trend), r.trend);
    }
    widen_scales(m, &scales);
    for (int i = 0; i < f->page; i++) {
        r.d = fleet_table_at(f, f->top + (uint32_t)i);
        if (!r.d)
            break;
        r.trend_reading = trend_of(m, r.d, r.trend);
        draw_row(ui, m, a, 1 + i, &r, &scales);
    }
    if (count == 0)
        draw_empty(ui, m, area_sub(a, 1, 0, -1, -1));
    else if (count > f->top + (uint32_t)f->page)
        area_printf(a, a.rows - 1, 4, ROLE_DIM, a.c->words ? "and %u more" : "⋮  %u more",
                    count - f->top - (uint32_t)f->page);
}

int fleet_bottom_rows(const struct ui *ui)
{
    /* The preview lists events: no line for the last one. */
    return fleet_has_preview(ui) || ui->rows < 20 ? 3 : 4;
}

void fleet_body(struct ui *ui, const struct ui_model *m, struct area a)
{
    bool preview = fleet_has_preview(ui);
    int strip = preview ? FLEET_PREVIEW : 0;
    draw_table(ui, m, area_sub(a, 0, 0, a.rows - strip, -1));
    if (preview)
        fleet_preview(ui, m, area_sub(a, a.rows - strip, 0, strip, -1));
}

/* ----------------------------------------------------------------------------------- narrow */

void fleet_narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct fleet_screen *f = &ui->fleet;
    f->page = a.rows;
    f->head_row = -1;
    f->list_row = a.row;
    if (f->row >= f->top + (uint32_t)f->page)
        f->top = f->row - (uint32_t)f->page + 1;
    for (int i = 0; i < a.rows; i++) {
        const struct fleet_device *d = fleet_table_at(f, f->top + (uint32_t)i);
        if (!d)
            break;
        struct area line = area_sub(a, i, 0, 1, -1);
        if (strcmp(d->id, f->selected) == 0) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 0);
        }
        char age[FMT_MAX], text[64];
        snprintf(text, sizeof(text), "%s %4s", fleet_word(m->fleet, d->fw),
                 fmt_age(fleet_age_ms(m->fleet, d, m->now_ms), age));
        int id = draw_state(line, 0, 0, (enum fleet_state)d->state) + 1;
        int end = area_right(line, 0, a.cols, text_role(m, d), text);
        id = a.c->words ? 10 : id;
        if (fleet_screen_is_marked(ui, d->id))
            id = area_glyph(line, 0, id - 1, ROLE_MARKED, "*", " marked ");
        area_field(line, 0, id, end - id - 1, text_role(m, d), d->id, false);
    }
}
