#include <stdint.h>
#include <string.h>

#include "protocol/reading.h"

static const struct reading_info table[] = {
    { "temperature", "TEMP", "°C", 1, 1 },   { "humidity", "HUM", "%", 1, 0 },
    { "pressure", "PRESS", "hPa", 0.01, 1 }, { "co2", "CO2", "ppm", 1, 0 },
    { "pm2_5", "PM2.5", "µg/m³", 1, 1 },     { "pm10", "PM10", "µg/m³", 1, 1 },
    { "rssi", "RSSI", "dBm", 1, 0 },         { "heap", "HEAP", "kB", 1.0 / 1024, 0 },
    { "battery", "BATT", "%", 1, 0 },        { "uptime", "UPTIME", "s", 1, 0 },
    { "dew_point", "DEW", "°C", 1, 1 },
};

#define ALIASES(X)                                                                                 \
    X("temp", "temperature")                                                                       \
    X("t", "temperature")                                                                          \
    X("hum", "humidity")                                                                           \
    X("rh", "humidity")                                                                            \
    X("press", "pressure")                                                                         \
    X("air_quality_pm2_5", "pm2_5")                                                                \
    X("pm25", "pm2_5")                                                                             \
    X("air_quality_pm10", "pm10")                                                                  \
    X("wifi_rssi", "rssi")                                                                         \
    X("free_heap", "heap")                                                                         \
    X("batt", "battery")

static const struct {
    const char *alias;
    size_t len;
    const char *canonical;
} aliases[] = {
#define X(from, to) { from, sizeof(from) - 1, to },
    ALIASES(X)
#undef X
};

/* A bit for each length that an alias has. */
#define X(from, to) | UINT64_C(1) << (sizeof(from) - 1)
static const uint64_t alias_lengths = 0 ALIASES(X);
#undef X

const struct reading_info *reading_info(const char *name)
{
    static const struct reading_info unknown = { NULL, NULL, "", 1, 1 };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return &unknown;
}

const char *reading_canonical(const char *name)
{
    size_t len = strlen(name);

    if (len > 63 || !(alias_lengths >> len & 1))
        return name;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (aliases[i].len == len && memcmp(aliases[i].alias, name, len) == 0)
            return aliases[i].canonical;
    return name;
}
