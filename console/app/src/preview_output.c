#include "preview_output.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "device_json.h"
#include "output.h"

enum { IDS_SHOWN = 8 };

static const char *member_id(const struct preview_view *v, uint32_t stage, uint32_t i)
{
    return v->candidate[v->set->member[v->set->stage_first[stage] + i].candidate].id;
}

/* ---- JSON
 * ------------------------------------------------------------------------------------------------------
 */

static json_t *time_json(int64_t unix_s)
{
    return unix_s > 0 ? json_integer(unix_s) : json_null();
}

static json_t *stage_json(const struct preview_view *v, uint32_t i)
{
    char shows[PLAN_CLEAN_TEXT], tolerates[PLAN_CLEAN_TEXT];
    const struct plan_preview *p = &v->preview;
    json_t *ids = json_array();

    for (uint32_t k = 0; k < v->set->stage_size[i]; k++)
        json_array_append_new(ids, clean_json(member_id(v, i, k)));
    plan_clean_text(v->plan, p, i, shows);
    plan_gate_text(v->plan, p, i, tolerates);
    json_t *o = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:f, s:I, s:o}", "name", v->plan->stage[i].name,
        "adds", (json_int_t)p->stage[i].size, "size", (json_int_t)p->stage[i].cumulative, "bytes",
        (json_int_t)p->stage[i].bytes, "tolerated", (json_int_t)p->stage[i].tolerated,
        "clean_upper", p->stage[i].clean_upper, "clean_needed",
        (json_int_t)p->stage[i].clean_needed, "peak_mean", p->stage[i].peak_mean, "peak_high",
        p->stage[i].peak_high, "earliest", (json_int_t)p->stage[i].earliest_s, "devices", ids);
    json_object_set_new(o, "starts", time_json(p->stage[i].starts_s));
    json_object_set_new(o, "ends", time_json(p->stage[i].ends_s));
    json_object_set_new(o, "approval", json_boolean(v->plan->stage[i].approval));
    json_object_set_new(o, "gate", json_string(tolerates));
    json_object_set_new(o, "shows", json_string(shows));
    return o;
}

static json_t *notes_json(const struct preview_view *v)
{
    char note[PLAN_NOTES][PLAN_NOTE_TEXT];
    uint32_t count = plan_notes(v->plan, v->set, v->candidate, note);
    json_t *notes = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(notes, clean_json(note[i]));
    if (v->conflict)
        json_array_append_new(notes, clean_json(v->conflict));
    return notes;
}

static void print_json(struct cmd_context *ctx, const struct preview_view *v)
{
    const struct plan_set *set = v->set;
    json_t *stages = json_array();
    json_t *left_out = json_array();

    for (uint32_t i = 0; i < v->preview.stage_count; i++)
        json_array_append_new(stages, stage_json(v, i));
    for (uint32_t i = 0; i < set->excluded_count; i++)
        json_array_append_new(left_out,
                              json_pack("{s:o, s:s}", "id",
                                        clean_json(v->candidate[set->excluded[i].candidate].id),
                                        "why", plan_excluded_text(set->excluded[i].why)));
    json_t *o = json_pack("{s:I, s:I, s:f, s:o, s:o}", "devices", (json_int_t)v->preview.devices,
                          "bytes", (json_int_t)v->preview.bytes, "download", v->preview.download_s,
                          "stages", stages, "excluded", left_out);
    json_object_set_new(o, "notes", notes_json(v));
    if (v->peak)
        json_object_set_new(o, "peak",
                            json_pack("{s:I, s:I}", "at_most", (json_int_t)v->peak, "jitter",
                                      (json_int_t)v->peak_jitter_s));
    if (v->step)
        json_object_set_new(o, "precursor_release", json_string(v->step));
    output_json(ctx, o);
}

/* ---- for people
 * ------------------------------------------------------------------------------------------------
 */

/* "Mon 2026-09-21 01:00" as the clock of the window's zone shows it; else UTC. */
static void say_when(const struct preview_view *v, int64_t unix_s, char *out, size_t cap)
{
    static const char day[7][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    struct zone_clock c;

    if (unix_s <= 0)
        text_copy(out, cap, "never");
    else if (!v->zone)
        output_time(out, cap, unix_s);
    else {
        zone_clock(v->zone, unix_s, &c);
        text_format(out, cap, "%s %04d-%02u-%02u %02u:%02u", day[c.weekday], (int)c.year, c.month,
                    c.day, c.hour, c.minute);
    }
}

static void say_span(uint32_t s, char *out, size_t cap)
{
    if (s < 120)
        text_format(out, cap, "%u s", s);
    else if (s < 7200)
        text_format(out, cap, "%u min", (s + 59) / 60);
    else
        text_format(out, cap, "%u h %u min", s / 3600, s % 3600 / 60);
}

/* Some of the names, and how many more there are. */
static void print_ids(struct cmd_context *ctx, const struct preview_view *v, uint32_t stage)
{
    uint32_t size = v->set->stage_size[stage];
    char id[PROTO_ID_MAX];

    fprintf(ctx->out, "    who      ");
    for (uint32_t k = 0; k < size && k < IDS_SHOWN; k++) {
        const char *raw = member_id(v, stage, k);
        text_clean(id, sizeof(id), raw, strlen(raw));
        fprintf(ctx->out, " %s", id);
    }
    if (size > IDS_SHOWN)
        fprintf(ctx->out, " and %u more (--json names all)", size - IDS_SHOWN);
    fputc('\n', ctx->out);
}

static void print_stage(struct cmd_context *ctx, const struct preview_view *v, uint32_t i)
{
    const struct plan_preview *p = &v->preview;
    char from[32], to[32], shows[PLAN_CLEAN_TEXT], gate[PLAN_CLEAN_TEXT];

    if (p->stage[i].size == 0) {
        fprintf(ctx->out, "  %u %s: nobody more, %u in all\n", i + 1, v->plan->stage[i].name,
                p->stage[i].cumulative);
        return;
    }
    say_when(v, p->stage[i].starts_s, from, sizeof(from));
    say_when(v, p->stage[i].ends_s, to, sizeof(to));
    plan_clean_text(v->plan, p, i, shows);
    plan_gate_text(v->plan, p, i, gate);
    fprintf(ctx->out, "  %u %s: %u more, %u in all, %.1f MB\n", i + 1, v->plan->stage[i].name,
            p->stage[i].size, p->stage[i].cumulative, (double)p->stage[i].bytes / 1e6);
    print_ids(ctx, v, i);
    fprintf(ctx->out, "    when      %s to %s at the earliest%s\n", from, to,
            v->plan->stage[i].approval ? "; then waits for an approval" : "");
    fprintf(ctx->out, "    downloads %.2g at a time on average, hardly ever more than %.0f\n",
            p->stage[i].peak_mean, ceil(p->stage[i].peak_high));
    fprintf(ctx->out, "    gate      %s\n", gate);
    fprintf(ctx->out, "    shows     %s\n", shows);
}

static void print_why(struct cmd_context *ctx, const struct preview_view *v, enum plan_excluded why)
{
    const struct plan_set *set = v->set;
    char id[PROTO_ID_MAX];
    uint32_t shown = 0;

    fprintf(ctx->out, "  %u: %s:", set->why_count[why], plan_excluded_text(why));
    for (uint32_t i = 0; i < set->excluded_count && shown < IDS_SHOWN; i++) {
        const char *raw = v->candidate[set->excluded[i].candidate].id;
        if (set->excluded[i].why != why)
            continue;
        shown++;
        text_clean(id, sizeof(id), raw, strlen(raw));
        fprintf(ctx->out, " %s", id);
    }
    if (set->why_count[why] > shown)
        fprintf(ctx->out, " and %u more", set->why_count[why] - shown);
    if (why == PLAN_EXCLUDED_PRECURSOR && v->step)
        fprintf(ctx->out, "; %s would bring them there", v->step);
    fputc('\n', ctx->out);
}

static void print_rules(struct cmd_context *ctx, const struct preview_view *v)
{
    char window[WINDOW_TEXT_MAX], span[32];

    if (v->plan->window.days != 0) {
        window_text(&v->plan->window, window);
        fprintf(ctx->out, "window: %s%s%s\n", window,
                plan_is_in_device_time(v->plan) ? "; times below are those of "
                                                : "; so are the times below",
                plan_is_in_device_time(v->plan) ? v->zone_name : "");
    }
    if (v->peak) {
        say_span(v->peak_jitter_s, span, sizeof(span));
        fprintf(ctx->out, "peak: a jitter of %s keeps simultaneous downloads at or under %u\n",
                span, v->peak);
    }
}

static void print_notes(struct cmd_context *ctx, const struct preview_view *v)
{
    char note[PLAN_NOTES][PLAN_NOTE_TEXT];
    uint32_t count = plan_notes(v->plan, v->set, v->candidate, note);

    for (uint32_t i = 0; i < count; i++)
        fprintf(ctx->out, "note: %s\n", note[i]);
    if (v->conflict)
        fprintf(ctx->out, "note: not to be started now: %s\n", v->conflict);
}

void preview_output(struct cmd_context *ctx, const struct preview_view *v)
{
    char jitter[32];

    if (ctx->json) {
        print_json(ctx, v);
        return;
    }
    say_span(v->plan->jitter_s, jitter, sizeof(jitter));
    fprintf(ctx->out,
            "%s@%s to %u devices, %.1f MB in all; %.0f s for each at %u kB/s, jitter %s\n",
            v->plan->product, v->plan->version, v->preview.devices, (double)v->preview.bytes / 1e6,
            v->preview.download_s, v->rate / 1000, jitter);
    print_rules(ctx, v);
    print_notes(ctx, v);
    for (uint32_t i = 0; i < v->preview.stage_count; i++)
        print_stage(ctx, v, i);
    if (v->set->excluded_count > 0)
        fprintf(ctx->out, "left out:\n");
    for (unsigned i = 0; i < PLAN_EXCLUDED_COUNT; i++)
        if (v->set->why_count[i])
            print_why(ctx, v, (enum plan_excluded)i);
}
