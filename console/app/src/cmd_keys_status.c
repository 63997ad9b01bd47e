#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/keys.h"
#include "ossl/crypto.h"

#include "keys_fleet.h"
#include "output.h"
#include "session.h"
#include "trust.h"
#include "trust_json.h"

/* The keys screen in words: who acts here, which keys count, and how far they have come. */

enum { BEHIND_MAX = 1000 }; /* ids that are listed; all are counted */

struct status {
    struct cmd_context *ctx;
    const struct ui_trust *trust;
    struct adoption adoption;
    char (*behind)[PROTO_ID_MAX];
    uint32_t behind_count;
    struct ui_key_orders orders;
    struct trust_finding finding[TRUST_FINDINGS_MAX];
    size_t finding_count;
    int64_t now_ms;
};

int adoption_of(struct cmd_context *ctx, uint32_t version, struct adoption *out)
{
    struct session_config config = { .profile = ctx->profile, .log = ctx->log, .name = "keys" };
    struct session *s = session_open(&config, &ctx->err);
    int rc = s ? session_settle(s, 0, &ctx->err) : -1;

    *out = (struct adoption){ .version = version };
    if (rc == 0)
        adoption_count(session_fleet(s), NULL, version, session_now(), out);
    session_close(s);
    return rc;
}

/* ---- as text ----------------------------------------------------------------------------------
 */

static void print_identity(struct cmd_context *ctx, const struct ui_trust *t, int64_t now_ms)
{
    const struct ui_cert *c = &t->cert;
    char from[40], until[40];

    if (!t->named || *t->cert_trouble) {
        fprintf(ctx->out, "operator     %s\n",
                t->named ? t->cert_trouble : "no certificate is named in the profile");
    } else {
        output_time(from, sizeof(from), c->not_before);
        output_time(until, sizeof(until), c->not_after);
        fprintf(ctx->out, "operator     %s (%s), by %s\n", c->cn, ui_cert_role(c), c->issuer);
        fprintf(ctx->out, "  serial     %s\n  SHA-256    %s\n", c->serial, c->fingerprint);
        fprintf(ctx->out, "  valid      %s to %s, %lld days left\n", from, until,
                (long long)ui_cert_days(c, now_ms));
        fprintf(ctx->out, "  key        %s%s%s\n", ui_key_at_text(t->key),
                *t->key_cause ? ": " : "", t->key_cause);
    }
    for (size_t i = 0; i < t->authority_count; i++)
        fprintf(ctx->out, "authority    %s, %lld days left\n", t->authority[i].cn,
                (long long)ui_cert_days(&t->authority[i], now_ms));
}

static void print_keyset(struct cmd_context *ctx, const struct ui_trust *t)
{
    char when[40];

    if (!t->have_keyset) {
        fputs("keyset       none is known here\n", ctx->out);
        return;
    }
    fprintf(ctx->out,
            "keyset       %u of fleet %s, %u of %u root keys sign the next, seq_floor %u\n",
            t->keyset.version, t->keyset.fleet, t->keyset.root_threshold,
            keys_count(&t->keyset, KEY_ROOT), t->keyset.seq_floor);
    for (uint32_t i = 0; i < t->keyset.keys.count; i++) {
        const struct trusted_key *k = &t->keyset.keys.key[i];
        char role[48];
        trust_roles_text(k, role, sizeof(role));
        output_time(when, sizeof(when), t->made_s[i]);
        fprintf(ctx->out, "  %s  %-16s", k->kid, k->revoked ? "revoked" : role);
        if (t->since[i])
            fprintf(ctx->out, "  since keyset %u, %s", t->since[i], when);
        fputc('\n', ctx->out);
    }
}

static void print_adoption(const struct status *st)
{
    const struct adoption *a = &st->adoption;
    FILE *out = st->ctx->out;

    fprintf(out, "keyset %u: %u of %u devices have it, %u are behind, %u did not say\n", a->version,
            a->have, a->devices, a->before + a->older, a->unknown);
    for (uint32_t i = 0; i < st->behind_count; i++)
        fprintf(out, "  %s\n", st->behind[i]);
    if (a->before + a->older > st->behind_count)
        fprintf(out, "  and %u more\n", a->before + a->older - st->behind_count);
    if (st->orders.count)
        fprintf(out, "orders of the last hour: %u taken, %u refused, %u without an answer yet\n",
                st->orders.taken, st->orders.refused, st->orders.open);
}

static void print_findings(const struct status *st)
{
    for (size_t i = 0; i < st->finding_count; i++) {
        const struct trust_finding *f = &st->finding[i];
        if (f->severity == TRUST_FINE)
            continue;
        fprintf(st->ctx->out, "%-8s %-12s %s%s%s\n", trust_severity_word(f->severity), f->what,
                f->text, *f->todo ? "\n                      -> " : "", f->todo);
    }
}

/* ---- as JSON ----------------------------------------------------------------------------------
 */

static json_t *behind_json(const struct status *st, const struct fleet *fleet)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < st->behind_count; i++) {
        const struct fleet_device *d = fleet_device(fleet, fleet_find(fleet, st->behind[i]));
        json_array_append_new(
            list, json_pack("{s:s, s:I}", "id", d->id, "keyset", (json_int_t)d->keyset));
    }
    return list;
}

static json_t *status_json(const struct status *st, const struct fleet *fleet)
{
    const struct adoption *a = &st->adoption;
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "version", (json_int_t)a->version,
                          "devices", (json_int_t)a->devices, "have", (json_int_t)a->have,
                          "previous", (json_int_t)a->before, "older", (json_int_t)a->older,
                          "unknown", (json_int_t)a->unknown, "enough", (int)adoption_is_enough(a));

    json_object_set_new(o, "behind", behind_json(st, fleet));
    json_object_set_new(o, "orders", key_orders_json(&st->orders));
    json_object_set_new(o, "operator", operator_json(st->trust, st->now_ms));
    json_object_set_new(o, "authorities", authorities_json(st->trust, st->now_ms));
    json_object_set_new(o, "keyset", keyset_json(st->trust));
    json_object_set_new(o, "security",
                        json_pack("{s:I, s:I}", "least", (json_int_t)a->security_least, "most",
                                  (json_int_t)a->security_most));
    json_object_set_new(o, "device_certificates",
                        json_pack("{s:I, s:I, s:I, s:o}", "ended", (json_int_t)a->cert_ended,
                                  "soon", (json_int_t)a->cert_soon, "unknown",
                                  (json_int_t)a->cert_unknown, "first",
                                  a->cert_first ? json_pack("{s:s, s:I}", "id", a->cert_of,
                                                            "not_after", (json_int_t)a->cert_first)
                                                : json_null()));
    json_object_set_new(o, "findings", findings_json(st->finding, st->finding_count));
    return o;
}

/* ---- together ---------------------------------------------------------------------------------
 */

static void collect(struct status *st, const struct fleet *fleet, struct filter *filter,
                    uint32_t version)
{
    const struct profile *p = st->ctx->profile;
    struct store *store = p->journal[0] ? store_open(p->journal, true, ossl_crypto(), NULL) : NULL;
    struct err err;

    st->now_ms = session_now();
    adoption_count(fleet, filter, version, st->now_ms, &st->adoption);
    st->behind = mem_array(BEHIND_MAX, sizeof(*st->behind));
    st->behind_count = adoption_behind(fleet, filter, version, st->now_ms, st->behind, BEHIND_MAX);
    if (store && trust_orders(store, fleet, version, st->now_ms, &st->orders, &err) != 0)
        log_say(st->ctx->log, LOG_WARN, "%s", err.text);
    store_close(store);
    st->finding_count = trust_findings(st->trust, &st->adoption, st->now_ms, st->finding);
}

static void show(struct status *st, const struct fleet *fleet)
{
    if (st->ctx->json) {
        output_json(st->ctx, status_json(st, fleet));
        return;
    }
    if (!st->ctx->quiet) {
        print_identity(st->ctx, st->trust, st->now_ms);
        print_keyset(st->ctx, st->trust);
    }
    print_adoption(st);
    if (!st->ctx->quiet)
        print_findings(st);
}

/* The version asked for, or the newest that is known here. */
static int version_of(struct cmd_context *ctx, const struct cmd_args *args,
                      const struct ui_trust *t, uint32_t *version)
{
    if (cmd_u32(args, "version", 1, UINT32_MAX, 0, version, &ctx->err) != 0)
        return -1;
    if (*version == 0 && !t->have_keyset)
        return err_set(&ctx->err, EXIT_USAGE, "%s",
                       *t->keyset_trouble ? t->keyset_trouble
                                          : "[trust] keyset is missing in the profile");
    if (*version == 0)
        *version = t->keyset.version;
    return 0;
}

static int status(struct status *st, struct filter *filter, uint32_t version)
{
    struct cmd_context *ctx = st->ctx;
    struct session_config config = { .profile = ctx->profile, .log = ctx->log, .name = "keys" };
    struct session *s = session_open(&config, &ctx->err);
    int rc = EXIT_DONE;

    if (!s || session_settle(s, 0, &ctx->err) != 0) {
        rc = (int)ctx->err.code;
    } else {
        collect(st, session_fleet(s), filter, version);
        show(st, session_fleet(s));
        rc = adoption_is_enough(&st->adoption) ? EXIT_DONE : EXIT_NO;
    }
    session_close(s);
    free(st->behind);
    return rc;
}

int cmd_keys_status(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct profile profile = *ctx->profile; /* --keyset instead of its own */
    struct status *st = mem_alloc(sizeof(*st));
    struct trust *trust = trust_new(&profile);
    struct filter *filter = NULL;
    uint32_t version = 0;
    int rc = EXIT_USAGE;

    st->ctx = ctx;
    if (text_copy(profile.trust.keyset, sizeof(profile.trust.keyset),
                  cmd_get(args, "keyset", ctx->profile->trust.keyset))) {
        trust_look(trust, session_now());
        st->trust = trust_facts(trust);
        if (version_of(ctx, args, st->trust, &version) != 0)
            rc = (int)ctx->err.code;
        else if ((filter = keys_filter(ctx, args)))
            rc = status(st, filter, version);
    } else {
        err_set(&ctx->err, EXIT_USAGE, "--keyset is too long");
    }
    filter_free(filter);
    trust_free(trust);
    free(st);
    return rc;
}
