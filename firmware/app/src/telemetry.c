#include <string.h>

#include "app/features.h"
#include "private.h"

enum {
    UNDER_WAY_MAX = 8,  /* samples handed to the MQTT client and not acknowledged */
    STALLED_MS = 90000, /* online and no acknowledgement for so long: hand them over again */
    HEALTH_MIN_MS = 30000,
};

static const struct {
    const char *name;
    unsigned decimals;
} fields[APP_FIELD_COUNT] = {
    [APP_TEMPERATURE] = { "temperature", 2 },
    [APP_HUMIDITY] = { "humidity", 2 },
    [APP_PRESSURE] = { "pressure", 0 },
    [APP_CO2] = { "co2", 0 },
    [APP_PM2_5] = { "pm2_5", 1 },
    [APP_PM10] = { "pm10", 1 },
    [APP_DEW_POINT_C] = { "dew_point", 2 },
};

static void field(struct text *t, const char *name, int64_t value, unsigned decimals)
{
    text_str(t, t->len > 1 ? ",\"" : "\"");
    text_str(t, name);
    text_str(t, "\":");
    text_fixed(t, value, decimals);
}

int telemetry_encode(const struct app_sample *sample, int64_t ts, char *out, size_t cap)
{
    struct text t = text_begin(out, cap);

    text_str(&t, "{");
    if (ts > 0)
        field(&t, "ts", ts, 0);
    for (unsigned i = 0; i < APP_FIELD_COUNT; i++) {
        if (sample->have & 1U << i)
            field(&t, fields[i].name, sample->value[i], fields[i].decimals);
    }
    text_str(&t, "}");
    return text_end(&t);
}

/* One line of the Influx protocol: the measurement is the group, the device is in the topic. */
static void line_field(struct text *t, const char *group, unsigned *count, const char *name,
                       int64_t value, unsigned decimals)
{
    text_str(t, (*count)++ ? "," : group);
    if (*count == 1)
        text_str(t, " ");
    text_str(t, name);
    text_str(t, "=");
    text_fixed(t, value, decimals);
}

int telemetry_encode_line(const struct app_sample *sample, int64_t ts, char *out, size_t cap)
{
    struct text t = text_begin(out, cap);
    unsigned count = 0;

    for (unsigned i = 0; i < APP_FIELD_COUNT; i++) {
        if (sample->have & 1U << i)
            line_field(&t, "environment", &count, fields[i].name, sample->value[i],
                       fields[i].decimals);
    }
    if (ts > 0) {
        text_str(&t, " ");
        text_u64(&t, (uint64_t)ts);
        text_str(&t, "000000000"); /* nanoseconds */
    }
    return text_end(&t);
}

static int encode(const struct app_sample *sample, int64_t ts, char *out, size_t cap)
{
    return FW_INFLUX ? telemetry_encode_line(sample, ts, out, cap)
                     : telemetry_encode(sample, ts, out, cap);
}

/* Unix time of a sample, 0: not known yet. What was taken before the time was trusted is dated by
 * its age, good to a second; dating all that way would give two samples of a second's distance the
 * same time when the first had waited for its sensor. */
static int64_t unix_of(const struct app *app, const struct app_sample *s)
{
    if (s->dated)
        return s->taken;
    return app->now.trusted ? app->now.unix_s - (app->now.mono_ms - s->taken) / 1000 : 0;
}

static int publish(struct app *app, const char *group, int len, uint8_t qos)
{
    const struct app_publish message = {
        .kind = TOPIC_TELEMETRY,
        .sub = group,
        .payload = app->scratch,
        .len = (size_t)len,
        .qos = qos,
    };

    return len < 0 ? -1 : app->platform->publish(app->platform->ctx, &message);
}

static void drain(struct app *app)
{
    const struct app_sample *sample;

    if (app->ring.sent == 0)
        app->ring_ms = app->now.mono_ms;
    if (app->now.mono_ms - app->ring_ms >= STALLED_MS) {
        app_ring_rewind(&app->ring);
        app->ring_ms = app->now.mono_ms;
    }
    while (app->ring.sent < UNDER_WAY_MAX && (sample = app_ring_next(&app->ring)) != NULL) {
        int len = encode(sample, unix_of(app, sample), app->scratch, sizeof(app->scratch));
        int mid = publish(app, "environment", len, 1);

        if (mid <= 0)
            return;
        app_ring_sent(&app->ring, mid);
    }
}

static int encode_health(struct app *app)
{
    const struct app_platform *p = app->platform;
    struct text t = text_begin(app->scratch, sizeof(app->scratch));
    uint32_t memory = p->memory(p->ctx);
    int32_t dbm;

    text_str(&t, "{");
    if (app->now.trusted)
        field(&t, "ts", app->now.unix_s, 0);
    field(&t, "uptime", app->now.mono_ms / 1000, 0);
    if (memory)
        field(&t, "heap", memory, 0);
    if (p->rssi && p->rssi(p->ctx, &dbm) == 0)
        field(&t, "rssi", dbm, 0);
    field(&t, "boots", app->boot.boots, 0);
    if (app->ring.dropped)
        field(&t, "dropped", app->ring.dropped, 0);
    text_str(&t, "}");
    return text_end(&t);
}

static void health(struct app *app)
{
    int64_t period = app->config.interval * INT64_C(1000);

    if (app->now.mono_ms < app->health_ms)
        return;
    if (publish(app, "health", encode_health(app), 0) < 0)
        return;
    app->health_ms = app->now.mono_ms + (period < HEALTH_MIN_MS ? HEALTH_MIN_MS : period);
}

void telemetry_tick(struct app *app)
{
    if (!app->online) {
        app->ring_ms = app->now.mono_ms; /* silence is no stall while there is no link */
        return;
    }
    drain(app);
    health(app);
}

bool telemetry_acked(struct app *app, int mid)
{
    if (!app_ring_acked(&app->ring, mid))
        return false;
    app->ring_ms = app->now.mono_ms;
    return true;
}
