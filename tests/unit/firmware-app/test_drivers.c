#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/bme280.h"
#include "drivers/scd30.h"
#include "drivers/sds011.h"
#include "models/board.h"

static const int64_t noon = 1790078400;

static struct board *board_with(struct board *b, enum model_fault fault)
{
    const struct board_config config = {
        .seed = 7,
        .bme280 = true,
        .scd30 = true,
        .sds011 = true,
        .bme280_fault = fault,
        .scd30_fault = fault,
        .sds011_fault = fault,
    };

    board_init(b, &config);
    board_set_time(b, 0, noon);
    return b;
}

static void pass(struct board *b, int64_t ms)
{
    int64_t mono = b->mono_ms + ms;

    board_set_time(b, mono, noon + mono / 1000);
}

/* ---- BME280 -------------------------------------------------------------------------------- */

/* The worked example of the BMP280 datasheet (3.12), with a humidity side of our own. */
static const struct bme280_calib example = {
    .t1 = 27504,
    .t2 = 26435,
    .t3 = -1000,
    .p1 = 36477,
    .p2 = -10685,
    .p3 = 3024,
    .p4 = 2855,
    .p5 = 140,
    .p6 = -7,
    .p7 = 15500,
    .p8 = -14600,
    .p9 = 6000,
    .h1 = 75,
    .h2 = 370,
    .h3 = 0,
    .h4 = 313,
    .h5 = 50,
    .h6 = 30,
};
static const struct bme280_calib other = {
    .t1 = 28485,
    .t2 = 26735,
    .t3 = 50,
    .p1 = 36738,
    .p2 = -10635,
    .p3 = 3024,
    .p4 = 6980,
    .p5 = -4,
    .p6 = -7,
    .p7 = 9900,
    .p8 = -10230,
    .p9 = 4285,
    .h1 = 75,
    .h2 = 355,
    .h3 = 0,
    .h4 = 340,
    .h5 = -24,
    .h6 = 30,
};

/* Expected values were computed apart from this code, in Python, by the datasheet's floating-point
 * form. */
static void compensation_agrees_with_the_datasheets_other_form(void **state)
{
    const struct {
        const struct bme280_calib *calib;
        struct bme280_raw raw;
        struct bme280_reading want;
    } table[] = {
        { &example, { 519888, 415148, 30281 }, { 2508, 100653, 5780 } },
        { &example, { 400000, 380000, 22000 }, { -1264, 100617, 1267 } },
        { &other, { 530000, 340000, 28500 }, { 2366, 101253, 3739 } },
        { &other, { 420000, 360000, 35000 }, { -1140, 92429, 6575 } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bme280_reading got;

        assert_int_equal(bme280_compensate(table[i].calib, &table[i].raw, &got), DRV_OK);
        assert_in_range(got.temperature - table[i].want.temperature + 1, 0, 2);
        assert_in_range(got.pressure, table[i].want.pressure - 1, table[i].want.pressure + 1);
        assert_in_range(got.humidity, table[i].want.humidity - 3, table[i].want.humidity + 3);
    }
}

static void hostile_calibration_is_out_of_range_and_never_overflows(void **state)
{
    uint32_t x = 1;
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint8_t low[26], high[7];
        struct bme280_calib c;
        struct bme280_raw raw;
        struct bme280_reading r = { 0, 50000, 0 };

        for (size_t k = 0; k < sizeof(low); k++)
            low[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
        for (size_t k = 0; k < sizeof(high); k++)
            high[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
        raw.t = (x = x * 1664525 + 1013904223) >> 12;
        raw.p = (x = x * 1664525 + 1013904223) >> 12;
        raw.h = (uint16_t)(x >> 3);
        bme280_calib_unpack(low, high, &c);

        if (bme280_compensate(&c, &raw, &r) == DRV_OK) {
            assert_in_range(r.temperature + 4000, 0, 12500);
            assert_in_range(r.pressure, 30000, 110000);
            assert_in_range(r.humidity, 0, 10000);
        }
    }
}

static void twelve_bit_constants_keep_their_sign(void **state)
{
    uint8_t low[26] = { 0 }, high[7] = { 0x72, 0x01, 0x00, 0xF1, 0x4D, 0x83, 0x9E };
    struct bme280_calib c;
    (void)state;

    bme280_calib_unpack(low, high, &c);

    assert_int_equal(c.h2, 370);
    assert_int_equal(c.h4, (0xF1D) - 0x1000);
    assert_int_equal(c.h5, (0x834) - 0x1000);
    assert_int_equal(c.h6, 0x9E - 0x100);
}

static void the_bme280_measures_what_the_weather_is(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct board_config config = { .seed = seed, .bme280 = true };
        struct bme280_reading r;
        struct weather w;
        struct bme280 dev;
        struct board b;
        int64_t when = noon + (int64_t)seed * 7919;

        board_init(&b, &config);
        board_set_time(&b, 0, when);
        bme280_init(&dev, board_i2c(&b), BME280_ADDR, BME280_ID);
        weather_at(seed, when, &w);

        assert_int_equal(bme280_probe(&dev), DRV_OK);
        assert_int_equal(bme280_start(&dev), DRV_OK);
        assert_int_equal(bme280_read(&dev, &r), DRV_AGAIN);
        board_set_time(&b, b.mono_ms + 12, when);
        assert_int_equal(bme280_read(&dev, &r), DRV_OK);

        assert_in_range(r.temperature - w.temperature + 6, 0, 12);
        assert_in_range((int32_t)r.pressure - (int32_t)w.pressure + 6, 0, 12);
        assert_in_range((int32_t)r.humidity - (int32_t)w.humidity + 20, 0, 40);
    }
}

static void another_chip_id_fails_the_probe(void **state)
{
    struct board b;
    struct bme280 dev;
    (void)state;

    bme280_init(&dev, board_i2c(board_with(&b, MODEL_OK)), BME280_ADDR, 0x61);

    assert_int_equal(bme280_probe(&dev), DRV_WRONG_ID);
    assert_int_equal(bme280_self_test(&dev), DRV_WRONG_ID);
}

static void a_bme280_before_its_first_measurement_has_nothing_to_say(void **state)
{
    struct bme280_reading r;
    struct board b;
    struct bme280 dev;
    (void)state;

    bme280_init(&dev, board_i2c(board_with(&b, MODEL_OK)), BME280_ADDR, BME280_ID);

    assert_int_equal(bme280_probe(&dev), DRV_OK);
    assert_int_equal(bme280_read(&dev, &r), DRV_AGAIN);
}

/* In the air of seed 57 humidity lies about the code that an empty register holds, too. */
static void a_measured_value_may_be_the_code_of_an_empty_register(void **state)
{
    const struct board_config config = { .seed = 57, .bme280 = true };
    const int64_t when = 1796005700;
    struct bme280_reading r;
    struct bme280 dev;
    struct board b;
    int empty = 0;
    (void)state;

    board_init(&b, &config);
    board_set_time(&b, 0, when);
    bme280_init(&dev, board_i2c(&b), BME280_ADDR, BME280_ID);
    assert_int_equal(bme280_probe(&dev), DRV_OK);

    for (int64_t s = 1; s <= 600; s++) {
        board_set_time(&b, s * 1000, when + s);
        assert_int_equal(bme280_start(&dev), DRV_OK);
        board_set_time(&b, s * 1000 + 12, when + s);
        assert_int_equal(bme280_read(&dev, &r), DRV_OK);
        empty += b.bme280.reg[0xFD] == 0x80 && b.bme280.reg[0xFE] == 0;
    }
    assert_true(empty > 0); /* else the loop shows nothing */
}

static void a_bme280_that_lost_its_power_while_it_measured_has_nothing_to_say(void **state)
{
    struct bme280_reading r;
    struct board b;
    struct bme280 dev;
    (void)state;

    bme280_init(&dev, board_i2c(board_with(&b, MODEL_OK)), BME280_ADDR, BME280_ID);
    assert_int_equal(bme280_probe(&dev), DRV_OK);
    assert_int_equal(bme280_start(&dev), DRV_OK);
    model_bme280_init(&b.bme280, 7, MODEL_OK);
    pass(&b, 1000);

    assert_int_equal(bme280_read(&dev, &r), DRV_AGAIN);
}

static void each_bme280_fault_has_its_own_error(void **state)
{
    const enum drv_err want[MODEL_FAULTS] = {
        [MODEL_OK] = DRV_OK,  [MODEL_ABSENT] = DRV_ABSENT, [MODEL_STUCK] = DRV_OK,
        [MODEL_CRC] = DRV_IO, [MODEL_WILD] = DRV_RANGE,
    };
    (void)state;

    for (int f = 0; f < MODEL_FAULTS; f++) {
        struct board b;
        struct bme280 dev;

        bme280_init(&dev, board_i2c(board_with(&b, (enum model_fault)f)), BME280_ADDR, BME280_ID);

        assert_int_equal(bme280_self_test(&dev), want[f]);
    }
}

/* ---- SCD30 --------------------------------------------------------------------------------- */

static void the_crc_is_sensirions(void **state)
{
    (void)state;

    assert_int_equal(scd30_crc8((const uint8_t[]){ 0xBE, 0xEF }, 2), 0x92);
    assert_int_equal(scd30_crc8((const uint8_t[]){ 0x00, 0x00 }, 2), 0x81);
}

static void floats_become_fixed_point_rounded_to_nearest(void **state)
{
    const struct {
        uint32_t bits;
        int result;
        int32_t want;
    } table[] = {
        { 0x43DB8C2E, 0, 43910 }, /* 439.095: the interface description's own example */
        { 0x41D9E7FF, 0, 2724 },  /* 27.238 */
        { 0x42433B7F, 0, 4881 },  /* 48.808 */
        { 0x00000000, 0, 0 },       { 0x80000000, 0, 0 }, { 0x3BA3D70A, 0, 0 }, /* 0.0049999999 */
        { 0x3BA3D70B, 0, 1 },                                                   /* 0.0050000004 */
        { 0xC1480000, 0, -1250 },                                               /* -12.5 */
        { 0x471C4000, 0, 4000000 },                                             /* 40000 */
        { 0x00000001, 0, 0 },  /* smallest denormal */
        { 0x7FC00000, -1, 0 }, /* NaN */
        { 0x7F800000, -1, 0 }, /* infinity */
        { 0x4E6E6B28, -1, 0 }, /* 1e9 */
    };
    (void)state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int32_t got = 0;

        assert_int_equal(scd30_float_x100(table[i].bits, &got), table[i].result);
        assert_int_equal(got, table[i].want);
    }
}

static void the_scd30_measures_every_interval_and_each_once(void **state)
{
    struct scd30_reading r;
    struct weather w;
    struct scd30 dev;
    struct board b;
    (void)state;

    scd30_init(&dev, board_i2c(board_with(&b, MODEL_OK)));
    assert_int_equal(scd30_self_test(&dev), DRV_OK);
    assert_int_equal(scd30_start(&dev, 1, 0), DRV_RANGE);
    assert_int_equal(scd30_start(&dev, 2, 600), DRV_RANGE);
    assert_int_equal(scd30_start(&dev, 2, 0), DRV_OK);
    assert_int_equal(scd30_read(&dev, &r), DRV_AGAIN);

    pass(&b, 2100);
    assert_int_equal(scd30_read(&dev, &r), DRV_OK);
    weather_at(7, b.unix_s, &w);
    assert_in_range((int32_t)r.co2 - (int32_t)w.co2 + 5, 0, 10);
    assert_in_range(r.temperature - w.temperature, 50, 70);

    assert_int_equal(scd30_read(&dev, &r), DRV_AGAIN);
    pass(&b, 2000);
    assert_int_equal(scd30_read(&dev, &r), DRV_OK);
}

static void each_scd30_fault_has_its_own_error(void **state)
{
    struct scd30_reading first, r;
    struct scd30 dev;
    struct board b;
    int crc = 0, ok = 0;
    (void)state;

    scd30_init(&dev, board_i2c(board_with(&b, MODEL_ABSENT)));
    assert_int_equal(scd30_self_test(&dev), DRV_ABSENT);

    scd30_init(&dev, board_i2c(board_with(&b, MODEL_WILD)));
    assert_int_equal(scd30_start(&dev, 2, 0), DRV_OK);
    pass(&b, 2500);
    assert_int_equal(scd30_read(&dev, &r), DRV_RANGE);

    scd30_init(&dev, board_i2c(board_with(&b, MODEL_STUCK)));
    assert_int_equal(scd30_start(&dev, 2, 0), DRV_OK);
    pass(&b, 2500);
    assert_int_equal(scd30_read(&dev, &first), DRV_OK);
    pass(&b, 7200000);
    assert_int_equal(scd30_read(&dev, &r), DRV_OK);
    assert_int_equal(r.co2, first.co2);
    assert_int_equal(r.humidity, first.humidity);

    scd30_init(&dev, board_i2c(board_with(&b, MODEL_CRC)));
    assert_int_equal(scd30_start(&dev, 2, 0), DRV_OK);
    for (int i = 0; i < 50; i++) {
        enum drv_err err;

        pass(&b, 2500);
        err = scd30_read(&dev, &r);
        crc += err == DRV_CRC;
        ok += err == DRV_OK;
    }
    assert_int_equal(crc + ok, 50);
    assert_in_range(crc, 15, 45);
}

/* ---- SDS011 -------------------------------------------------------------------------------- */

/* A line that gives what it is told, in pieces of `piece` bytes. */
struct line {
    const uint8_t *data;
    size_t len, piece;
};

static size_t line_read(void *ctx, uint8_t *data, size_t cap)
{
    struct line *l = ctx;
    size_t n = l->len < l->piece ? l->len : l->piece;

    if (n > cap)
        n = cap;
    if (n)
        memcpy(data, l->data, n);
    l->data += n;
    l->len -= n;
    return n;
}

static enum bus_err line_write(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    assert_int_equal(len, 19);
    return BUS_OK;
}

/* PM2.5 = 0x04D4 = 123.6, PM10 = 0x0A3A = 261.8 */
#define FRAME 0xAA, 0xC0, 0xD4, 0x04, 0x3A, 0x0A, 0xA1, 0x60, 0x1D, 0xAB

static void a_frame_is_found_in_any_noise_and_however_it_is_cut(void **state)
{
    const struct {
        uint8_t bytes[40];
        size_t len;
    } table[] = {
        { { FRAME }, 10 },
        { { 0x00, 0xAB, 0x17, FRAME }, 13 },
        { { 0xAA, FRAME }, 11 },                                  /* a head too many */
        { { 0xAA, 0xC0, FRAME }, 12 },                            /* a frame cut short */
        { { 0xAA, 0xC0, 0xD4, 0x04, 0x3A, FRAME }, 15 },          /* cut in the middle */
        { { 0xAA, 0xC0, 1, 2, 3, 4, 5, 6, 0, 0xAB, FRAME }, 20 }, /* wrong sum */
        { { 0xAA, 0xC0, 0xAA, 0xC0, 0xAA, 0xC0, 0xAA, 0xC0, 0xAA, FRAME }, 19 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (size_t piece = 1; piece <= 32; piece++) {
            struct line l = { table[i].bytes, table[i].len, piece };
            const struct uart_bus bus = { &l, line_write, line_read };
            struct sds011_reading r = { 0, 0 };
            struct sds011 dev;
            enum drv_err err = DRV_AGAIN;

            sds011_init(&dev, &bus);
            for (int k = 0; k < 40 && err != DRV_OK; k++)
                err = sds011_read(&dev, &r);

            assert_int_equal(err, DRV_OK);
            assert_int_equal(r.pm2_5, 1236);
            assert_int_equal(r.pm10, 2618);
        }
    }
}

static void a_wrong_sum_alone_is_a_checksum_error(void **state)
{
    const uint8_t bytes[] = { 0xAA, 0xC0, 1, 2, 3, 4, 5, 6, 0, 0xAB };
    struct line l = { bytes, sizeof(bytes), 32 };
    const struct uart_bus bus = { &l, line_write, line_read };
    struct sds011_reading r;
    struct sds011 dev;
    (void)state;

    sds011_init(&dev, &bus);

    assert_int_equal(sds011_read(&dev, &r), DRV_CRC);
    assert_int_equal(sds011_read(&dev, &r), DRV_AGAIN);
}

static void the_sds011_answers_when_asked_in_query_mode(void **state)
{
    struct sds011_reading r;
    struct weather w;
    struct sds011 dev;
    struct board b;
    (void)state;

    sds011_init(&dev, board_uart(board_with(&b, MODEL_OK)));
    assert_int_equal(sds011_probe(&dev), DRV_OK);
    assert_int_equal(sds011_probe_done(&dev), DRV_AGAIN);
    pass(&b, 20);
    assert_int_equal(sds011_probe_done(&dev), DRV_OK);

    assert_int_equal(sds011_set_mode(&dev, SDS011_QUERY), DRV_OK);
    pass(&b, 5000);
    assert_int_equal(sds011_read(&dev, &r), DRV_AGAIN);
    assert_int_equal(sds011_query(&dev), DRV_OK);
    pass(&b, 20);
    assert_int_equal(sds011_read(&dev, &r), DRV_OK);
    weather_at(7, b.unix_s, &w);
    assert_in_range((int32_t)r.pm2_5 - (int32_t)w.pm2_5 + 6, 0, 12);
    assert_in_range((int32_t)r.pm10 - (int32_t)w.pm10 + 12, 0, 24);
}

static void in_active_mode_a_frame_comes_every_second(void **state)
{
    struct sds011_reading r;
    struct sds011 dev;
    struct board b;
    (void)state;

    sds011_init(&dev, board_uart(board_with(&b, MODEL_OK)));
    for (int i = 0; i < 5; i++) {
        pass(&b, 1000);
        assert_int_equal(sds011_read(&dev, &r), DRV_AGAIN); /* begun, still on the wire */
        pass(&b, 15);
        assert_int_equal(sds011_read(&dev, &r), DRV_OK);
        assert_int_equal(sds011_read(&dev, &r), DRV_AGAIN);
    }
}

static void each_sds011_fault_has_its_own_error(void **state)
{
    struct sds011_reading r;
    struct sds011 dev;
    struct board b;
    int crc = 0, ok = 0;
    (void)state;

    sds011_init(&dev, board_uart(board_with(&b, MODEL_ABSENT)));
    assert_int_equal(sds011_probe(&dev), DRV_OK);
    pass(&b, 3000);
    assert_int_equal(sds011_probe_done(&dev), DRV_AGAIN);

    sds011_init(&dev, board_uart(board_with(&b, MODEL_WILD)));
    assert_int_equal(sds011_query(&dev), DRV_OK);
    pass(&b, 20);
    assert_int_equal(sds011_read(&dev, &r), DRV_RANGE);

    sds011_init(&dev, board_uart(board_with(&b, MODEL_CRC)));
    for (int i = 0; i < 50; i++) {
        enum drv_err err;

        assert_int_equal(sds011_set_mode(&dev, SDS011_QUERY), DRV_OK);
        assert_int_equal(sds011_query(&dev), DRV_OK);
        pass(&b, 2000);
        err = sds011_read(&dev, &r);
        crc += err == DRV_CRC;
        ok += err == DRV_OK;
    }
    assert_int_equal(crc + ok, 50);
    assert_in_range(crc, 15, 45);
}

/* ---- models -------------------------------------------------------------------------------- */

static void the_weather_is_the_same_for_the_same_seed_and_stays_on_earth(void **state)
{
    struct weather a, b;
    (void)state;

    for (uint64_t seed = 0; seed < 200; seed++) {
        for (int64_t t = noon; t < noon + 9 * 86400; t += 5003) {
            weather_at(seed, t, &a);
            weather_at(seed, t, &b);

            assert_memory_equal(&a, &b, sizeof(a));
            assert_in_range(a.temperature, 500, 3500);
            assert_in_range(a.humidity, 2000, 9000);
            assert_in_range(a.pressure, 98000, 104000);
            assert_in_range(a.co2, 350, 1200);
            assert_in_range(a.pm2_5, 1, 500);
            assert_in_range(a.pm10, a.pm2_5, 800);
        }
    }
}

static void a_day_has_a_warm_and_a_cold_half(void **state)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    (void)state;

    for (int64_t t = noon; t < noon + 86400; t += 600) {
        struct weather w;

        weather_at(3, t, &w);
        low = w.temperature < low ? w.temperature : low;
        high = w.temperature > high ? w.temperature : high;
    }

    assert_in_range(high - low, 300, 1500);
}

static void fault_words_read_back(void **state)
{
    enum model_fault f;
    (void)state;

    for (int i = 0; i < MODEL_FAULTS; i++) {
        assert_int_equal(model_fault_from_word(model_fault_word((enum model_fault)i), &f), 0);
        assert_int_equal(f, i);
    }
    assert_int_equal(model_fault_from_word("broken", &f), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compensation_agrees_with_the_datasheets_other_form),
        cmocka_unit_test(hostile_calibration_is_out_of_range_and_never_overflows),
        cmocka_unit_test(twelve_bit_constants_keep_their_sign),
        cmocka_unit_test(the_bme280_measures_what_the_weather_is),
        cmocka_unit_test(another_chip_id_fails_the_probe),
        cmocka_unit_test(a_bme280_before_its_first_measurement_has_nothing_to_say),
        cmocka_unit_test(a_measured_value_may_be_the_code_of_an_empty_register),
        cmocka_unit_test(a_bme280_that_lost_its_power_while_it_measured_has_nothing_to_say),
        cmocka_unit_test(each_bme280_fault_has_its_own_error),
        cmocka_unit_test(the_crc_is_sensirions),
        cmocka_unit_test(floats_become_fixed_point_rounded_to_nearest),
        cmocka_unit_test(the_scd30_measures_every_interval_and_each_once),
        cmocka_unit_test(each_scd30_fault_has_its_own_error),
        cmocka_unit_test(a_frame_is_found_in_any_noise_and_however_it_is_cut),
        cmocka_unit_test(a_wrong_sum_alone_is_a_checksum_error),
        cmocka_unit_test(the_sds011_answers_when_asked_in_query_mode),
        cmocka_unit_test(in_active_mode_a_frame_comes_every_second),
        cmocka_unit_test(each_sds011_fault_has_its_own_error),
        cmocka_unit_test(the_weather_is_the_same_for_the_same_seed_and_stays_on_earth),
        cmocka_unit_test(a_day_has_a_warm_and_a_cold_half),
        cmocka_unit_test(fault_words_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
