#include "rollout_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

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
    size_t len = strlen(text), cut = 70;
    while (len > 70 && cut > 40 && text[cut] != ' ')
        cut--;
    cut = len > 70 ? cut : len;
    snprintf(c->line[c->lines++], sizeof(c->line[0]), "%.*s", (int)cut, text);
    if (cut < len)
        snprintf(c->line[c->lines++], sizeof(c->line[0]), "  %.68s%s", text + cut + 1,
                 len - cut > 69 ? "…" : "");
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

static void describe_abort(struct form *f, const struct ui_model *m)
{
    const struct rollout *r = rollout_of(m, f->id);
    uint32_t phase[ROLLOUT_PHASES];
    char many[40];
    if (!r)
        return;
    rollout_totals(r, phase);
    uint32_t early =
        sum(phase, ROLLOUT_PHASE_TOLD, ROLLOUT_PHASE_DOWNLOADING) + phase[ROLLOUT_PHASE_RETRYING];
    uint32_t late = sum(phase, ROLLOUT_PHASE_INSTALLING, ROLLOUT_PHASE_TRIAL);
    uint32_t silent = phase[ROLLOUT_PHASE_SILENT] + phase[ROLLOUT_PHASE_RECALLED];
    uint32_t new = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_SOAKING];
    const char *version = r->release.version;
    snprintf(f->title, sizeof(f->title), "abort rollout %s", r->id);
    form_line(f, "Stops stage %u.  %s in flight:", r->stage + 1,
              devices(early + late + silent, many));
    form_line(f, "  %4u waiting or downloading   stop and keep what they run", early);
    form_line(f, "  %4u past the download        %s", late,
              f->chosen == ROLL_BACK ? "finish, and go back if they switched"
                                     : "finish and may run the new one");
    if (silent)
        form_line(f, "  %4u silent or being recalled get the abort order when they speak", silent);
    if (f->chosen == ROLL_BACK)
        form_line(f, "%s on %s go%s back to what they ran: one restart each.", devices(new, many),
                  version, new == 1 ? "es" : "");
    else
        form_line(f, "%s stay%s on %s.  No device rolls back.", devices(new, many),
                  new == 1 ? "s" : "", version);
    form_line(f, "%s %s never told.",
              devices(phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE], many),
              phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE] == 1 ? "is" : "are");
}

static bool abort_effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    (void)m;
    out->kind = f->chosen == ROLL_BACK ? UI_ROLLBACK_ROLLOUT : UI_ABORT_ROLLOUT;
    text_copy(out->id, sizeof(out->id), f->id);
    return true;
}

static const struct form_ops abort_ops = { describe_abort, abort_effect };

static void abort_rollout(struct step *s, const struct rollout *r)
{
    struct form f = { .ops = &abort_ops, .keep = "Keep it", .act = "Abort", .doing = "abort" };
    if (rollout_is_closed(r) || r->state == ROLLOUT_ABORTING) {
        ui_say(s, TAIL_WARN, "%s is %s", r->id,
               r->state == ROLLOUT_ABORTING ? "being aborted already" : "over");
        return;
    }
    text_copy(f.id, sizeof(f.id), r->id);
    text_copy(f.type, sizeof(f.type), r->id);
    f.row[f.rows++] = (struct form_row){ .kind = FORM_CHOICE, .label = "switched" };
    snprintf(f.option[KEEP], sizeof(f.option[0]), "keep %.20s", r->release.version);
    snprintf(f.option[ROLL_BACK], sizeof(f.option[0]), "roll back to what they ran before");
    f.options = 2;
    f.at = f.rows; /* the name, as most keep */
    form_open(s->ui, &f);
}

/* ------------------------------------------------------------------------------------- keys */

bool rollout_act_key(struct step *s, const char *id, enum action action)
{
    const struct rollout *r = rollout_of(s->m, id);
    bool act = action == ACTION_PAUSE || action == ACTION_ABORT || action == ACTION_APPROVE ||
               action == ACTION_RETRY || action == ACTION_CAPS;
    if (!act)
        return false;
    if (!ui_may_act(s))
        return true;
    if (!r) {
        ui_say(s, TAIL_WARN, "%s is over; Enter opens it", id);
        return true;
    }
    if (action == ACTION_PAUSE)
        pause_or_resume(s, r);
    else if (action == ACTION_ABORT)
        abort_rollout(s, r);
    return true;
}

int draw_rollout_acts(const struct rollout *r, const struct ui_model *m, struct area a, int col)
{
    bool stands = r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED;
    if (m->read_only)
        return area_text(a, 0, col, ROLE_DIM, "read-only");
    if (rollout_is_closed(r))
        return col;
    if (r->state == ROLLOUT_RUNNING || stands)
        col = draw_act(a, col, "Space", stands ? "resume…" : "pause");
    if (r->state != ROLLOUT_ABORTING)
        col = draw_act(a, col, "X", "abort…");
    return col;
}
