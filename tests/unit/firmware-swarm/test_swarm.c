#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image.h"
#include "ram.h"
#include "waiting.h"

static struct pool pool;

static int setup(void **state)
{
    (void)state;
    pool_init(&pool);
    return 0;
}

/* What was taken was given back. */
static int teardown(void **state)
{
    (void)state;
    assert_int_equal(pool.count, 0);
    pool_free(&pool);
    return 0;
}

static void equal_bytes_are_kept_once_and_live_while_anybody_holds_them(void **state)
{
    (void)state;
    const struct blob *a = pool_take(&pool, "same", 4), *b = pool_take(&pool, "same", 4);
    const struct blob *other = pool_take(&pool, "same!", 5);

    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, other);
    assert_int_equal(pool.count, 2);
    pool_drop(&pool, a);
    assert_string_equal((const char *)b->data, "same");
    pool_drop(&pool, b);
    assert_int_equal(pool.count, 1);
    pool_drop(&pool, other);
}

static void ten_thousand_blobs_are_found_again(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 10000; i++)
            (void)pool_take(&pool, &i, sizeof(i));
    assert_int_equal(pool.count, 10000);
    assert_int_equal(pool.bytes, 40000);
    for (unsigned i = 0; i < 10000; i++) {
        const struct blob *b = pool_take(&pool, &i, sizeof(i));
        assert_int_equal(b->refs, 3);
        pool_drop(&pool, b);
        pool_drop(&pool, b);
        pool_drop(&pool, b);
    }
}

static void flash_obeys_the_rules_of_nor(void **state)
{
    struct ram_flash f;
    uint8_t data[6000], back[6000];
    (void)state;
    memset(data, 0x5A, sizeof(data));
    ram_flash_init(&f, &pool);

    assert_int_equal(f.flash.write(&f, 4000, data, sizeof(data)), 0); /* over two borders */
    assert_int_equal(f.flash.read(&f, 4000, back, sizeof(back)), 0);
    assert_memory_equal(back, data, sizeof(data));
    assert_int_equal(f.flash.write(&f, 4000, "\x0A", 1), 0);   /* clears bits */
    assert_int_equal(f.flash.write(&f, 4000, "\x0B", 1), -1);  /* sets one */
    assert_int_equal(f.flash.erase(&f, 4000, ESP_SECTOR), -1); /* not at a border */
    assert_int_equal(f.flash.erase(&f, 4096, ESP_SECTOR), 0);
    assert_int_equal(f.flash.read(&f, 4095, back, 2), 0);
    assert_int_equal(back[0], 0x5A);
    assert_int_equal(back[1], 0xFF);
    assert_int_equal(f.flash.write(&f, FLASH_SIZE - 1, data, 2), -1);
    assert_int_equal(f.flash.read(&f, FLASH_SIZE - 1, back, 2), -1);
    ram_flash_free(&f);
}

static void the_same_image_in_many_devices_takes_room_once(void **state)
{
    struct ram_flash f[8];
    uint8_t image[16 * ESP_SECTOR];
    (void)state;
    for (size_t i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i / ESP_SECTOR + i % 251);

    for (int i = 0; i < 8; i++) {
        ram_flash_init(&f[i], &pool);
        assert_int_equal(f[i].flash.write(&f[i], 0x20000, image, sizeof(image)), 0);
    }

    assert_int_equal(pool.bytes, sizeof(image));
    for (int i = 0; i < 8; i++)
        ram_flash_free(&f[i]);
}

static void a_value_is_the_last_one_set_and_names_do_not_mix(void **state)
{
    struct ram_store s;
    (void)state;
    ram_store_init(&s, &pool);

    ram_store_set(&s, "factory", "id", "one", 3);
    ram_store_set(&s, "config", "id", "two", 3);
    ram_store_set(&s, "config", "id", "three", 5);

    assert_string_equal((const char *)ram_store_get(&s, "factory", "id")->data, "one");
    assert_string_equal((const char *)ram_store_get(&s, "config", "id")->data, "three");
    assert_null(ram_store_get(&s, "config", "url"));
    ram_store_free(&s);
}

static void devices_take_their_turns_in_order_of_time(void **state)
{
    enum { N = 200 };
    static struct device d[N];
    struct device *room[N];
    struct waiting w = { room, 0 };
    uint32_t x = 1;
    (void)state;
    for (int round = 0; round < 4; round++) { /* set, moved, moved back, taken out */
        for (int i = 0; i < N; i++) {
            if (round == 0)
                d[i].heap = UINT32_MAX;
            x = x * 1664525u + 1013904223u;
            waiting_set(&w, &d[i], round == 3 && i % 3 == 0 ? -1 : (int64_t)(x >> 20));
        }
    }

    int64_t last = 0;
    int taken = 0;
    for (struct device *first; (first = waiting_first(&w)) != NULL; taken++) {
        assert_true(first->due_ms >= last);
        last = first->due_ms;
        waiting_set(&w, first, -1);
    }
    assert_int_equal(taken, N - (N + 2) / 3);
}

/* As a device finds it at its boot. */
static void look(const struct image_make *make, struct image_is *is)
{
    struct ram_flash f;
    struct slots slots;
    struct slots_boot b;
    struct esp_partition_table table;
    struct port_fail why;
    size_t len;
    uint8_t *image = image_factory(make, &len, &why);
    assert_non_null(image);
    ram_flash_init(&f, &pool);
    flash_layout(&table);
    assert_int_equal(slots_init(&slots, &f.flash, &table), 0);
    assert_int_equal(f.flash.write(&f, slots.slot[0].offset, image, len), 0);
    assert_int_equal(slots_boot(&slots, &b), 0);
    assert_int_equal(image_look(&slots, &b, is), 0);
    free(image);
    ram_flash_free(&f);
}

static void an_image_says_what_a_device_is_with_it(void **state)
{
    struct image_is good, bad, on_b;
    (void)state;

    look(&(struct image_make){ "weather", "1.4.0", NULL, 2048 }, &good);
    look(&(struct image_make){ "weather", "1.5.0", "all", 70000 }, &bad);
    look(&(struct image_make){ "weather", "1.6.0", "linux-b", 2048 }, &on_b);

    assert_string_equal(good.build.version, "1.4.0");
    assert_string_equal(good.build.product, "weather");
    assert_int_equal(good.build.bme280_id, BME280_ID);
    assert_int_equal(good.build.other_bme280_id, BME280_ID);
    assert_int_not_equal(bad.build.bme280_id, BME280_ID);
    assert_int_not_equal(bad.build.other_bme280_id, BME280_ID);
    assert_int_equal(on_b.build.bme280_id, BME280_ID);
    assert_string_equal(on_b.build.other_hw, "linux-b");
    assert_int_not_equal(on_b.build.other_bme280_id, BME280_ID);
    assert_memory_not_equal(good.digest, bad.digest, sizeof(good.digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_are_kept_once_and_live_while_anybody_holds_them),
        cmocka_unit_test(ten_thousand_blobs_are_found_again),
        cmocka_unit_test(flash_obeys_the_rules_of_nor),
        cmocka_unit_test(the_same_image_in_many_devices_takes_room_once),
        cmocka_unit_test(a_value_is_the_last_one_set_and_names_do_not_mix),
        cmocka_unit_test(devices_take_their_turns_in_order_of_time),
        cmocka_unit_test(an_image_says_what_a_device_is_with_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
