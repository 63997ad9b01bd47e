#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "esp/otadata.h"

#define NEW   OTADATA_NEW
#define PEND  OTADATA_PENDING
#define VALID OTADATA_VALID
#define INV   OTADATA_INVALID
#define ABRT  OTADATA_ABORTED
#define EMPTY OTADATA_EMPTY

static void the_crc_is_the_one_real_devices_hold(void **state)
{
    static const uint32_t crcs[] = { 0x4743989A, 0x55F63774, 0xED4A5011, 0x709D68A8 };
    uint8_t raw[OTADATA_ENTRY];
    struct otadata_entry e;
    (void)state;

    for (uint32_t seq = 1; seq <= 4; seq++) {
        otadata_encode(seq, VALID, raw);
        uint32_t crc = (uint32_t)raw[28] | (uint32_t)raw[29] << 8 | (uint32_t)raw[30] << 16 |
                       (uint32_t)raw[31] << 24;
        assert_int_equal(crc, crcs[seq - 1]);
        otadata_decode(raw, &e);
        assert_true(e.crc_ok && e.seq == seq && e.state == VALID);
    }
    assert_int_equal(esp_crc32(0, "123456789", 9), 3421780262u);
}

static void an_erased_entry_does_not_count(void **state)
{
    uint8_t raw[OTADATA_ENTRY];
    struct otadata o;
    (void)state;

    memset(raw, 0xff, sizeof(raw));
    otadata_decode(raw, &o.entry[0]);
    otadata_decode(raw, &o.entry[1]);

    assert_int_equal(otadata_active(&o), -1);
}

/* clang-format off */
static const struct boot_case {
    const char *says;
    struct otadata_entry in[2];
    int slot;
    bool initial, trial;
    uint32_t writes;
    uint32_t state_after[2];
} boots[] = {
    { "blank: ota_0, and otadata is made",       { { EMPTY, EMPTY, false }, { EMPTY, EMPTY, false } },  0, true,  false, 0, { EMPTY, EMPTY } },
    { "one valid entry",                         { { 1, VALID, true },      { EMPTY, EMPTY, false } },  0, false, false, 0, { VALID, EMPTY } },
    { "the larger seq wins",                     { { 1, VALID, true },      { 2, VALID, true } },       1, false, false, 0, { VALID, VALID } },
    { "in whichever sector it lies",             { { 3, VALID, true },      { 2, VALID, true } },       0, false, false, 0, { VALID, VALID } },
    { "a new image gets its one boot",           { { 1, VALID, true },      { 2, NEW, true } },         1, false, true,  1, { VALID, PEND } },
    { "which did not prove itself: the old one", { { 1, VALID, true },      { 2, PEND, true } },        0, false, false, 1, { VALID, ABRT } },
    { "an older pending entry is aborted too",   { { 1, PEND, true },       { 2, VALID, true } },       1, false, false, 1, { ABRT, VALID } },
    { "aborted stays out",                       { { 1, VALID, true },      { 2, ABRT, true } },        0, false, false, 0, { VALID, ABRT } },
    { "invalid stays out",                       { { 3, INV, true },        { 2, VALID, true } },       1, false, false, 0, { INV, VALID } },
    { "a bad CRC does not count",                { { 1, VALID, true },      { 2, VALID, false } },      0, false, false, 0, { VALID, VALID } },
    { "undefined state boots, without trial",    { { 1, EMPTY, true },      { EMPTY, EMPTY, false } },  0, false, false, 0, { EMPTY, EMPTY } },
    { "both out: slot 0, but not as blank",      { { 1, ABRT, true },       { 2, INV, true } },         0, false, false, 0, { ABRT, INV } },
    { "only pending: nothing is named any more", { { 1, PEND, true },       { EMPTY, EMPTY, false } }, -1, false, false, 1, { ABRT, EMPTY } },
    { "new in both: only the chosen one starts", { { 2, NEW, true },        { 3, NEW, true } },         0, false, true,  1, { NEW, PEND } },
    { "torn write beside a good entry",          { { 1, VALID, true },      { EMPTY, EMPTY, false } },  0, false, false, 0, { VALID, EMPTY } },
    { "seq 0 names no slot",                     { { 0, VALID, true },      { 1, VALID, true } },       0, false, false, 0, { VALID, VALID } },
};
/* clang-format on */

static void the_bootloader_picks_as_esp_idf_does(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(boots) / sizeof(boots[0]); i++) {
        const struct boot_case *c = &boots[i];
        struct otadata o = { { c->in[0], c->in[1] } };
        struct otadata_boot b;

        otadata_boot(&o, 2, &b);

        if (b.slot != c->slot || b.initial != c->initial || b.trial != c->trial ||
            b.write_count != c->writes || o.entry[0].state != c->state_after[0] ||
            o.entry[1].state != c->state_after[1])
            fail_msg("%s: slot %d, %u writes", c->says, b.slot, (unsigned)b.write_count);
        for (uint32_t w = 0; w < b.write_count; w++)
            assert_int_equal(b.write[w].state, o.entry[b.write[w].sector].state);
    }
}

static void a_switch_writes_the_other_sector(void **state)
{
    struct otadata o = { { { 1, VALID, true }, { EMPTY, EMPTY, false } } };
    (void)state;

    struct otadata_write w = otadata_switch(&o, 1, 2);

    assert_int_equal(w.sector, 1);
    assert_int_equal(w.seq, 2);
    assert_int_equal(w.state, NEW);

    o.entry[1] = (struct otadata_entry){ 2, VALID, true };
    w = otadata_switch(&o, 0, 2);
    assert_int_equal(w.sector, 0);
    assert_int_equal(w.seq, 3);
}

static void a_switch_takes_the_smallest_seq_above_that_maps_to_the_slot(void **state)
{
    struct otadata o = { { { 7, VALID, true }, { 6, VALID, true } } };
    (void)state;

    for (uint32_t slots = 2; slots <= 16; slots++) {
        for (uint32_t slot = 0; slot < slots; slot++) {
            struct otadata_write w = otadata_switch(&o, slot, slots);
            assert_int_equal(w.sector, 1);
            assert_true(w.seq > 7 && w.seq <= 7 + slots);
            assert_int_equal(otadata_slot(w.seq, slots), slot);
        }
    }
}

static void a_switch_after_a_failed_trial_overwrites_the_failed_entry(void **state)
{
    struct otadata o = { { { 1, VALID, true }, { 2, ABRT, true } } };
    (void)state;

    struct otadata_write w = otadata_switch(&o, 1, 2);

    assert_int_equal(w.sector, 1);
    assert_int_equal(w.seq, 2);
}

static void without_any_entry_a_switch_begins_anew(void **state)
{
    struct otadata o = { { { EMPTY, EMPTY, false }, { EMPTY, EMPTY, false } } };
    (void)state;

    struct otadata_write w = otadata_switch(&o, 1, 2);

    assert_int_equal(w.sector, 0);
    assert_int_equal(w.seq, 2);
}

static void the_running_image_can_commit(void **state)
{
    struct otadata o = { { { 1, VALID, true }, { 2, PEND, true } } };
    bool ok;
    (void)state;

    struct otadata_write w = otadata_mark(&o, 1, 2, true, &ok);

    assert_true(ok);
    assert_int_equal(w.sector, 1);
    assert_int_equal(w.seq, 2);
    assert_int_equal(w.state, VALID);
}

/* A firmware in the field marks "the highest seq" valid at start, and so brings back the image that
 * the bootloader has just aborted. */
static void an_aborted_image_is_not_made_valid_again(void **state)
{
    struct otadata o = { { { 1, VALID, true }, { 2, ABRT, true } } };
    bool ok;
    (void)state;

    struct otadata_write w = otadata_mark(&o, 0, 2, true, &ok);

    assert_true(ok);
    assert_int_equal(w.sector, -1);

    w = otadata_mark(&o, 1, 2, true, &ok);
    assert_false(ok);
    assert_int_equal(w.sector, -1);
}

static void a_condemned_image_does_not_boot_again(void **state)
{
    struct otadata o = { { { 1, VALID, true }, { 2, PEND, true } } };
    struct otadata_boot b;
    bool ok;
    (void)state;

    struct otadata_write w = otadata_mark(&o, 1, 2, false, &ok);
    assert_true(ok && w.state == INV);
    o.entry[w.sector].state = w.state;
    otadata_boot(&o, 2, &b);

    assert_int_equal(b.slot, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_is_the_one_real_devices_hold),
        cmocka_unit_test(an_erased_entry_does_not_count),
        cmocka_unit_test(the_bootloader_picks_as_esp_idf_does),
        cmocka_unit_test(a_switch_writes_the_other_sector),
        cmocka_unit_test(a_switch_takes_the_smallest_seq_above_that_maps_to_the_slot),
        cmocka_unit_test(a_switch_after_a_failed_trial_overwrites_the_failed_entry),
        cmocka_unit_test(without_any_entry_a_switch_begins_anew),
        cmocka_unit_test(the_running_image_can_commit),
        cmocka_unit_test(an_aborted_image_is_not_made_valid_again),
        cmocka_unit_test(a_condemned_image_does_not_boot_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
