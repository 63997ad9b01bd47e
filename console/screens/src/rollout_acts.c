#include "rollout_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "screens/line_cut.h"

/* What people do to a rollout: each dialog says in numbers what will come of it. */

static uint32_t sum(const uint32_t phase[ROLLOUT_PHASES], enum rollout_phase from,
                    enum rollout_phase to)
{
    uint32_t n = 0;
    for (int p = (int)from; p <= (int)to; p++)
        n += phase[p];
    return n;
}

/* "1 device", "12 devices" */
static const char *devices(uint32_t n, char out[40])
{
    snprintf(out, 40, "%u device%s", n, n == 1 ? "" : "s");
    return out;
}

/* A long text over at most two lines, cut between words. */
static void say_long(struct confirm *c, const char *text)
{
    size_t cut = line_cut(text, 70);
    const char *rest = text + cut + (text[cut] == ' ');
    snprintf(c->line[c->lines++], sizeof(c->line[0]), "%.*s", (int)cut, text);
    if (!*rest)
        return;
    cut = line_cut(rest, 68);
    snprintf(c->line[c->lines++], sizeof(c->line[0]), "  %.*s%s", (int)cut, rest,
             rest[cut] ? "…" : "");
}

/* ---------------------------------------------------------------------------- pause, resume */

/* One line for each cause that resume lets go. */
static void list_causes(struct confirm *c, const struct rollout *r)
{
    for (int reason = 1; reason < ROLLOUT_REASONS && c->lines < CONFIRM_LINES - 2; reason++) {
        if (r->reasons[reason])
            snprintf(c->line[c->lines++], sizeof(c->line[0]), "  %u  %s", r->reasons[reason],
                     reason_text((enum reason)reason));
    }
}

static void resume(struct step *s, const struct rollout *r)
{
    uint32_t phase[ROLLOUT_PHASES];
    struct confirm c = { .keep = "Stay", .act = "Resume" };
    rollout_totals(r, phase);
    uint32_t failed = phase[ROLLOUT_PHASE_FAILED], silent = phase[ROLLOUT_PHASE_SILENT];
    c.effect.kind = UI_RESUME_ROLLOUT;
    text_copy(c.effect.id, sizeof(c.effect.id), r->id);
    snprintf(c.title, sizeof(c.title), "resume rollout %s", r->id);
    char why[ROLLOUT_WHY_MAX + 24];
    snprintf(why, sizeof(why), "It is %s: %s", rollout_state_word(r->state), r->why);
    if (*r->why)
        say_long(&c, why);
    snprintf(c.line[c.lines++], sizeof(c.line[0]),
             "Goes on with stage %u, \"%s\": %u still to be told.", r->stage + 1,
             r->plan.stage[r->stage].name, r->stages[r->stage].phase[ROLLOUT_PHASE_PLANNED]);
    if (failed)
        snprintf(c.line[c.lines++], sizeof(c.line[0]),
                 "You acknowledge %u failure%s: recorded, and no longer counted.", failed,
                 failed == 1 ? "" : "s");
    list_causes(&c, r);
    if (silent)
        snprintf(c.line[c.lines++], sizeof(c.line[0]),
                 "You acknowledge %u silent device%s: no longer counted.", silent,
                 silent == 1 ? "" : "s");
    confirm_open(s->ui, &c);
}

static void pause_or_resume(struct step *s, const struct rollout *r)
{
    bool stage_holds = r->stages[r->stage].state == ROLLOUT_STAGE_HOLDING;
    if (r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED) {
        resume(s, r);
    } else if (r->state == ROLLOUT_RUNNING) { /* harmless: nothing new starts */
        struct ui_effect *e = ui_effect(s, UI_PAUSE_ROLLOUT);
        text_copy(e->id, sizeof(e->id), r->id);
        ui_say(s, TAIL_PLAIN, "pausing %s: nothing new starts%s", r->id,
               stage_holds ? "; resume accepts what the stage has shown" : "");
    } else {
        ui_say(s, TAIL_WARN, "%s is %s: nothing to pause or resume", r->id,
               rollout_state_word(r->state));
    }
}

/* ------------------------------------------------------------------------------------ abort */

enum { KEEP, ROLL_BACK };

static void say_back(struct form *f, const struct rollout *r, uint32_t new)
{
    char many[40];
    if (f->value[f->chosen] == ROLL_BACK)
        form_line(f, "%s on %s %s back to what they ran: one restart each.", devices(new, many),
                  r->release.version, new == 1 ? "goes" : "go");
    else
        form_line(f, "%s stay%s on %s.  No device rolls back.", devices(new, many),
                  new == 1 ? "s" : "", r->release.version);
}

static void say_stop(struct form *f, const struct rollout *r, const uint32_t phase[ROLLOUT_PHASES])
{
    char many[40];
    uint32_t early =
        sum(phase, ROLLOUT_PHASE_TOLD, ROLLOUT_PHASE_DOWNLOADING) + phase[ROLLOUT_PHASE_RETRYING];
    uint32_t late = sum(phase, ROLLOUT_PHASE_INSTALLING, ROLLOUT_PHASE_TRIAL);
    uint32_t silent = phase[ROLLOUT_PHASE_SILENT] + phase[ROLLOUT_PHASE_RECALLED];
    form_line(f, "Stops stage %u.  %s in flight:", r->stage + 1,
              devices(early + late + silent, many));
    form_line(f, "  %4u waiting or downloading   stop and keep what they run", early);
    form_line(f, "  %4u past the download        %s", late,
              f->value[f->chosen] == ROLL_BACK ? "finish, and go back if they switched"
                                               : "finish and may run the new one");
    if (silent)
        form_line(f, "  %4u silent or called back    get the abort order when they speak", silent);
}

static void describe_abort(struct form *f, const struct ui_model *m)
{
    const struct rollout *r = rollout_of(m, f->id);
    uint32_t phase[ROLLOUT_PHASES];
    char many[40];
    if (!r)
        return;
    rollout_totals(r, phase);
    uint32_t never = phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE];
    bool over = rollout_ended(r);
    snprintf(f->title, sizeof(f->title), "%s rollout %s", over ? "roll back" : "abort", r->id);
    if (over)
        form_line(f, "It is %s. Nothing of it is under way.", rollout_state_word(r->state));
    else
        say_stop(f, r, phase);
    say_back(f, r, phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_SOAKING]);
    if (f->value[f->chosen] == ROLL_BACK)
        form_line(f, "A device whose other slot holds no whole image, or an unsafe one, says "
                     "so.");
    if (!over)
        form_line(f, "%s %s never told.", devices(never, many), never == 1 ? "is" : "are");
}

static bool abort_effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    (void)m;
    out->kind = f->value[f->chosen] == ROLL_BACK ? UI_ROLLBACK_ROLLOUT : UI_ABORT_ROLLOUT;
    text_copy(out->id, sizeof(out->id), f->id);
    return true;
}

static const struct form_ops abort_ops = { describe_abort, abort_effect };

static void add_option(struct form *f, int value, const char *text)
{
    if (f->options == FORM_OPTIONS)
        return;
    text_copy(f->option[f->options], sizeof(f->option[0]), text);
    f->value[f->options++] = value;
}

/* One that is over can only be rolled back. */
static void abort_rollout(struct step *s, const struct rollout *r)
{
    struct form f = { .ops = &abort_ops, .keep = "Keep it", .act = "Abort", .doing = "abort" };
    char text[64];
    bool over = rollout_ended(r);
    if (r->state == ROLLOUT_DRAFT || (r->state == ROLLOUT_ABORTING && r->back)) {
        ui_say(s, TAIL_WARN, "%s is %s already", r->id, rollout_state_word(r->state));
        return;
    }
    text_copy(f.id, sizeof(f.id), r->id);
    text_copy(f.type, sizeof(f.type), r->id);
    f.row[f.rows++] = (struct form_row){ .kind = FORM_CHOICE, .label = "switched" };
    snprintf(text, sizeof(text), "keep %.32s", r->release.version);
    if (!over && r->state != ROLLOUT_ABORTING)
        add_option(&f, KEEP, text);
    add_option(&f, ROLL_BACK, "roll back to what they ran before");
    if (f.options == 1) {
        f.act = "Roll back";
        f.doing = "roll back";
    }
    f.at = f.rows; /* the name, as most keep */
    form_open(s->ui, &f);
}

/* ---------------------------------------------------------------------------------- approve */

static bool is_starter(const struct rollout *r, const struct ui_model *m)
{
    return m->operator_name && strcmp(r->starter, m->operator_name) == 0;
}

static void describe_approve(struct form *f, const struct ui_model *m)
{
    const struct rollout *r = rollout_of(m, f->id);
    struct gate_decision g;
    if (!r)
        return;
    const struct plan_stage *stage = &r->plan.stage[r->stage];
    rollout_gate(r, &g);
    snprintf(f->title, sizeof(f->title), "approve stage %u of %s", r->stage + 1, r->id);
    form_line(f, "Stage %u, \"%s\", is %s.", r->stage + 1, stage->name,
              rollout_stage_word(r->stages[r->stage].state));
    form_line(f, "%s", g.why);
    if (*g.missing && r->stages[r->stage].state != ROLLOUT_STAGE_HOLDING)
        form_line(f, "Still missing: %s", g.missing);
    if (r->stage + 1 < r->plan.stage_count)
        form_line(f, "When the gate says go, stage %u, \"%s\", starts: %u devices.", r->stage + 2,
                  r->plan.stage[r->stage + 1].name, r->stages[r->stage + 1].size);
    if (r->plan.four_eyes)
        form_line(f, "Four eyes: %.64s started it; another person must approve.", r->starter);
    if (r->plan.four_eyes && is_starter(r, m))
        snprintf(f->problem, sizeof(f->problem), "You are %.64s: somebody else has to do this.",
                 m->operator_name);
}

static bool put_ask(struct form *f, struct ui_effect *out, enum ui_effect_kind kind,
                    const struct rollout_ask *ask)
{
    out->kind = kind;
    text_copy(out->id, sizeof(out->id), f->id);
    return rollout_ask_text(ask, out->text, sizeof(out->text)) >= 0;
}

static bool approve_effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    const struct rollout *r = rollout_of(m, f->id);
    struct rollout_ask ask = { .reason = REASON_NONE };
    if (!r || (r->plan.four_eyes && is_starter(r, m)))
        return false;
    text_copy(ask.stage, sizeof(ask.stage), r->plan.stage[r->stage].name);
    text_clean(ask.remark, sizeof(ask.remark), f->row[0].field.text, f->row[0].field.len);
    return put_ask(f, out, UI_APPROVE_ROLLOUT, &ask);
}

static const struct form_ops approve_ops = { describe_approve, approve_effect };

static void approve(struct step *s, const struct rollout *r)
{
    struct form f = { .ops = &approve_ops, .keep = "Not yet", .act = "Approve" };
    if (!rollout_wants_approval(r)) {
        ui_say(s, TAIL_WARN, "stage %s of %s wants no approval", r->plan.stage[r->stage].name,
               r->id);
        return;
    }
    text_copy(f.id, sizeof(f.id), r->id);
    f.row[f.rows++] = (struct form_row){ .kind = FORM_FIELD, .label = "remark" };
    form_open(s->ui, &f);
}

/* ------------------------------------------------------------------------------------ retry */

#define ALL_BUT_FIRMWARE 0

static bool is_firmware(int reason)
{
    return reason_class((enum reason)reason) == REASON_CLASS_FIRMWARE;
}

static uint32_t retry_count(const struct rollout *r, int choice)
{
    uint32_t n = 0;
    for (int reason = 1; reason < ROLLOUT_REASONS; reason++) {
        if (choice == ALL_BUT_FIRMWARE ? !is_firmware(reason) : choice == reason)
            n += r->reasons[reason];
    }
    return n;
}

static void describe_retry(struct form *f, const struct ui_model *m)
{
    const struct rollout *r = rollout_of(m, f->id);
    int choice = f->value[f->chosen];
    if (!r)
        return;
    uint32_t n = retry_count(r, choice), all = 0;
    for (int reason = 1; reason < ROLLOUT_REASONS; reason++)
        all += r->reasons[reason];
    snprintf(f->title, sizeof(f->title), "retry failed devices of %s", r->id);
    snprintf(f->type, sizeof(f->type), "%u", n);
    form_line(f, "%u of the %u failed devices get a new order, one attempt more.", n, all);
    form_line(f, "They count as not ended until they have a new result.");
    if (choice != ALL_BUT_FIRMWARE && is_firmware(choice))
        form_line(f, "The firmware itself failed on these: without a cause removed it will again.");
    else if (choice == ALL_BUT_FIRMWARE)
        form_line(f, "Those on which the firmware itself failed are left alone.");
}

static bool retry_effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    struct rollout_ask ask = { .reason = (enum reason)f->value[f->chosen] };
    (void)m;
    return put_ask(f, out, UI_RETRY_ROLLOUT, &ask);
}

static const struct form_ops retry_ops = { describe_retry, retry_effect };

static void retry(struct step *s, const struct rollout *r)
{
    struct form f = { .ops = &retry_ops, .keep = "Leave them", .act = "Retry", .doing = "retry" };
    char text[64];
    text_copy(f.id, sizeof(f.id), r->id);
    f.row[f.rows++] = (struct form_row){ .kind = FORM_CHOICE, .label = "which" };
    uint32_t n = retry_count(r, ALL_BUT_FIRMWARE);
    snprintf(text, sizeof(text), "all but firmware failures (%u)", n);
    if (n)
        add_option(&f, ALL_BUT_FIRMWARE, text);
    for (int reason = 1; reason < ROLLOUT_REASONS; reason++) {
        snprintf(text, sizeof(text), "%s (%u)", reason_word((enum reason)reason),
                 r->reasons[reason]);
        if (r->reasons[reason])
            add_option(&f, reason, text);
    }
    if (f.options == 0) {
        ui_say(s, TAIL_WARN, "%s has no failed device", r->id);
        return;
    }
    form_open(s->ui, &f);
}

/* ------------------------------------------------------------------------------------- caps */

enum { CAP_FLIGHT, CAP_JITTER, CAP_BANDWIDTH, CAP_GROUP };

/* The fields as what is to be set; only what differs. -1 and form->problem. */
static int read_caps(struct form *f, const struct rollout *r, struct rollout_ask *ask)
{
    const struct rollout_plan *p = &r->plan;
    uint64_t flight, jitter, bandwidth, group = p->per_group.max;
    *ask = (struct rollout_ask){ .reason = REASON_NONE };
    if (!text_to_u64(f->row[CAP_FLIGHT].field.text, 1, PLAN_DEVICES, &flight))
        snprintf(f->problem, sizeof(f->problem), "in flight: a number from 1 on");
    else if (!text_to_seconds(f->row[CAP_JITTER].field.text, &jitter) || jitter > 7 * 86400)
        snprintf(f->problem, sizeof(f->problem), "jitter: a time is wanted: 30s 10m 2h");
    else if (!bytes_read(f->row[CAP_BANDWIDTH].field.text, &bandwidth) || bandwidth > UINT32_MAX)
        snprintf(f->problem, sizeof(f->problem),
                 "bandwidth: bytes per second: 500k 2M, 0 is no cap");
    else if (f->rows > CAP_GROUP &&
             !text_to_u64(f->row[CAP_GROUP].field.text, 1, PLAN_DEVICES, &group))
        snprintf(f->problem, sizeof(f->problem), "per %.16s: a number from 1 on", p->per_group.by);
    if (*f->problem)
        return -1;
    ask->in_flight = (uint32_t)flight;
    ask->jitter_s = (uint32_t)jitter;
    ask->bandwidth = (uint32_t)bandwidth;
    ask->per_group = (uint32_t)group;
    ask->set = (flight != p->in_flight ? ROLLOUT_SET_IN_FLIGHT : 0u) |
               (jitter != p->jitter_s ? ROLLOUT_SET_JITTER : 0u) |
               (bandwidth != p->bandwidth ? ROLLOUT_SET_BANDWIDTH : 0u) |
               (group != p->per_group.max ? ROLLOUT_SET_PER_GROUP : 0u);
    return 0;
}

static void describe_caps(struct form *f, const struct ui_model *m)
{
    const struct rollout *r = rollout_of(m, f->id);
    struct rollout_ask ask;
    struct rollout_counts c;
    char many[40];
    if (!r)
        return;
    snprintf(f->title, sizeof(f->title), "change caps of %s", r->id);
    rollout_count_all(r, &c);
    form_line(f, "For what has not been told yet: %s.", devices(c.waiting, many));
    form_line(f, "%u are in flight now; none of them is called back.", r->in_flight);
    if (read_caps(f, r, &ask) == 0 && ask.set & ROLLOUT_SET_IN_FLIGHT &&
        ask.in_flight < r->in_flight)
        form_line(f, "Nobody new is told until fewer than %u are in flight.", ask.in_flight);
}

static bool caps_effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    const struct rollout *r = rollout_of(m, f->id);
    struct rollout_ask ask;
    if (!r || read_caps(f, r, &ask) != 0)
        return false;
    if (ask.set == 0) {
        snprintf(f->refused, sizeof(f->refused), "nothing is changed");
        return false;
    }
    return put_ask(f, out, UI_SET_ROLLOUT, &ask);
}

static const struct form_ops caps_ops = { describe_caps, caps_effect };

static void add_field(struct form *f, const char *label, const char *help, const char *text)
{
    f->row[f->rows] = (struct form_row){ .kind = FORM_FIELD, .label = label, .help = help };
    field_set(&f->row[f->rows++].field, text);
}

static void caps(struct step *s, const struct rollout *r)
{
    struct form f = { .ops = &caps_ops, .keep = "Leave them", .act = "Change" };
    const struct rollout_plan *p = &r->plan;
    char text[32];
    text_copy(f.id, sizeof(f.id), r->id);
    snprintf(text, sizeof(text), "%u", p->in_flight);
    add_field(&f, "in flight", "most devices at work at a time", text);
    bool minutes = p->jitter_s >= 60 && p->jitter_s % 60 == 0;
    snprintf(text, sizeof(text), minutes ? "%um" : "%us", minutes ? p->jitter_s / 60 : p->jitter_s);
    add_field(&f, "jitter", "within which each waits its own share", text);
    add_field(&f, "bandwidth", "bytes per second in all: 500k 2M; 0: no cap",
              bytes_text(p->bandwidth, text));
    snprintf(text, sizeof(text), "%u", p->per_group.max);
    if (*p->per_group.by)
        add_field(&f, "per group", "most of one group at a time", text);
    form_open(s->ui, &f);
}

/* ------------------------------------------------------------------------------------- keys */

static bool is_live(const struct rollout *r)
{
    return !rollout_ended(r) && r->state != ROLLOUT_ABORTING && r->state != ROLLOUT_DRAFT;
}

static void open_act(struct step *s, const struct rollout *r, enum action action)
{
    if (action == ACTION_ABORT) {
        abort_rollout(s, r);
    } else if (!is_live(r)) {
        ui_say(s, TAIL_WARN, "%s is %s%s", r->id, rollout_state_word(r->state),
               r->state == ROLLOUT_ABORTING || r->state == ROLLOUT_DRAFT ? "" : ": it is over");
    } else if (action == ACTION_PAUSE) {
        pause_or_resume(s, r);
    } else if (action == ACTION_APPROVE) {
        approve(s, r);
    } else if (action == ACTION_RETRY) {
        retry(s, r);
    } else {
        caps(s, r);
    }
}

bool rollout_act_key(struct step *s, const char *id, enum action action)
{
    const struct rollout *r = rollout_of(s->m, id);
    bool act = action == ACTION_PAUSE || action == ACTION_ABORT || action == ACTION_APPROVE ||
               action == ACTION_RETRY || action == ACTION_CAPS;
    if (!act)
        return false;
    if (!ui_may_act(s))
        return true;
    if (r)
        open_act(s, r, action);
    else
        ui_say(s, TAIL_WARN, "%s is not in memory: Enter opens it", id);
    return true;
}

int draw_rollout_acts(const struct ui *ui, const struct rollout *r, const struct ui_model *m,
                      struct area a, int col)
{
    bool stands = r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED, failed = false;
    if (m->read_only)
        return area_text(a, 0, col, ROLE_DIM, "read-only");
    if (!is_live(r)) {
        struct rollout_counts c;
        rollout_count_all(r, &c);
        bool back = (r->state == ROLLOUT_DONE || r->state == ROLLOUT_ABORTED) && c.done + c.soaking;
        return back ? draw_action(ui, a, col, ACTION_ABORT, "roll back…") : col;
    }
    if (rollout_wants_approval(r))
        col = draw_action(ui, a, col, ACTION_APPROVE, "approve…");
    if (r->state == ROLLOUT_RUNNING || stands)
        col = draw_action(ui, a, col, ACTION_PAUSE, stands ? "resume…" : "pause");
    for (int reason = 1; reason < ROLLOUT_REASONS; reason++)
        failed |= r->reasons[reason] > 0;
    if (failed)
        col = draw_action(ui, a, col, ACTION_RETRY, "retry…");
    col = draw_action(ui, a, col, ACTION_CAPS, "caps…");
    return draw_action(ui, a, col, ACTION_ABORT, "abort…");
}
