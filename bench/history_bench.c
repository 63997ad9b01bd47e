/*
 * What keeping history costs: simulated hours of a fleet through history_add() and history_work(),
 * as the recorder calls them (ten times a second, so many rows at a time).
 *
 *   history_bench DIR [SERIES [HOURS [VALUES_PER_MINUTE]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "store/history.h"

enum { ROWS = 1000, TICKS = 10 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench {
    struct history *h;
    struct err err;
    double spent, worst;
    uint64_t calls, late; /* calls over 10 ms */
};

static int work(struct bench *b, int64_t now_ms)
{
    double begin = seconds();
    int rc = history_work(b->h, now_ms, ROWS, &b->err);
    double took = seconds() - begin;

    b->spent += took;
    b->calls++;
    b->late += took > 0.010;
    if (took > b->worst)
        b->worst = took;
    if (rc < 0) {
        fprintf(stderr, "history_bench: %s\n", b->err.text);
        exit(1);
    }
    return rc;
}

static void run(struct bench *b, unsigned series, unsigned minutes, unsigned values,
                int64_t start_ms)
{
    static const char *const reading[] = { "temperature", "humidity", "pressure",
                                           "rssi",        "battery",  "co2" };
    char device[32];

    for (unsigned m = 0; m < minutes; m++) {
        int64_t t = start_ms + m * HISTORY_MINUTE_MS;
        for (unsigned v = 0; v < values; v++) {
            for (unsigned s = 0; s < series; s++) {
                text_format(device, sizeof(device), "sensor-%05u", s / 6);
                double begin = seconds();
                history_add(b->h, device, reading[s % 6], t + v * 60000 / values,
                            20 + (double)((m * 7 + s + v) % 50) / 10);
                b->spent += seconds() - begin;
            }
        }
        for (unsigned tick = 0; tick < TICKS; tick++)
            while (work(b, t + tick * 6000) == 1)
                ;
    }
}

static double query(const char *journal, unsigned device, int64_t from, int64_t to,
                    enum history_step step, size_t *samples, double *worst)
{
    char id[32];
    struct err err;
    struct history *r = history_open_reader(journal, &err);
    text_format(id, sizeof(id), "sensor-%05u", device);
    double begin = seconds();
    struct history_query *q = history_query_new(r, id, "temperature", from, to, step, &err);
    int rc = 1;
    *worst = 0;
    while (q && rc == 1) {
        double once = seconds();
        rc = history_query_work(q, 32, &err);
        if (seconds() - once > *worst)
            *worst = seconds() - once;
    }
    double took = seconds() - begin;
    history_query_samples(q, samples);
    history_query_free(q);
    history_close(r);
    return took;
}

int main(int argc, char **argv)
{
    unsigned series = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 6000;
    unsigned hours = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 24;
    unsigned values = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    int64_t start_ms = INT64_C(20000) * 86400000, end_ms = start_ms + hours * INT64_C(3600000);
    struct bench b = { 0 };
    struct history_counters c;
    struct stat st;
    char journal[512], path[600];
    size_t samples;
    double worst;

    if (argc < 2) {
        fprintf(stderr, "usage: history_bench DIR [SERIES [HOURS [VALUES_PER_MINUTE]]]\n");
        return 2;
    }
    text_format(journal, sizeof(journal), "%s/bench.db", argv[1]);
    text_format(path, sizeof(path), "%s-history", journal);
    b.h = history_open(journal, &(struct history_limits){ .megabytes = 8192 }, start_ms, NULL, 0,
                       &b.err);
    if (!b.h) {
        fprintf(stderr, "history_bench: %s\n", b.err.text);
        return 1;
    }
    run(&b, series, hours * 60, values, start_ms);
    while (work(&b, end_ms + 600000) == 1)
        ;
    history_counters(b.h, &c);
    history_close(b.h);
    if (stat(path, &st))
        return 1;
    uint64_t minutes = (uint64_t)series * hours * 60;
    printf("series %u, hours %u, values %llu\n", series, hours, (unsigned long long)c.values);
    printf("values per second      %.0f\n", (double)c.values / b.spent);
    printf("minute rows per second %.0f\n", (double)c.rows / b.spent);
    printf("bytes per minute kept  %.1f (its share of the quarters included)\n",
           (double)st.st_size / (double)minutes);
    printf("file                   %.1f MB\n", (double)st.st_size / 1e6);
    printf("longest call           %.1f ms, %llu of %llu over 10 ms\n", b.worst * 1e3,
           (unsigned long long)b.late, (unsigned long long)b.calls);
    double took = query(journal, series / 12, start_ms, end_ms, HISTORY_MINUTES, &samples, &worst);
    printf("query, minutes         %.2f ms for %zu, longest piece %.2f ms\n", took * 1e3, samples,
           worst * 1e3);
    took = query(journal, series / 7, start_ms, end_ms, HISTORY_QUARTERS, &samples, &worst);
    printf("query, quarters        %.2f ms for %zu, longest piece %.2f ms\n", took * 1e3, samples,
           worst * 1e3);
    unlink(path);
    return 0;
}
