#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/keys.h"
#include "ossl/crypto.h"
#include "signing.h"
#include "tree.h"

/* The folder of keysets and keys: what is written, and what an interruption leaves to be done. */

struct fixture {
    char dir[64], keyset[128], rollout[128], root[128];
    struct keys_folder f;
    struct err e;
};

static const struct keys_signing plain;

static int make(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));
    *state = x;
    snprintf(x->dir, sizeof(x->dir), "/tmp/muster-keys-XXXXXX");
    if (!mkdtemp(x->dir) || signing_make(x->dir, "home", &x->e) != 0)
        return -1;
    snprintf(x->keyset, sizeof(x->keyset), "%s/keyset.json", x->dir);
    snprintf(x->rollout, sizeof(x->rollout), "%s/rollout.key", x->dir);
    snprintf(x->root, sizeof(x->root), "%s/root.key", x->dir);
    return keys_open(&x->f, x->keyset, &x->e);
}

static int drop(void **state)
{
    struct fixture *x = *state;
    tree_remove(x->dir);
    free(x);
    return 0;
}

static const char *in(const struct fixture *x, const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", x->dir, name);
    return path;
}

static void kid_of(const char *path, char kid[PROTO_KID_MAX])
{
    struct crypto_signer s;
    assert_int_equal(ossl_signer_load(path, &s), OSSL_OK);
    memcpy(kid, s.kid, PROTO_KID_MAX);
    ossl_signer_free(&s);
}

static void rotate(struct fixture *x, enum key_role role, const char *path, bool revoke)
{
    char kid[PROTO_KID_MAX];
    int rc = keys_rotate(&x->f, role, path, revoke, &plain, kid, &x->e);
    if (rc != 0)
        print_message("%s\n", x->e.text);
    assert_int_equal(rc, 0);
}

static void copy(const char *from, const char *to)
{
    char *text;
    size_t len;
    assert_int_equal(files_read(from, 1 << 20, &text, &len, NULL), 0);
    assert_int_equal(files_write(NULL, to, text, len, 0600, FILES_REPLACE, NULL), 0);
    free(text);
}

static void a_rotated_key_takes_the_old_ones_place(void **state)
{
    struct fixture *x = *state;
    char before[PROTO_KID_MAX], after[PROTO_KID_MAX], kid[PROTO_KID_MAX], old[64];
    struct keys_folder again;
    struct stat st;

    kid_of(x->rollout, before);
    assert_int_equal(keys_rotate(&x->f, KEY_ROLLOUT, x->rollout, false, &plain, kid, &x->e), 0);

    kid_of(x->rollout, after);
    assert_string_equal(after, kid);
    assert_string_not_equal(after, before);
    snprintf(old, sizeof(old), "old/rollout-%s.key", before);
    kid_of(in(x, old), kid);
    assert_string_equal(kid, before);
    assert_int_equal(x->f.now.version, 2);
    assert_int_equal(keys_count(&x->f.now, KEY_ROLLOUT), 2);
    assert_int_equal(keys_open(&again, x->keyset, &x->e), 0);
    assert_memory_equal(&again.now, &x->f.now, sizeof(again.now));
    assert_true(files_exists(in(x, "chain/1.json")) && files_exists(in(x, "chain/2.json")));
    assert_false(files_exists(in(x, "rollout.key.new")));
    assert_int_equal(stat(x->rollout, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void each_version_follows_the_one_before(void **state)
{
    struct fixture *x = *state;
    char text[PROTO_KEYSET_BYTES + 1];
    struct keyset now, next;

    rotate(x, KEY_ROLLOUT, x->rollout, true);
    rotate(x, KEY_ROOT, x->root, false);
    rotate(x, KEY_ROOT, x->root, true);
    rotate(x, KEY_RELEASE, in(x, "release.key"), true);
    assert_int_equal(x->f.now.version, 5);
    assert_int_equal(keys_version(&x->f, 1, text, &now, &x->e), 0);
    for (uint32_t v = 2; v <= 5; v++) {
        assert_int_equal(keys_version(&x->f, v, text, NULL, &x->e), 0);
        assert_int_equal(keyset_follows(text, strlen(text), ossl_crypto(), &now, &next),
                         REASON_NONE);
        now = next;
    }
}

/* Killed after the keyset went to chain/, before keyset.json. */
static void an_interrupted_keyset_is_carried_on(void **state)
{
    struct fixture *x = *state;
    char one[256];

    snprintf(one, sizeof(one), "%s", in(x, "one.json"));
    copy(x->keyset, one);
    rotate(x, KEY_RELEASE, in(x, "release.key"), false);
    copy(one, x->keyset);

    assert_int_equal(keys_open(&x->f, x->keyset, &x->e), 0);
    assert_int_equal(x->f.now.version, 2);
}

/* Who only looks writes nothing: the console does, as often as it likes. */
static void looking_sees_the_newest_and_leaves_the_disk_alone(void **state)
{
    struct fixture *x = *state;
    struct keys_folder seen;
    char one[256], *before, *after;

    snprintf(one, sizeof(one), "%s", in(x, "one.json"));
    copy(x->keyset, one);
    rotate(x, KEY_RELEASE, in(x, "release.key"), false);
    copy(one, x->keyset);
    assert_int_equal(files_read(x->keyset, 1 << 20, &before, NULL, NULL), 0);

    assert_int_equal(keys_look(&seen, x->keyset, &x->e), 0);

    assert_int_equal(seen.now.version, 2);
    assert_int_equal(files_read(x->keyset, 1 << 20, &after, NULL, NULL), 0);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static uint32_t since(const struct fixture *x, const struct key_age age[KEYRING_MAX],
                      const char *key)
{
    char kid[PROTO_KID_MAX];

    kid_of(key, kid);
    for (uint32_t i = 0; i < x->f.now.keys.count; i++)
        if (strcmp(x->f.now.keys.key[i].kid, kid) == 0)
            return age[i].version;
    fail_msg("%s is not in the keyset", key);
    return 0;
}

static void a_key_is_as_old_as_the_keyset_that_named_it_first(void **state)
{
    struct fixture *x = *state;
    struct key_age age[KEYRING_MAX];

    keys_ages(&x->f, age);
    assert_int_equal(since(x, age, x->rollout), 1);
    rotate(x, KEY_ROLLOUT, x->rollout, false);
    rotate(x, KEY_RELEASE, in(x, "release.key"), true);

    keys_ages(&x->f, age);

    assert_int_equal(since(x, age, x->root), 1);
    assert_int_equal(since(x, age, x->rollout), 2);
    assert_int_equal(since(x, age, in(x, "release.key")), 3);
    for (uint32_t i = 0; i < x->f.now.keys.count; i++)
        assert_true(age[i].made_s > 0);
}

static void without_the_chain_no_age_is_claimed(void **state)
{
    struct fixture *x = *state;
    struct key_age age[KEYRING_MAX];

    rotate(x, KEY_ROLLOUT, x->rollout, false);
    assert_int_equal(unlink(in(x, "chain/1.json")), 0);

    keys_ages(&x->f, age);

    for (uint32_t i = 0; i < x->f.now.keys.count; i++)
        assert_int_equal(age[i].version, 0);
}

/* Killed after the key was made, before a keyset named it: that key is used. */
static void a_key_that_no_keyset_names_yet_is_used(void **state)
{
    struct fixture *x = *state;
    char made[PROTO_KID_MAX], kid[PROTO_KID_MAX];

    assert_int_equal(ossl_key_generate(in(x, "rollout.key.new"), NULL), OSSL_OK);
    kid_of(in(x, "rollout.key.new"), made);
    rotate(x, KEY_ROLLOUT, x->rollout, false);
    kid_of(x->rollout, kid);
    assert_string_equal(kid, made);
}

/* Killed after the keyset, before the key changed places (and, the second time, half-way in it). */
static void a_key_on_its_way_in_arrives(void **state)
{
    struct fixture *x = *state;
    char first[PROTO_KID_MAX], second[PROTO_KID_MAX], path[256], old[64], fresh[256];

    kid_of(x->rollout, first);
    rotate(x, KEY_ROLLOUT, x->rollout, false);
    kid_of(x->rollout, second);
    snprintf(fresh, sizeof(fresh), "%s", in(x, "rollout.key.new"));
    snprintf(old, sizeof(old), "old/rollout-%s.key", first);
    snprintf(path, sizeof(path), "%s", in(x, old));
    assert_int_equal(rename(x->rollout, fresh), 0);
    rotate(x, KEY_ROLLOUT, x->rollout, false); /* nothing at rollout.key */
    snprintf(old, sizeof(old), "old/rollout-%s.key", second);
    assert_true(files_exists(in(x, old)));
    assert_true(files_exists(path));
    assert_int_equal(keys_count(&x->f.now, KEY_ROLLOUT), 3);
}

static void a_foreign_file_in_the_chain_is_not_taken(void **state)
{
    struct fixture *x = *state;

    assert_int_equal(mkdir(in(x, "chain"), 0755), 0);
    copy(x->keyset, in(x, "chain/2.json"));
    assert_int_equal(keys_open(&x->f, x->keyset, &x->e), -1);
    assert_non_null(strstr(x->e.text, "does not follow"));
}

static void a_threshold_wants_as_many_root_keys(void **state)
{
    struct fixture *x = *state;
    const struct keys_signing two = { .threshold = 2 };
    char kid[PROTO_KID_MAX], away[256];

    assert_int_equal(keys_rotate(&x->f, KEY_RELEASE, in(x, "release.key"), false, &two, kid, &x->e),
                     -1);
    assert_int_equal(x->e.code, EXIT_REFUSED);
    assert_int_equal(keys_rotate(&x->f, KEY_ROOT, x->root, false, &two, kid, &x->e), 0);
    assert_int_equal(x->f.now.root_threshold, 2);

    snprintf(away, sizeof(away), "%s", in(x, "away.key"));
    assert_int_equal(rename(x->root, away), 0);
    assert_int_equal(
        keys_rotate(&x->f, KEY_RELEASE, in(x, "release.key"), false, &plain, kid, &x->e), -1);
    assert_non_null(strstr(x->e.text, "not enough root keys"));
    assert_int_equal(x->f.now.version, 2);
    const char *roots[] = { away };
    const struct keys_signing with = { .root = roots, .root_count = 1 };
    assert_int_equal(
        keys_rotate(&x->f, KEY_RELEASE, in(x, "release.key"), false, &with, kid, &x->e), 0);
    assert_int_equal(x->f.now.version, 3);
}

static void the_last_key_of_a_role_stays(void **state)
{
    struct fixture *x = *state;
    char kid[PROTO_KID_MAX];

    kid_of(x->rollout, kid);
    assert_int_equal(keys_remove(&x->f, kid, true, &plain, &x->e), -1);
    assert_int_equal(x->e.code, EXIT_REFUSED);
    rotate(x, KEY_ROLLOUT, x->rollout, false);
    assert_int_equal(keys_remove(&x->f, kid, true, &plain, &x->e), 0);
    assert_int_equal(keys_remove(&x->f, kid, true, &plain, &x->e), -1);
    assert_int_equal(keys_count(&x->f.now, KEY_ROLLOUT), 1);
}

static void a_key_may_be_revoked_as_often_as_one_likes(void **state)
{
    struct fixture *x = *state;

    for (int i = 0; i < 20; i++)
        rotate(x, KEY_ROLLOUT, x->rollout, true);
    assert_int_equal(x->f.now.version, 21);
    assert_int_equal(x->f.now.keys.count, KEYRING_MAX);
    assert_true(x->f.len < PROTO_KEYSET_BYTES);
}

static void a_device_that_is_behind_gets_orders_by_a_key_it_knows(void **state)
{
    struct fixture *x = *state;
    struct keyset one = x->f.now, two, three;
    char text[PROTO_KEYSET_BYTES + 1];
    struct crypto_signer by;

    rotate(x, KEY_ROLLOUT, x->rollout, true);
    rotate(x, KEY_ROLLOUT, x->rollout, true);
    assert_int_equal(keys_version(&x->f, 2, text, &two, &x->e), 0);
    three = x->f.now;
    assert_int_equal(keys_signer_for(x->rollout, &one, &two, &by, &x->e), 0);
    assert_string_not_equal(by.kid, three.keys.key[2].kid);
    ossl_signer_free(&by);
    assert_int_equal(keys_signer_for(x->rollout, &two, &three, &by, &x->e), 0);
    ossl_signer_free(&by);
    tree_remove(in(x, "old"));
    assert_int_equal(keys_signer_for(x->rollout, &one, &two, &by, &x->e), -1);
    assert_int_equal(x->e.code, EXIT_REFUSED);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_rotated_key_takes_the_old_ones_place),
        T(each_version_follows_the_one_before),
        T(an_interrupted_keyset_is_carried_on),
        T(looking_sees_the_newest_and_leaves_the_disk_alone),
        T(a_key_is_as_old_as_the_keyset_that_named_it_first),
        T(without_the_chain_no_age_is_claimed),
        T(a_key_that_no_keyset_names_yet_is_used),
        T(a_key_on_its_way_in_arrives),
        T(a_foreign_file_in_the_chain_is_not_taken),
        T(a_threshold_wants_as_many_root_keys),
        T(the_last_key_of_a_role_stays),
        T(a_key_may_be_revoked_as_often_as_one_likes),
        T(a_device_that_is_behind_gets_orders_by_a_key_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
