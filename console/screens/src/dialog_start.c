#include "start.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "screens/stages.h"

/* Keys of the new-rollout dialog. Nothing is sent before the number of devices has been typed. */

/* After a change: what was typed to start no longer counts. */
static void changed(struct step *s)
{
    struct start *d = &s->ui->start;
    field_set(&d->field[START_TYPE], "");
    start_resolve(s, d);
}

/* ------------------------------------------------------------------------------------- open */

/* Marked devices by name, or as "marked" when they are too many for a filter. */
static bool target_of_marks(struct step *s, char *text, size_t cap)
{
    size_t used = 0, count = fleet_screen_targets(s->ui);
    bool named = ui_screen(s->ui) == SCREEN_DEVICE || s->ui->fleet.mark_count > 0;
    if (!named || ui_screen(s->ui) == SCREEN_RELEASES)
        return false;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(text + used, cap - used, "%s%s", i ? "," : "id=", s->ui->ids[i]);
        if (n < 0 || used + (size_t)n >= cap) {
            snprintf(text, cap, "the %zu marked devices", s->ui->fleet.mark_count);
            s->ui->start.marked = true;
            return true;
        }
        used += (size_t)n;
    }
    return count > 0;
}

/* Marks, else the filter in force, else the template's, else the product. */
static void default_target(struct step *s)
{
    struct start *d = &s->ui->start;
    char text[FIELD_MAX] = "";
    if (!target_of_marks(s, text, sizeof(text))) {
        if (*s->ui->fleet.filter)
            text_copy(text, sizeof(text), s->ui->fleet.filter);
        else
            snprintf(text, sizeof(text), "product:%s", d->product);
    }
    field_set(&d->field[START_TARGET], text);
}

static const struct ui_release *default_release(const struct ui_model *m)
{
    for (size_t i = 0; i < m->release_count; i++) {
        if (m->releases[i].signed_ok)
            return &m->releases[i];
    }
    return m->release_count ? &m->releases[0] : NULL;
}

/* The usual plan for so many devices. */
static void usual(struct start *d, size_t devices)
{
    char problem[128];
    plan_defaults(&d->base);
    d->base.jitter_s = devices >= 50 ? 600 : 30;
    d->base.trial_s = devices >= 50 ? 300 : 30;
    stages_parse(devices == 1 ? "all soak 1m" : stages_usual((uint32_t)devices), &d->base, problem,
                 sizeof(problem));
    start_show_plan(d);
}

void start_open(struct step *s, const char *product, const char *version)
{
    struct start *d = &s->ui->start;
    const struct ui_release *first = default_release(s->m);
    memset(d, 0, sizeof(*d));
    text_copy(d->product, sizeof(d->product),
              product ? product
              : first ? first->release.product
                      : "");
    text_copy(d->version, sizeof(d->version),
              version ? version
              : first ? first->release.version
                      : "");
    default_target(s);
    usual(d, 0);
    s->ui->dialog = DIALOG_START;
    changed(s);
    usual(d, d->id_count);
    changed(s);
}

/* ---------------------------------------------------------------------------------- choices */

static void choose_release(struct step *s, int by)
{
    struct start *d = &s->ui->start;
    size_t count = s->m->release_count, at = 0;
    for (size_t i = 0; i < count; i++) {
        if (&s->m->releases[i] == start_release(d, s->m))
            at = i;
    }
    if (count == 0 || (by < 0 && at == 0) || (by > 0 && at + 1 >= count))
        return;
    at = by < 0 ? at - 1 : at + 1;
    text_copy(d->product, sizeof(d->product), s->m->releases[at].release.product);
    text_copy(d->version, sizeof(d->version), s->m->releases[at].release.version);
}

/* A template fills all fields but the release; its target only where nothing more special is. */
static void choose_template(struct step *s, int by)
{
    struct start *d = &s->ui->start;
    int to = d->from + by;
    if (to < 0 || to > (int)s->m->template_count)
        return;
    d->from = to;
    if (to == 0) {
        usual(d, d->id_count);
        return;
    }
    d->base = s->m->templates[to - 1].plan;
    start_show_plan(d);
    bool named = d->marked || strncmp(d->field[START_TARGET].text, "id=", 3) == 0;
    if (*d->base.target && !named)
        field_set(&d->field[START_TARGET], d->base.target);
}

static void choose(struct step *s, int by)
{
    struct start *d = &s->ui->start;
    switch ((int)d->row) {
    case START_RELEASE:
        choose_release(s, by);
        break;
    case START_TEMPLATE:
        choose_template(s, by);
        break;
    case START_EYES:
        d->eyes = by > 0;
        break;
    case START_LATE:
        d->late = by > 0;
        break;
    case START_STOP:
        d->abort = by > 0;
        break;
    default:
        return;
    }
    changed(s);
}

/* ------------------------------------------------------------------------------------- keys */

static bool armed(const struct start *d)
{
    char count[16];
    snprintf(count, sizeof(count), "%zu", d->id_count);
    return d->good && d->id_count > 0 && strcmp(d->field[START_TYPE].text, count) == 0;
}

static void go(struct step *s)
{
    struct start *d = &s->ui->start;
    if (!ui_may_act(s)) { /* rights may have ended while the dialog stood there */
        s->ui->dialog = DIALOG_NONE;
        return;
    }
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
    text_copy(s->ui->rollouts.selected, sizeof(s->ui->rollouts.selected), d->rollout);
    ui_push(s, SCREEN_ROLLOUTS);
    ui_push(s, SCREEN_ROLLOUT);
}

static void move(struct start *d, int by)
{
    int row = (int)d->row + by;
    d->row = (enum start_row)(row < 0 ? 0 : row >= START_ROWS ? START_ROWS - 1 : row);
}

/* The marked devices are not a filter: the first key that changes it begins a new one. */
static void typed(struct step *s, const struct ui_event *ev)
{
    struct start *d = &s->ui->start;
    struct field *f = &d->field[d->row];
    bool taken;
    if (d->marked && d->row == START_TARGET) {
        struct field empty = { 0 };
        if (!field_event(&empty, ev, &taken) && !(ev->kind == UI_KEY && ev->key == K_BACKSPACE))
            return;
        *f = empty;
        d->marked = false;
        changed(s);
    } else if (field_event(f, ev, &taken) && d->row != START_TYPE) {
        changed(s);
    }
}

static void event(struct step *s, const struct ui_event *ev)
{
    struct start *d = &s->ui->start;
    int key = ev->kind == UI_KEY ? ev->key : K_NONE;
    if (key == K_ESC || key == K_CTRL('C')) {
        s->ui->dialog = DIALOG_NONE;
    } else if (key == K_ENTER && d->row == START_TYPE) {
        if (armed(d))
            go(s);
    } else if (key == K_TAB || key == K_DOWN || key == K_ENTER) {
        move(d, 1);
    } else if (key == K_BACKTAB || key == K_UP) {
        move(d, -1);
    } else if (key == K_PGDN) {
        d->row = START_TYPE;
    } else if (key == K_PGUP) {
        d->row = START_RELEASE;
    } else if (!start_is_choice(d->row)) {
        typed(s, ev);
    } else if (key == K_LEFT || key == K_RIGHT || key == ' ') {
        choose(s, key == K_LEFT ? -1 : 1);
    }
}

const struct dialog_ops dialog_start = { event, start_draw };
