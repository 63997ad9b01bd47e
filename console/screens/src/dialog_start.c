#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "screens/stages.h"

/*
 * The new-rollout dialog: what, to whom, in which stages; who that is exactly and what it can show;
 * then type the number of devices to start. The preview is worked out when a field changes, and its
 * ids are the ones that the rollout will touch: it does not change by itself.
 */

#define DOWNLOAD_RATE 100000 /* bytes per second that one device is expected to get */

static const struct ui_release *release_of(const struct start *d, const struct ui_model *m)
{
    for (size_t i = 0; i < m->release_count; i++) {
        const struct release *r = &m->releases[i].release;
        if (strcmp(r->product, d->product) == 0 && strcmp(r->version, d->version) == 0)
            return &m->releases[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------- resolve */

static int problem(struct start *d, enum start_row row, const char *text)
{
    snprintf(d->problem, sizeof(d->problem), "%.190s", text);
    d->problem_row = row;
    d->good = false;
    return -1;
}

/* The fields as a plan. */
static int read_fields(struct start *d)
{
    uint64_t n;
    char text[200];
    plan_defaults(&d->plan);
    text_copy(d->plan.product, sizeof(d->plan.product), d->product);
    text_copy(d->plan.version, sizeof(d->plan.version), d->version);
    if (!text_copy(d->plan.target, sizeof(d->plan.target), d->target.text))
        return problem(d, START_TARGET, "target: too long");
    if (stages_parse(d->stages.text, &d->plan, text, sizeof(text)) != 0)
        return problem(d, START_STAGES, text);
    if (!text_to_seconds(d->jitter.text, &n) || n > 7 * 86400)
        return problem(d, START_JITTER, "jitter: a time is wanted: 30s 10m 2h");
    d->plan.jitter_s = (uint32_t)n;
    if (!text_to_seconds(d->trial.text, &n) || n > 86400)
        return problem(d, START_TRIAL, "trial: a time is wanted: 30s 5m");
    d->plan.trial_s = (uint32_t)n;
    if (!text_to_u64(d->flight.text, 1, PLAN_DEVICES, &n))
        return problem(d, START_FLIGHT, "in flight: at least 1");
    d->plan.in_flight = (uint32_t)n;
    return 0;
}

static struct plan_candidate candidate_of(const struct fleet *fleet, const struct fleet_device *d)
{
    return (struct plan_candidate){ .id = d->id,
                                    .product = fleet_word(fleet, d->product),
                                    .hw = fleet_word(fleet, d->hw),
                                    .fw = fleet_word(fleet, d->fw),
                                    .image = fleet_word(fleet, d->image),
                                    .boot = d->boot,
                                    .release_seq = d->release_seq,
                                    .security = d->security,
                                    .agent = d->agent,
                                    .cert_not_after = d->cert_not_after,
                                    .last_seen_ms = d->last_ms,
                                    .online = d->online };
}

/* Devices that the target names; free() it. -1 when the filter is wrong. */
static int find_candidates(struct start *d, const struct ui_model *m, struct plan_candidate **out,
                           uint32_t *count)
{
    struct filter_error err;
    struct filter *filter = filter_compile(d->target.text, &err);
    if (!filter) {
        char text[160];
        snprintf(text, sizeof(text), "target: %s", err.text);
        return problem(d, START_TARGET, text);
    }
    *out = mem_array(fleet_count(m->fleet) + 1, sizeof(**out));
    *count = 0;
    for (uint32_t i = 0; i < fleet_span(m->fleet); i++) {
        const struct fleet_device *dev = fleet_device(m->fleet, i);
        if (dev && filter_match(filter, m->fleet, dev, m->now_ms))
            (*out)[(*count)++] = candidate_of(m->fleet, dev);
    }
    filter_free(filter);
    d->matched = *count;
    return 0;
}

static void keep_result(struct ui *ui, struct start *d, const struct plan_set *set,
                        const struct plan_candidate *candidate, uint32_t size)
{
    ui_ids_room(ui, set->count);
    for (uint32_t i = 0; i < set->count; i++)
        text_copy(ui->ids[i], sizeof(*ui->ids), candidate[set->member[i].candidate].id);
    d->id_count = set->count;
    d->canary = set->stage_size[0];
    memcpy(d->excluded, set->why_count, sizeof(d->excluded));
    d->excluded_count = set->excluded_count;
    plan_preview(&d->plan, set, size, DOWNLOAD_RATE, &d->preview);
}

static int resolve(struct step *s, struct start *d)
{
    const struct ui_release *release = release_of(d, s->m);
    struct plan_candidate *candidate;
    struct plan_set set;
    struct err err = { .text = "" };
    uint32_t count;

    d->id_count = 0;
    d->excluded_count = d->matched = 0;
    memset(d->excluded, 0, sizeof(d->excluded));
    if (!release)
        return problem(d, START_RELEASE, "the store has no release: muster release publish");
    if (!release->signed_ok)
        return problem(d, START_RELEASE, "not signed by a release key of this fleet");
    if (!s->m->crypto || !s->m->next_rollout)
        return problem(d, START_RELEASE, "this console cannot start rollouts");
    text_copy(d->rollout, sizeof(d->rollout), s->m->next_rollout);
    if (read_fields(d) != 0 || find_candidates(d, s->m, &candidate, &count) != 0)
        return -1;
    int rc = plan_check(&d->plan, &err);
    if (rc == 0) {
        rc = plan_resolve(&d->plan, &release->release, d->rollout, s->m->crypto, candidate, count,
                          s->m->now_ms, &set, &err);
        if (rc == 0) {
            keep_result(s->ui, d, &set, candidate, release->release.size);
            plan_set_free(&set);
        }
    }
    free(candidate);
    if (rc != 0)
        return problem(d, START_TARGET, err.text);
    d->good = true;
    return 0;
}

/* After a change: what was typed to start no longer counts. */
static void changed(struct step *s)
{
    struct start *d = &s->ui->start;
    d->problem[0] = '\0';
    field_set(&d->word, "");
    resolve(s, d);
}

/* ------------------------------------------------------------------------------------- open */

/* Marked devices by name, else the filter in force, else the product. */
static void default_target(struct step *s)
{
    struct start *d = &s->ui->start;
    char text[FIELD_MAX] = "";
    size_t used = 0, count = fleet_screen_targets(s->ui);
    bool named = ui_screen(s->ui) == SCREEN_DEVICE || s->ui->fleet.mark_count > 0;

    for (size_t i = 0; named && ui_screen(s->ui) != SCREEN_RELEASES && i < count; i++) {
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "id=", s->ui->ids[i]);
        if (n < 0 || used + (size_t)n >= sizeof(text)) {
            ui_say(s, TAIL_WARN, "too many marks to name them: use a filter as target");
            text[0] = '\0';
            break;
        }
        used += (size_t)n;
    }
    if (!*text && *s->ui->fleet.filter)
        text_copy(text, sizeof(text), s->ui->fleet.filter);
    if (!*text)
        snprintf(text, sizeof(text), "product:%s", d->product);
    field_set(&d->target, text);
}

/* The newest release that is signed and that not all devices run already. */
static const struct ui_release *default_release(const struct ui_model *m)
{
    for (size_t i = 0; i < m->release_count; i++) {
        if (m->releases[i].signed_ok)
            return &m->releases[i];
    }
    return m->release_count ? &m->releases[0] : NULL;
}

void start_open(struct step *s, const char *product, const char *version)
{
    struct start *d = &s->ui->start;
    const struct ui_release *first = default_release(s->m);
    *d = (struct start){ .row = START_RELEASE };
    text_copy(d->product, sizeof(d->product),
              product ? product
              : first ? first->release.product
                      : "");
    text_copy(d->version, sizeof(d->version),
              version ? version
              : first ? first->release.version
                      : "");
    default_target(s);
    field_set(&d->jitter, "30s");
    field_set(&d->trial, "30s");
    field_set(&d->flight, "50");
    field_set(&d->stages, stages_usual(0));
    s->ui->dialog = DIALOG_START;
    changed(s);
    if (d->id_count >= 50) {
        field_set(&d->jitter, "10m");
        field_set(&d->trial, "5m");
        field_set(&d->stages, stages_usual((uint32_t)d->id_count));
    } else if (d->id_count == 1) {
        field_set(&d->stages, "all soak 1m");
    }
    changed(s);
}

/* ------------------------------------------------------------------------------------- keys */

static struct field *field_of(struct start *d)
{
    switch (d->row) {
    case START_TARGET:
        return &d->target;
    case START_STAGES:
        return &d->stages;
    case START_JITTER:
        return &d->jitter;
    case START_TRIAL:
        return &d->trial;
    case START_FLIGHT:
        return &d->flight;
    case START_TYPE:
        return &d->word;
    case START_RELEASE:
    case START_ROWS:
        break;
    }
    return NULL;
}

static void choose_release(struct step *s, int by)
{
    struct start *d = &s->ui->start;
    size_t count = s->m->release_count, at = 0;
    for (size_t i = 0; i < count; i++) {
        if (&s->m->releases[i] == release_of(d, s->m))
            at = i;
    }
    if (count == 0 || (by < 0 && at == 0) || (by > 0 && at + 1 >= count))
        return;
    at = by < 0 ? at - 1 : at + 1;
    text_copy(d->product, sizeof(d->product), s->m->releases[at].release.product);
    text_copy(d->version, sizeof(d->version), s->m->releases[at].release.version);
    changed(s);
}

static bool armed(const struct start *d)
{
    char count[16];
    snprintf(count, sizeof(count), "%zu", d->id_count);
    return d->good && d->id_count > 0 && strcmp(d->word.text, count) == 0;
}

static void go(struct step *s)
{
    struct start *d = &s->ui->start;
    if (strcmp(d->rollout, s->m->next_rollout ? s->m->next_rollout : "") != 0) {
        changed(s); /* another console took the id: ranks are others now */
        ui_say(s, TAIL_WARN, "the rollout's number is taken: look at the preview again");
        return;
    }
    struct ui_effect *e = ui_effect(s, UI_START_ROLLOUT);
    text_copy(e->id, sizeof(e->id), d->rollout);
    e->plan = &d->plan;
    e->ids = s->ui->ids;
    e->id_count = d->id_count;
    s->ui->dialog = DIALOG_NONE;
    fleet_screen_clear_marks(s->ui);
    text_copy(s->ui->rollout.id, sizeof(s->ui->rollout.id), d->rollout);
    ui_push(s, SCREEN_ROLLOUTS);
    ui_push(s, SCREEN_ROLLOUT);
}

static void move(struct start *d, int by)
{
    int row = (int)d->row + by;
    d->row = (enum start_row)(row < 0 ? 0 : row >= START_ROWS ? START_ROWS - 1 : row);
}

static void event(struct step *s, const struct ui_event *ev)
{
    struct start *d = &s->ui->start;
    struct field *f = field_of(d);
    bool key = ev->kind == UI_KEY, taken = false;
    if (key && (ev->key == K_ESC || ev->key == K_CTRL('C'))) {
        s->ui->dialog = DIALOG_NONE;
    } else if (key && ev->key == K_ENTER && d->row == START_TYPE) {
        if (armed(d))
            go(s);
    } else if (key && (ev->key == K_TAB || ev->key == K_DOWN || ev->key == K_ENTER)) {
        move(d, 1);
    } else if (key && (ev->key == K_BACKTAB || ev->key == K_UP)) {
        move(d, -1);
    } else if (key && !f && (ev->key == K_LEFT || ev->key == K_RIGHT)) {
        choose_release(s, ev->key == K_RIGHT ? 1 : -1);
    } else if (f && field_event(f, ev, &taken) && f != &d->word) {
        changed(s);
    }
}

/* ------------------------------------------------------------------------------------- draw */

#define LABEL_COLS 12

static void draw_field(struct start *d, struct area a, int row, enum start_row which,
                       const char *label, struct field *f, int width)
{
    bool focus = d->row == which;
    bool bad = !d->good && *d->problem && d->problem_row == which;
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    area_text(a, row, 2, bad ? ROLE_INPUT_ERROR : focus ? ROLE_FOCUS : ROLE_DIM, label);
    if (focus)
        field_draw(f, a, row, LABEL_COLS + 2, width);
    else
        area_field(a, row, LABEL_COLS + 2, width, ROLE_TEXT, f->text, false);
}

static void draw_release(const struct start *d, const struct ui_model *m, struct area a, int row)
{
    const struct ui_release *r = release_of(d, m);
    bool focus = d->row == START_RELEASE;
    char size[FMT_MAX];
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    area_text(a, row, 2, focus ? ROLE_FOCUS : ROLE_DIM, "release");
    int col = area_text(a, row, LABEL_COLS, ROLE_KEY, focus ? "◂ " : "  ");
    if (!r) {
        area_text(a, row, col, ROLE_DIM, "none");
        return;
    }
    col = area_printf(a, row, col, ROLE_TITLE, "%s %s", d->product, d->version);
    col = area_text(a, row, col, ROLE_KEY, focus ? " ▸  " : "    ");
    col = area_printf(a, row, col, ROLE_DIM, "%s   seq %u   ", fmt_size(r->release.size, size),
                      r->release.seq);
    area_text(a, row, col, r->signed_ok ? ROLE_OK : ROLE_CRIT,
              r->signed_ok ? "signed ES256 ✓" : "not signed ✗");
}

/* "18 devices of 21   left out: 3 already run it, 1 …" */
static void draw_who(const struct start *d, struct area a, int row)
{
    int col = area_printf(a, row, 2, ROLE_TITLE, "%zu devices", d->id_count);
    col = area_printf(a, row, col, ROLE_DIM, " of %u in the target", d->matched);
    bool first = true;
    for (int why = 0; why < PLAN_EXCLUDED_COUNT; why++) {
        if (!d->excluded[why])
            continue;
        col = area_text(a, row, col, ROLE_DIM, first ? "   left out: " : ", ");
        col = area_printf(a, row, col, ROLE_WARN, "%u ", d->excluded[why]);
        col = area_text(a, row, col, ROLE_DIM, plan_excluded_text((enum plan_excluded)why));
        first = false;
    }
}

static void draw_stage(const struct start *d, struct area a, int row, uint32_t i)
{
    const struct plan_preview *p = &d->preview;
    char text[120], time[FMT_MAX];
    area_field(a, row, 2, 10, ROLE_TEXT, d->plan.stage[i].name, false);
    area_printf(a, row, 13, ROLE_TEXT, "%6u", p->stage[i].size);
    area_printf(a, row, 20, ROLE_DIM, "%6u", p->stage[i].cumulative);
    area_field(a, row, 27, 8, ROLE_DIM, fmt_size(p->stage[i].bytes, time), true);
    snprintf(text, sizeof(text), "%.0f", ceil(p->stage[i].peak_high));
    area_field(a, row, 36, 5, ROLE_DIM, text, true);
    snprintf(text, sizeof(text), "+%s", fmt_duration(p->stage[i].earliest_s, time));
    area_field(a, row, 42, 8, ROLE_DIM, text, true);
    snprintf(text, sizeof(text),
             a.cols >= 100 ? "%u may fail; with none the rate could still be %.0f%%"
                           : "%u may fail; clean: <%.0f%%",
             p->stage[i].tolerated, p->stage[i].clean_upper * 100);
    area_field(a, row, 52, a.cols - 52, ROLE_TEXT, text, false);
}

static void draw_ids(const struct ui *ui, struct area a, int row)
{
    const struct start *d = &ui->start;
    int col = area_printf(a, row, 2, ROLE_DIM, "%s: ", d->plan.stage[0].name);
    for (size_t i = 0; i < d->canary && i < d->id_count; i++) {
        char rest[24];
        snprintf(rest, sizeof(rest), "and %zu more", d->canary - i);
        if (col + area_width(a, ui->ids[i]) + 14 > a.cols && i + 1 < d->canary) {
            area_text(a, row, col, ROLE_DIM, rest);
            return;
        }
        col = area_text(a, row, col, ROLE_TEXT, ui->ids[i]) + 1;
    }
}

static void draw_preview(const struct ui *ui, struct area a)
{
    const struct start *d = &ui->start;
    if (!d->good) {
        area_text(a, 0, 2, ROLE_INPUT_ERROR, d->problem);
        return;
    }
    draw_who(d, a, 0);
    area_text(a, 1, 2, ROLE_HEADER, "STAGE        SIZE    ALL    BYTES  PEAK   BEGINS");
    area_text(a, 1, 52, ROLE_HEADER, "WHAT IT CAN SHOW");
    int rows = a.rows - 3;
    for (uint32_t i = 0; i < d->preview.stage_count && (int)i < rows; i++)
        draw_stage(d, a, 2 + (int)i, i);
    int after = 2 + ((int)d->preview.stage_count < rows ? (int)d->preview.stage_count : rows);
    draw_ids(ui, a, after);
}

static void draw_type(struct start *d, struct area a, int row)
{
    bool focus = d->row == START_TYPE;
    area_put(a, row, 0, ROLE_FOCUS, focus ? 0x25b8 : ' ');
    if (!d->good) {
        area_text(a, row, 2, ROLE_DIM, "Cannot start yet.");
        return;
    }
    int col = area_text(a, row, 2, focus ? ROLE_TEXT : ROLE_DIM, "Type ");
    col = area_printf(a, row, col, focus ? ROLE_TITLE : ROLE_DIM, "%zu", d->id_count);
    col = area_text(a, row, col, focus ? ROLE_TEXT : ROLE_DIM, " and Enter to start:  ");
    if (focus)
        field_draw(&d->word, a, row, col, 10);
    if (armed(d))
        area_text(a, row, col + 12, ROLE_WARN, "Enter starts");
}

static void draw_help(struct area a, int row, const char *text)
{
    if (24 + area_width(a, text) <= a.cols)
        area_text(a, row, 24, ROLE_DIM, text);
}

static void draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct start *d = &ui->start;
    int cols = screen.cols > 110 ? 110 : screen.cols;
    int rows = screen.rows > 26 ? 26 : screen.rows;
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - cols) / 2, rows, cols);
    char title[80];
    area_blank(box);
    snprintf(title, sizeof(title), "new rollout %s", d->rollout);
    area_box(box, ROLE_FOCUS, title, "Esc cancels   ↑↓ Tab fields   ←→ release");
    struct area in = area_sub(box, 1, 2, box.rows - 2, box.cols - 3);
    bool roomy = in.rows >= 18;
    int row = roomy;
    draw_release(d, m, in, row++);
    draw_field(d, in, row++, START_TARGET, "target", &d->target, in.cols - LABEL_COLS - 3);
    draw_field(d, in, row++, START_STAGES, "stages", &d->stages, in.cols - LABEL_COLS - 3);
    draw_field(d, in, row, START_JITTER, "jitter", &d->jitter, 8);
    draw_help(in, row++, "each device waits its own share before it downloads");
    draw_field(d, in, row, START_TRIAL, "trial", &d->trial, 8);
    draw_help(in, row++, "how long new firmware must live before it is kept");
    draw_field(d, in, row, START_FLIGHT, "in flight", &d->flight, 8);
    draw_help(in, row++, "most devices at work at the same time");
    row += roomy;
    draw_preview(ui, area_sub(in, row, 0, in.rows - row - (roomy ? 3 : 1), -1));
    if (roomy && d->good)
        area_field(in, in.rows - 3, 2, in.cols - 3, ROLE_DIM,
                   "It stops itself when more fail than the gate allows. Space pauses, X aborts.",
                   false);
    draw_type(d, in, in.rows - 1);
    if (d->row == START_RELEASE) {
        in.c->cursor_row = in.row + roomy;
        in.c->cursor_col = in.col;
    }
}

const struct dialog_ops dialog_start = { event, draw };
