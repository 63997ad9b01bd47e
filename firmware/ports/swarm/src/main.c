#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swarm.h"

static const char usage[] =
    "usage: muster-swarm -n COUNT (--profile FILE | --devices DIR) [OPTION…]   run a fleet\n"
    "       muster-swarm --image FILE --version V [--size BYTES] [--bad HW]    make an image\n"
    "\n"
    "Thousands of devices in one process: the firmware's own app and agent, a connection each, "
    "flash\n"
    "in memory. Prints \"ready\" when all are online, and counts at the end (SIGTERM).\n"
    "\n"
    "  -n COUNT         devices, at most 20000\n"
    "  --profile FILE   the fleet's profile: devices are in swarm/ and releases in store/ beside "
    "it\n"
    "  --devices DIR    their settings, DIR/ID/nvs.csv, as made by\n"
    "                   muster pki device --count COUNT --prefix TEXT --out DIR --set "
    "clock=trusted\n"
    "  --prefix TEXT    ids are TEXT001, TEXT002 … (sensor-)\n"
    "  --fail P  --silent P  --slow P  --offline P     shares of the fleet, as 3% or 0.03:\n"
    "                   fail any new image's self-test; hang once told to update; download "
    "slowly;\n"
    "                   never be there\n"
    "  --slow-rate N    bytes per second of the slow ones (4000)\n"
    "  --real           downloads come from the gateway, by HTTPS (the default)\n"
    "  --virtual        downloads come out of the store, at --pace bytes per second (100000)\n"
    "  --store DIR      another release store for --virtual\n"
    "  --flash FILE     image the devices begin with (default: one made of --version, 1.3.0)\n"
    "  --start S        switch them on within so many seconds (COUNT/500)\n"
    "  --boot MS        what a restart takes (500)\n"
    "  --spread S       their factory key `spread`: connect within S after power comes (10)\n"
    "  --seed N         who plays which part, and what each draws (1)\n"
    "  -v               the devices' logs on standard error\n"
    "\n"
    "  --image FILE     write what `muster release build --elf` takes, a program in name only\n"
    "  --bad HW         whose self-test fails on that hardware; all: on any\n"
    "\n"
    "Standard input takes commands: counts, mark, off [F], on, quit (docs/swarm.md).\n"
    "Exit: 0 stopped, 2 wrong usage, 3 could not run.\n";

enum { EXIT_USAGE = 2, EXIT_FAILED = 3 };

struct arguments {
    struct swarm_options swarm;
    const char *profile, *image, *bad, *store;
    uint32_t size;
    bool virtual, start, help;
    char devices[PATH_MAX], own_store[PATH_MAX];
};

static int take_number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n < least || n > most)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

/* "3%" or "0.03". */
static int take_share(const char *text, double *out)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text)
        return -1;
    if (*end == '%') {
        v /= 100;
        end++;
    }
    if (*end != '\0' || !(v >= 0 && v <= 1))
        return -1;
    *out = v;
    return 0;
}

enum option_key {
    OPT_PROFILE = 256,
    OPT_DEVICES,
    OPT_PREFIX,
    OPT_FAIL,
    OPT_SILENT,
    OPT_SLOW,
    OPT_OFFLINE,
    OPT_SLOW_RATE,
    OPT_REAL,
    OPT_VIRTUAL,
    OPT_PACE,
    OPT_STORE,
    OPT_FLASH,
    OPT_START,
    OPT_BOOT,
    OPT_SPREAD,
    OPT_SEED,
    OPT_IMAGE,
    OPT_VERSION,
    OPT_SIZE,
    OPT_BAD
};

static const struct option options[] = {
    { "profile", required_argument, NULL, OPT_PROFILE },
    { "devices", required_argument, NULL, OPT_DEVICES },
    { "prefix", required_argument, NULL, OPT_PREFIX },
    { "fail", required_argument, NULL, OPT_FAIL },
    { "silent", required_argument, NULL, OPT_SILENT },
    { "slow", required_argument, NULL, OPT_SLOW },
    { "offline", required_argument, NULL, OPT_OFFLINE },
    { "slow-rate", required_argument, NULL, OPT_SLOW_RATE },
    { "real", no_argument, NULL, OPT_REAL },
    { "virtual", no_argument, NULL, OPT_VIRTUAL },
    { "pace", required_argument, NULL, OPT_PACE },
    { "store", required_argument, NULL, OPT_STORE },
    { "flash", required_argument, NULL, OPT_FLASH },
    { "start", required_argument, NULL, OPT_START },
    { "boot", required_argument, NULL, OPT_BOOT },
    { "spread", required_argument, NULL, OPT_SPREAD },
    { "seed", required_argument, NULL, OPT_SEED },
    { "image", required_argument, NULL, OPT_IMAGE },
    { "version", required_argument, NULL, OPT_VERSION },
    { "size", required_argument, NULL, OPT_SIZE },
    { "bad", required_argument, NULL, OPT_BAD },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int take_text(int key, char *value, struct arguments *a)
{
    const char **const place = key == OPT_PROFILE   ? &a->profile
                               : key == OPT_DEVICES ? &a->swarm.folder
                               : key == OPT_PREFIX  ? &a->swarm.prefix
                               : key == OPT_STORE   ? &a->store
                               : key == OPT_FLASH   ? &a->swarm.image
                               : key == OPT_IMAGE   ? &a->image
                               : key == OPT_VERSION ? &a->swarm.version
                               : key == OPT_BAD     ? &a->bad
                                                    : NULL;
    if (!place)
        return -1;
    *place = value;
    return 0;
}

static int take_option(int key, char *value, struct arguments *a)
{
    struct swarm_options *o = &a->swarm;
    uint32_t seed, spread;
    switch (key) {
    case 'n':
        return take_number(value, 1, SWARM_DEVICES_MAX, &o->count);
    case OPT_FAIL:
        return take_share(value, &o->share[DEVICE_FAILS]);
    case OPT_SILENT:
        return take_share(value, &o->share[DEVICE_SILENT]);
    case OPT_SLOW:
        return take_share(value, &o->share[DEVICE_SLOW]);
    case OPT_OFFLINE:
        return take_share(value, &o->share[DEVICE_OFFLINE]);
    case OPT_SLOW_RATE:
        return take_number(value, 1, 1 << 30, &o->slow);
    case OPT_REAL:
    case OPT_VIRTUAL:
        a->virtual = key == OPT_VIRTUAL;
        return 0;
    case OPT_PACE:
        return take_number(value, 1, 1 << 30, &o->pace);
    case OPT_START:
        a->start = true;
        return take_number(value, 0, 86400, &o->start_s);
    case OPT_BOOT:
        return take_number(value, 0, 600000, &o->boot_ms);
    case OPT_SPREAD:
        if (take_number(value, 0, 600, &spread))
            return -1;
        o->spread_s = spread;
        return 0;
    case OPT_SEED:
        if (take_number(value, 0, UINT32_MAX, &seed))
            return -1;
        o->seed = seed;
        return 0;
    case OPT_SIZE:
        return take_number(value, 1024, IMAGE_PAYLOAD_MAX, &a->size);
    case 'v':
        o->verbose = true;
        return 0;
    case 'h':
        a->help = true;
        return 0;
    default:
        return take_text(key, value, a);
    }
}

static int parse(int argc, char **argv, struct arguments *a)
{
    for (int c; (c = getopt_long(argc, argv, "n:hv", options, NULL)) != -1;) {
        if (c == '?')
            return -1;
        if (take_option(c, optarg, a)) {
            fprintf(stderr, "muster-swarm: that value is out of range: %s\n", optarg);
            return -1;
        }
    }
    return optind == argc ? 0 : -1;
}

/* Beside the profile, unless it was said. */
static void fill_paths(struct arguments *a)
{
    const char *slash = a->profile ? strrchr(a->profile, '/') : NULL;
    int dir = slash ? (int)(slash - a->profile) : 1;
    const char *base = slash ? a->profile : ".";
    snprintf(a->devices, sizeof(a->devices), "%.*s/swarm", dir, base);
    snprintf(a->own_store, sizeof(a->own_store), "%.*s/store", dir, base);
    if (!a->swarm.folder && a->profile)
        a->swarm.folder = a->devices;
    if (a->virtual)
        a->swarm.store = a->store ? a->store : a->profile ? a->own_store : NULL;
    if (!a->start)
        a->swarm.start_s = a->swarm.count / 500;
}

static int make_image(const struct arguments *a)
{
    const struct image_make make = { "weather", a->swarm.version, a->bad, a->size };
    struct port_fail why = { "" };
    size_t len;
    uint8_t *data = image_payload(&make, &len, &why);
    FILE *f = data ? fopen(a->image, "we") : NULL;
    bool ok = f && fwrite(data, 1, len, f) == len;
    if (f && fclose(f))
        ok = false;
    if (!ok)
        fprintf(stderr, "muster-swarm: %s\n", data ? "cannot write the image" : why.text);
    free(data);
    return ok ? EXIT_SUCCESS : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    static struct arguments a = { .swarm = { .prefix = "sensor-",
                                             .version = "1.3.0",
                                             .pace = 100000,
                                             .slow = 4000,
                                             .boot_ms = 500,
                                             .spread_s = -1,
                                             .seed = 1 },
                                  .size = 16384 };
    struct port_fail why = { "" };
    if (parse(argc, argv, &a))
        return fputs(usage, stderr), EXIT_USAGE;
    if (a.help)
        return fputs(usage, stdout), EXIT_SUCCESS;
    if (a.image)
        return make_image(&a);
    fill_paths(&a);
    if (a.swarm.count == 0 || !a.swarm.folder || (a.virtual && !a.swarm.store))
        return fputs(usage, stderr), EXIT_USAGE;
    if (swarm_run(&a.swarm, &why)) {
        fprintf(stderr, "muster-swarm: %s\n", why.text);
        return EXIT_FAILED;
    }
    return EXIT_SUCCESS;
}
