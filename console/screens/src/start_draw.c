#include "start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the new-rollout dialog looks like: fields, and beside or behind them whom the plan comes to,
 * when, and what its gates can show. */

#define LABEL_COLS 12
#define SIDE_COLS  104 /* from here on both stand side by side */
#define FIELD_COLS 52  /* of the left one then */

/* ------------------------------------------------------------------------------------ fields */

static const struct {
    const char *label, *help;
} texts[START_ROWS] = {
    [START_RELEASE] = { "release", "what to roll out" },
    [START_TEMPLATE] = { "template", "a plan saved by name: muster rollout template save" },
    [START_TARGET] = { "target", "which devices, in the filter's language" },
    [START_STAGES] = { "stages", "name, 10 or 5%, soak 1h, fail 2%, approve; then a comma" },
    [START_FAILURE] = { "may fail", "share at each gate; the first stage allows none" },
    [START_JITTER] = { "jitter", "each device waits its own share before it downloads" },
    [START_TRIAL] = { "trial", "how long new firmware must live before it is kept" },
    [START_FLIGHT] = { "in flight", "most devices at work at the same time" },
    [START_GROUP] = { "per group", "most of one label at a time: site 2; empty: no cap" },
    [START_BANDWIDTH] = { "bandwidth", "bytes per second in all: 500k 2M; empty: no cap" },
    [START_WINDOW] = { "window",
                       "01:00-05:00 Europe/Berlin mon-fri, or zone device; empty: any time" },
    [START_EYES] = { "four eyes", "who starts it cannot approve its stages" },
    [START_LATE] = { "late ones", "devices that match the target only later" },
    [START_STOP] = { "on a stop", "what becomes of it when its gate says stop" },
    [START_TYPE] = { "", "" },
};

static const char *choice_text(const struct start *d, const struct ui_model *m, enum start_row row)
{
    switch ((int)row) {
    case START_TEMPLATE:
        if (d->from > 0 && d->from <= (int)m->template_count)
            return m->templates[d->from - 1].name;
        return m->template_count ? "the usual plan" : "the usual plan (no template saved)";
    case START_EYES:
        return d->eyes ? "yes" : "no";
    case START_LATE:
        return d->late ? "join the last stage reached" : "are left alone";
    case START_STOP:
        return d->abort ? "it is aborted" : "it waits for a person";
    default:
        return "";
    }
}

static int draw_release(const struct start *d, const struct ui_model *m, struct area a, int row,
                        int col)
{
    const struct ui_release *r = start_release(d, m);
    char size[FMT_MAX];
    if (!r)
        return area_text(a, row, col, ROLE_DIM, "none");
    col = area_printf(a, row, col, ROLE_TITLE, "%s %s", d->product, d->version);
    col = area_printf(a, row, col, ROLE_DIM, "  %s  ", fmt_size(r->release.size, size));
    return area_glyph(a, row, col, r->signed_ok ? ROLE_OK : ROLE_CRIT,
                      r->signed_ok ? "signed ✓" : "not signed ✗",
                      r->signed_ok ? "signed" : "not signed");
}

static void draw_field(struct start *d, const struct ui_model *m, struct area a, int row,
                       enum start_row which)
{
    bool focus = d->row == which;
    bool bad = *d->problem && d->problem_row == which;
    int col = LABEL_COLS + 2, width = a.cols - col - 1;
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    area_text(a, row, 2,
              bad     ? ROLE_INPUT_ERROR
              : focus ? ROLE_FOCUS
                      : ROLE_DIM,
              texts[which].label);
    if (start_is_choice(which)) {
        if (focus)
            area_text(a, row, col - 2, ROLE_KEY, "◂ ");
        col = which == START_RELEASE ? draw_release(d, m, a, row, col)
                                     : area_text(a, row, col, ROLE_TEXT, choice_text(d, m, which));
        if (focus)
            area_text(a, row, col, ROLE_KEY, " ▸");
        if (focus)
            area_cursor(a, row, 0);
    } else if (focus) {
        field_draw(&d->field[which], a, row, col, width);
    } else {
        area_field(a, row, col, width, ROLE_TEXT, d->field[which].len ? d->field[which].text : "–",
                   false);
    }
}

/* The rows, scrolled so that the one in focus is there; below them what it is for, or what is wrong
 * with the plan. */
static void draw_fields(struct start *d, const struct ui_model *m, struct area a)
{
    int count = START_TYPE, room = a.rows - 3, top = 0;
    int at = d->row < START_TYPE ? (int)d->row : count - 1;
    room = room < 1 ? 1 : room;
    if (count > room && at >= room)
        top = at - room + 1;
    for (int i = 0; i < room && top + i < count; i++)
        draw_field(d, m, a, i, (enum start_row)(top + i));
    int row = (count - top < room ? count - top : room) + (a.rows > count + 3);
    if (d->row < START_TYPE)
        area_field(a, row, 2, a.cols - 3, ROLE_DIM, texts[d->row].help, false);
    if (*d->problem)
        area_field(a, row + 1, 2, a.cols - 3, ROLE_INPUT_ERROR, d->problem, false);
}

/* ----------------------------------------------------------------------------------- preview */

static int draw_who(const struct start *d, struct area a, int row)
{
    char size[FMT_MAX];
    int col = area_printf(a, row, 0, ROLE_TITLE, "%zu devices", d->id_count);
    col = area_printf(a, row, col, ROLE_DIM, " of %u in the target, ", d->matched);
    area_printf(a, row++, col, ROLE_DIM, "%s in all", fmt_size(d->preview.bytes, size));
    for (int why = 0; why < PLAN_EXCLUDED_COUNT && row < a.rows - 8; why++) {
        if (!d->excluded[why])
            continue;
        col = area_printf(a, row, 0, ROLE_WARN, "%6u ", d->excluded[why]);
        col = area_printf(a, row, col, ROLE_DIM, "%s", plan_excluded_text((enum plan_excluded)why));
        for (uint32_t i = 0; i < START_ID_SHOWN && i < d->excluded[why]; i++) {
            if (col + 2 + area_width(a, d->excluded_id[why][i]) > a.cols)
                break;
            col = area_printf(a, row, col, ROLE_DIM, "  %s", d->excluded_id[why][i]);
        }
        row++;
    }
    return row;
}

static int draw_canary(const struct ui *ui, struct area a, int row)
{
    const struct start *d = &ui->start;
    int col = area_printf(a, row, 0, ROLE_DIM, "%s: ", d->plan.stage[0].name);
    for (size_t i = 0; i < d->canary && i < d->id_count; i++) {
        char rest[24];
        snprintf(rest, sizeof(rest), "and %zu more", d->canary - i);
        if (col + area_width(a, ui->ids[i]) + 14 > a.cols && i + 1 < d->canary) {
            area_text(a, row, col, ROLE_DIM, rest);
            break;
        }
        col = area_text(a, row, col, ROLE_TEXT, ui->ids[i]) + 1;
    }
    return row + 1;
}

/* In the table: who and when; behind it, what may fail and what a clean stage shows. */
static void draw_stage(const struct start *d, struct area a, int row, uint32_t i)
{
    const struct plan_preview *p = &d->preview;
    char text[120], time[FMT_MAX];
    area_field(a, row, 0, 9, ROLE_TEXT, d->plan.stage[i].name, false);
    area_printf(a, row, 9, ROLE_TEXT, "%6u", p->stage[i].size);
    area_printf(a, row, 15, ROLE_DIM, "%6u", p->stage[i].cumulative);
    snprintf(text, sizeof(text), "%.0f", ceil(p->stage[i].peak_high));
    area_field(a, row, 21, 5, ROLE_DIM, text, true);
    snprintf(text, sizeof(text), "+%s", fmt_duration(p->stage[i].earliest_s, time));
    area_field(a, row, 26, 8, ROLE_DIM, text, true);
    snprintf(text, sizeof(text), "%u", p->stage[i].tolerated);
    area_field(a, row, 34, 10, ROLE_TEXT, text, true);
    snprintf(text, sizeof(text), "%.0f%%%s", p->stage[i].clean_upper * 100,
             d->plan.stage[i].approval ? ", approval" : "");
    area_field(a, row, 46, a.cols - 46, ROLE_TEXT, text, false);
}

/* How high the true rate of failures may be when a stage has none. */
static const char *clean_heading(int room)
{
    return room >= 20 ? "IF NONE FAILS: UP TO" : room >= 13 ? "0 FAIL: UP TO" : "0 FAIL";
}

static int draw_stages(const struct start *d, struct area a, int row)
{
    area_text(a, row, 0, ROLE_HEADER, "STAGE      SIZE   ALL PEAK  BEGINS  MAY FAIL");
    area_text(a, row++, 46, ROLE_HEADER, clean_heading(a.cols - 46));
    for (uint32_t i = 0; i < d->preview.stage_count && row < a.rows - 4; i++)
        draw_stage(d, a, row++, i);
    return row;
}

/* Peaks that are worth a thought, the largest first. */
static uint32_t lower_peak(uint32_t below)
{
    static const uint32_t steps[] = { 500, 200, 100, 50, 20, 10, 5, 2 };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i] < below)
            return steps[i];
    }
    return 0;
}

/* The stage that pulls hardest, and with which jitter it would pull less. */
static int draw_peak(const struct start *d, struct area a, int row)
{
    const struct plan_preview *p = &d->preview;
    char time[FMT_MAX];
    uint32_t most = 0;
    for (uint32_t i = 1; i < p->stage_count; i++)
        most = p->stage[i].peak_high > p->stage[most].peak_high ? i : most;
    uint32_t wave =
        p->stage[most].size < d->plan.in_flight ? p->stage[most].size : d->plan.in_flight;
    uint32_t peak = (uint32_t)ceil(p->stage[most].peak_high), want = lower_peak(peak);
    int col = area_printf(a, row, 0, ROLE_TEXT, "Up to %u download at once", peak);
    for (int i = 0; i < 2 && want; i++, want = lower_peak(want)) {
        char text[60];
        uint32_t jitter = plan_jitter_for_peak(wave, p->download_s, want);
        snprintf(text, sizeof(text), "%s %u with jitter %s", i ? "," : ";", want,
                 fmt_duration(jitter, time));
        if (col + area_width(a, text) <= a.cols)
            col = area_text(a, row, col, ROLE_DIM, text);
    }
    return row + 1;
}

/* What a clean first stage cannot show. */
static int draw_shows(const struct start *d, struct area a, int row)
{
    const struct plan_preview *p = &d->preview;
    if (p->stage[0].clean_needed == UINT32_MAX)
        return row;
    area_printf(a, row, 0, p->stage[0].clean_needed > p->devices ? ROLE_WARN : ROLE_TEXT,
                "%u clean devices would show %.3g%%; %s has %u.", p->stage[0].clean_needed,
                d->plan.gate.allowed_failure * 100, d->plan.stage[0].name, p->stage[0].size);
    return row + 1;
}

static int draw_when(const struct start *d, const struct ui_model *m, struct area a, int row)
{
    char text[WINDOW_TEXT_MAX], when[FMT_MAX], left[FMT_MAX];
    window_text(&d->plan.window, text);
    if (d->plan.window.days == 0)
        return row;
    int col = area_printf(a, row, 0, ROLE_TEXT, "Window %s", text);
    if (d->opens_ms > 0)
        area_printf(a, row + 1, 0, ROLE_WARN, "closed now; the first order goes out in %s, %.5sZ",
                    fmt_duration((d->opens_ms - m->now_ms) / 60000 * 60, left),
                    fmt_hm(d->opens_ms, when));
    else if (d->opens_ms == 0)
        area_text(a, row, col, ROLE_OK, ": open now");
    else
        area_text(a, row + 1, 0, ROLE_DIM, "each device by its own clock");
    return row + (d->opens_ms == 0 ? 1 : 2);
}

static void draw_preview(const struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct start *d = &ui->start;
    if (!d->good) {
        area_text(a, 0, 0, ROLE_DIM, "No preview: the plan has a mistake.");
        area_field(a, 1, 0, a.cols, ROLE_INPUT_ERROR, d->problem, false);
        return;
    }
    bool roomy = a.rows >= 18;
    int row = draw_who(d, a, 0) + roomy;
    row = draw_stages(d, a, row) + roomy;
    row = draw_peak(d, a, row);
    row = draw_shows(d, a, row);
    row = draw_when(d, m, a, row);
    for (uint32_t i = 0; i < d->note_count && row < a.rows; i++)
        area_field(a, row++, 0, a.cols, ROLE_WARN, d->note[i], false);
    row = draw_canary(ui, a, row + roomy);
    if (row + 1 < a.rows)
        area_field(a, a.rows - 1, 0, a.cols, ROLE_DIM,
                   "It stops itself when its gate says so; Space pauses.", false);
}

/* ---------------------------------------------------------------------------------- together */

static bool armed(const struct start *d)
{
    char count[16];
    snprintf(count, sizeof(count), "%zu", d->id_count);
    return strcmp(d->field[START_TYPE].text, count) == 0;
}

static void draw_type(struct start *d, struct area a, int row)
{
    bool focus = d->row == START_TYPE;
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    if (!d->good) {
        area_text(a, row, 2, ROLE_DIM, "Cannot start yet.");
        if (focus)
            area_cursor(a, row, 0);
        return;
    }
    int col = area_text(a, row, 2, focus ? ROLE_TEXT : ROLE_DIM, "Type ");
    col = area_printf(a, row, col, focus ? ROLE_TITLE : ROLE_DIM, "%zu", d->id_count);
    col = area_text(a, row, col, focus ? ROLE_TEXT : ROLE_DIM, " and Enter to start:  ");
    if (focus)
        field_draw(&d->field[START_TYPE], a, row, col, 10);
    if (armed(d))
        area_text(a, row, col + 12, ROLE_WARN, "Enter starts");
}

static void draw_side_by_side(struct ui *ui, const struct ui_model *m, struct area in)
{
    struct start *d = &ui->start;
    draw_fields(d, m, area_sub(in, 1, 0, in.rows - 4, FIELD_COLS));
    area_vline(area_sub(in, 0, 0, in.rows - 2, -1), FIELD_COLS + 1, ROLE_RULE);
    draw_preview(ui, m, area_sub(in, 1, FIELD_COLS + 3, in.rows - 4, -1));
    draw_type(d, in, in.rows - 1);
}

/* Two pages: the one of the row in focus. */
static void draw_page(struct ui *ui, const struct ui_model *m, struct area in)
{
    struct start *d = &ui->start;
    bool roomy = in.rows >= 18;
    if (d->row == START_TYPE) {
        draw_preview(ui, m, area_sub(in, roomy, 2, in.rows - 2 - roomy, in.cols - 3));
        draw_type(d, in, in.rows - 1);
        return;
    }
    draw_fields(d, m, area_sub(in, roomy, 0, in.rows - 2 - roomy, -1));
    if (d->good) {
        int col = area_printf(in, in.rows - 1, 2, ROLE_TITLE, "%zu devices", d->id_count);
        area_printf(in, in.rows - 1, col, ROLE_DIM, " of %u.   PgDn: preview, and start",
                    d->matched);
    }
}

void start_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct start *d = &ui->start;
    bool wide = screen.cols >= SIDE_COLS && screen.rows >= 24;
    int cols = wide ? (screen.cols > 130 ? 130 : screen.cols - 2) : screen.cols;
    int rows = screen.rows > 28 ? 28 : screen.rows;
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - cols) / 2, rows, cols);
    char title[80];
    cols = box.cols;
    area_blank(box);
    snprintf(title, sizeof(title), "new rollout %s%s", d->rollout,
             wide                   ? ""
             : d->row == START_TYPE ? "  2 of 2: preview"
                                    : "  1 of 2: plan");
    area_box(box, ROLE_FOCUS, title,
             wide ? "Esc cancels   ↑↓ Tab fields   ←→ choose   PgDn start"
                  : "Esc cancels   ↑↓ fields   ←→ choose   PgUp PgDn");
    struct area in = area_sub(box, 1, 2, box.rows - 2, cols - 3);
    if (wide)
        draw_side_by_side(ui, m, in);
    else
        draw_page(ui, m, in);
}
