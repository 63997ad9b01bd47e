#include "release/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "fleet/rows.h"
#include "ossl/crypto.h"
#include "protocol/hex.h"
#include "protocol/id.h"
#include "release/image.h"
#include "release/json.h"
#include "release/sign.h"
#include "release/store.h"

#define LIST_WIDTH 24

static int print_json(struct cmd_context *ctx, json_t *doc)
{
    int rc = doc ? json_dumpf(doc, ctx->out, JSON_INDENT(2)) : -1;
    json_decref(doc);
    if (rc != 0) {
        err_set(&ctx->err, EXIT_USAGE, "cannot print the answer");
        return EXIT_USAGE;
    }
    fputc('\n', ctx->out);
    return EXIT_DONE;
}

static int usage(struct cmd_context *ctx, const char *text)
{
    err_set(&ctx->err, EXIT_USAGE, "%s", text);
    return EXIT_USAGE;
}

/* --store and --keyset win over the profile. */
static const char *path_of(struct cmd_context *ctx, const struct cmd_args *args, const char *option,
                           const char *in_profile)
{
    const char *path = cmd_get(args, option, in_profile);
    if (!path || !path[0]) {
        err_set(&ctx->err, EXIT_USAGE, "say --%s, or take a profile that has it", option);
        return NULL;
    }
    return path;
}

static const char *store_path(struct cmd_context *ctx, const struct cmd_args *args)
{
    return path_of(ctx, args, "store", ctx->profile ? ctx->profile->store_dir : NULL);
}

static int load_keys(struct cmd_context *ctx, const struct cmd_args *args, struct keyset *out)
{
    const char *path =
        path_of(ctx, args, "keyset", ctx->profile ? ctx->profile->trust.keyset : NULL);
    return path ? release_load_keyset(path, ossl_crypto(), out, &ctx->err) : -1;
}

/* --- build ---------------------------------------------------------------------------------- */

/*
 * SOURCE_DATE_EPOCH (reproducible-builds.org) or nothing: the same ELF gives the same image, also
 * tomorrow.
 */
static void build_date(char date[16], char clock[16])
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    struct tm tm;
    date[0] = clock[0] = '\0';
    if (!epoch || !text_to_u64(epoch, 0, INT64_MAX, &seconds))
        return;
    time_t t = (time_t)seconds;
    if (!gmtime_r(&t, &tm))
        return;
    strftime(date, 16, "%b %e %Y", &tm);
    strftime(clock, 16, "%H:%M:%S", &tm);
}

static int print_built(struct cmd_context *ctx, const char *path, const char *data, size_t len)
{
    struct image_facts facts;
    uint8_t hash[PROTO_SHA256_LEN];
    char hex[PROTO_SHA256_HEX];
    if (image_inspect(data, len, ossl_crypto(), &facts, &ctx->err) != 0)
        return (int)ctx->err.code;
    ossl_crypto()->sha256(ossl_crypto()->ctx, data, len, hash);
    hex_encode(hash, sizeof(hash), hex);
    if (ctx->json)
        return print_json(ctx, json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:s}", "image", path,
                                         "product", facts.product, "version", facts.version, "hw",
                                         facts.hw, "security", (int)facts.security, "size",
                                         (json_int_t)len, "sha256", hex));
    if (!ctx->quiet)
        fprintf(ctx->out, "%s: %s %s for %s, %zu bytes, sha256 %s\n", path, facts.product,
                facts.version, facts.hw, len, hex);
    return EXIT_DONE;
}

static int cmd_build(struct cmd_context *ctx, const struct cmd_args *args)
{
    const char *elf = cmd_get(args, "elf", NULL), *out = cmd_get(args, "out", NULL);
    struct image_build build = { .product = cmd_get(args, "product", NULL),
                                 .version = cmd_get(args, "version", NULL) };
    char date[16], clock[16], *elf_data, *image;
    size_t len;
    if (!elf || !out || !build.product || !build.version)
        return usage(ctx, "--elf, --product, --version and --out are needed");
    if (strcmp(cmd_get(args, "hw", "linux"), "linux") != 0)
        return usage(ctx, "only images for hw linux are built here: ESP-IDF makes the others");
    if (cmd_u32(args, "security", 0, UINT32_MAX, 0, &build.security, &ctx->err) != 0)
        return (int)ctx->err.code;
    build_date(date, clock);
    build.date = date;
    build.time = clock;

    if (files_read(elf, RELEASE_IMAGE_BYTES, &elf_data, &build.elf_len, &ctx->err) != 0)
        return (int)ctx->err.code;
    build.elf = elf_data;
    int rc = image_build_linux(&build, ossl_crypto(), &image, &len, &ctx->err);
    free(elf_data);
    if (rc != 0)
        return (int)ctx->err.code;
    rc = files_write(NULL, out, image, len, FILES_PUBLIC, FILES_REPLACE, &ctx->err) == 0
             ? print_built(ctx, out, image, len)
             : (int)ctx->err.code;
    free(image);
    return rc;
}

/* --- sign ----------------------------------------------------------------------------------- */

static int take_hw(const struct cmd_args *args, struct release *wish, struct err *e)
{
    const char *hw;
    for (size_t i = 0; (hw = cmd_nth(args, "hw", i)); i++) {
        if (wish->hw_count == PROTO_HW_COUNT)
            return err_set(e, EXIT_USAGE, "at most %d --hw", PROTO_HW_COUNT);
        if (!text_copy(wish->hw[wish->hw_count++], PROTO_HW_MAX, hw))
            return err_set(e, EXIT_USAGE, "--hw %.40s: at most %d characters", hw,
                           PROTO_HW_MAX - 1);
    }
    return 0;
}

static int take_text(const struct cmd_args *args, const char *name, char *out, size_t cap,
                     struct err *e)
{
    const char *text = cmd_get(args, name, "");
    return text_copy(out, cap, text) ? 0 : err_set(e, EXIT_USAGE, "--%s is too long", name);
}

static int take_wish(struct cmd_context *ctx, const struct cmd_args *args, struct release *wish)
{
    struct err *e = &ctx->err;
    if (take_hw(args, wish, e) != 0 ||
        take_text(args, "product", wish->product, sizeof(wish->product), e) != 0 ||
        take_text(args, "version", wish->version, sizeof(wish->version), e) != 0 ||
        take_text(args, "min-from", wish->min_from, sizeof(wish->min_from), e) != 0 ||
        cmd_u32(args, "security", 0, UINT32_MAX, 0, &wish->security, e) != 0 ||
        cmd_u32(args, "min-agent", 0, UINT32_MAX, 0, &wish->min_agent, e) != 0)
        return -1;
    if (wish->min_from[0] && !semver_is_valid(wish->min_from))
        return err_set(e, EXIT_USAGE, "--min-from %s is not a version", wish->min_from);
    wish->created = (uint64_t)time(NULL);
    return 0;
}

/* --seq N, or the one above the highest of the product in the store. */
static int take_seq(struct cmd_context *ctx, const struct cmd_args *args, const char *product,
                    uint32_t *seq)
{
    const char *given = cmd_get(args, "seq", "auto");
    if (strcmp(given, "auto") != 0)
        return cmd_u32(args, "seq", 1, UINT32_MAX, 1, seq, &ctx->err);
    const char *dir = store_path(ctx, args);
    struct release_store *s = dir ? release_store_open(dir, ossl_crypto(), &ctx->err) : NULL;
    if (!s)
        return err_prefix(&ctx->err, "the next seq comes from the store");
    uint32_t highest = release_store_highest_seq(s, product);
    release_store_close(s);
    if (highest == UINT32_MAX)
        return err_set(&ctx->err, EXIT_REFUSED, "there is no seq above %" PRIu32, highest);
    *seq = highest + 1;
    return 0;
}

/* "x.bin" → "x.jws", anything else gets ".jws" behind it. */
static int jws_path(const char *image, const char *given, char out[FILES_PATH_MAX], struct err *e)
{
    size_t len = strlen(image);
    if (len > 4 && strcmp(image + len - 4, ".bin") == 0)
        len -= 4;
    bool fits = given ? text_copy(out, FILES_PATH_MAX, given)
                      : text_format(out, FILES_PATH_MAX, "%.*s.jws", (int)len, image);
    return fits ? 0 : err_set(e, EXIT_USAGE, "path is too long: %.160s…", given ? given : image);
}

static int load_signer(struct cmd_context *ctx, const struct cmd_args *args,
                       struct crypto_signer *out)
{
    const char *path =
        path_of(ctx, args, "key", ctx->profile ? ctx->profile->trust.release_key : NULL);
    if (!path)
        return -1;
    enum ossl_error error = ossl_signer_load(path, out);
    if (error == OSSL_OK)
        return 0;
    return err_set(&ctx->err, EXIT_USAGE, "key %s %s%s%s", path, ossl_error_text(error),
                   ossl_error_has_errno(error) ? ": " : "",
                   ossl_error_has_errno(error) ? strerror(errno) : "");
}

static int sign_image(struct cmd_context *ctx, const struct cmd_args *args, const char *image,
                      size_t len, const char *out)
{
    struct release wish = { 0 };
    struct image_facts facts;
    struct crypto_signer signer;
    char jws[PROTO_RELEASE_BYTES];
    if (take_wish(ctx, args, &wish) != 0 ||
        image_inspect(image, len, ossl_crypto(), &facts, &ctx->err) != 0 ||
        take_seq(ctx, args, facts.product[0] ? facts.product : wish.product, &wish.seq) != 0 ||
        load_signer(ctx, args, &signer) != 0)
        return (int)ctx->err.code;
    int n = release_sign(image, len, &wish, ossl_crypto(), &signer, jws, sizeof(jws), &ctx->err);
    char kid[PROTO_KID_MAX];
    text_copy(kid, sizeof(kid), signer.kid);
    ossl_signer_free(&signer);
    if (n < 0 ||
        files_write(NULL, out, jws, (size_t)n, FILES_PUBLIC, FILES_REPLACE, &ctx->err) != 0)
        return (int)ctx->err.code;
    if (ctx->json)
        return print_json(
            ctx, json_pack("{s:s, s:I, s:s}", "jws", out, "seq", (json_int_t)wish.seq, "kid", kid));
    if (!ctx->quiet)
        fprintf(ctx->out, "%s: seq %" PRIu32 ", signed by %s\n", out, wish.seq, kid);
    return EXIT_DONE;
}

static int cmd_sign(struct cmd_context *ctx, const struct cmd_args *args)
{
    char out[FILES_PATH_MAX], *image;
    size_t len;
    if (args->word_count != 1)
        return usage(ctx, "say one IMAGE");
    if (jws_path(args->word[0], cmd_get(args, "out", NULL), out, &ctx->err) != 0 ||
        files_read(args->word[0], RELEASE_IMAGE_BYTES, &image, &len, &ctx->err) != 0)
        return (int)ctx->err.code;
    int rc = sign_image(ctx, args, image, len, out);
    free(image);
    if (rc != EXIT_DONE)
        err_prefix(&ctx->err, "%s", args->word[0]);
    return rc;
}

/* --- publish -------------------------------------------------------------------------------- */

static int print_published(struct cmd_context *ctx, const struct release_publish *what,
                           const struct keyring *keys, bool changed)
{
    struct release r;
    char digest[PROTO_SHA256_HEX], image[PROTO_SHA256_HEX];
    uint8_t hash[PROTO_SHA256_LEN];
    release_check(what->jws, what->jws_len, ossl_crypto(), keys, &r);
    ossl_crypto()->sha256(ossl_crypto()->ctx, what->jws, what->jws_len, hash);
    hex_encode(hash, sizeof(hash), digest);
    hex_encode(r.sha256, sizeof(r.sha256), image);
    if (ctx->json)
        return print_json(ctx, json_pack("{s:s, s:s, s:I, s:s, s:s, s:b}", "product", r.product,
                                         "version", r.version, "seq", (json_int_t)r.seq, "image",
                                         image, "release", digest, "changed", (int)changed));
    if (!ctx->quiet)
        fprintf(ctx->out, "%s@%s seq %" PRIu32 " %s\n", r.product, r.version, r.seq,
                changed ? "published" : "is there already");
    return EXIT_DONE;
}

static int cmd_publish(struct cmd_context *ctx, const struct cmd_args *args)
{
    char path[FILES_PATH_MAX], *image = NULL, *jws = NULL;
    struct keyset keyset;
    struct release_publish what;
    bool changed;
    int rc;
    if (args->word_count != 1)
        return usage(ctx, "say one IMAGE");
    const char *dir = store_path(ctx, args);
    if (!dir || load_keys(ctx, args, &keyset) != 0 ||
        jws_path(args->word[0], cmd_get(args, "jws", NULL), path, &ctx->err) != 0)
        return (int)ctx->err.code;
    if (!files_exists(path)) {
        err_set(&ctx->err, EXIT_USAGE, "%s is not there: `muster release sign %s` makes it", path,
                args->word[0]);
        return EXIT_USAGE;
    }
    if (files_read(args->word[0], RELEASE_IMAGE_BYTES, &image, &what.image_len, &ctx->err) != 0 ||
        files_read(path, PROTO_RELEASE_BYTES, &jws, &what.jws_len, &ctx->err) != 0) {
        rc = (int)ctx->err.code;
    } else {
        /* A newline at the end is an editor's, not the signer's. */
        while (what.jws_len > 0 && jws[what.jws_len - 1] == '\n')
            what.jws_len--;
        what.image = image;
        what.jws = jws;
        rc = release_store_publish(dir, &what, ossl_crypto(), &keyset.keys, NULL, &changed,
                                   &ctx->err) == 0
                 ? print_published(ctx, &what, &keyset.keys, changed)
                 : (int)ctx->err.code;
    }
    free(image);
    free(jws);
    return rc;
}

/* --- ls, show, verify ----------------------------------------------------------------------- */

static json_t *hw_json(const struct release *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->hw_count; i++)
        json_array_append_new(list, json_string(r->hw[i]));
    return list;
}

json_t *release_json(const struct release_entry *entry, bool whole)
{
    const struct release *r = &entry->release;
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:o, s:I, s:s, s:s, s:s, s:I, s:b}", "product",
                          r->product, "version", r->version, "seq", (json_int_t)r->seq, "security",
                          (json_int_t)r->security, "hw", hw_json(r), "size", (json_int_t)r->size,
                          "image", entry->image, "release", entry->digest, "kid", entry->kid,
                          "created", (json_int_t)r->created, "superseded", (int)entry->superseded);
    if (o && whole) {
        json_object_set_new(o, "min_from", json_string(r->min_from));
        json_object_set_new(o, "min_agent", json_integer((json_int_t)r->min_agent));
        json_object_set_new(o, "jws", json_string(entry->jws));
    }
    return o;
}

static void entry_line(struct cmd_context *ctx, const struct release_entry *entry)
{
    const struct release *r = &entry->release;
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];
    text_format(name, sizeof(name), "%s@%s", r->product, r->version);
    fprintf(ctx->out, "%-*s %5" PRIu32 " %4" PRIu32 " %9" PRIu32 "  %.12s  %s%s\n", LIST_WIDTH,
            name, r->seq, r->security, r->size, entry->image, r->hw[0],
            entry->superseded ? "  (signed again under a higher seq)" : "");
}

/* As the console's screen filters them. */
static bool passes(struct filter *filter, const struct release_entry *entry)
{
    const struct release *r = &entry->release;
    char hw[PROTO_HW_COUNT * PROTO_HW_MAX] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < r->hw_count; i++)
        if (text_format(hw + used, sizeof(hw) - used, "%s%s", i ? " " : "", r->hw[i]))
            used += strlen(hw + used);
    struct release_row facts = { .product = r->product,
                                 .version = r->version,
                                 .hw = hw,
                                 .image = entry->image,
                                 .kid = entry->kid,
                                 .seq = r->seq,
                                 .security = r->security,
                                 .size = r->size,
                                 .created_ms = (int64_t)r->created * 1000 };
    return filter_match_row(filter, &facts, NULL, (int64_t)time(NULL) * 1000);
}

static int ls_filter(struct cmd_context *ctx, const struct cmd_args *args, struct filter **out)
{
    const char *text = cmd_get(args, "filter", NULL);
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];

    *out = text ? filter_compile_rows(text, &release_row_fields, &mistake) : NULL;
    if (!text || *out)
        return 0;
    return err_set(&ctx->err, EXIT_USAGE, "--filter: %s\n        %s\n        %*s^",
                   filter_error_said(&mistake, text, said), text, (int)mistake.at, "");
}

static int cmd_ls(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct filter *filter;
    if (ls_filter(ctx, args, &filter))
        return EXIT_USAGE;
    const char *dir = store_path(ctx, args), *why;
    struct release_store *s = dir ? release_store_open(dir, ossl_crypto(), &ctx->err) : NULL;
    if (!s) {
        filter_free(filter);
        return (int)ctx->err.code;
    }
    json_t *doc = ctx->json ? json_array() : NULL;
    if (!doc)
        fprintf(ctx->out, "%-*s %5s %4s %9s  %-12s  %s\n", LIST_WIDTH, "RELEASE", "SEQ", "SEC",
                "BYTES", "IMAGE", "HW");
    for (size_t i = 0; i < release_store_count(s); i++) {
        const struct release_entry *entry = release_store_at(s, i);
        if ((args->word_count && strcmp(args->word[0], entry->release.product) != 0) ||
            !passes(filter, entry))
            continue;
        if (doc)
            json_array_append_new(doc, release_json(entry, false));
        else
            entry_line(ctx, entry);
    }
    if (release_store_broken(s, &why))
        log_say(ctx->log, LOG_WARN, "%zu manifests can't be read; the first: %s",
                release_store_broken(s, NULL), why);
    release_store_close(s);
    filter_free(filter);
    return doc ? print_json(ctx, doc) : EXIT_DONE;
}

static void show_text(FILE *out, const struct release_entry *entry)
{
    const struct release *r = &entry->release;
    fprintf(out, "%s %s\n", r->product, r->version);
    fprintf(out, "  seq       %" PRIu32 "\n  security  %" PRIu32 "\n  hardware ", r->seq,
            r->security);
    for (uint32_t i = 0; i < r->hw_count; i++)
        fprintf(out, " %s", r->hw[i]);
    fprintf(out, "\n  image     %s, %" PRIu32 " bytes\n  release   %s\n  signed by %s\n",
            entry->image, r->size, entry->digest, entry->kid);
    fprintf(out, "  from      %s\n", r->min_from[0] ? r->min_from : "any version");
    if (r->min_agent)
        fprintf(out, "  agent     %" PRIu32 " or later\n", r->min_agent);
    if (entry->superseded)
        fputs("  note      signed again under a higher seq\n", out);
}

static int cmd_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    if (args->word_count != 1)
        return usage(ctx, "say one release: PRODUCT@VERSION");
    const char *dir = store_path(ctx, args);
    struct release_store *s = dir ? release_store_open(dir, ossl_crypto(), &ctx->err) : NULL;
    if (!s)
        return (int)ctx->err.code;
    int rc = EXIT_DONE;
    const struct release_entry *entry = release_store_find_name(s, args->word[0], &ctx->err);
    if (!entry)
        rc = (int)ctx->err.code;
    else if (ctx->json)
        rc = print_json(ctx, release_json(entry, true));
    else
        show_text(ctx->out, entry);
    release_store_close(s);
    return rc;
}

struct verify_run {
    const struct release_store *s;
    const struct keyring *keys;
    json_t *doc; /* with --json */
    size_t bad;
};

static void verify_one(struct cmd_context *ctx, struct verify_run *v,
                       const struct release_entry *entry)
{
    struct err why = { 0 };
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];
    bool ok = release_store_verify(v->s, entry, v->keys, &why) == 0;
    text_format(name, sizeof(name), "%s@%s", entry->release.product, entry->release.version);
    v->bad += !ok;
    if (v->doc)
        json_array_append_new(v->doc, json_pack("{s:s, s:I, s:s, s:b, s:s}", "release", name, "seq",
                                                (json_int_t)entry->release.seq, "image",
                                                entry->image, "ok", (int)ok, "reason", why.text));
    else
        fprintf(ctx->out, "%-4s %s seq %" PRIu32 "%s%s\n", ok ? "ok" : "BAD", name,
                entry->release.seq, ok ? "" : ": ", why.text);
}

static int verify_all(struct cmd_context *ctx, const struct cmd_args *args, struct verify_run *v)
{
    const char *why;
    if (args->word_count == 0) {
        for (size_t i = 0; i < release_store_count(v->s); i++)
            verify_one(ctx, v, release_store_at(v->s, i));
        if (release_store_broken(v->s, &why)) {
            v->bad += release_store_broken(v->s, NULL);
            log_say(ctx->log, LOG_ERROR, "%zu manifests can't be read; the first: %s",
                    release_store_broken(v->s, NULL), why);
        }
        return 0;
    }
    for (size_t i = 0; i < args->word_count; i++) {
        const struct release_entry *entry = release_store_find_name(v->s, args->word[i], &ctx->err);
        if (!entry)
            return -1;
        verify_one(ctx, v, entry);
    }
    return 0;
}

static int cmd_verify(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct keyset keyset;
    const char *dir = store_path(ctx, args);
    if (!dir || load_keys(ctx, args, &keyset) != 0)
        return (int)ctx->err.code;
    struct release_store *s = release_store_open(dir, ossl_crypto(), &ctx->err);
    if (!s)
        return (int)ctx->err.code;
    struct verify_run v = { .s = s, .keys = &keyset.keys, .doc = ctx->json ? json_array() : NULL };
    int rc = verify_all(ctx, args, &v) == 0 ? EXIT_DONE : (int)ctx->err.code;
    release_store_close(s);
    if (rc != EXIT_DONE) {
        json_decref(v.doc);
        return rc;
    }
    if (v.doc)
        rc = print_json(ctx, v.doc);
    return rc == EXIT_DONE && v.bad ? EXIT_NO : rc;
}

/* --- the table ------------------------------------------------------------------------------ */

/* clang-format off */
#define STORE_OPTION  { "store", 0, "DIR", "the store (default: the profile's)" }
#define KEYSET_OPTION { "keyset", 0, "FILE", "keys to check signatures with (default: the profile's)" }

static const struct option build_options[] = {
    { "elf", 0, "FILE", "the program" },
    { "product", 0, "NAME", "what it is for" },
    { "hw", 0, "NAME", "linux (ESP-IDF builds images for its own chips)" },
    { "version", 0, "X.Y.Z", "SemVer" },
    { "security", 0, "N", "raise it only when older images must never run again (default 0)" },
    { "out", 'o', "FILE", "the image" },
    { 0 },
};
static const struct option sign_options[] = {
    STORE_OPTION,
    { "key", 0, "FILE", "the release key (default: the profile's)" },
    { "seq", 0, "N", "default auto: one above the product's highest in the store" },
    { "hw", 0, "NAME", "which hardware may run it (default: the image's chip); may be repeated" },
    { "security", 0, "N", "default: what the image says" },
    { "min-from", 0, "X.Y.Z", "the oldest version that may jump straight to this one" },
    { "min-agent", 0, "N", "the oldest agent that can install it" },
    { "product", 0, "NAME", "for an image without description" },
    { "version", 0, "X.Y.Z", "for an image without description" },
    { "out", 'o', "FILE", "the signed release (default: the image's name with .jws)" },
    { 0 },
};
static const struct option publish_options[] = {
    STORE_OPTION,
    KEYSET_OPTION,
    { "jws", 0, "FILE", "the signed release (default: the image's name with .jws)" },
    { 0 },
};
static const struct option show_options[] = { STORE_OPTION, { 0 } };
static const struct option ls_options[] = {
    STORE_OPTION, { "filter", 0, "FILTER", "only rows that pass (docs/console.md)" }, { 0 }
};
static const struct option verify_options[] = { STORE_OPTION, KEYSET_OPTION, { 0 } };

const struct command release_commands[] = {
    { "release build", "", "make an image from a program", build_options, cmd_build, COMMAND_NO_PROFILE,
      "The container is that of the ESP32 family. The same program gives the same image, byte for byte; "
      "SOURCE_DATE_EPOCH is put into its description." },
    { "release sign", "IMAGE", "sign a release of an image", sign_options, cmd_sign, COMMAND_MAYBE_PROFILE,
      "Product, version and chip are read from the image. An older program goes out again only when it is "
      "signed again: devices judge by seq." },
    { "release publish", "IMAGE", "put an image and its signed release into the store", publish_options,
      cmd_publish, COMMAND_MAYBE_PROFILE,
      "The same once more changes nothing. A version that is there with another image is refused." },
    { "release ls", "[PRODUCT]", "list the releases in the store", ls_options, cmd_ls, COMMAND_MAYBE_PROFILE,
      NULL },
    { "release show", "PRODUCT@VERSION", "what one release says", show_options, cmd_show, COMMAND_MAYBE_PROFILE,
      NULL },
    { "release verify", "[PRODUCT@VERSION]…", "check digests, signatures and images", verify_options, cmd_verify,
      COMMAND_MAYBE_PROFILE, "Exit code 1 when anything is wrong." },
    { 0 },
};
/* clang-format on */
