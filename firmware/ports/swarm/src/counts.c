#include "counts.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    TENTHS = sizeof(((struct device_all *)0)->tried) / sizeof(uint32_t),
    WINDOW = 10,
    STATES = 32 /* more than there are numbers */
};

uint64_t counts_memory(void)
{
    unsigned long size, resident;
    FILE *f = fopen("/proc/self/statm", "re");
    int n = f ? fscanf(f, "%20lu %20lu", &size, &resident) : 0;
    if (f)
        fclose(f);
    return n == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* The most in any second; its beginning may be any tenth of a second. */
static uint32_t busiest(const uint32_t *tenth)
{
    uint32_t sum = 0, most = 0;
    for (int i = 0; i < TENTHS; i++) {
        sum += tenth[i];
        if (i >= WINDOW)
            sum -= tenth[i - WINDOW];
        if (sum > most)
            most = sum;
    }
    return most;
}

/* Tenths of a second until the last one; 0: none. */
static int last(const uint32_t *tenth)
{
    int n = TENTHS;
    while (n > 0 && tenth[n - 1] == 0)
        n--;
    return n;
}

static uint32_t total(const uint32_t *tenth)
{
    uint32_t sum = 0;
    for (int i = 0; i < TENTHS; i++)
        sum += tenth[i];
    return sum;
}

static void print_reports(FILE *out, const struct device *devices, uint32_t count)
{
    uint32_t by[STATES] = { 0 }, frozen = 0;
    const char *comma = "";
    for (uint32_t i = 0; i < count; i++) {
        frozen += devices[i].power == DEVICE_FROZEN;
        if (devices[i].has_report && (int)devices[i].report < (int)STATES)
            by[devices[i].report]++;
    }
    fprintf(out, ",\"frozen\":%u,\"reports\":{", (unsigned)frozen);
    for (int i = 0; i < STATES; i++) {
        if (by[i] == 0)
            continue;
        fprintf(out, "%s\"%s\":%u", comma, ota_report_word((enum ota_report_state)i),
                (unsigned)by[i]);
        comma = ",";
    }
    fputc('}', out);
}

void counts_print(FILE *out, const struct device_all *all, const struct device *devices,
                  uint32_t count)
{
    const struct fetch_all *f = &all->fetch;
    uint64_t memory = counts_memory();
    fprintf(out,
            "{\"devices\":%u,\"online\":%u,\"boots\":%" PRIu64 ",\"messages\":%" PRIu64
            ",\"connects\":%" PRIu64 ",\"connected\":%" PRIu64 ",\"lost\":%" PRIu64,
            (unsigned)count, (unsigned)all->online, all->boots, all->messages, all->connects,
            all->ups, all->downs);
    fprintf(out,
            ",\"since_mark\":{\"tried\":%u,\"tried_peak\":%u,\"connected\":%u,"
            "\"connected_peak\":%u,\"last_connected_s\":%.1f}",
            (unsigned)total(all->tried), (unsigned)busiest(all->tried), (unsigned)total(all->taken),
            (unsigned)busiest(all->taken), last(all->taken) / 10.0);
    fprintf(out,
            ",\"downloads\":%" PRIu64 ",\"downloading\":%u,\"peak\":%u,\"peak_body\":%u,"
            "\"download_s\":%.3f,\"bytes\":%" PRIu64,
            f->begun, (unsigned)f->open, (unsigned)f->peak, (unsigned)f->body_peak,
            f->ended ? (double)f->spent_ms / 1e3 / (double)f->ended : 0.0, f->bytes);
    print_reports(out, devices, count);
    fprintf(out, ",\"memory\":%" PRIu64 ",\"memory_per_device\":%" PRIu64 "}\n", memory,
            memory / (count ? count : 1));
    fflush(out);
}
