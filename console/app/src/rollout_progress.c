#include "rollout_progress.h"

#include <string.h>

#include "base/text.h"
#include "device_json.h"
#include "output.h"

/* Devices in words, as the screens count them. */
struct counts {
    uint32_t done, failed, flight, soaking, waiting, silent;
};

static struct counts count(const uint32_t phase[ROLLOUT_PHASES])
{
    struct counts c = { .done = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_EXCUSED],
                        .failed = phase[ROLLOUT_PHASE_FAILED],
                        .soaking = phase[ROLLOUT_PHASE_SOAKING],
                        .silent = phase[ROLLOUT_PHASE_SILENT],
                        .waiting = phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE] };

    for (int p = ROLLOUT_PHASE_TOLD; p < ROLLOUT_PHASES; p++)
        c.flight += phase[p];
    c.flight -= c.done + c.failed + c.soaking + c.silent + phase[ROLLOUT_PHASE_ABORTED] +
                phase[ROLLOUT_PHASE_RETURNED];
    return c;
}

static bool is_due(const struct rollout *r, const uint32_t phase[ROLLOUT_PHASES], int64_t now_ms,
                   const struct rollout_progress *last)
{
    if (r->state == ROLLOUT_DRAFT)
        return false;
    if (last->said_ms == 0 || last->stage != r->stage || last->state != r->state)
        return true;
    return memcmp(last->phase, phase, sizeof(last->phase)) != 0 &&
           now_ms - last->said_ms >= PROGRESS_MS;
}

/* Why it does not go on just now. */
static void missing_text(const struct rollout *r, char *out, size_t cap)
{
    struct gate_decision g;

    rollout_gate(r, &g);
    if (r->why[0])
        text_format(out, cap, "%s", r->why);
    else if (!rollout_waits(r, out, cap))
        text_format(out, cap, "%s", r->state == ROLLOUT_RUNNING ? g.missing : "");
}

static void say_json(struct cmd_context *ctx, const struct rollout *r, const struct counts *c,
                     const char *missing, int64_t now_ms)
{
    output_json(
        ctx, json_pack("{s:s, s:f, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                       "s:o}",
                       "kind", "progress", "ts", (double)now_ms / 1000, "rollout", r->id, "state",
                       rollout_state_word(r->state), "stage", (json_int_t)r->stage, "stages",
                       (json_int_t)r->plan.stage_count, "stage_name", r->plan.stage[r->stage].name,
                       "devices", (json_int_t)r->count, "done", (json_int_t)c->done, "failed",
                       (json_int_t)c->failed, "in_flight", (json_int_t)c->flight, "soaking",
                       (json_int_t)c->soaking, "waiting", (json_int_t)c->waiting, "silent",
                       (json_int_t)c->silent, "missing", clean_json(missing)));
}

void rollout_progress_say(struct cmd_context *ctx, const struct rollout *r, int64_t now_ms,
                          struct rollout_progress *last)
{
    uint32_t phase[ROLLOUT_PHASES];
    char when[40], missing[ROLLOUT_WHY_MAX];

    rollout_totals(r, phase);
    if (!is_due(r, phase, now_ms, last))
        return;
    memcpy(last->phase, phase, sizeof(last->phase));
    last->stage = r->stage;
    last->state = r->state;
    last->said_ms = now_ms;
    const struct counts c = count(phase);
    missing_text(r, missing, sizeof(missing));
    if (ctx->json) {
        say_json(ctx, r, &c, missing, now_ms);
        return;
    }
    output_time(when, sizeof(when), now_ms / 1000);
    fprintf(ctx->out,
            "%s    %s, stage %u of %u %s: %u of %u done, %u failed, %u in flight, %u waiting", when,
            rollout_state_word(r->state), r->stage + 1, r->plan.stage_count,
            r->plan.stage[r->stage].name, c.done, r->count, c.failed, c.flight, c.waiting);
    if (c.soaking)
        fprintf(ctx->out, ", %u soaking", c.soaking);
    if (c.silent)
        fprintf(ctx->out, ", %u silent", c.silent);
    fprintf(ctx->out, "%s%s\n", missing[0] ? "; " : "", missing);
    fflush(ctx->out);
}
