/*
 * What a fleet costs the console: memory per device, time per message, a filter, a sort.
 *
 *   fleet_bench [devices, default 100000]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/history.h"
#include "fleet/view.h"

enum { ROUNDS = 4, FRAMES = 20, GROUPS = 40 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * 4;
}

static void say(struct fleet *fleet, const char *topic, const char *body, size_t len, bool retained,
                int64_t now)
{
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = len, .retained = retained
    };
    fleet_apply(fleet, &ev, now);
}

static void retained_picture(struct fleet *fleet, int count, int64_t now)
{
    char topic[96], body[512];
    for (int i = 0; i < count; i++) {
        snprintf(topic, sizeof(topic), "devices/sensor-%06d/status", i);
        int len = snprintf(
            body, sizeof(body),
            "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\",\"fw\":\"1.%d.0\","
            "\"slot\":\"ota_0\",\"image\":\"%064d\",\"boot\":\"%016x\",\"boots\":%d,"
            "\"reset\":\"poweron\",\"release_seq\":17,\"security\":2,\"keyset\":3,"
            "\"cert_not_after\":1905000000,\"groups\":[\"g%d\",\"outdoor\"],\"agent\":1,"
            "\"interval\":60}",
            i % 5, i % 5, (unsigned)i, i % 100, i % GROUPS);
        say(fleet, topic, body, (size_t)len, true, now);
    }
}

/* One reading message of each device; bodies are made beforehand so that only the fleet is timed.
 */
struct beat {
    char topic[64];
    char body[144];
    size_t len;
};

static void make_beats(struct beat *beat, int count)
{
    for (int i = 0; i < count; i++) {
        snprintf(beat[i].topic, sizeof(beat[i].topic), "devices/sensor-%06d/telemetry/env", i);
        beat[i].len = (size_t)snprintf(
            beat[i].body, sizeof(beat[i].body),
            "{\"temperature\":%d.%02d,\"humidity\":%d.10,\"pressure\":101325.0,\"rssi\":-%d,"
            "\"heap\":%d,\"uptime\":%d}",
            15 + i % 20, i % 100, 30 + i % 50, 40 + i % 50, 40000 + i % 9000, i);
    }
}

static void frames(struct fleet *fleet, struct fleet_view *view, struct beat *beat, int count,
                   int64_t *now)
{
    double worst = 0, total = 0;
    for (int f = 0; f < FRAMES; f++) {
        for (int i = 0; i < 200; i++) { /* 2,000 messages a second at ten frames */
            int n = (f * 200 + i) * 37 % count;
            say(fleet, beat[n].topic, beat[n].body, beat[n].len, false, *now);
        }
        *now += 100;
        double t = seconds();
        fleet_view_refresh(view, *now);
        t = seconds() - t;
        total += t;
        worst = t > worst ? t : worst;
    }
    printf("%-46s %8.2f ms (worst %.2f)\n", "refresh of a list, a frame later",
           total / FRAMES * 1e3, worst * 1e3);
}

static double first_refresh(struct fleet_view *view, int64_t now)
{
    double t = seconds();
    fleet_view_refresh(view, now);
    return (seconds() - t) * 1e3;
}

enum { FILTER_ROUNDS = 31 };

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All devices through a filter (NULL: only looked at), as a list does it: best and median. */
static void time_filter(struct fleet *fleet, const char *text, int64_t now, uint32_t *out)
{
    struct filter *filter = text ? filter_compile(text, NULL) : NULL;
    double took[FILTER_ROUNDS];
    uint32_t found = 0;
    if (text && !filter) {
        printf("filter %-39s is none\n", text);
        return;
    }
    for (int i = 0; i < FILTER_ROUNDS; i++) {
        double t = seconds();
        found = filter_select(filter, fleet, now, out);
        took[i] = (seconds() - t) * 1e3;
    }
    qsort(took, FILTER_ROUNDS, sizeof(*took), compare_times);
    printf("filter %-39s %8.2f ms (median %.2f, %u found)\n",
           text ? text : "(none: the walk alone)", took[0], took[FILTER_ROUNDS / 2], found);
    filter_free(filter);
}

static void time_filters(struct fleet *fleet, int64_t now)
{
    static const char *const texts[] = { NULL,
                                         "state>=warn",
                                         "fw<1.3",
                                         "temp>30",
                                         "groups:g7 fw>=1.2",
                                         "sensor-0999",
                                         "/999$/",
                                         "temp>30 and not (group:g7 or state>=warn)" };
    uint32_t *out = calloc(fleet_span(fleet), sizeof(*out));
    for (size_t i = 0; out && i < sizeof(texts) / sizeof(texts[0]); i++)
        time_filter(fleet, texts[i], now, out);
    free(out);
}

static void time_views(struct fleet *fleet, struct beat *beat, int count, int64_t *now)
{
    struct fleet_view *view = fleet_view_new(fleet);
    printf("%-46s %8.2f ms\n", "first list, worst first", first_refresh(view, *now));
    frames(fleet, view, beat, count, now);
    struct fleet_sort_key by[] = {
        { .column = FLEET_COL_READING, .reading = fleet_reading_find(fleet, "temperature") },
        { .column = FLEET_COL_FW },
    };
    fleet_view_sort(view, by, 2);
    printf("%-46s %8.2f ms\n", "sorted anew by temperature, version", first_refresh(view, *now));
    fleet_view_free(view);
}

static double time_ticks(struct fleet *fleet, int64_t now)
{
    struct fleet_event ev = { .kind = FLEET_EV_TICK };
    double t = seconds();
    for (int i = 0; i < 50; i++)
        fleet_apply(fleet, &ev, now);
    return (seconds() - t) / 50 * 1e3;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100000;
    struct fleet_config config = { .root = "devices" };
    struct fleet_event up = { .kind = FLEET_EV_LINK_UP };
    int64_t now = 1790000000000;
    size_t deep;

    if (count < 1 || count > FLEET_MAX_DEVICES) {
        fprintf(stderr, "usage: fleet_bench [devices, 1 to %d]\n", FLEET_MAX_DEVICES);
        return 2;
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    struct beat *beat = calloc((size_t)count, sizeof(*beat));
    if (!beat)
        return 1;
    make_beats(beat, count);
    long before = resident_kb();
    struct fleet *fleet = fleet_new(&config);
    fleet_apply(fleet, &up, now);

    double t = seconds();
    retained_picture(fleet, count, now);
    double picture = seconds() - t;

    double telemetry = 0;
    for (int r = 0; r < ROUNDS; r++, now += 60000) {
        t = seconds();
        for (int i = 0; i < count; i++)
            say(fleet, beat[i].topic, beat[i].body, beat[i].len, false, now + i * 60000L / count);
        telemetry = seconds() - t; /* the last round is the steady state */
    }
    size_t bytes = fleet_bytes(fleet, &deep);
    printf("devices %d, 6 readings each\n", count);
    printf("%-46s %8.0f ns\n", "retained status, first picture, per device", picture / count * 1e9);
    printf("%-46s %8.0f ns\n", "telemetry message, steady", telemetry / count * 1e9);
    printf("%-46s %8.1f MB (%.0f B a device without deep history)\n", "memory by our own count",
           (double)bytes / 1e6, (double)(bytes - deep) / count);
    printf("%-46s %8.1f MB\n", "of it deep history (bounded)", (double)deep / 1e6);
    printf("%-46s %8.1f MB\n", "resident memory it took",
           (double)(resident_kb() - before) / 1e3 * 1.024);
    time_views(fleet, beat, count, &now);
    time_filters(fleet, now);
    printf("%-46s %8.2f ms\n", "tick (silence of 16,384 devices)", time_ticks(fleet, now));
    printf("%-46s %8.1f MB\n", "resident memory in the end, with lists",
           (double)(resident_kb() - before) / 1e3 * 1.024);
    fleet_free(fleet);
    free(beat);
    return 0;
}
