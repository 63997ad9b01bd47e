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
enum { PARTS = sizeof(parts) / sizeof(parts[0]), CYCLES = 100000, PAGE = 4080, LARGE = 1000000 };

/* How often a thing may be done until the first sector has seen CYCLES erases. Logs go round, so
 * their sectors wear alike: by bytes. Slots and otadata's sectors take turns: by erases. */
static double lifetime(const struct part *p, uint64_t bytes, uint32_t erases, uint32_t most)
{
    uint32_t sectors = p->size / ESP_SECTOR;
    if (p->name[0] == 'n' || p->name[0] == 'm')
        return bytes ? (double)CYCLES * sectors * PAGE / (double)bytes : 0;
    return erases ? 2.0 * CYCLES / most : 0;
}

static void print_wear(const char *what, const struct nor_wear *w)
{
    for (int p = 0; p < PARTS; p++) {
        uint64_t bytes = 0;
        uint32_t erases = 0, most = 0;
        for (uint32_t s = parts[p].offset / ESP_SECTOR;
             s < (parts[p].offset + parts[p].size) / ESP_SECTOR; s++) {
            bytes += w->programmed[s];
            erases += w->erased[s];
            most = w->erased[s] > most ? w->erased[s] : most;
        }
        printf("%-26s %-8s %9" PRIu64 " %7u %5u", p == 0 ? what : "", parts[p].name, bytes, erases,
               most);
        double times = lifetime(&parts[p], bytes, erases, most);
        if (times > 0)
            printf(" %14.0f\n", times);
        else
            printf(" %14s\n", "-");
    }
}

static void wear(struct sim *s)
{
    static const char *const names[] = { "update, commit",       "update, resume",
                                         "bad update, rollback", "power lost in trial",
                                         "config order",         "key rotation" };
    static struct nor_wear w;
    printf("%-26s %-8s %9s %7s %5s %14s\n", "wear of one", "where", "bytes", "erases", "most",
           "lasts, times");
    for (unsigned i = 0; i < journey_count; i++) {
        for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            if (strcmp(names[n], journeys[i].name) != 0)
                continue;
            memset(&w, 0, sizeof(w));
            sim_wear(s, &journeys[i], &w);
            print_wear(journeys[i].order == MSG_LARGE ? "update of 1 MB" : names[n], &w);
        }
    }
    memset(&w, 0, sizeof(w));
    sim_idle(s, 0, &w);
    print_wear("boot", &w);
    memset(&w, 0, sizeof(w));
    sim_idle(s, 86400, &w);
    print_wear("boot and an idle day", &w);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: torture_power [--full] [--journey NAME] [--slice I/N] [--log] | --wear\n"
            "--slice: of the first cuts only every Nth, from number I on; I is 0 to N - 1\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct sim_factory factory;
    struct sim s = { .factory = &factory,
                     .depth = 2,
                     .second_every = 251,
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
        } else if (strcmp(argv[i], "--slice") == 0 && i + 1 < argc) {
            if (sscanf(argv[++i], "%u/%u", &s.slice, &s.slices) != 2 || s.slice >= s.slices)
                return usage();
        } else {
            return usage();
        }
    }
    sim_factory_make(&factory, wants_wear ? LARGE : 72000);
    int rc = 0;
    if (wants_wear)
        wear(&s);
    else
        rc = torture(&s, only);
    sim_factory_free(&factory);
    return rc;
}
