#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"
#include "http.h"
#include "ossl/crypto.h"
#include "torn_flash.h"
#include "update.h"

/* A small board: 64 KB with two slots of 16 KB. Slot 0 runs image 1, slot 1 holds image 2. */
static struct torn_flash flash;
static struct slots slots;
static struct nvs records;
static struct http http;
static struct app app;
static bool restart;
static struct update update;
static uint8_t image[3][0x4000];
static size_t image_len[3];

static const struct esp_partition_table table = {
    .count = 3,
    .part = { { ESP_TYPE_DATA, ESP_DATA_OTA, 0x1000, 0x2000, "otadata", 0 },
              { ESP_TYPE_APP, ESP_APP_OTA_0, 0x4000, 0x4000, "ota_0", 0 },
              { ESP_TYPE_APP, ESP_APP_OTA_0 + 1, 0x8000, 0x4000, "ota_1", 0 } },
};

static void build(int n, const char *version, const char *program)
{
    struct esp_app_desc desc = { .project = "test" };
    memcpy(desc.version, version, strlen(version));
    assert_int_equal(esp_linux_image_build(&desc, program, strlen(program), ossl_crypto(), image[n],
                                           sizeof(image[n]), &image_len[n]),
                     ESP_FAULT_NONE);
}

static void entry(int sector, uint32_t seq, uint32_t state)
{
    const struct otadata_write w = { sector, seq, state };
    assert_int_equal(slots_write(&slots, &w), 0);
}

static void board_on(uint32_t seed, uint32_t running)
{
    torn_init(&flash, seed);
    assert_int_equal(slots_init(&slots, &flash.flash, &table), 0);
    memcpy(flash.byte + 0x4000, image[1], image_len[1]);
    memcpy(flash.byte + 0x8000, image[2], image_len[2]);
    assert_int_equal(nvs_mount(&records, &flash.flash, 0xC000, 0x4000), NVS_OK);
    restart = false;
    update.slots = &slots;
    update.running = running;
    update.records = &records;
    update.http = &http;
    update.app = &app;
    update.restart = &restart;
    if (update.sha)
        update_free(&update);
    assert_int_equal(update_init(&update), 0);
}

static struct slots_boot boot(void)
{
    struct slots_boot b;
    torn_power_on(&flash, 0);
    if (slots_boot(&slots, &b))
        fail_msg("nothing boots");
    return b;
}

static int setup(void **state)
{
    (void)state;
    build(1, "1.0.0", "\177ELF one");
    build(2, "2.0.0", "\177ELF two, and somewhat longer");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    update_free(&update);
    return 0;
}

static void a_switch_gives_the_new_image_one_boot(void **state)
{
    (void)state;
    board_on(1, 0);
    entry(0, 1, OTADATA_VALID);

    assert_int_equal(update.port.boot_switch(&update), REASON_NONE);
    struct slots_boot b = boot();
    assert_true(b.slot == 1 && b.trial);
    assert_string_equal(b.image.desc.version, "2.0.0");
    b = boot();
    assert_true(b.slot == 0 && !b.trial);
    assert_int_equal(update_passive(&slots, 0), OTA_PASSIVE_GIVEN_UP);
}

static void a_committed_image_stays_and_the_old_one_is_just_old(void **state)
{
    (void)state;
    board_on(1, 1);
    entry(0, 1, OTADATA_VALID);
    entry(1, 2, OTADATA_PENDING);

    assert_int_equal(update.port.mark_valid(&update), REASON_NONE);
    struct slots_boot b = boot();
    assert_true(b.slot == 1 && !b.trial);
    assert_int_equal(update_passive(&slots, 1), OTA_PASSIVE_NONE);
}

static void opening_the_slot_forgets_its_boot_record(void **state)
{
    (void)state;
    board_on(1, 0);
    entry(0, 1, OTADATA_VALID);
    entry(1, 2, OTADATA_ABORTED);
    assert_int_equal(update_passive(&slots, 0), OTA_PASSIVE_GIVEN_UP);

    assert_int_equal(update.port.slot_open(&update, 6000, 4096), REASON_NONE);

    assert_int_equal(update_passive(&slots, 0), OTA_PASSIVE_NONE);
    assert_memory_equal(flash.byte + 0x8000, image[2], image_len[2]); /* was to be kept */
    assert_int_equal(update.port.slot_open(&update, 0x4001, 0), REASON_NO_SPACE);
}

static void a_sector_is_erased_when_its_block_comes_and_not_before(void **state)
{
    uint8_t block[OTA_BLOCK];
    (void)state;
    board_on(1, 0);
    entry(0, 1, OTADATA_VALID);
    memset(flash.byte + 0x8000, 0, 0x4000);
    memset(block, 0xA5, sizeof(block));

    uint32_t ops = flash.ops;
    assert_int_equal(update.port.slot_open(&update, 10000, 4096), REASON_NONE);
    assert_int_equal(flash.ops, ops);
    assert_int_equal(update.port.slot_write(&update, 4096, block, sizeof(block)), REASON_NONE);

    assert_memory_equal(flash.byte + 0x9000, block, sizeof(block));
    assert_true(flash.byte[0x8fff] == 0 && flash.byte[0xa000] == 0);
}

static void what_is_written_is_checked_as_the_bootloader_will(void **state)
{
    uint8_t back[16];
    uint32_t size = (uint32_t)image_len[2];
    (void)state;
    board_on(1, 0);
    entry(0, 1, OTADATA_VALID);
    memset(flash.byte + 0x8000, 0, sizeof(image[2]));

    assert_int_equal(update.port.slot_open(&update, size, 0), REASON_NONE);
    assert_int_equal(update.port.image_check(&update, size), REASON_IMAGE_INVALID);
    assert_int_equal(update.port.slot_write(&update, 0, image[2], size), REASON_NONE);
    assert_int_equal(update.port.slot_read(&update, 32, back, sizeof(back)), REASON_NONE);
    assert_memory_equal(back, image[2] + 32, sizeof(back));
    assert_int_equal(update.port.image_check(&update, size), REASON_NONE);
    assert_int_equal(update.port.image_check(&update, size - 16), REASON_IMAGE_INVALID);
    assert_int_equal(update.port.slot_write(&update, 0x3ff8, image[2], 16), REASON_FLASH_WRITE);
    assert_int_equal(update.port.slot_read(&update, 0x3ff8, back, 16), REASON_FLASH_READ);
}

static void a_condemned_image_is_left_for_a_whole_one_only(void **state)
{
    (void)state;
    board_on(1, 1);
    entry(0, 1, OTADATA_VALID);
    entry(1, 2, OTADATA_PENDING);
    assert_int_equal(update.port.rollback(&update), REASON_NONE);
    assert_true(restart);
    assert_int_equal(boot().slot, 0);

    board_on(1, 1);
    entry(0, 1, OTADATA_VALID);
    entry(1, 2, OTADATA_PENDING);
    flash.byte[0x4050] ^= 1;
    assert_int_equal(update.port.rollback(&update), REASON_ROLLBACK_FAILED);
    assert_false(restart);
}

static void records_come_back_and_a_missing_one_is_empty(void **state)
{
    uint8_t in[OTA_RECORD_MAX], out[OTA_RECORD_MAX];
    size_t len = 1;
    (void)state;
    board_on(1, 0);
    memset(in, 0xA5, sizeof(in));

    assert_int_equal(update.port.record_get(&update, OTA_RECORD_JOB_A, out, sizeof(out), &len),
                     REASON_NONE);
    assert_int_equal(len, 0);
    assert_int_equal(update.port.record_put(&update, OTA_RECORD_JOB_A, in, sizeof(in)),
                     REASON_NONE);
    assert_int_equal(update.port.record_get(&update, OTA_RECORD_JOB_A, out, sizeof(out), &len),
                     REASON_NONE);
    assert_int_equal(len, sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(update.port.record_get(&update, OTA_RECORD_JOB_A, out, 10, &len),
                     REASON_RECORD_IO);
}

/* ---- power cuts ---- */

enum act { ACT_SWITCH, ACT_COMMIT, ACT_ROLLBACK, ACT_OPEN, ACTS };

static enum reason perform(enum act act)
{
    switch (act) {
    case ACT_SWITCH:
        return update.port.boot_switch(&update);
    case ACT_COMMIT:
        return update.port.mark_valid(&update);
    case ACT_ROLLBACK:
        return update.port.rollback(&update);
    case ACT_OPEN:
        return update.port.slot_open(&update, 0x4000, 0);
    case ACTS:
        break;
    }
    return REASON_INTERNAL;
}

/* Slot 1 is the new image throughout. Which slots may boot after a cut inside the act. */
static void assert_boots_rightly(enum act act, const struct slots_boot *b)
{
    if (act == ACT_ROLLBACK || act == ACT_OPEN)
        assert_int_equal(b->slot, 0);
    if (act == ACT_SWITCH && b->slot == 1)
        assert_true(b->trial); /* never without probation */
    if (act == ACT_COMMIT && b->slot == 1)
        assert_false(b->trial);
    assert_int_equal(b->fault[b->slot], ESP_FAULT_NONE);
}

static void a_power_cut_in_any_step_leaves_a_whole_image_that_may_boot(void **state)
{
    uint32_t cuts = 0;
    (void)state;
    for (enum act act = ACT_SWITCH; act < ACTS; act++) {
        for (uint32_t seed = 1; seed <= 200; seed++) {
            for (uint32_t cut_at = 1;; cut_at++) {
                bool trial = act == ACT_COMMIT || act == ACT_ROLLBACK;
                board_on(seed * 31, trial ? 1 : 0);
                entry(0, 1, OTADATA_VALID);
                if (trial)
                    entry(1, 2, OTADATA_PENDING);
                if (act == ACT_OPEN)
                    entry(1, 2, OTADATA_ABORTED);
                torn_power_on(&flash, cut_at);
                if (perform(act) == REASON_NONE && !flash.dead)
                    break;
                cuts++;
                torn_power_on(&flash, 1 + seed % 4); /* and again while the bootloader writes */
                struct slots_boot b;
                (void)slots_boot(&slots, &b);
                b = boot();
                assert_boots_rightly(act, &b);
            }
        }
    }
    print_message("%u cuts survived\n", (unsigned)cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_switch_gives_the_new_image_one_boot),
        cmocka_unit_test(a_committed_image_stays_and_the_old_one_is_just_old),
        cmocka_unit_test(opening_the_slot_forgets_its_boot_record),
        cmocka_unit_test(a_sector_is_erased_when_its_block_comes_and_not_before),
        cmocka_unit_test(what_is_written_is_checked_as_the_bootloader_will),
        cmocka_unit_test(a_condemned_image_is_left_for_a_whole_one_only),
        cmocka_unit_test(records_come_back_and_a_missing_one_is_empty),
        cmocka_unit_test(a_power_cut_in_any_step_leaves_a_whole_image_that_may_boot),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
