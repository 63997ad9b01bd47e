#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "esp/image.h"
#include "fixture.h"
#include "ossl/crypto.h"

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    return f ? fixture_open(f) : -1;
}

static int close_fixture(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static struct release_store *open_store(const struct fixture *f)
{
    struct err e = { 0 };
    struct release_store *s = release_store_open(f->store, f->c, &e);
    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static void publish(const struct fixture *f, const char *version, uint32_t seq, char salt)
{
    struct made m;
    struct err e = { 0 };
    fixture_make(f, version, seq, salt, &m);
    if (fixture_publish(f, &m, NULL, NULL, &e) != 0)
        fail_msg("%s", e.text);
    made_free(&m);
}

static void a_store_that_is_not_there_is_empty(void **state)
{
    struct release_store *s = open_store(*state);
    struct err e;
    assert_int_equal(release_store_count(s), 0);
    assert_int_equal(release_store_highest_seq(s, "weather"), 0);
    assert_null(release_store_find_name(s, "weather@1.0.0", &e));
    release_store_close(s);
}

static void a_published_release_is_found_by_all_its_names(void **state)
{
    const struct fixture *f = *state;
    struct err e = { 0 };
    publish(f, "1.3.0", 1, 'a');
    publish(f, "1.4.0", 2, 'b');

    struct release_store *s = open_store(f);
    const struct release_entry *newest = release_store_find(s, "weather", NULL);
    const struct release_entry *old = release_store_find_name(s, "weather@1.3.0", &e);

    assert_int_equal(release_store_count(s), 2);
    assert_string_equal(newest->release.version, "1.4.0");
    assert_string_equal(newest->ref, "weather:1.4.0");
    assert_string_equal(newest->release.hw[0], "linux");
    assert_ptr_equal(release_store_find_name(s, "weather:1.3.0", &e), old);
    assert_ptr_equal(release_store_find_digest(s, old->digest), old);
    assert_ptr_equal(release_store_find_image(s, old->image), old);
    assert_int_equal(release_store_highest_seq(s, "weather"), 2);
    assert_int_equal(release_store_highest_seq(s, "other"), 0);
    assert_int_equal(release_store_verify(s, newest, &f->keys, &e), 0);
    assert_int_equal(release_store_verify(s, old, &f->keys, &e), 0);
    release_store_close(s);
}

static void the_same_once_more_changes_nothing(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct err e;
    bool changed;
    fixture_make(f, "1.4.0", 1, 'a', &m);

    assert_int_equal(fixture_publish(f, &m, NULL, &changed, &e), 0);
    assert_true(changed);
    assert_int_equal(fixture_publish(f, &m, NULL, &changed, &e), 0);
    assert_false(changed);

    struct release_store *s = open_store(f);
    assert_int_equal(release_store_count(s), 1);
    release_store_close(s);
    made_free(&m);
}

static void a_version_never_changes_its_image(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct err e;
    publish(f, "1.4.0", 1, 'a');
    fixture_make(f, "1.4.0", 2, 'b', &m);

    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);

    assert_int_equal(e.code, EXIT_REFUSED);
    made_free(&m);
}

static void a_seq_that_is_not_above_the_others_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct err e;
    publish(f, "1.4.0", 5, 'a');
    for (uint32_t seq = 4; seq <= 5; seq++) {
        struct made m;
        fixture_make(f, "1.5.0", seq, 'b', &m);
        assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);
        assert_int_equal(e.code, EXIT_REFUSED);
        made_free(&m);
    }
}

static void an_old_image_signed_again_takes_the_place_of_the_old_release(void **state)
{
    const struct fixture *f = *state;
    publish(f, "1.3.0", 1, 'a');
    publish(f, "1.4.0", 2, 'b');
    publish(f, "1.3.0", 3, 'a');

    struct release_store *s = open_store(f);
    const struct release_entry *entry = release_store_find(s, "weather", "1.3.0");
    assert_int_equal(release_store_count(s), 3);
    assert_int_equal(entry->release.seq, 3);
    assert_false(entry->superseded);
    assert_true(release_store_at(s, 2)->superseded);
    assert_int_equal(release_store_at(s, 2)->release.seq, 1);
    release_store_close(s);
}

static void what_is_not_signed_by_a_release_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct made m;
    struct err e;
    fixture_make(f, "1.4.0", 1, 'a', &m);

    f->keys.key[0].roles = KEY_ROLLOUT;
    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);
    assert_int_equal(e.code, EXIT_REFUSED);
    f->keys.key[0].roles = KEY_RELEASE;
    f->keys.key[0].revoked = true;
    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);
    f->keys.key[0].revoked = false;
    m.jws[m.jws_len - 1] = m.jws[m.jws_len - 1] == 'A' ? 'Q' : 'A';
    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);

    assert_false(files_exists(f->store));
    made_free(&m);
}

static void an_image_other_than_the_signed_one_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct made m, other;
    struct err e;
    fixture_make(f, "1.4.0", 1, 'a', &m);
    fixture_make(f, "1.4.0", 1, 'b', &other);
    const struct release_publish mixed = { other.image, other.image_len, m.jws, m.jws_len };
    bool changed;

    assert_int_equal(release_store_publish(f->store, &mixed, f->c, &f->keys, NULL, &changed, &e),
                     -1);

    made_free(&m);
    made_free(&other);
}

static void an_image_that_says_another_version_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct release wish = { .seq = 1, .version = "9.9.9" };
    struct err e = { 0 };
    char jws[PROTO_RELEASE_BYTES];
    fixture_make(f, "1.4.0", 1, 'a', &m);

    assert_int_equal(
        release_sign(m.image, m.image_len, &wish, f->c, &f->signer, jws, sizeof(jws), &e), -1);

    assert_non_null(strstr(e.text, "1.4.0"));
    made_free(&m);
}

static void a_damaged_blob_is_found_and_written_again(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct err e = { 0 };
    char path[FILES_PATH_MAX];
    publish(f, "1.4.0", 1, 'a');
    struct release_store *s = open_store(f);
    const struct release_entry *entry = release_store_at(s, 0);
    assert_int_equal(release_store_blob(s, entry->image, path, &e), 0);
    assert_int_equal(files_write(NULL, path, "broken", 6, FILES_PUBLIC, FILES_REPLACE, &e), 0);

    assert_int_equal(release_store_verify(s, entry, &f->keys, &e), -1);

    assert_non_null(strstr(e.text, "damaged"));
    fixture_make(f, "1.4.0", 2, 'a', &m);
    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), 0);
    assert_int_equal(release_store_verify(s, entry, &f->keys, &e), 0);
    made_free(&m);
    release_store_close(s);
}

static void what_others_put_into_the_index_stays(void **state)
{
    const struct fixture *f = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX], *text;
    static const char foreign[] =
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+"
        "json\",\"digest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
        "5\",\"size\":0},{\"odd\":true}]}";
    assert_int_equal(files_mkdirs(NULL, f->store, 0755, &e), 0);
    assert_int_equal(files_join(path, f->store, "index.json", &e), 0);
    assert_int_equal(
        files_write(NULL, path, foreign, strlen(foreign), FILES_PUBLIC, FILES_REPLACE, &e), 0);

    publish(f, "1.4.0", 1, 'a');

    struct release_store *s = open_store(f);
    assert_int_equal(release_store_count(s), 1);
    assert_int_equal(release_store_broken(s, NULL), 0);
    release_store_close(s);
    assert_int_equal(files_read(path, 1 << 20, &text, NULL, &e), 0);
    assert_non_null(strstr(text, "\"odd\": true"));
    free(text);
}

static void a_broken_index_is_an_error_and_is_not_overwritten(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct err e = { 0 };
    char path[FILES_PATH_MAX], *text;
    publish(f, "1.4.0", 1, 'a');
    assert_int_equal(files_join(path, f->store, "index.json", &e), 0);
    assert_int_equal(files_write(NULL, path, "{", 1, FILES_PUBLIC, FILES_REPLACE, &e), 0);
    fixture_make(f, "1.5.0", 2, 'b', &m);

    assert_null(release_store_open(f->store, f->c, &e));
    assert_int_equal(fixture_publish(f, &m, NULL, NULL, &e), -1);

    assert_int_equal(files_read(path, 1 << 20, &text, NULL, &e), 0);
    assert_string_equal(text, "{");
    free(text);
    made_free(&m);
}

static void refresh_sees_a_new_release_and_keeps_what_it_has_on_error(void **state)
{
    const struct fixture *f = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX];
    struct release_store *s = open_store(f);
    assert_int_equal(release_store_refresh(s, &e), 0);
    publish(f, "1.4.0", 1, 'a');
    assert_int_equal(release_store_refresh(s, &e), 1);
    assert_int_equal(release_store_count(s), 1);
    assert_int_equal(release_store_refresh(s, &e), 0);

    assert_int_equal(files_join(path, f->store, "index.json", &e), 0);
    assert_int_equal(files_write(NULL, path, "{", 1, FILES_PUBLIC, FILES_REPLACE, &e), 0);

    assert_int_equal(release_store_refresh(s, &e), -1);
    assert_int_equal(release_store_count(s), 1);
    release_store_close(s);
}

static void a_digest_in_the_index_can_not_leave_the_folder(void **state)
{
    const struct fixture *f = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX];
    static const char index[] =
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest."
        "v1+json\",\"digest\":\"sha256:../../../../../../../../etc/passwd\",\"size\":1}]}";
    assert_int_equal(files_mkdirs(NULL, f->store, 0755, &e), 0);
    assert_int_equal(files_join(path, f->store, "index.json", &e), 0);
    assert_int_equal(files_write(NULL, path, index, strlen(index), FILES_PUBLIC, FILES_REPLACE, &e),
                     0);

    struct release_store *s = open_store(f);
    assert_int_equal(release_store_count(s), 0);
    assert_int_equal(release_store_broken(s, NULL), 0);
    release_store_close(s);
}

static void the_same_program_gives_the_same_image(void **state)
{
    const struct fixture *f = *state;
    struct made a, b;
    fixture_make(f, "1.4.0", 1, 'a', &a);
    fixture_make(f, "1.4.0", 2, 'a', &b);
    assert_int_equal(a.image_len, b.image_len);
    assert_memory_equal(a.image, b.image, a.image_len);
    made_free(&a);
    made_free(&b);
}

static void what_is_no_elf_or_has_a_bad_name_is_not_built(void **state)
{
    const struct fixture *f = *state;
    const struct image_build bad[] = {
        { .product = "weather", .version = "1.4.0", .elf = "MZ..", .elf_len = 4 },
        { .product = "wea ther", .version = "1.4.0", .elf = "\177ELF", .elf_len = 4 },
        { .product = "weather", .version = "1.4", .elf = "\177ELF", .elf_len = 4 },
        { .product = "weather", .version = "v1.4.0", .elf = "\177ELF", .elf_len = 4 },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct image_build build = bad[i];
        struct err e;
        char *image;
        size_t len;
        build.date = build.time = "";
        assert_int_equal(image_build_linux(&build, f->c, &image, &len, &e), -1);
    }
}

static void an_image_for_another_chip_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct made m;
    struct release wish = { .seq = 1, .hw = { "esp32" }, .hw_count = 1 };
    struct err e = { 0 };
    char jws[PROTO_RELEASE_BYTES];
    fixture_make(f, "1.4.0", 1, 'a', &m);
    assert_int_equal(
        release_sign(m.image, m.image_len, &wish, f->c, &f->signer, jws, sizeof(jws), &e), -1);
    wish = (struct release){ .seq = 1, .hw = { "linux-board2" }, .hw_count = 1 };
    assert_true(release_sign(m.image, m.image_len, &wish, f->c, &f->signer, jws, sizeof(jws), &e) >
                0);
    made_free(&m);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        T(a_store_that_is_not_there_is_empty),
        T(a_published_release_is_found_by_all_its_names),
        T(the_same_once_more_changes_nothing),
        T(a_version_never_changes_its_image),
        T(a_seq_that_is_not_above_the_others_is_refused),
        T(an_old_image_signed_again_takes_the_place_of_the_old_release),
        T(what_is_not_signed_by_a_release_key_is_refused),
        T(an_image_other_than_the_signed_one_is_refused),
        T(an_image_that_says_another_version_is_refused),
        T(a_damaged_blob_is_found_and_written_again),
        T(what_others_put_into_the_index_stays),
        T(a_broken_index_is_an_error_and_is_not_overwritten),
        T(refresh_sees_a_new_release_and_keeps_what_it_has_on_error),
        T(a_digest_in_the_index_can_not_leave_the_folder),
        T(the_same_program_gives_the_same_image),
        T(what_is_no_elf_or_has_a_bad_name_is_not_built),
        T(an_image_for_another_chip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
