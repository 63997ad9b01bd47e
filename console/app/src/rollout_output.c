#include "rollout_output.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rollout_json/plan_json.h"
#include "device_json.h"
#include "output.h"

static json_t *seconds_json(int64_t ms)
{
    return ms ? json_integer(ms / 1000) : json_null();
}

/* ---- list
 * ---------------------------------------------------------------------------------------------------------
 */

json_t *rollout_row_json(const struct store_rollout_row *row)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "id", row->id,
                     "state", rollout_state_word(row->state), "product", row->product, "version",
                     row->version, "why", clean_json(row->why), "who", clean_json(row->who),
                     "devices", (json_int_t)row->devices, "done", (json_int_t)row->done, "failed",
                     (json_int_t)row->failed, "created", seconds_json(row->created_ms), "started",
                     seconds_json(row->started_ms), "ended", seconds_json(row->ended_ms));
}

static void list_json(struct cmd_context *ctx, const struct rollout_listed *list, size_t count)
{
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *o = rollout_row_json(&list[i].row);
        json_object_set_new(o, "holds", list[i].holds[0] ? clean_json(list[i].holds) : json_null());
        json_array_append_new(all, o);
    }
    output_json(ctx, all);
}

void rollout_output_list(struct cmd_context *ctx, const struct rollout_listed *list, size_t count)
{
    char when[40];

    if (ctx->json) {
        list_json(ctx, list, count);
        return;
    }
    if (!ctx->quiet)
        fprintf(ctx->out, "%-16s %-10s %-22s %7s %7s %7s  %-20s  %s\n", "ROLLOUT", "STATE",
                "RELEASE", "DEVICES", "DONE", "FAILED", "STARTED", "WHY");
    for (size_t i = 0; i < count; i++) {
        const struct store_rollout_row *row = &list[i].row;
        char release[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];
        output_time(when, sizeof(when), row->started_ms / 1000);
        text_format(release, sizeof(release), "%s@%s", row->product, row->version);
        fprintf(ctx->out, "%-16s %-10s %-22s %7u %7u %7u  %-20s  %s\n", row->id,
                rollout_state_word(row->state), release, row->devices, row->done, row->failed, when,
                row->why[0] ? row->why : list[i].holds);
    }
}

/* ---- one rollout
 * --------------------------------------------------------------------------------------------------
 */

static json_t *phases_json(const uint32_t phase[ROLLOUT_PHASES])
{
    json_t *o = json_object();
    for (unsigned i = 0; i < ROLLOUT_PHASES; i++) {
        if (phase[i])
            json_object_set_new(o, rollout_phase_word((enum rollout_phase)i),
                                json_integer(phase[i]));
    }
    return o;
}

static json_t *stages_json(const struct rollout *r)
{
    json_t *a = json_array();
    uint32_t cumulative = 0;

    for (uint32_t i = 0; i < r->plan.stage_count; i++) {
        const struct rollout_stage *s = &r->stages[i];
        cumulative += s->size;
        json_array_append_new(
            a,
            json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:I, s:I}", "name",
                      r->plan.stage[i].name, "state", rollout_stage_word(s->state), "adds",
                      (json_int_t)s->size, "size", (json_int_t)cumulative, "counts",
                      phases_json(s->phase), "started", seconds_json(s->started_ms), "ended",
                      seconds_json(s->ended_ms), "done", (json_int_t)s->phase[ROLLOUT_PHASE_DONE],
                      "failed", (json_int_t)s->phase[ROLLOUT_PHASE_FAILED]));
    }
    return a;
}

static const char *verdict_word(enum gate_verdict verdict)
{
    return verdict == GATE_GO ? "go" : verdict == GATE_STOP ? "stop" : "hold";
}

static json_t *gate_json(const struct rollout *r)
{
    struct gate_decision g;

    rollout_gate(r, &g);
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:s, s:s}", "verdict", verdict_word(g.verdict),
                     "failed", (json_int_t)g.failed, "sample", (json_int_t)g.sample, "observed",
                     g.observed, "lower", g.lower, "upper", g.upper, "why", g.why, "missing",
                     g.missing);
}

static json_t *member_json(const struct rollout_device *d)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:o, s:s, s:I, s:o, s:o}", "id", d->id, "stage",
                     (json_int_t)d->stage, "state", rollout_phase_word(rollout_device_phase(d)),
                     "reason", reason_word((enum reason)d->reason), "attempt",
                     (json_int_t)d->attempt, "slot",
                     d->slot_s ? json_integer(d->slot_s) : json_null(), "ota",
                     ota_report_word((enum ota_report_state)d->ota), "got", (json_int_t)d->got,
                     "told", seconds_json(d->told_ms), "ended", seconds_json(d->ended_ms));
}

static json_t *caps_json(const struct rollout *r)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "in_flight", (json_int_t)r->plan.in_flight, "jitter",
                     (json_int_t)r->plan.jitter_s, "per_group", (json_int_t)r->plan.per_group.max,
                     "bandwidth", (json_int_t)r->plan.bandwidth);
}

static json_t *drive_json(const struct rollout_drive *drive)
{
    return json_pack("{s:o, s:o, s:b}", "engine",
                     drive->engine[0] ? clean_json(drive->engine) : json_null(), "heard",
                     seconds_json(drive->heard_ms), "deaf", (int)drive->deaf);
}

/* As 'muster rollout start' takes it from a file. */
static json_t *plan_json(const struct rollout *r)
{
    char *text = plan_encode(&r->plan);
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;

    free(text);
    return o ? o : json_null();
}

static void show_json(struct cmd_context *ctx, const struct rollout *r,
                      const struct rollout_drive *drive)
{
    char waits[ROLLOUT_WHY_MAX];
    uint32_t phase[ROLLOUT_PHASES];
    json_t *devices = json_array();
    json_t *release = json_pack("{s:s, s:s, s:s, s:I, s:I}", "product", r->release.product,
                                "version", r->release.version, "image", r->release.image, "size",
                                (json_int_t)r->release.size, "seq", (json_int_t)r->release.seq);

    for (uint32_t i = 0; i < r->count; i++)
        json_array_append_new(devices, member_json(&r->device[i]));
    rollout_totals(r, phase);
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", r->id,
                  "state", rollout_state_word(r->state), "why", clean_json(r->why), "release",
                  release, "target", clean_json(r->plan.target), "stage", (json_int_t)r->stage,
                  "stages", stages_json(r), "counts", phases_json(phase), "gate", gate_json(r),
                  "created", seconds_json(r->created_ms), "started", seconds_json(r->started_ms),
                  "ended", seconds_json(r->ended_ms), "devices", devices);
    json_object_set_new(o, "who", clean_json(r->starter));
    json_object_set_new(o, "deadline", seconds_json(r->deadline_ms));
    json_object_set_new(o, "waits",
                        rollout_waits(r, waits, sizeof(waits)) ? json_string(waits) : json_null());
    json_object_set_new(o, "caps", caps_json(r));
    if (!rollout_is_over(r))
        json_object_set_new(o, "drive", drive_json(drive));
    json_object_set_new(o, "plan", plan_json(r));
    output_json(ctx, o);
}

static void show_stages(struct cmd_context *ctx, const struct rollout *r)
{
    fprintf(ctx->out, "\n    %-3s %-12s %6s  %-9s %6s %6s %6s\n", "#", "STAGE", "SIZE", "STATE",
            "DONE", "FAILED", "LEFT");
    for (uint32_t i = 0; i < r->plan.stage_count; i++) {
        const struct rollout_stage *s = &r->stages[i];
        uint32_t done = s->phase[ROLLOUT_PHASE_DONE], failed = s->phase[ROLLOUT_PHASE_FAILED];
        fprintf(ctx->out, "%-3s %-3u %-12s %6u  %-9s %6u %6u %6u\n", i == r->stage ? "now" : "",
                i + 1, r->plan.stage[i].name, s->size, rollout_stage_word(s->state), done, failed,
                s->size - done - failed);
    }
}

static void show_failures(struct cmd_context *ctx, const struct rollout *r)
{
    for (unsigned i = 1; i < ROLLOUT_REASONS; i++) {
        if (r->reasons[i])
            fprintf(ctx->out, "  failed %u: %s (%s)\n", r->reasons[i], reason_word((enum reason)i),
                    reason_text((enum reason)i));
    }
}

/* What keeps everything from moving goes before what keeps the stage. */
static void show_drive(struct cmd_context *ctx, const struct rollout_drive *drive)
{
    char when[40];

    if (!drive->engine[0]) {
        fputs("  engine: nobody runs it, so nothing moves: start 'muster serve' or the console\n",
              ctx->out);
        return;
    }
    fprintf(ctx->out, "  engine: %s\n", drive->engine);
    if (!drive->deaf)
        return;
    output_time(when, sizeof(when), drive->heard_ms / 1000);
    fprintf(ctx->out,
            "  holds: the engine has had no link to the broker since %s; nobody counts as "
            "silent for that\n",
            when);
}

void rollout_output_show(struct cmd_context *ctx, const struct rollout *r,
                         const struct rollout_drive *drive)
{
    struct gate_decision g;
    char waits[ROLLOUT_WHY_MAX];

    if (ctx->json) {
        show_json(ctx, r, drive);
        return;
    }
    rollout_gate(r, &g);
    fprintf(ctx->out, "%s  %s@%s  %s%s%s\n", r->id, r->release.product, r->release.version,
            rollout_state_word(r->state), *r->why ? ": " : "", r->why);
    show_stages(ctx, r);
    fprintf(ctx->out, "\n  gate: %s, %s%s%s\n", verdict_word(g.verdict), g.why,
            *g.missing ? "; missing: " : "", g.missing);
    if (rollout_waits(r, waits, sizeof(waits)))
        fprintf(ctx->out, "  waits: %s\n", waits);
    if (!rollout_is_over(r))
        show_drive(ctx, drive);
    show_failures(ctx, r);
    fprintf(ctx->out, "\n  %-20s %5s  %-12s %-18s %s\n", "DEVICE", "STAGE", "STATE", "REASON",
            "ATTEMPT");
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        fprintf(ctx->out, "  %-20s %5u  %-12s %-18s %u\n", d->id, d->stage + 1u,
                rollout_phase_word(rollout_device_phase(d)),
                d->reason ? reason_word((enum reason)d->reason) : "-", d->attempt);
    }
}

/* ---- watch
 * --------------------------------------------------------------------------------------------------------
 */

void rollout_output_event(struct cmd_context *ctx, const struct store_event *event)
{
    char when[40], text[ROLLOUT_NOTE_MAX];

    text_clean(text, sizeof(text), event->text, strlen(event->text));
    if (ctx->json) {
        output_json(ctx, json_pack("{s:s, s:f, s:s, s:s, s:b, s:s}", "kind", "event", "ts",
                                   (double)event->ts_ms / 1000, "rollout", event->rollout, "device",
                                   event->device, "bad", (int)event->bad, "text", text));
        return;
    }
    output_time(when, sizeof(when), event->ts_ms / 1000);
    fprintf(ctx->out, "%s  %s%s\n", when, event->bad ? "! " : "  ", text);
    fflush(ctx->out);
}

void rollout_output_summary(struct cmd_context *ctx, const struct rollout *r)
{
    uint32_t phase[ROLLOUT_PHASES];

    rollout_totals(r, phase);
    if (ctx->json)
        output_json(ctx, json_pack("{s:s, s:s, s:s, s:o, s:o}", "kind", "end", "id", r->id, "state",
                                   rollout_state_word(r->state), "why", clean_json(r->why),
                                   "counts", phases_json(phase)));
    else
        fprintf(ctx->out, "%s %s: %u done, %u failed of %u%s%s\n", r->id,
                rollout_state_word(r->state), phase[ROLLOUT_PHASE_DONE],
                phase[ROLLOUT_PHASE_FAILED], r->count, *r->why ? "; " : "", r->why);
}
