#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "protocol/id.h"

#include "commands.h"
#include "device_acts.h"
#include "device_cert.h"
#include "device_json.h"
#include "output.h"
#include "session.h"
#include "trust_json.h"

/* The device screen in words: what it is, its readings, its commands and updates. */

static json_t *seconds(int64_t ms)
{
    return ms ? json_real((double)(ms / 100) / 10) : json_null();
}

static json_t *commands_json(const struct ui_device_acts *acts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < acts->command_count; i++) {
        const struct ui_command *c = &acts->command[i];
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "verb", verb_word(c->verb),
                            "seq", (json_int_t)c->seq, "sent", seconds(c->sent_ms), "answered",
                            seconds(c->answered_ms), "ok",
                            c->answered_ms ? json_boolean(c->ok) : json_null(), "reason",
                            c->answered_ms ? json_string(reason_word(c->reason)) : json_null(),
                            "detail", clean_json(c->detail)));
    }
    return list;
}

static const char *update_word(const struct ui_update *u)
{
    struct rollout_device d = { .state = (uint8_t)u->state };

    return rollout_phase_word(rollout_device_phase(&d));
}

static json_t *updates_json(const struct ui_device_acts *acts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < acts->update_count; i++) {
        const struct ui_update *u = &acts->update[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "rollout", u->rollout, "version",
                            u->version, "state", update_word(u), "reason", reason_word(u->reason),
                            "attempt", (json_int_t)u->attempt, "time", seconds(u->t_ms)));
    }
    return list;
}

/* ---- as text --------------------------------------------------------------------------------- */

static void print_value(struct cmd_context *ctx, const char *key, const json_t *value)
{
    char text[64];

    if (json_is_null(value) || json_is_object(value))
        return;
    if (json_is_string(value)) {
        if (*json_string_value(value))
            fprintf(ctx->out, "%-12s %s\n", key, json_string_value(value));
    } else if (strcmp(key, "last_seen") == 0) {
        output_time(text, sizeof(text), (int64_t)json_number_value(value));
        fprintf(ctx->out, "%-12s %s\n", "last seen", text);
    } else if (json_is_array(value)) {
        size_t i;
        json_t *item;
        fprintf(ctx->out, "%-12s", key);
        json_array_foreach(value, i, item) fprintf(ctx->out, " %s", json_string_value(item));
        fputc('\n', ctx->out);
    } else {
        fprintf(ctx->out, "%-12s %g\n", key, json_number_value(value));
    }
}

static void print_readings(struct cmd_context *ctx, const struct fleet *fleet,
                           const struct fleet_device *d, int64_t now_ms)
{
    char age[16];

    for (uint8_t i = 0; i < d->value_count; i++) {
        const struct fleet_reading *r = fleet_reading(fleet, d->value[i].reading);
        output_age(age, sizeof(age), now_ms - (int64_t)d->value[i].t * 1000);
        fprintf(ctx->out, "  %-12s %.*f %s  (%s)\n", r->name, r->decimals,
                d->value[i].value * r->scale, r->unit, age);
    }
}

static void print_commands(struct cmd_context *ctx, const struct ui_device_acts *acts)
{
    char when[40], detail[PROTO_DETAIL_MAX * 3];

    for (size_t i = 0; i < acts->command_count; i++) {
        const struct ui_command *c = &acts->command[i];
        output_time(when, sizeof(when), (c->sent_ms ? c->sent_ms : c->answered_ms) / 1000);
        text_clean(detail, sizeof(detail), c->detail, strlen(c->detail));
        fprintf(ctx->out, "  %s  %-9s ", when, verb_word(c->verb));
        if (!c->answered_ms)
            fputs("no answer yet\n", ctx->out);
        else
            fprintf(ctx->out, "%s%s %s\n",
                    c->ok ? "done " : "refused: ", c->ok ? "" : reason_word(c->reason), detail);
    }
}

static void print_updates(struct cmd_context *ctx, const struct ui_device_acts *acts)
{
    char when[40];

    for (size_t i = 0; i < acts->update_count; i++) {
        const struct ui_update *u = &acts->update[i];
        output_time(when, sizeof(when), u->t_ms / 1000);
        fprintf(ctx->out, "  %s  %-10s %-12s %s%s%s\n", when, u->version, u->rollout,
                update_word(u), u->reason == REASON_NONE ? "" : ": ",
                u->reason == REASON_NONE ? "" : reason_text(u->reason));
    }
}

static void print_cert(struct cmd_context *ctx, const struct ui_device_cert *c, int64_t now_ms)
{
    char source[96], from[40], until[40];

    ui_device_cert_source(c, source, sizeof(source));
    output_time(from, sizeof(from), c->cert.not_before);
    output_time(until, sizeof(until), c->cert.not_after);
    fprintf(ctx->out, "certificate  %s\n", source);
    if (c->known == UI_CERT_ISSUED)
        fprintf(ctx->out,
                "  serial       %s, by %s\n  SHA-256      %s\n"
                "  valid        %s to %s, %lld days left\n",
                c->cert.serial, c->cert.issuer, c->cert.fingerprint, from, until,
                (long long)ui_cert_days(&c->cert, now_ms));
}

static void print_device(struct cmd_context *ctx, const struct fleet *fleet,
                         const struct fleet_device *d, const struct ui_device_acts *acts,
                         json_t *facts, int64_t now_ms)
{
    const char *key;
    json_t *value;

    json_object_foreach(facts, key, value) print_value(ctx, key, value);
    if (d->value_count)
        fputs("readings\n", ctx->out);
    print_readings(ctx, fleet, d, now_ms);
    if (acts->command_count)
        fputs("commands\n", ctx->out);
    print_commands(ctx, acts);
    if (acts->update_count)
        fputs("updates\n", ctx->out);
    print_updates(ctx, acts);
}

static void show(struct cmd_context *ctx, struct session *s, const struct fleet_device *d)
{
    const struct profile *p = ctx->profile;
    struct store *store = p->journal[0] ? store_open(p->journal, true, ossl_crypto(), NULL) : NULL;
    struct device_acts *acts = device_acts_new(p->journal, ctx->log);
    int64_t now_ms = session_now();
    struct registry *registry = registry_new(p->pki_dir);
    struct ui_device_cert cert;
    json_t *facts = device_json(session_fleet(s), d, now_ms);

    device_acts_work(acts, store, session_fleet(s), d->id, now_ms);
    const struct ui_device_acts *picture = device_acts_picture(acts);
    device_cert_find(registry, d->id, d->cert_not_after, &cert);
    registry_free(registry);
    if (ctx->json) {
        json_object_set_new(facts, "certificate", device_cert_json(&cert, now_ms));
        json_object_set_new(facts, "commands", commands_json(picture));
        json_object_set_new(facts, "updates", updates_json(picture));
        output_json(ctx, facts);
    } else {
        print_device(ctx, session_fleet(s), d, picture, facts, now_ms);
        print_cert(ctx, &cert, now_ms);
        json_decref(facts);
    }
    device_acts_free(acts);
    store_close(store);
}

static int run_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct session_config config = { .profile = ctx->profile, .log = ctx->log, .name = "show" };

    if (args->word_count != 1 || !id_is_valid(args->word[0], strlen(args->word[0])))
        return cmd_fail(ctx, EXIT_USAGE, "which device? 'muster ls' lists them");
    struct session *s = session_open(&config, &ctx->err);
    int rc = EXIT_DONE;
    if (!s || session_settle(s, 3000, &ctx->err)) {
        rc = (int)ctx->err.code;
    } else {
        uint32_t at = fleet_find(session_fleet(s), args->word[0]);
        if (at == FLEET_NONE)
            rc = cmd_fail(ctx, EXIT_NO, "no device %s is known: 'muster ls' lists them",
                          args->word[0]);
        else
            show(ctx, s, fleet_device(session_fleet(s), at));
    }
    session_close(s);
    return rc;
}

const struct command show_commands[] = {
    { "device show", "ID", "one device: facts, readings, commands with their answers, updates",
      NULL, run_show, COMMAND_PROFILE,
      "What the device screen shows; its plots are 'muster history'." },
    { 0 },
};
