#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

/*
 * Cuts the power of a whole device everywhere, and prints how often, and four numbers that must be
 * zero. See docs/power.md.
 */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_head(void)
{
    printf("%-26s %8s %8s %8s %8s %8s   %9s  %s\n", "power cuts", "prefix", "mixed", "scatter",
           "erase", "second", "lives", "unbootable unsigned counters endless");
}

static void print_row(const char *name, const struct sim *s, const struct sim *before, double took)
{
    uint64_t kind[TEAR_KINDS], second = 0;
    for (int i = 0; i < TEAR_KINDS; i++) {
        kind[i] = s->cuts[1][i] - before->cuts[1][i];
        second += s->cuts[2][i] - before->cuts[2][i];
    }
    printf("%-26s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "   %9" PRIu64,
           name, kind[TEAR_PREFIX], kind[TEAR_MIX], kind[TEAR_SCATTER], kind[TEAR_ERASE], second,
           s->lives - before->lives);
    for (int i = 0; i < ZEROS; i++)
        printf(" %*" PRIu64, i == 0 ? 11 : 8, s->violations[i] - before->violations[i]);
    printf("   %.1f s\n", took);
    fflush(stdout);
}

static int torture(struct sim *s, const char *only)
{
    const struct sim none = { 0 };
    double start = seconds();
    bool good = true, any = false;
    print_head();
    for (unsigned i = 0; i < journey_count; i++) {
        struct sim before = *s;
        double began = seconds();
        if (only && strcmp(only, journeys[i].name) != 0)
            continue;
        any = true;
        good = sim_journey(s, &journeys[i]) && good;
        print_row(journeys[i].name, s, &before, seconds() - began);
    }
    if (!any) {
        fprintf(stderr, "no journey \"%s\"\n", only);
        return 2;
    }
    print_row("all", s, &none, seconds() - start);
    printf("boots: %" PRIu64 "\n", s->rebirths);
    return good ? 0 : 1;
}

/* ---- wear ------------------------------------------------------------------------------------ */

struct part {
    const char *name;
    uint32_t offset, size;
};
static const struct part parts[] = {
    { "nvs", 0x9000, 0x6000 },
    { "otadata", 0xF000, 0x2000 },
    { "slots", 0x20000, 0x380000 },
    { "muster", 0x3A0000, 0x10000 },
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]), CYCLES = 100000 };

static void print_wear(const char *what, const struct nor_wear *w, uint32_t times)
{
    for (int p = 0; p < PARTS; p++) {
        uint64_t bytes = 0, erases = 0;
        for (uint32_t s = parts[p].offset / ESP_SECTOR;
             s < (parts[p].offset + parts[p].size) / ESP_SECTOR; s++) {
            bytes += w->programmed[s];
            erases += w->erased[s];
        }
        printf("%-26s %-8s %10.1f %10.2f\n", p == 0 ? what : "", parts[p].name,
               (double)bytes / times, (double)erases / times);
    }
}

static void wear(struct sim *s)
{
    static struct nor_wear w;
    printf("%-26s %-8s %10s %10s\n", "wear", "where", "bytes", "erases");
    for (unsigned i = 0; i < journey_count; i++) {
        memset(&w, 0, sizeof(w));
        sim_wear(s, &journeys[i], &w);
        print_wear(journeys[i].name, &w, 1);
    }
    memset(&w, 0, sizeof(w));
    sim_idle(s, 86400, &w);
    print_wear("a boot and an idle day", &w, 1);
}

int main(int argc, char **argv)
{
    static struct sim_factory factory;
    struct sim s = { .factory = &factory,
                     .depth = 2,
                     .second_every = 211,
                     .words_most = 3,
                     .data_words_most = 1,
                     .rounds = 1 };
    const char *only = NULL;
    bool wants_wear = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0) {
            s.full = true;
            s.words_most = 0;
            s.data_words_most = 0;
            s.rounds = 2;
        } else if (strcmp(argv[i], "--wear") == 0) {
            wants_wear = true;
        } else if (strcmp(argv[i], "--log") == 0) {
            s.log = true;
        } else if (strcmp(argv[i], "--journey") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            fprintf(stderr, "usage: torture_power [--full] [--journey NAME] [--log] | --wear\n");
            return 2;
        }
    }
    sim_factory_make(&factory);
    int rc = 0;
    if (wants_wear)
        wear(&s);
    else
        rc = torture(&s, only);
    sim_factory_free(&factory);
    return rc;
}
