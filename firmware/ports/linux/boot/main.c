#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "factory.h"
#include "port/facts.h"
#include "port/slots.h"
#include "protocol/hex.h"
#include "supervise.h"

static const char usage[] =
    "usage: muster-device --dir DIR                                  run the device\n"
    "       muster-device --dir DIR --flash --image FILE --nvs FILE  make its flash anew\n"
    "       muster-device --dir DIR --show                           what its flash holds\n"
    "\n"
    "A device is a folder: flash.bin (4 MB), board.ini (what is soldered on), log, device.pid.\n"
    "\n"
    "  --image FILE   application image for hw \"linux\" (muster release build)\n"
    "  --nvs FILE     factory settings, key,type,encoding,value (muster pki device)\n"
    "  -v, --verbose  the log to standard error as well\n"
    "\n"
    "Runs in the foreground. SIGTERM: switched off in order; SIGKILL: power cut.\n"
    "Exit: 0 switched off, 1 no image can be started, 2 wrong usage, 3 could not run.\n";

struct arguments {
    const char *dir, *image, *nvs;
    bool flash, show, verbose, help;
};

static int parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        { "dir", required_argument, NULL, 'd' }, { "image", required_argument, NULL, 'i' },
        { "nvs", required_argument, NULL, 'n' }, { "flash", no_argument, NULL, 'f' },
        { "show", no_argument, NULL, 's' },      { "verbose", no_argument, NULL, 'v' },
        { "help", no_argument, NULL, 'h' },      { NULL, 0, NULL, 0 }
    };
    for (int c; (c = getopt_long(argc, argv, "hv", options, NULL)) != -1;) {
        switch (c) {
        case 'd':
            a->dir = optarg;
            break;
        case 'i':
            a->image = optarg;
            break;
        case 'n':
            a->nvs = optarg;
            break;
        case 'f':
            a->flash = true;
            break;
        case 's':
            a->show = true;
            break;
        case 'v':
            a->verbose = true;
            break;
        case 'h':
            a->help = true;
            break;
        default:
            return -1;
        }
    }
    bool files = a->image && a->nvs;
    bool ok = a->help || (a->dir && strlen(a->dir) < PORT_PATH_MAX && optind == argc &&
                          (a->flash ? files && !a->show : !a->image && !a->nvs));
    return ok ? 0 : -1;
}

/* Lines "key value" for people and scripts. */
static int show(const char *dir, struct port_fail *why)
{
    char path[PORT_PATH_MAX + 16];
    struct flash_file file;
    struct esp_partition_table table;
    struct slots slots;
    struct otadata o;
    enum esp_fault fault;
    snprintf(path, sizeof(path), "%s/flash.bin", dir);
    if (flash_file_open(&file, path))
        return port_fail(why, "cannot open %s", path);
    int rc = 0;
    if (flash_read_table(&file.flash, &table, &fault) || slots_init(&slots, &file.flash, &table) ||
        slots_read(&slots, &o))
        rc = port_fail(why, "%s: partition table %s", path, esp_fault_text(fault));
    for (uint32_t i = 0; rc == 0 && i < 2; i++) {
        const struct otadata_entry *e = &o.entry[i];
        if (e->crc_ok && e->seq != OTADATA_EMPTY)
            printf("otadata.%u ota_%u seq %u %s\n", (unsigned)i,
                   (unsigned)otadata_slot(e->seq, slots.count), (unsigned)e->seq,
                   otadata_state_word(e->state));
        else
            printf("otadata.%u empty\n", (unsigned)i);
    }
    for (uint32_t i = 0; rc == 0 && i < slots.count; i++) {
        struct esp_image image;
        uint8_t digest[PROTO_SHA256_LEN];
        char hex[PROTO_SHA256_HEX];
        fault = slots_check(&slots, i, &image, digest);
        if (fault) {
            printf("ota_%u no image: %s\n", (unsigned)i, esp_fault_text(fault));
            continue;
        }
        hex_encode(digest, sizeof(digest), hex);
        printf("ota_%u %s %s %u %s\n", (unsigned)i, image.desc.project, image.desc.version,
               (unsigned)image.size, hex);
    }
    flash_file_close(&file);
    return rc;
}

static int flash_it(const struct arguments *a, struct port_fail *why)
{
    /* The lock lies in the folder, which a first flashing makes. */
    if (access(a->dir, F_OK))
        return factory_flash(a->dir, a->image, a->nvs, why);
    int lock = device_lock(a->dir, why);
    if (lock < 0)
        return -1;
    int rc = factory_flash(a->dir, a->image, a->nvs, why);
    char path[PORT_PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/device.pid", a->dir);
    unlink(path);
    close(lock);
    return rc;
}

int main(int argc, char **argv)
{
    struct arguments a = { 0 };
    struct port_fail why = { "" };
    if (parse(argc, argv, &a)) {
        fputs(usage, stderr);
        return 2;
    }
    if (a.help) {
        fputs(usage, stdout);
        return 0;
    }
    int rc;
    if (a.show) {
        rc = show(a.dir, &why) ? DEVICE_FAILED : 0;
    } else if (a.flash) {
        rc = flash_it(&a, &why) ? DEVICE_FAILED : 0;
    } else {
        const struct device_options options = { .dir = a.dir, .verbose = a.verbose };
        rc = (int)device_run(&options, &why);
    }
    if (rc)
        fprintf(stderr, "muster-device: %s\n", why.text);
    return rc;
}
