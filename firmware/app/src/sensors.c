#include <string.h>

#include "app/features.h"
#include "private.h"

enum {
    UART_ANSWER_MS = 500,
    SAMPLE_MS = 2500, /* longer than the SCD30's own 2 s */
    NO_LOOK_YET = -1,
    REPROBE_MS = 10000,
    SCD30_INTERVAL_S = 2,
    RECOVERED = 4, /* good measurements in a row after a failure */
};

/*
 * A deadline counts from the first look after the chip was asked, not from the event in which it
 * was: an event's time is read before it is handled, which takes seconds when flash is erased or
 * a bus hangs. A chip that had but a moment would be given up.
 */
static bool is_over(const struct app *app, int64_t *until_ms, int64_t limit_ms)
{
    if (*until_ms == NO_LOOK_YET)
        *until_ms = app->now.mono_ms + limit_ms;
    return app->now.mono_ms >= *until_ms;
}

/* ---- probing -------------------------------------------------------------------------------- */

/* One line per change; a sensor that fails every other time has not recovered in between. */
static void note(struct app *app, enum app_sensor s, enum drv_err err)
{
    struct app_probe *p = &app->probe[s];

    if (err == DRV_AGAIN)
        return;
    p->good = err == DRV_OK && p->good < RECOVERED ? p->good + 1 : 0;
    if (err == p->error || (err == DRV_OK && p->good < RECOVERED))
        return;
    if (err == DRV_OK)
        app_say(app, APP_LOG_INFO, "sensor %s works again", app_sensor_word(s));
    else
        app_say(app, APP_LOG_WARN, "sensor %s: %s", app_sensor_word(s), drv_err_text(err));
    p->error = err;
}

/* The SDS011 answers on its UART later: AGAIN until it has. */
static enum drv_err probe_begin(struct app *app, enum app_sensor s)
{
    const struct app_platform *p = app->platform;
    enum drv_err err = DRV_ABSENT;

    switch (s) {
    case APP_SENSOR_BME280:
        return FW_BME280 && p->i2c ? bme280_probe(&app->bme280) : DRV_ABSENT;
    case APP_SENSOR_SCD30:
        if (!FW_SCD30)
            break;
        err = p->i2c ? scd30_probe(&app->scd30) : DRV_ABSENT;
        return err == DRV_OK ? scd30_start(&app->scd30, SCD30_INTERVAL_S, 0) : err;
    case APP_SENSOR_SDS011:
        if (!FW_SDS011)
            break;
        err = p->uart ? sds011_set_mode(&app->sds011, SDS011_QUERY) : DRV_ABSENT;
        if (err == DRV_OK)
            err = sds011_probe(&app->sds011);
        return err == DRV_OK ? DRV_AGAIN : err;
    case APP_SENSOR_COUNT:
        break;
    }
    return err;
}

static void probe_end(struct app *app, enum app_sensor s, enum drv_err err)
{
    struct app_probe *p = &app->probe[s];

    p->probing = false;
    p->present = err == DRV_OK;
    p->retry_ms = app->now.mono_ms + REPROBE_MS;
    note(app, s, err);
}

static void probe(struct app *app, enum app_sensor s)
{
    enum drv_err err = probe_begin(app, s);

    app->probe[s].probing = err == DRV_AGAIN;
    app->probe[s].until_ms = NO_LOOK_YET;
    if (err != DRV_AGAIN)
        probe_end(app, s, err);
}

static void probe_poll(struct app *app)
{
    const enum app_sensor s = APP_SENSOR_SDS011; /* the only one that answers later */
    struct app_probe *p = &app->probe[s];
    enum drv_err err;

    if (!FW_SDS011 || !p->probing)
        return;
    err = sds011_probe_done(&app->sds011);
    if (err == DRV_AGAIN && !is_over(app, &p->until_ms, UART_ANSWER_MS))
        return;
    probe_end(app, s, err == DRV_AGAIN ? DRV_ABSENT : err);
}

static void probe_lost_ones(struct app *app)
{
    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        struct app_probe *p = &app->probe[i];

        if (app->config.has_sensor[i] && !p->present && !p->probing &&
            app->now.mono_ms >= p->retry_ms)
            probe(app, (enum app_sensor)i);
    }
}

/* ---- self-test ------------------------------------------------------------------------------ */

/* Which of the sensors may be held against this image: on probation those that answered under the
 * image before it. */
static const char health_key[] = "alive";

struct alive {
    bool sensor[APP_SENSOR_COUNT];
};

static int add_alive(void *ctx, const char *item, size_t len)
{
    struct alive *alive = ctx;

    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        const char *word = app_sensor_word((enum app_sensor)i);

        if (strlen(word) == len && memcmp(word, item, len) == 0)
            alive->sensor[i] = true;
    }
    return 0;
}

static struct alive load_health(const struct app *app)
{
    const struct app_platform *p = app->platform;
    struct alive alive = { { false } };
    char list[64];
    int len = app->boot.on_probation
                  ? p->nvs_get_str(p->ctx, APP_NS_CONFIG, health_key, list, sizeof(list))
                  : -1;

    if (len < 0) /* nothing is known, so nothing is excused */
        memset(alive.sensor, true, sizeof(alive.sensor));
    else
        (void)text_split(list, (size_t)len, add_alive, &alive);
    return alive;
}

void sensors_keep_health(const struct app *app)
{
    const struct app_platform *p = app->platform;
    char list[64], before[64];
    struct text t = text_begin(list, sizeof(list));

    text_str(&t, ","); /* never empty: a value of no characters is none in some stores */
    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        if (!app->config.has_sensor[i] || !app->probe[i].present)
            continue;
        text_str(&t, app_sensor_word((enum app_sensor)i));
        text_str(&t, ",");
    }
    if (text_end(&t) >= 0 &&
        (p->nvs_get_str(p->ctx, APP_NS_CONFIG, health_key, before, sizeof(before)) < 0 ||
         strcmp(before, list) != 0))
        (void)p->nvs_set_str(p->ctx, APP_NS_CONFIG, health_key, list);
}

static bool all_present(const struct app *app, enum app_sensor *missing, bool *waiting)
{
    bool all = true;
    const struct alive alive = load_health(app);

    *waiting = false;
    for (int i = APP_SENSOR_COUNT - 1; i >= 0; i--) {
        if (!app->config.has_sensor[i] || app->probe[i].present || !alive.sensor[i])
            continue;
        all = false;
        *waiting = *waiting || app->probe[i].probing;
        *missing = (enum app_sensor)i;
    }
    return all;
}

static void tell_result(struct app *app, bool ok, const char *sensor, const char *what)
{
    char detail[64];
    struct text t = text_begin(detail, sizeof(detail));
    struct ota_event event = { .kind = OTA_EV_SELF_TEST };

    text_str(&t, sensor);
    text_str(&t, ok ? "" : " ");
    text_str(&t, what);
    app->self_testing = false;
    app->self_test_ok = ok;
    app->sample_ms = app->now.mono_ms;
    if (ok)
        app_say(app, APP_LOG_INFO, "self-test passed");
    else
        app_say(app, APP_LOG_ERROR, "self-test failed: %s", detail);
    event.self_test = (struct ota_self_test){ .ok = ok, .detail = ok ? NULL : detail };
    (void)app_tell_agent(app, &event);
}

static void self_test_poll(struct app *app)
{
    enum app_sensor missing = APP_SENSOR_COUNT;
    bool waiting;

    if (!app->self_testing)
        return;
    if (all_present(app, &missing, &waiting) && !app->config.unknown_sensor)
        tell_result(app, true, "", "");
    else if (missing == APP_SENSOR_COUNT)
        tell_result(app, false, "factory key `sensors`", "names one this firmware does not have");
    else if (!waiting) /* each probe has its own deadline */
        tell_result(app, false, app_sensor_word(missing), drv_err_text(app->probe[missing].error));
}

static uint8_t expected_bme280(const struct app *app)
{
    const char *other = app->build->other_hw;

    return other && other[0] && strcmp(other, app->config.hw) == 0 ? app->build->other_bme280_id
                                                                   : app->build->bme280_id;
}

void sensors_init(struct app *app)
{
    if (FW_BME280)
        bme280_init(&app->bme280, app->platform->i2c, BME280_ADDR, expected_bme280(app));
    if (FW_SCD30)
        scd30_init(&app->scd30, app->platform->i2c);
    if (FW_SDS011)
        sds011_init(&app->sds011, app->platform->uart);
    memset(app->probe, 0, sizeof(app->probe));
}

void sensors_self_test(struct app *app)
{
    app->self_testing = true;
    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        if (app->config.has_sensor[i])
            probe(app, (enum app_sensor)i);
    }
    self_test_poll(app);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static void put(struct app *app, enum app_field field, int32_t value)
{
    app->sample.value[field] = value;
    app->sample.have |= 1U << field;
}

static enum drv_err collect(struct app *app, enum app_sensor s)
{
    struct bme280_reading bme;
    struct scd30_reading scd;
    struct sds011_reading sds;
    enum drv_err err = DRV_ABSENT;

    switch (s) {
    case APP_SENSOR_BME280:
        err = FW_BME280 ? bme280_read(&app->bme280, &bme) : DRV_ABSENT;
        if (err == DRV_OK) {
            put(app, APP_TEMPERATURE, bme.temperature);
            put(app, APP_HUMIDITY, (int32_t)bme.humidity);
            put(app, APP_PRESSURE, (int32_t)bme.pressure);
        }
        break;
    case APP_SENSOR_SCD30:
        err = FW_SCD30 ? scd30_read(&app->scd30, &scd) : DRV_ABSENT;
        if (err == DRV_OK) {
            put(app, APP_CO2, (int32_t)scd.co2);
            /* It warms itself: its climate counts only on a board without a BME280. */
            if (!app->config.has_sensor[APP_SENSOR_BME280]) {
                put(app, APP_TEMPERATURE, scd.temperature);
                put(app, APP_HUMIDITY, (int32_t)scd.humidity);
            }
        }
        break;
    case APP_SENSOR_SDS011:
        err = FW_SDS011 ? sds011_read(&app->sds011, &sds) : DRV_ABSENT;
        if (err == DRV_OK) {
            put(app, APP_PM2_5, (int32_t)sds.pm2_5);
            put(app, APP_PM10, (int32_t)sds.pm10);
        }
        break;
    case APP_SENSOR_COUNT:
        break;
    }
    return err;
}

static enum drv_err begin(struct app *app, enum app_sensor s)
{
    if (FW_BME280 && s == APP_SENSOR_BME280)
        return bme280_start(&app->bme280);
    if (FW_SDS011 && s == APP_SENSOR_SDS011)
        return sds011_query(&app->sds011);
    return DRV_OK; /* the SCD30 measures by itself */
}

/* A sensor that failed leaves this sample; one that does not answer at all is looked for again. */
static void drop(struct app *app, enum app_sensor s, enum drv_err err)
{
    app->probe[s].pending = false;
    note(app, s, err);
    if (err == DRV_ABSENT || err == DRV_TIMEOUT) {
        app->probe[s].present = false;
        app->probe[s].retry_ms = app->now.mono_ms + REPROBE_MS;
    }
}

static void sample_begin(struct app *app)
{
    int64_t interval = app->config.interval * INT64_C(1000);

    app->sampling = true;
    memset(&app->sample, 0, sizeof(app->sample));
    app->sampled_ms = app->now.mono_ms;
    app->sample.dated = app->now.trusted;
    app->sample.taken = app->now.trusted ? app->now.unix_s : app->now.mono_ms;
    app->sample_until_ms = NO_LOOK_YET;
    app->sample_ms += interval;
    if (app->sample_ms <= app->now.mono_ms)
        app->sample_ms = app->now.mono_ms + interval;
    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        enum app_sensor s = (enum app_sensor)i;
        enum drv_err err;

        app->probe[s].pending = app->probe[s].present;
        if (!app->probe[s].present)
            continue;
        err = begin(app, s);
        if (err != DRV_OK)
            drop(app, s, err);
    }
}

/* Magnus would need logarithms; the rule of thumb is good to 1 degC above 50 %RH and is what the
 * dashboards of this field show. */
static void add_dew_point(struct app *app)
{
    const uint32_t need = 1U << APP_TEMPERATURE | 1U << APP_HUMIDITY;

    if (app->build->dew_point && (app->sample.have & need) == need)
        put(app, APP_DEW_POINT_C,
            app->sample.value[APP_TEMPERATURE] - (10000 - app->sample.value[APP_HUMIDITY]) / 5);
}

static void sample_end(struct app *app)
{
    app->sampling = false;
    add_dew_point(app);
    if (app->sample.have)
        app_ring_push(&app->ring, &app->sample);
}

static void sample_poll(struct app *app)
{
    int64_t interval = app->config.interval * INT64_C(1000);
    int64_t limit = interval < SAMPLE_MS ? interval * 4 / 5 : SAMPLE_MS;
    bool late = is_over(app, &app->sample_until_ms, limit), waiting = false;

    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        enum app_sensor s = (enum app_sensor)i;
        enum drv_err err;

        if (!app->probe[s].pending)
            continue;
        err = collect(app, s);
        if (err == DRV_AGAIN && !late) {
            waiting = true;
        } else if (err == DRV_OK) {
            app->probe[s].pending = false;
            note(app, s, DRV_OK);
        } else {
            /* With an interval below its own the SCD30 has nothing new every other time. */
            drop(app, s, err == DRV_AGAIN && s != APP_SENSOR_SCD30 ? DRV_TIMEOUT : err);
        }
    }
    if (!waiting)
        sample_end(app);
}

bool sensors_are_busy(const struct app *app)
{
    return app->sampling || app->self_testing || app->probe[APP_SENSOR_SDS011].probing;
}

void sensors_tick(struct app *app)
{
    probe_poll(app);
    self_test_poll(app);
    if (app->self_testing)
        return;
    probe_lost_ones(app);
    if (app->sampling)
        sample_poll(app);
    else if (app->now.mono_ms >= app->sample_ms)
        sample_begin(app);
}
