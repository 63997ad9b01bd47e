#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "port/nvs.h"
#include "torn_flash.h"

#define SIZE (4 * ESP_SECTOR)

static struct torn_flash flash;
static struct nvs nvs;

static int setup(void **state)
{
    (void)state;
    torn_init(&flash, 1);
    return nvs_mount(&nvs, &flash.flash, 0, SIZE);
}

static void remount(void)
{
    torn_power_on(&flash, 0);
    assert_int_equal(nvs_mount(&nvs, &flash.flash, 0, SIZE), NVS_OK);
}

static void what_is_set_is_there_after_a_restart(void **state)
{
    char text[64];
    uint8_t blob[8];
    uint32_t number;
    (void)state;

    assert_int_equal(nvs_set_str(&nvs, "factory", "id", "sensor-001"), NVS_OK);
    assert_int_equal(nvs_set_u32(&nvs, "factory", "port", 18883), NVS_OK);
    assert_int_equal(nvs_set(&nvs, "ota", "job", NVS_BLOB, "\0\xff\1", 3), NVS_OK);
    assert_int_equal(nvs_set_str(&nvs, "config", "id", "another"), NVS_OK);
    remount();

    assert_int_equal(nvs_get_str(&nvs, "factory", "id", text, sizeof(text)), 10);
    assert_string_equal(text, "sensor-001");
    assert_int_equal(nvs_get_u32(&nvs, "factory", "port", &number), NVS_OK);
    assert_int_equal(number, 18883);
    assert_int_equal(nvs_get(&nvs, "ota", "job", NVS_BLOB, blob, sizeof(blob)), 3);
    assert_memory_equal(blob, "\0\xff\1", 3);
    assert_int_equal(nvs_get_str(&nvs, "factory", "nothing", text, sizeof(text)), NVS_ABSENT);
}

static void a_number_is_read_from_text_too(void **state)
{
    uint32_t number;
    (void)state;

    assert_int_equal(nvs_set_str(&nvs, "factory", "interval", "60"), NVS_OK);
    assert_int_equal(nvs_get_u32(&nvs, "factory", "interval", &number), NVS_OK);
    assert_int_equal(number, 60);
    assert_int_equal(nvs_set_str(&nvs, "factory", "interval", "60s"), NVS_OK);
    assert_int_equal(nvs_get_u32(&nvs, "factory", "interval", &number), NVS_ABSENT);
}

static void the_longest_value_fits_and_one_more_byte_does_not(void **state)
{
    static char longest[NVS_VALUE_MAX + 2], back[NVS_VALUE_MAX + 2];
    (void)state;

    memset(longest, 'x', NVS_VALUE_MAX);
    assert_int_equal(nvs_set_str(&nvs, "fifteen_letters", "fifteen_letters", longest), NVS_OK);
    assert_int_equal(nvs_get_str(&nvs, "fifteen_letters", "fifteen_letters", back, sizeof(back)),
                     NVS_VALUE_MAX);
    assert_string_equal(back, longest);
    assert_int_equal(nvs_get_str(&nvs, "fifteen_letters", "fifteen_letters", back, 10),
                     NVS_TOO_LONG);
    longest[NVS_VALUE_MAX] = 'x';
    assert_int_equal(nvs_set_str(&nvs, "a", "b", longest), NVS_TOO_LONG);
    assert_int_equal(nvs_set_str(&nvs, "sixteen__letters", "b", "c"), NVS_TOO_LONG);
}

static void a_removed_key_stays_removed(void **state)
{
    char text[8];
    (void)state;

    assert_int_equal(nvs_set_str(&nvs, "a", "b", "old"), NVS_OK);
    assert_int_equal(nvs_remove(&nvs, "a", "b"), NVS_OK);
    assert_int_equal(nvs_remove(&nvs, "a", "never"), NVS_OK);
    for (uint32_t i = 0; i < 2000; i++) /* many pages later */
        assert_int_equal(nvs_set_u32(&nvs, "a", "n", i), NVS_OK);
    remount();

    assert_int_equal(nvs_get_str(&nvs, "a", "b", text, sizeof(text)), NVS_ABSENT);
}

static void the_same_value_again_writes_nothing(void **state)
{
    (void)state;

    assert_int_equal(nvs_set_u32(&nvs, "a", "n", 7), NVS_OK);
    torn_power_on(&flash, 0);
    assert_int_equal(nvs_set_u32(&nvs, "a", "n", 7), NVS_OK);
    assert_int_equal(flash.ops, 0);
}

static void a_full_store_says_so_and_keeps_what_it_has(void **state)
{
    static char value[900], back[1001];
    char key[16];
    uint32_t kept = 0;
    (void)state;

    memset(value, 'v', sizeof(value) - 1);
    for (;; kept++) {
        snprintf(key, sizeof(key), "k%u", (unsigned)kept);
        int rc = nvs_set_str(&nvs, "full", key, value);
        if (rc) {
            assert_int_equal(rc, NVS_NO_SPACE);
            break;
        }
    }
    remount();

    assert_int_equal(kept, 12); /* three pages of four; one stays free */
    for (uint32_t i = 0; i < kept; i++) {
        snprintf(key, sizeof(key), "k%u", (unsigned)i);
        assert_int_equal(nvs_get_str(&nvs, "full", key, back, sizeof(back)), 899);
    }
    assert_int_equal(nvs_remove(&nvs, "full", "k0"), NVS_OK);
    assert_int_equal(nvs_set_str(&nvs, "full", "k99", value), NVS_OK);
}

static void values_that_do_not_change_survive_the_wear_of_others(void **state)
{
    char pem[1500], back[1500];
    uint32_t n;
    (void)state;

    memset(pem, 'p', sizeof(pem));
    pem[sizeof(pem) - 1] = '\0';
    assert_int_equal(nvs_set_str(&nvs, "factory", "cert", pem), NVS_OK);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(nvs_set_u32(&nvs, "ota", i % 2 ? "a" : "b", i), NVS_OK);
    remount();

    assert_int_equal(nvs_get_str(&nvs, "factory", "cert", back, sizeof(back)), 1499);
    assert_string_equal(back, pem);
    assert_int_equal(nvs_get_u32(&nvs, "ota", "a", &n), NVS_OK);
    assert_int_equal(n, 4999);
}

/* ---- power cuts ---- */

#define KEYS 6

/* What a step sets: lengths that vary, so that records straddle and pages fill at odd places. */
static size_t value_of(uint32_t step, char *out)
{
    size_t len = 20 + step * 131 % 700;
    memset(out, 'a' + (int)(step % 26), len);
    snprintf(out, 16, "%u:", (unsigned)step);
    out[len] = '\0';
    out[strlen(out)] = '_';
    return len;
}

static bool life(uint32_t steps, uint32_t done[KEYS], uint32_t *trying)
{
    char value[800], key[2] = "a";
    for (uint32_t step = 1; step <= steps; step++) {
        uint32_t k = step % 5 == 0 ? 5 : step % (KEYS - 1); /* one key is rare */
        if (step % 5 == 0 && step > 10)
            k = step % KEYS;
        key[0] = (char)('a' + k);
        value_of(step, value);
        *trying = step << 8 | k;
        if (nvs_set_str(&nvs, "t", key, value) != NVS_OK)
            return false;
        done[k] = step;
    }
    *trying = 0;
    return true;
}

static void assert_old_or_new(const uint32_t done[KEYS], uint32_t trying)
{
    char want[800], tried[800], got[800], key[2] = "a";
    for (uint32_t k = 0; k < KEYS; k++) {
        key[0] = (char)('a' + k);
        int n = nvs_get_str(&nvs, "t", key, got, sizeof(got));
        bool may_be_new = trying != 0 && (trying & 0xFF) == k;
        if (may_be_new) {
            value_of(trying >> 8, tried);
            if (n > 0 && strcmp(got, tried) == 0)
                continue;
        }
        if (done[k] == 0) {
            assert_int_equal(n, NVS_ABSENT);
            continue;
        }
        value_of(done[k], want);
        assert_true(n > 0);
        assert_string_equal(got, want);
    }
}

/*
 * Cut at every operation of a life of 90 settings over 4 pages, several compactions long; then cut
 * the recovery as well; then see that every key is old or new, and that the store still works.
 */
static void a_power_cut_anywhere_leaves_the_old_value_or_the_new(void **state)
{
    uint32_t cuts = 0;
    (void)state;

    for (uint32_t seed = 1; seed <= 8; seed++) {
        for (uint32_t cut_at = 1;; cut_at++) {
            uint32_t done[KEYS] = { 0 }, trying = 0;
            torn_init(&flash, seed * 7919 + cut_at);
            torn_power_on(&flash, cut_at);
            bool whole =
                nvs_mount(&nvs, &flash.flash, 0, SIZE) == NVS_OK && life(90, done, &trying);
            if (whole)
                break;
            cuts++;
            for (uint32_t again = 1; again <= 3; again++) { /* and in the recovery */
                torn_power_on(&flash, again);
                (void)nvs_mount(&nvs, &flash.flash, 0, SIZE);
            }
            remount();
            assert_old_or_new(done, trying);

            memset(done, 0, sizeof(done));
            assert_true(life(40, done, &trying));
            remount();
            for (uint32_t k = 0; k < KEYS; k++) {
                char key[2] = { (char)('a' + k), '\0' }, want[800], got[800];
                value_of(done[k], want);
                assert_true(nvs_get_str(&nvs, "t", key, got, sizeof(got)) > 0);
                assert_string_equal(got, want);
            }
        }
    }
    print_message("%u cuts survived\n", (unsigned)cuts);
}

/* A flash that fails and comes back without a restart: what was acknowledged stays. */
static void a_write_that_failed_does_not_spoil_later_ones(void **state)
{
    (void)state;

    for (uint32_t cut_at = 1; cut_at <= 60; cut_at++) {
        uint32_t done[KEYS] = { 0 }, trying = 0;
        torn_init(&flash, cut_at);
        assert_int_equal(nvs_mount(&nvs, &flash.flash, 0, SIZE), NVS_OK);
        torn_power_on(&flash, cut_at);
        assert_false(life(90, done, &trying));
        torn_power_on(&flash, 0); /* no mount */
        assert_true(life(90, done, &trying));
        remount();
        assert_old_or_new(done, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_set_is_there_after_a_restart, setup),
        cmocka_unit_test_setup(a_number_is_read_from_text_too, setup),
        cmocka_unit_test_setup(the_longest_value_fits_and_one_more_byte_does_not, setup),
        cmocka_unit_test_setup(a_removed_key_stays_removed, setup),
        cmocka_unit_test_setup(the_same_value_again_writes_nothing, setup),
        cmocka_unit_test_setup(a_full_store_says_so_and_keeps_what_it_has, setup),
        cmocka_unit_test_setup(values_that_do_not_change_survive_the_wear_of_others, setup),
        cmocka_unit_test(a_power_cut_anywhere_leaves_the_old_value_or_the_new),
        cmocka_unit_test(a_write_that_failed_does_not_spoil_later_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
