/*
 * What the decoders on the console's hot path cost: nanoseconds per message, best of several
 * rounds. protocol_bench          (build it with the release preset)
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/reading.h"
#include "protocol/report.h"
#include "protocol/status.h"
#include "protocol/topic.h"

enum { ROUNDS = 7, PER_ROUND = 50000 };

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int run_readings(const char *body, size_t len)
{
    static struct readings out;
    return readings_decode(body, len, &out) == 0 ? (int)out.count : -1;
}

static int run_status(const char *body, size_t len)
{
    static struct device_status out;
    return device_status_decode(body, len, &out) == 0 ? (int)out.boots : -1;
}

static int run_report(const char *body, size_t len)
{
    static struct ota_report out;
    return ota_report_decode(body, len, &out) == 0 ? (int)out.n : -1;
}

static int run_topic(const char *body, size_t len)
{
    static struct topic out;
    (void)len;
    topic_parse("devices", body, &out);
    return out.kind == TOPIC_OTHER ? -1 : (int)out.kind;
}

static const struct {
    const char *name;
    int (*run)(const char *body, size_t len);
    const char *body;
} cases[] = {
    { "topic", run_topic, "devices/sensor-001/telemetry/environment" },
    { "readings, JSON of ours", run_readings,
      "{\"ts\":1790000000,\"temperature\":21.53,\"humidity\":44.10,\"pressure\":101325,"
      "\"co2\":612,\"rssi\":-61,\"heap\":143000,\"uptime\":4711}" },
    { "readings, Arduino JSON", run_readings,
      "{\"device\":\"sensor-001\",\"temp\":22.5,\"hum\":55.0,\"uptime\":123}" },
    { "readings, quoted numbers", run_readings,
      "{\"location\": \"outdoor\",\"firmware\": \"0.1.3\", \"temperature\": \"21.53\", "
      "\"humidity\": \"44.10\"}" },
    { "readings, Influx line", run_readings,
      "weather,location=outdoor,firmware=0.1.3 "
      "temperature=21.53,humidity=44.10,pressure=101325.00" },
    { "status, bare word", run_status, "online" },
    { "status, full", run_status,
      "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\",\"fw\":\"1.4.0\",\"slot\":"
      "\"ota_0\",\"image\":\"abababababababababababababababababababababababababababababababab\","
      "\"boot\":\"0123456789abcdef\",\"boots\":12,\"reset\":\"poweron\",\"release_seq\":17,"
      "\"security\":2,\"keyset\":3,\"cert_not_after\":1805000000,\"groups\":[\"berlin\","
      "\"outdoor\"],\"agent\":1,\"interval\":60}" },
    { "report", run_report,
      "{\"rollout\":\"r-20261120-1\",\"attempt\":1,\"state\":\"downloading\",\"reason\":\"none\","
      "\"from\":\"1.3.0\",\"to\":\"1.4.0\",\"got\":131072,\"size\":917504,\"slot\":1790000123,"
      "\"boot\":\"0123456789abcdef\",\"image\":"
      "\"abababababababababababababababababababababababababababababababab\",\"n\":42,"
      "\"ts\":1790000100}" },
};

static uint64_t best_round(size_t i)
{
    size_t len = strlen(cases[i].body);
    uint64_t best = UINT64_MAX;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();
        for (int n = 0; n < PER_ROUND; n++)
            if (cases[i].run(cases[i].body, len) < 0)
                return 0;
        uint64_t took = now_ns() - start;
        if (took < best)
            best = took;
    }
    return best;
}

int main(void)
{
    int rc = 0;

    printf("%-26s %6s %10s\n", "message", "bytes", "ns/message");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t best = best_round(i);
        if (best == 0) {
            fprintf(stderr, "%s: does not decode\n", cases[i].name);
            rc = 1;
        }
        printf("%-26s %6zu %10" PRIu64 "\n", cases[i].name, strlen(cases[i].body),
               best / PER_ROUND);
    }
    return rc;
}
