#include "device_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define FACTS_COLS 34 /* the left column of a wide screen, with its line */
#define FACTS_MAX  24

bool device_is_wide(int rows, int cols)
{
    return rows >= 28 && cols >= 110;
}

int device_bottom_rows(const struct ui *ui)
{
    return device_is_wide(ui->rows, ui->cols) ? 3 : 2;
}

static const struct fleet_device *device_of(const struct ui *ui, const struct ui_model *m)
{
    uint32_t index = fleet_find(m->fleet, ui->device.id);
    return index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
}

/* ------------------------------------------------------------------------------------- facts */

struct fact {
    const char *name;
    char text[80];
    enum role role;
};
struct facts {
    struct fact item[FACTS_MAX];
    int count;
};

static void fact(struct facts *f, const char *name, enum role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void fact(struct facts *f, const char *name, enum role role, const char *format, ...)
{
    va_list ap;
    if (f->count == FACTS_MAX)
        return;
    struct fact *item = &f->item[f->count++];
    item->name = name;
    item->role = role;
    va_start(ap, format);
    vsnprintf(item->text, sizeof(item->text), format, ap);
    va_end(ap);
}

/* How far an update is: "downloading 42 %", "waiting, starts 14:09:10". */
static void ota_text(const struct ota_report *r, int64_t now_ms, char *out, size_t cap)
{
    char clock[FMT_MAX];
    if (r->state == OTA_REPORT_DOWNLOADING && r->size)
        snprintf(out, cap, "downloading %u%%", (unsigned)((uint64_t)r->got * 100 / r->size));
    else if (r->state == OTA_REPORT_WAITING && r->slot && (int64_t)r->slot * 1000 > now_ms)
        snprintf(out, cap, "starts at %s", fmt_clock((int64_t)r->slot * 1000, clock));
    else if (r->reason != REASON_NONE)
        snprintf(out, cap, "%s: %s", ota_report_word(r->state), reason_word(r->reason));
    else
        snprintf(out, cap, "%s", ota_report_word(r->state));
}

static void ota_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    struct ota_report r;
    char text[64];
    if (!fleet_report(m->fleet, d, &r) || r.state == OTA_REPORT_IDLE)
        return;
    ota_text(&r, m->now_ms, text, sizeof(text));
    bool bad = ota_report_is_end(r.state) && r.state != OTA_REPORT_DONE;
    enum role role = bad ? ROLE_WARN : ota_report_is_end(r.state) ? ROLE_TEXT : ROLE_UPDATING;
    fact(f, "target", role, "%.20s  %s", r.to, text);
    fact(f, "rollout", ROLE_TEXT, "%s", r.rollout);
}

static void group_facts(struct facts *f, const struct device_status *s)
{
    char text[80] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", s->groups[i]);
        if (n < 0 || used + (size_t)n >= sizeof(text))
            break;
        used += (size_t)n;
    }
    if (*text)
        fact(f, "groups", ROLE_TEXT, "%s", text);
}

static void identity_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d,
                           const struct device_status *s)
{
    char text[FMT_MAX];
    group_facts(f, s);
    if (*s->slot)
        fact(f, "slot", ROLE_TEXT, "%s", s->slot);
    if (*s->image)
        fact(f, "image", ROLE_TEXT, "%.12s", s->image);
    if (d->agent)
        fact(f, "agent", ROLE_TEXT, "%u   security %u", d->agent, d->security);
    if (d->cert_not_after) {
        int64_t left = (int64_t)d->cert_not_after - m->now_ms / 1000;
        enum role role = left <= 0 ? ROLE_CRIT : left < 14 * 86400 ? ROLE_WARN : ROLE_TEXT;
        fact(f, "certificate", role, left <= 0 ? "ended %s" : "until %s",
             fmt_date((int64_t)d->cert_not_after * 1000, text));
    }
}

static void collect_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    struct device_status s;
    char text[FMT_MAX];
    int64_t age = fleet_age_ms(m->fleet, d, m->now_ms);
    f->count = 0;
    fleet_status(m->fleet, d, &s);
    if (*s.product || *s.hw)
        fact(f, "model", ROLE_TEXT, "%s %s", s.product, s.hw);
    fact(f, "firmware", ROLE_TEXT, "%s", *s.fw ? s.fw : "not said");
    ota_facts(f, m, d);
    fact(f, "seen", age < 0 || LINK_DOWN(m) ? ROLE_DIM : ROLE_TEXT, "%s%s",
         age < 0 ? "not since this console looks" : fmt_age(age, text),
         age >= 5000 && age >= 0 ? " ago" : "");
    fact(f, "rate", ROLE_TEXT, "%.0f msg/min", fleet_rate(d, m->now_ms));
    if (d->interval_ms)
        fact(f, "interval", ROLE_TEXT, "%s%s", fmt_duration(d->interval_ms / 1000, text),
             d->declared ? "" : " (learned)");
    uint32_t uptime = fleet_reading_find(m->fleet, "uptime");
    const struct fleet_value *up = uptime == FLEET_NONE ? NULL : fleet_value(d, uptime);
    if (up && d->state != FLEET_OFFLINE)
        fact(f, "uptime", ROLE_TEXT, "%s", fmt_duration((int64_t)up->value, text));
    if (d->has_status && *s.boot)
        fact(f, "boot", s.reset == RESET_PANIC || s.reset == RESET_WATCHDOG ? ROLE_WARN : ROLE_TEXT,
             "%u  %s", s.boots, reset_word(s.reset));
    identity_facts(f, m, d, &s);
    if (d->bad)
        fact(f, "unreadable", ROLE_WARN, "%u messages", d->bad);
}

static void draw_facts_column(const struct facts *f, struct area a)
{
    for (int i = 0; i < f->count && i < a.rows; i++) {
        area_field(a, i, 2, 11, ROLE_DIM, f->item[i].name, false);
        area_field(a, i, 14, a.cols - 15, f->item[i].role, f->item[i].text, false);
    }
}

/* "  model PX-200   fw 1.8.2   …" over as many rows as there are. */
static void draw_facts_lines(const struct facts *f, struct area a)
{
    int row = 0, col = 2;
    for (int i = 0; i < f->count; i++) {
        int width = area_width(a, f->item[i].name) + 1 + area_width(a, f->item[i].text);
        if (col + width > a.cols - 1 && col > 2) {
            row++;
            col = 2;
        }
        if (row >= a.rows)
            return;
        col = area_printf(a, row, col, ROLE_DIM, "%s ", f->item[i].name);
        col = area_text(a, row, col, f->item[i].role, f->item[i].text) + 3;
    }
}

/* ------------------------------------------------------------------------------------ plots */

/* Readings of a device in the order of columns. */
static int readings_of(const struct ui_model *m, const struct fleet_device *d,
                       uint32_t out[PROTO_READINGS])
{
    int count = 0;
    for (int i = 0; i < d->value_count && count < PROTO_READINGS; i++) {
        uint32_t reading = d->value[i].reading;
        if (reading_is_count(fleet_reading(m->fleet, reading)->name))
            continue;
        int place = reading_place(fleet_reading(m->fleet, reading)->name), at = count;
        while (at > 0 && reading_place(fleet_reading(m->fleet, out[at - 1])->name) > place) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = reading;
        count++;
    }
    return count;
}

static void numbers_text(const struct fleet_series_stats *stats, const struct fleet_reading *r,
                         bool avg, char *out, size_t cap)
{
    char now[FMT_MAX], least[FMT_MAX], mean[FMT_MAX], most[FMT_MAX];
    if (!stats->any) {
        snprintf(out, cap, "no data");
        return;
    }
    fmt_reading(stats->now, r->scale, r->decimals, now);
    fmt_reading(stats->min, r->scale, r->decimals, least);
    fmt_reading(stats->avg, r->scale, r->decimals, mean);
    fmt_reading(stats->max, r->scale, r->decimals, most);
    if (avg)
        snprintf(out, cap, "now %s  min %s  avg %s  max %s", now, least, mean, most);
    else
        snprintf(out, cap, "now %6s  min %6s  max %6s", now, least, most);
}

static void reading_title(const struct fleet_reading *r, char *out, size_t cap)
{
    char name[PROTO_READING_MAX];
    snprintf(out, cap, "%s %s", clean(name, sizeof(name), r->name), r->unit);
}

static void draw_plot(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      uint32_t reading, int slot, bool focus, struct area a)
{
    const struct fleet_reading *r = fleet_reading(m->fleet, reading);
    struct device_screen *s = &ui->device;
    struct area box = area_sub(a, 1, 0, -1, -1);
    struct fleet_series_stats stats;
    char title[80], name[64], numbers[160];
    int64_t span = span_now(m, d, s->span_ms);
    struct plot p = { .point = ui->point,
                      .scale = r->scale,
                      .decimals = r->decimals,
                      .time_axis = box.rows >= 5,
                      .role = ROLE_PLOT,
                      .axis = &s->axis[slot],
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };
    p.count = plot_columns(box.cols, p.mode);
    p.to_ms = span_end(m, span, p.count);
    p.from_ms = p.to_ms - span;
    series_of(m, d, reading, p.from_ms, p.to_ms, ui->point, (uint32_t)p.count, &stats);
    reading_title(r, name, sizeof(name));
    snprintf(title, sizeof(title), "%s  %s", name, span_text(span));
    numbers_text(&stats, r, true, numbers, sizeof(numbers));
    if (area_width(a, title) + area_width(a, numbers) + 10 >= a.cols && stats.any) {
        char now[FMT_MAX];
        snprintf(numbers, sizeof(numbers), "now %s",
                 fmt_reading(stats.now, r->scale, r->decimals, now));
    }
    draw_pane_rule(a, 0, focus, title, numbers);
    plot_draw(box, &p);
}

/* "rssi dBm   ▅▅▅▅▅▄▄▄  now -71  min -80  max -60" */
static void draw_spark_row(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                           uint32_t reading, struct area a, int row)
{
    const struct fleet_reading *r = fleet_reading(m->fleet, reading);
    struct fleet_series_stats stats;
    char name[64], numbers[160];
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    int numbers_col = a.cols - 39, width = numbers_col - 2 - 20;
    reading_title(r, name, sizeof(name));
    if (width < 4)
        width = 4;
    int64_t span = span_now(m, d, ui->device.span_ms), to = span_end(m, span, width);
    series_of(m, d, reading, to - span, to, ui->point, (uint32_t)width, &stats);
    plot_range(ui->point, width, &least, &greatest);
    plot_widen(&least, &greatest, r->scale, r->decimals);
    area_field(a, row, 2, 17, ROLE_DIM, name, false);
    plot_spark(a, row, 20, width, ui->point, width, least, greatest, ROLE_PLOT);
    numbers_text(&stats, r, false, numbers, sizeof(numbers));
    area_text(a, row, numbers_col, ROLE_TEXT, numbers);
}

/* The chosen reading large (and those after it, if there is room), the others a line each. */
static void draw_plots(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                       struct area a)
{
    uint32_t reading[PROTO_READINGS];
    struct device_screen *s = &ui->device;
    int count = readings_of(m, d, reading);
    if (count == 0) {
        draw_pane_rule(a, 0, s->pane == PANE_PLOTS, "readings", NULL);
        area_text(a, 1, 2, ROLE_DIM, "It has sent no reading yet.");
        return;
    }
    if (s->reading >= (uint32_t)count)
        s->reading = (uint32_t)count - 1;
    int large = a.rows >= 30 ? 3 : a.rows >= 17 ? 2 : 1;
    if (large > count)
        large = count;
    int first = (int)s->reading > count - large ? count - large : (int)s->reading;
    int sparks = count - large;
    int least = (a.rows >= 12 ? 8 : 6) * large; /* title, a few rows, axis, times */
    if (sparks > a.rows - least)
        sparks = a.rows - least > 0 ? a.rows - least : 0;
    int height = (a.rows - sparks) / large, row = 0;
    for (int i = 0; i < large; i++) {
        int rows = i == large - 1 ? a.rows - sparks - row : height;
        int at = first + i;
        draw_plot(ui, m, d, reading[at], at, s->pane == PANE_PLOTS && at == (int)s->reading,
                  area_sub(a, row, 0, rows, -1));
        row += rows;
    }
    for (int i = 0; i < count && sparks > 0; i++) {
        if (i >= first && i < first + large)
            continue;
        draw_spark_row(ui, m, d, reading[i], a, row++);
        sparks--;
    }
}

/* ------------------------------------------------------------------------------------- tail */

bool device_tail_passes(const struct device_screen *d, const struct fleet_tail_line *line)
{
    if (!line)
        return false;
    return d->filter.len == 0 || strstr(line->topic, d->filter.text) ||
           strstr(line->body, d->filter.text);
}

static void tail_title(const struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                       uint64_t first, uint64_t last, char *title, size_t title_cap, char *right,
                       size_t right_cap)
{
    const struct device_screen *s = &ui->device;
    if (!s->paused)
        snprintf(title, title_cap, "tail  %s", LINK_DOWN(m) ? "✗ link down" : "● live");
    else
        snprintf(title, title_cap, "tail  paused, %llu new, G live",
                 (unsigned long long)(last - s->seen));
    snprintf(right, right_cap, "%s%s  %.1f msg/s  %llu kept", s->filter.len ? "/" : "no filter",
             s->filter.len ? s->filter.text : "", fleet_rate(d, m->now_ms) / 60,
             (unsigned long long)(last ? last - first + 1 : 0));
}

/* Rows a line takes when wrapped into `room` columns. */
static int wrapped_rows(struct area a, const struct device_screen *s, const char *body, int room)
{
    int width = area_width(a, body);
    return !s->wrap || room < 1 || width <= room ? 1 : (width + room - 1) / room;
}

static void draw_tail_line(const struct device_screen *s, const struct fleet_tail_line *line,
                           struct area a, int row, int rows)
{
    char clock[FMT_MAX];
    int topic = a.cols >= 110 ? 24 : 16, body = 15 + topic;
    int room = a.cols - body - 1;
    bool log = strcmp(line->topic, "log") == 0;
    bool warn =
        line->bad ||
        (log && (strncmp(line->body, "warn", 4) == 0 || strncmp(line->body, "error", 5) == 0));
    area_text(a, row, 1, ROLE_DIM, fmt_clock_ms(line->t_ms, clock));
    const char *name = line->topic;
    if (topic < 24 && strncmp(name, "telemetry/", 10) == 0)
        name += 10; /* what most lines are */
    area_field(a, row, 14, topic, line->retained ? ROLE_DIM : ROLE_TEXT, name, false);
    enum role role = warn ? ROLE_LOG_WARN : line->retained ? ROLE_DIM : ROLE_TEXT;
    if (line->size == 0)
        area_text(a, row, body, ROLE_DIM, "(empty)");
    else if (!s->wrap)
        area_field(a, row, body, room, role, line->body, false);
    for (int i = 0; s->wrap && i < rows; i++)
        area_text(area_sub(a, row + i, body, 1, room), 0, -i * room, role, line->body);
    if (line->retained)
        area_put(a, row, 13, ROLE_DIM, 'R');
}

static void draw_tail(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      struct area a)
{
    struct device_screen *s = &ui->device;
    uint64_t first, last;
    char title[80], right[200];
    fleet_tail_range(m->fleet, s->id, &first, &last);
    if (!s->paused)
        s->seen = last;
    tail_title(ui, m, d, first, last, title, sizeof(title), right, sizeof(right));
    draw_pane_rule(a, 0, s->pane == PANE_TAIL, title, right);
    struct area lines = area_sub(a, 1, 0, -1, -1);
    int row = lines.rows, room = a.cols - (a.cols >= 110 ? 39 : 31) - 1;
    s->tail_rows = lines.rows;
    uint64_t bottom = s->paused ? s->top : last;
    for (uint64_t seq = bottom; row > 0 && seq >= first && seq > 0; seq--) {
        const struct fleet_tail_line *line = fleet_tail(m->fleet, s->id, seq);
        if (!device_tail_passes(s, line))
            continue;
        int rows = wrapped_rows(a, s, line->body, room);
        row -= rows;
        draw_tail_line(s, line, lines, row, rows);
    }
    if (row == lines.rows)
        area_text(lines, 0, 1, ROLE_DIM,
                  s->filter.len ? "no kept message matches" : "waiting for its next message");
}

/* ---------------------------------------------------------------------------------- updates */

static void draw_updates(const struct ui *ui, const struct ui_model *m,
                         const struct fleet_device *d, struct area a, bool with_title)
{
    int row = 0, count = d->ota ? d->ota->update_count : 0;
    if (with_title)
        draw_pane_rule(a, row++, ui->device.pane == PANE_UPDATES, "updates", NULL);
    if (count == 0)
        area_text(a, row, 2, ROLE_DIM, "none seen");
    for (int i = 0; i < count && row < a.rows; i++, row++) {
        const struct fleet_update *u = &d->ota->update[i];
        bool done = u->state == OTA_REPORT_DONE;
        char when[FMT_MAX];
        int col = 2;
        area_field(a, row, col, 10, ROLE_DIM, fmt_day_hm((int64_t)u->t * 1000, m->now_ms, when),
                   false);
        col = area_printf(a, row, col + 11, ROLE_TEXT, "%s ", fleet_word(m->fleet, u->to));
        col = area_put(a, row, col, done ? ROLE_OK : ROLE_WARN, done ? 0x2713 : 0x2717) + 1;
        enum reason reason = (enum reason)u->reason;
        if (a.cols < 60) {
            const char *why = reason != REASON_NONE
                                  ? reason_word(reason)
                                  : ota_report_word((enum ota_report_state)u->state);
            area_field(a, row, col, a.cols - col, ROLE_TEXT, done ? "done" : why, false);
            continue;
        }
        col = area_text(a, row, col, ROLE_TEXT, ota_report_word((enum ota_report_state)u->state));
        col = area_printf(a, row, col, ROLE_DIM, "  from %s  %s", fleet_word(m->fleet, u->from),
                          fleet_word(m->fleet, u->rollout));
        if (reason != REASON_NONE)
            area_printf(a, row, col, ROLE_TEXT, "  %s", reason_text(reason));
    }
}

/* --------------------------------------------------------------------------------- together */

static void draw_wide(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      struct area a)
{
    struct facts f;
    int tail = a.rows / 4 < 8 ? 8 : a.rows / 4;
    struct area top = area_sub(a, 0, 0, a.rows - tail, -1);
    struct area left = area_sub(top, 0, 0, -1, FACTS_COLS);
    collect_facts(&f, m, d);
    area_text(left, 0, 2, ROLE_TITLE, "DEVICE");
    draw_facts_column(&f, area_sub(left, 1, 0, -1, -1));
    int row = f.count + 2;
    area_text(left, row, 2, ROLE_TITLE, "UPDATES");
    draw_updates(ui, m, d, area_sub(left, row + 1, 0, -1, FACTS_COLS - 2), false);
    area_vline(left, FACTS_COLS - 1, ROLE_RULE);
    draw_plots(ui, m, d, area_sub(top, 0, FACTS_COLS, -1, -1));
    draw_tail(ui, m, d, area_sub(a, a.rows - tail, 0, -1, -1));
}

static void draw_slim(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      struct area a)
{
    struct facts f;
    int facts = a.rows >= 14 ? 2 : 1;
    int low = a.rows < 14 ? 3 : a.rows / 4 < 5 ? 5 : a.rows / 4;
    collect_facts(&f, m, d);
    draw_facts_lines(&f, area_sub(a, 0, 0, facts, -1));
    draw_plots(ui, m, d, area_sub(a, facts, 0, a.rows - facts - low, -1));
    struct area pane = area_sub(a, a.rows - low, 0, -1, -1);
    if (ui->device.pane == PANE_UPDATES)
        draw_updates(ui, m, d, pane, true);
    else
        draw_tail(ui, m, d, pane);
}

void device_body(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);
    if (!d) {
        area_printf(a, 1, 2, ROLE_DIM, "%s is no longer known here.", ui->device.id);
        return;
    }
    bool wide = device_is_wide(ui->rows, ui->cols);
    if (wide && ui->device.pane == PANE_UPDATES)
        ui->device.pane = PANE_TAIL;
    if (wide)
        draw_wide(ui, m, d, a);
    else
        draw_slim(ui, m, d, a);
}

void device_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);
    char text[240], why[120], place[40] = "";
    int col = area_text(a, 0, 1, ROLE_DIM, "fleet › ");
    col = area_text(a, 0, col, ROLE_CRUMB, ui->device.id);
    if (!d)
        return;
    fleet_why(m->fleet, d, m->now_ms, why, sizeof(why));
    uint32_t row = fleet_view_row(ui->fleet.view, ui->device.id);
    if (row != FLEET_NONE)
        snprintf(place, sizeof(place), "   %u/%u", row + 1, fleet_view_count(ui->fleet.view));
    snprintf(text, sizeof(text), "%s  %s%s ", fleet_state_word((enum fleet_state)d->state), why,
             place);
    struct area right = area_sub(a, 0, col + 2, 1, -1);
    int width = area_width(a, text);
    int start = width + 2 < right.cols ? right.cols - width : 2;
    area_put(right, 0, start - 2, state_role((enum fleet_state)d->state),
             state_glyph((enum fleet_state)d->state));
    area_field(right, 0, start, right.cols - start, state_role((enum fleet_state)d->state), text,
               false);
    if (row != FLEET_NONE && width + 2 < right.cols)
        area_right(right, 0, right.cols - 1, ROLE_DIM, place);
}

void device_acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    static const char *const panes[DEVICE_PANES] = { "↑↓ reading", "↑↓ messages", "updates" };
    int col = 1;
    if (m->read_only) {
        col = area_text(a, 0, col, ROLE_DIM, "read-only   ");
    } else {
        col = draw_act(a, col, "u", "update…");
        col = draw_act(a, col, "r", "reboot…");
        col = draw_act(a, col, "i", "identify");
    }
    col = draw_act(a, col, "y", "copy id");
    col = draw_act(a, col, "+ -", "span");
    draw_act_right(a, col, panes[ui->device.pane]);
}

bool device_bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    (void)m;
    if (!ui->device.editing)
        return false;
    area_text(a, 0, 1, ROLE_KEY, "/");
    field_draw(&ui->device.filter, a, 0, 3, a.cols - 5);
    if (a.rows > 1)
        area_text(a, a.rows - 1, 3, ROLE_HINT,
                  "text in topic or message   Enter keeps it   Esc shows all");
    return true;
}

void device_narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);
    struct facts f;
    if (!d)
        return;
    collect_facts(&f, m, d);
    area_put(a, 0, 0, state_role((enum fleet_state)d->state),
             state_glyph((enum fleet_state)d->state));
    area_text(a, 0, 2, ROLE_TITLE, d->id);
    for (int i = 0; i < f.count && i + 1 < a.rows; i++) {
        area_field(a, i + 1, 2, 11, ROLE_DIM, f.item[i].name, false);
        area_field(a, i + 1, 14, a.cols - 14, f.item[i].role, f.item[i].text, false);
    }
}
