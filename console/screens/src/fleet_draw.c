#include "fleet_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "columns.h"
#include "views.h"

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

static const struct fleet_device *shown_device(const struct fleet_screen *f, int i)
{
    uint32_t index = fleet_view_at(f->view, f->top + (uint32_t)i);
    return index == FLEET_NONE ? NULL : fleet_device(f->of, index);
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
        const struct fleet_device *d = shown_device(f, i);
        if (d)
            take_scale(&scales, trend_of(m, d, r.trend), r.trend);
    }
    widen_scales(m, &scales);
    for (int i = 0; i < f->page; i++) {
        r.d = shown_device(f, i);
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

/* ------------------------------------------------------------------------------- the preview */

static void draw_note(const struct fleet_note *n, struct area a, int row)
{
    char clock[FMT_MAX];
    int col = area_printf(a, row, 0, ROLE_DIM, "%s ", fmt_clock(n->t_ms, clock));
    col = draw_state(a, row, col, n->state) + 1;
    if (*n->id)
        col = area_text(a, row, col, ROLE_TEXT, n->id) + 1;
    area_text(a, row, col, ROLE_DIM, n->text);
}

static void draw_events(const struct ui_model *m, struct area a)
{
    uint64_t first, last;
    area_rule(a, 0, "events", NULL);
    fleet_note_range(m->fleet, &first, &last);
    uint64_t seq = last;
    for (int row = 1; row < a.rows && seq && seq >= first; row++, seq--) {
        const struct fleet_note *n = fleet_note(m->fleet, seq);
        if (n)
            draw_note(n, area_sub(a, row, 1, 1, -1), 0);
    }
    if (!last)
        area_text(a, 1, 1, ROLE_DIM, "nothing yet");
}

static int preview_numbers(struct area a, int row, const struct fleet_series_stats *stats,
                           const struct fleet_reading *r)
{
    static const char *const names[] = { "now", "min", "avg", "max" };
    const double values[] = { stats->now, stats->min, stats->avg, stats->max };
    int col = 1;
    for (int i = 0; stats->any && i < 4; i++) {
        char text[FMT_MAX];
        col = area_printf(a, row, col, ROLE_DIM, "%s ", names[i]);
        col =
            area_text(a, row, col, ROLE_TEXT, fmt_reading(values[i], r->scale, r->decimals, text)) +
            2;
    }
    return col;
}

static void draw_preview(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct fleet_screen *f = &ui->fleet;
    uint32_t index = fleet_find(m->fleet, f->selected);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
    struct fleet_point trend[FLEET_TREND];
    char title[160], why[120];

    draw_events(m, area_sub(a, 0, a.cols * 3 / 5, -1, -1));
    struct area left = area_sub(a, 0, 0, -1, a.cols * 3 / 5 - 1);
    uint32_t reading = d ? fleet_trend(m->fleet, d, m->now_ms, trend) : FLEET_NONE;
    if (!d || reading == FLEET_NONE) {
        area_rule(left, 0, d ? d->id : "no device", "p hides");
        area_text(left, 1, 1, ROLE_DIM, d ? "It has sent no reading yet." : "");
        return;
    }
    const struct fleet_reading *r = fleet_reading(m->fleet, reading);
    int64_t span = span_now(m, d, f->span_ms);
    snprintf(title, sizeof(title), "%s  %s %s  %s", d->id, r->name, r->unit, span_text(span));
    area_rule(left, 0, title, "p hides");
    struct area box = area_sub(left, 1, 0, -2, -1);
    struct plot p = { .point = ui->point,
                      .scale = r->scale,
                      .decimals = r->decimals,
                      .time_axis = true,
                      .role = ROLE_PLOT,
                      .axis = &f->axis,
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };
    struct fleet_series_stats stats;
    if (strcmp(f->axis_of, f->selected) != 0) {
        f->axis = (struct plot_axis){ 0 };
        text_copy(f->axis_of, sizeof(f->axis_of), f->selected);
    }
    p.count = plot_columns(box.cols, p.mode);
    p.to_ms = span_end(m, span, p.count);
    p.from_ms = p.to_ms - span;
    series_of(m, d, reading, p.from_ms, p.to_ms, ui->point, (uint32_t)p.count, &stats);
    p.due = stats.due && !LINK_DOWN(m) && d->state != FLEET_OFFLINE && d->state != FLEET_STALE;
    plot_limits(m, d, reading, &p);
    plot_draw(box, &p);
    int col = preview_numbers(left, a.rows - 1, &stats, r);
    device_why(m, d, why, sizeof(why));
    if (*why)
        area_field(left, a.rows - 1, col, left.cols - col - 1,
                   state_role((enum fleet_state)d->state), why, true);
}

bool fleet_has_preview(const struct ui *ui)
{
    return ui->cols >= 100 && ui->rows >= FLEET_PREVIEW_ROWS && !ui->fleet.preview_off;
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
        draw_preview(ui, m, area_sub(a, a.rows - strip, 0, strip, -1));
}

/* ------------------------------------------------------------------------------------- head */

int fleet_head_rows(int rows, int cols)
{
    return rows >= 32 && cols >= 100 ? 2 : 1;
}

/* `words`: how much of them; 0 none, 1 beside the glyph, 2 in its place. */
static int draw_chip(struct area a, int col, char key, bool active, enum fleet_state state,
                     uint32_t count, int words)
{
    struct area b = a;
    b.under = active ? ROLE_SELECTION : ROLE_TEXT;
    if (active)
        col = area_put(b, 0, col - 1, ROLE_TEXT, ' ');
    col = area_printf(b, 0, col, ROLE_KEY, "%c ", key);
    if (words < 2)
        col = area_put(b, 0, col, state_role(state), state_glyph(state));
    if (words)
        col = area_printf(b, 0, col, words < 2 ? ROLE_TEXT : state_role(state), "%s%s",
                          words < 2 ? " " : "", fleet_state_word(state));
    col = area_printf(b, 0, col, count ? ROLE_TEXT : ROLE_DIM, " %u", count);
    if (active)
        area_put(b, 0, col, ROLE_TEXT, ' ');
    return col + 3;
}

static int draw_chips(struct ui *ui, struct area a, bool all)
{
    static const struct {
        char key;
        enum fleet_state state;
    } chips[] = { { '1', FLEET_CRIT },
                  { '2', FLEET_WARN },
                  { '3', FLEET_OFFLINE },
                  { '4', FLEET_UPDATING },
                  { '5', FLEET_OK } };
    const struct fleet_screen *f = &ui->fleet;
    int words = a.c->words ? 2 : a.cols >= 100;
    int col = 1;
    for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++) {
        bool active = f->states & 1u << chips[i].state;
        col = draw_chip(a, col, chips[i].key, active, chips[i].state,
                        fleet_view_matched_state(f->view, chips[i].state), words);
        uint32_t stale = fleet_view_matched_state(f->view, FLEET_STALE);
        if (chips[i].state == FLEET_OFFLINE && stale) {
            struct area b = a;
            b.under = active ? ROLE_SELECTION : ROLE_TEXT;
            col = area_printf(b, 0, col - 2, ROLE_STALE, words < 2 ? "? " : "");
            col = area_printf(b, 0, col, ROLE_TEXT, "%s%u", words ? "stale " : "", stale) + 3;
        }
    }
    if (!all && !f->states)
        return col;
    col = area_text(a, 0, col, ROLE_KEY, "0 ");
    return area_printf(a, 0, col, f->states ? ROLE_DIM : ROLE_TEXT, "all %u",
                       fleet_view_matched(f->view)) +
           2;
}

/* "severity", "temp▾, firmware▴" */
static void sort_text(const struct fleet_screen *f, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f->sort_count && used < cap; i++) {
        const struct sort_choice *by = &f->sort[i];
        bool plain = strcmp(by->word, "state") == 0 && !by->invert;
        used += (size_t)snprintf(out + used, cap - used, "%s%s%s", i ? ", " : "",
                                 column_label(f->of, by->word),
                                 plain        ? ""
                                 : by->invert ? "▾"
                                              : "▴");
    }
}

static void draw_crumb(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_screen *f = &ui->fleet;
    char sort[160], text[240];
    int col = area_text(a, 0, 1, ROLE_CRUMB, "fleet");
    if (*f->filter)
        col = area_printf(a, 0, col, ROLE_TEXT, " › %s", f->filter);
    const struct saved_view *view = view_find(ui, ui->views.now);
    char shown[VIEW_NAME_MAX + 16] = "";
    if (view)
        snprintf(shown, sizeof(shown), "view %s%s   ", view->name,
                 view_is_shown(f, view) ? "" : "*");
    sort_text(f, sort, sizeof(sort));
    snprintf(text, sizeof(text), "%s%ssort %s   %u of %u devices ",
             m->now_ms < f->hold_until_ms ? "rows held   " : "", shown, sort,
             fleet_view_count(f->view), fleet_count(m->fleet));
    if (area_width(a, text) + col < a.cols)
        area_right(a, 0, a.cols, ROLE_DIM, text);
}

void fleet_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_link *link = fleet_link(m->fleet);
    char text[200], clock[FMT_MAX];
    int col = draw_chips(ui, area_sub(a, 0, 0, 1, -1), link->up || a.cols >= 100);
    if (!link->up && link->since_ms) {
        snprintf(text, sizeof(text), "values as of %s, not live ",
                 fmt_clock(link->since_ms, clock));
        if (area_width(a, text) + col < a.cols)
            area_right(a, 0, a.cols, ROLE_DISCONNECTED, text);
    } else if (a.rows < 2 && m->now_ms < ui->fleet.hold_until_ms && col + 11 < a.cols) {
        area_right(a, 0, a.cols, ROLE_DIM, "rows held ");
    } else if (a.rows < 2 && *ui->fleet.filter) {
        struct area rest = area_sub(a, 0, col, 1, -1);
        snprintf(text, sizeof(text), "/%.180s ", ui->fleet.filter);
        if (area_width(a, text) <= rest.cols)
            area_right(rest, 0, rest.cols, ROLE_MATCH, text);
        else
            area_field(rest, 0, 0, rest.cols - 1, ROLE_MATCH, text, false);
    }
    if (a.rows >= 2)
        draw_crumb(ui, m, area_sub(a, 1, 0, 1, -1));
}

/* ----------------------------------------------------------------------------------- bottom */

static uint32_t hidden_marks(const struct fleet_screen *f)
{
    uint32_t hidden = 0;
    for (size_t i = 0; i < f->mark_count; i++)
        hidden += fleet_view_row(f->view, f->mark[i]) == FLEET_NONE;
    return hidden;
}

void fleet_acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_screen *f = &ui->fleet;
    char text[80];
    uint32_t count = fleet_view_count(f->view);
    int col = 1;
    if (f->mark_count) {
        uint32_t hidden = hidden_marks(f);
        snprintf(text, sizeof(text), hidden ? "%zu marked (%u hidden)" : "%zu marked",
                 f->mark_count, hidden);
        col = area_text(a, 0, col, ROLE_MARKED, text) + 3;
    }
    if (m->read_only) {
        col = area_text(a, 0, col, ROLE_DIM, "read-only");
    } else {
        col = draw_action(ui, a, col, ACTION_UPDATE, "update…");
        col = draw_action(ui, a, col, ACTION_REBOOT, "reboot…");
        col = draw_action(ui, a, col, ACTION_CONFIG, "config…");
        if (a.cols >= 110)
            col = draw_action(ui, a, col, ACTION_IDENTIFY, "identify");
        col = draw_action(ui, a, col, ACTION_COPY, "copy");
        if (a.cols >= 72)
            col = draw_action(ui, a, col, ACTION_EXPORT, "export");
        if (f->mark_count)
            col = draw_action(ui, a, col, ACTION_BACK, "unmark");
        else
            col = draw_action(ui, a, col, ACTION_MARK, "mark");
    }
    snprintf(text, sizeof(text), "%s%u/%u", f->follow ? "follow  " : "", count ? f->row + 1 : 0,
             count);
    draw_act_right(a, col, text);
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
        const struct fleet_device *d = shown_device(f, i);
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

/* ---------------------------------------------------------------------------------- confirm */

void fleet_confirm_ids(const struct ui *ui, const struct ui_model *m, struct confirm *c,
                       const char *verb_text)
{
    size_t count = c->effect.id_count, named = count < 6 ? count : 5, silent = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = fleet_find(m->fleet, ui->ids[i]);
        const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
        silent += !d || d->state == FLEET_OFFLINE || d->state == FLEET_STALE;
    }
    snprintf(c->line[c->lines++], sizeof(c->line[0]), "%s %u device%s:", verb_text, (unsigned)count,
             count == 1 ? "" : "s");
    for (size_t i = 0; i < named; i++)
        snprintf(c->line[c->lines++], sizeof(c->line[0]), "  %s", ui->ids[i]);
    if (named < count)
        snprintf(c->line[c->lines++], sizeof(c->line[0]), "  and %u more",
                 (unsigned)(count - named));
    if (silent)
        snprintf(c->line[c->lines++], sizeof(c->line[0]),
                 "%u of them %s not there now and may never get it.", (unsigned)silent,
                 silent == 1 ? "is" : "are");
}
