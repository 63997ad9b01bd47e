#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "screens/trust.h"

#include "commands.h"
#include "keys_fleet.h"
#include "output.h"
#include "session.h"

/* The keys that a fleet trusts: what the keyset says, and changing it. Sending it: cmd_keys_push.c.
 */

enum { EPOCH_2020 = 1577836800, ROOTS_MAX = KEYSET_SIGNATURES };

static int open_folder(struct cmd_context *ctx, const struct cmd_args *args, struct keys_folder *f)
{
    return keys_open(f, cmd_get(args, "keyset", ctx->profile->trust.keyset), &ctx->err);
}

/* ---- show -------------------------------------------------------------------------------------
 */

static json_t *key_json(const struct trusted_key *key)
{
    char words[48];
    trust_roles_text(key, words, sizeof(words));
    return json_pack("{s:s, s:s, s:b}", "kid", key->kid, "role", words, "revoked",
                     (int)key->revoked);
}

static int print_keyset(struct cmd_context *ctx, const struct keys_folder *f)
{
    const struct keyset *k = &f->now;
    json_t *list = json_array();
    char words[48];

    for (uint32_t i = 0; i < k->keys.count; i++)
        json_array_append_new(list, key_json(&k->keys.key[i]));
    if (ctx->json) {
        output_json(ctx,
                    json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "fleet", k->fleet, "version",
                              (json_int_t)k->version, "threshold", (json_int_t)k->root_threshold,
                              "seq_floor", (json_int_t)k->seq_floor, "bytes", (json_int_t)f->len,
                              "keys", list));
        return EXIT_DONE;
    }
    json_decref(list);
    fprintf(ctx->out, "fleet %s, keyset %u, %u of %u root keys sign the next, seq_floor %u\n",
            k->fleet, k->version, k->root_threshold, keys_count(k, KEY_ROOT), k->seq_floor);
    for (uint32_t i = 0; i < k->keys.count; i++) {
        trust_roles_text(&k->keys.key[i], words, sizeof(words));
        fprintf(ctx->out, "  %s  %s\n", k->keys.key[i].kid,
                k->keys.key[i].revoked ? "revoked" : words);
    }
    return EXIT_DONE;
}

static int run_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct keys_folder f;
    return open_folder(ctx, args, &f) != 0 ? (int)ctx->err.code : print_keyset(ctx, &f);
}

/* ---- changing it ------------------------------------------------------------------------------
 */

static int confirm(struct cmd_context *ctx, const struct cmd_args *args, const char *what)
{
    char answer[16];

    if (ctx->profile->ui.read_only)
        return err_set(&ctx->err, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_has(args, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&ctx->err, EXIT_REFUSED, "%s: say --yes to do it without being asked", what);
    fprintf(stderr, "%s? Type yes: ", what);
    if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "yes\n") != 0)
        return err_set(&ctx->err, EXIT_NO, "nothing was done");
    return 0;
}

/* Options that rotate, retire and revoke share. `root` holds ROOTS_MAX. */
static int take_signing(struct cmd_context *ctx, const struct cmd_args *args, const char **root,
                        struct keys_signing *by)
{
    memset(by, 0, sizeof(*by));
    by->root = root;
    while (by->root_count < ROOTS_MAX &&
           (root[by->root_count] = cmd_nth(args, "root", by->root_count)))
        by->root_count++;
    return cmd_u32(args, "threshold", 1, KEYSET_SIGNATURES, 0, &by->threshold, &ctx->err);
}

/* Numbers are seconds since 2020 (session.c), so this one is above all that were given out. */
static uint32_t floor_of_now(void)
{
    return (uint32_t)(session_now() / 1000 - EPOCH_2020);
}

static int say_next(struct cmd_context *ctx, const struct keys_folder *f, const char *kid,
                    const char *what)
{
    if (ctx->json) {
        output_json(ctx, json_pack("{s:I, s:s, s:s}", "version", (json_int_t)f->now.version, "kid",
                                   kid, "did", what));
        return EXIT_DONE;
    }
    if (!ctx->quiet)
        fprintf(ctx->out, "keyset %u: key %s %s. Devices learn of it by 'muster keys push'\n",
                f->now.version, kid, what);
    return EXIT_DONE;
}

static const char *path_of(struct cmd_context *ctx, const struct keys_folder *f, enum key_role role,
                           const struct cmd_args *args, char root[FILES_PATH_MAX])
{
    const char *given = cmd_get(args, "key", NULL);
    const char *path =
        role == KEY_RELEASE ? ctx->profile->trust.release_key : ctx->profile->trust.rollout_key;
    if (given)
        return given;
    if (role == KEY_ROOT)
        return files_join(root, f->dir, "root.key", &ctx->err) == 0 ? root : NULL;
    if (path[0])
        return path;
    err_set(&ctx->err, EXIT_USAGE, "[trust] %s_key is missing in the profile: --key FILE",
            keys_role_word(role));
    return NULL;
}

static int run_rotate(struct cmd_context *ctx, const struct cmd_args *args)
{
    char root_path[FILES_PATH_MAX], kid[PROTO_KID_MAX], what[64];
    const char *root[ROOTS_MAX];
    struct keys_signing by;
    struct keys_folder f;
    enum key_role role;
    bool revoke = cmd_has(args, "revoke");

    if (args->word_count != 1 || keys_role_from_word(args->word[0], &role) != 0)
        return cmd_fail(ctx, EXIT_USAGE, "keys rotate wants release, rollout or root");
    if (take_signing(ctx, args, root, &by) != 0 || open_folder(ctx, args, &f) != 0)
        return (int)ctx->err.code;
    const char *path = path_of(ctx, &f, role, args, root_path);
    text_format(what, sizeof(what), "make a new %s key%s", keys_role_word(role),
                revoke ? " and revoke the others" : "");
    if (!path || confirm(ctx, args, what) != 0)
        return (int)ctx->err.code;
    by.seq_floor = revoke && role != KEY_ROOT ? floor_of_now() : 0;
    if (keys_rotate(&f, role, path, revoke, &by, kid, &ctx->err) != 0)
        return (int)ctx->err.code;
    return say_next(ctx, &f, kid, revoke ? "made, the others revoked" : "made");
}

static int remove_key(struct cmd_context *ctx, const struct cmd_args *args, struct keys_folder *f,
                      bool revoke)
{
    const char *root[ROOTS_MAX];
    struct keys_signing by;
    char kid[PROTO_KID_MAX];
    const struct trusted_key *key = keys_find(&f->now, args->word[0], &ctx->err);

    if (!key || take_signing(ctx, args, root, &by) != 0)
        return (int)ctx->err.code;
    memcpy(kid, key->kid, sizeof(kid));
    by.seq_floor = revoke ? floor_of_now() : 0;
    if (keys_remove(f, kid, revoke, &by, &ctx->err) != 0)
        return (int)ctx->err.code;
    return say_next(ctx, f, kid, revoke ? "revoked" : "retired");
}

static int run_revoke(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct keys_folder f;

    if (args->word_count != 1)
        return cmd_fail(ctx, EXIT_USAGE, "keys revoke wants a kid (muster keys show)");
    if (open_folder(ctx, args, &f) != 0 || confirm(ctx, args, "revoke the key") != 0)
        return (int)ctx->err.code;
    return remove_key(ctx, args, &f, true);
}

/* A device that lacks the new set would refuse what the new key signs, and the old one is gone. */
static int fleet_is_ready(struct cmd_context *ctx, const struct keys_folder *f)
{
    struct adoption a;

    if (adoption_of(ctx, f->now.version, &a) != 0)
        return err_prefix(&ctx->err,
                          "cannot tell how many devices have keyset %u (--force skips it)",
                          f->now.version);
    if (adoption_is_enough(&a))
        return 0;
    return err_set(&ctx->err, EXIT_REFUSED,
                   "%u of %u devices have keyset %u (%u did not say): 99 of 100 are wanted. "
                   "'muster keys push' sends it, --force retires the key all the same",
                   a.have, a.devices, f->now.version, a.unknown);
}

static int run_retire(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct keys_folder f;

    if (args->word_count != 1)
        return cmd_fail(ctx, EXIT_USAGE, "keys retire wants a kid (muster keys show)");
    if (open_folder(ctx, args, &f) != 0 || confirm(ctx, args, "retire the key") != 0)
        return (int)ctx->err.code;
    if (!cmd_has(args, "force") && fleet_is_ready(ctx, &f) != 0)
        return (int)ctx->err.code;
    return remove_key(ctx, args, &f, false);
}

/* ---- the table --------------------------------------------------------------------------------
 */

#define KEYSET_OPTION                                                                              \
    {                                                                                              \
        "keyset", 0, "FILE", "the newest keyset (default: the profile's)"                          \
    }
#define CHANGE_OPTIONS                                                                             \
    KEYSET_OPTION,                                                                                 \
        { "root", 0, "FILE",                                                                       \
          "a root key that signs, file or pkcs11: URI; again for more. Those beside the keyset "   \
          "(root.key, old/root-*) are found" },                                                    \
        { "threshold", 0, "N", "from this keyset on, N root keys must sign" },                     \
    {                                                                                              \
        "yes", 'y', NULL, "do it without asking"                                                   \
    }

static const struct option show_options[] = { KEYSET_OPTION, { 0 } };
static const struct option rotate_options[] = {
    CHANGE_OPTIONS,
    { "key", 0, "FILE",
      "where the new key is made, or the pkcs11: URI of one that is there "
      "(default: the profile's)" },
    { "revoke", 0, NULL, "the others of that role are stolen or lost: revoke them at once" },
    { 0 },
};
static const struct option revoke_options[] = { CHANGE_OPTIONS, { 0 } };
static const struct option retire_options[] = {
    CHANGE_OPTIONS,
    { "force", 'f', NULL, "also when less than 99 of 100 devices have the present keyset" },
    { 0 },
};
static const struct option push_options[] = {
    KEYSET_OPTION,
    { "wait", 0, "TIME", "how long to wait for answers (default 30s)" },
    { 0 },
};
static const struct option status_options[] = {
    KEYSET_OPTION,
    { "version", 0, "N", "count those that have N or later (default: the newest)" },
    { 0 },
};

const struct command keys_commands[] = {
    { "keys show", "", "list the keys that devices are to trust, and for what", show_options,
      run_show, COMMAND_PROFILE, NULL },
    { "keys rotate", "release|rollout|root", "make a new key, trusted beside those there are",
      rotate_options, run_rotate, COMMAND_PROFILE,
      "Writes the next keyset, signed by the root keys of this one and of the next. The new key "
      "takes the old one's place in its file; the old one goes to old/, since devices that are "
      "behind may know no other. Then: muster keys push, muster keys status, muster keys retire." },
    { "keys retire", "KID", "trust a key no more that is not used any more", retire_options,
      run_retire, COMMAND_PROFILE,
      "Refused while less than 99 of 100 devices have the present keyset." },
    { "keys revoke", "KID", "trust a key no more that was stolen", revoke_options, run_revoke,
      COMMAND_PROFILE,
      "At once, whatever devices have. Also lifts seq_floor, so that no order from before "
      "counts." },
    { "keys push", "[FILTER]", "send devices that are behind the keysets they lack", push_options,
      cmd_keys_push, COMMAND_PROFILE,
      "One version after the other, each after the device has taken the one before. For a device "
      "that is offline the broker keeps the next one for an hour: run it again later." },
    { "keys status", "[FILTER]", "who acts here, which keys count, and how many devices have them",
      status_options, cmd_keys_status, COMMAND_PROFILE,
      "What the keys screen shows: who acts here, with which certificate and for how long, the "
      "keys "
      "of the newest keyset, how many devices have it, which are behind, orders under way, and "
      "what to do. Exit code 1 while less than 99 of 100 have it." },
    { 0 },
};
