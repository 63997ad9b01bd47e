#ifndef SWARM_DEVICE_H
#define SWARM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "fetch.h"
#include "image.h"
#include "models/board.h"
#include "mqtt.h"
#include "ram.h"
#include "update.h"

/*
 * One device of the swarm: the firmware's app and the agent in it, as every other port has them,
 * over a flash and a store in memory, libmosquitto and libcurl. Driven by device_turn().
 *
 *   OFF -> BOOTING -> RUNNING -> LEAVING -> GOODBYE -> BOOTING      a restart
 *                     RUNNING -> FROZEN                             a silent one, once it is told
 */
enum device_power {
    DEVICE_OFF,
    DEVICE_BOOTING, /* the bootloader is at work until `until_ms` */
    DEVICE_RUNNING,
    DEVICE_LEAVING, /* lets leave what is on its way, at most until `until_ms` */
    DEVICE_GOODBYE, /* waits for its connection to close */
    DEVICE_FROZEN   /* hangs: its connection is open and nobody is there */
};

enum device_kind {
    DEVICE_GOOD,
    DEVICE_FAILS,   /* its sensor is another than any new image expects */
    DEVICE_SILENT,  /* hangs as soon as an update order has come */
    DEVICE_SLOW,    /* downloads at fetch.limit */
    DEVICE_OFFLINE, /* is never switched on */
    DEVICE_KINDS
};
const char *device_kind_word(enum device_kind kind);

/* What a swarm's devices have in common, and where they are counted. */
struct device_all {
    struct pool pool;
    struct fetch_all fetch;
    struct ssl_ctx_st *tls;
    void *ctx;                          /* for the two below */
    void (*due)(void *ctx, uint32_t n); /* device n wants a turn at once */
    void (*say)(void *ctx, uint32_t n, enum app_log_level level, const char *text);
    uint32_t boot_ms; /* of the bootloader */
    int64_t now_ms;   /* the loop's clock */
    int64_t unix_s;
    bool clock_right;
    uint32_t online;
    uint64_t connects, ups, downs, messages, boots;
    /* Attempts, and connections made, in each tenth of a second since `since_ms`. */
    int64_t since_ms;
    uint32_t tried[6000], taken[6000];
};

struct device {
    struct device_all *all;
    uint32_t n;
    enum device_kind kind;
    enum device_power power;
    bool restart, up;
    bool has_report;
    enum ota_report_state report; /* the last one that went out */
    enum reason reason;
    uint64_t random; /* state of its generator */
    int64_t boot_ms, until_ms;
    struct ram_flash flash;
    struct slots slots;
    struct ram_store settings, records;
    struct tls_identity identity;
    struct image_is image;
    struct board board;
    struct mqtt_sink sink;
    struct mqtt mqtt;
    struct fetch fetch;
    struct update update;
    struct app_platform platform;
    struct app app;
    /* The loop's: */
    uint32_t heap; /* place among the waiting; UINT32_MAX: none */
    int64_t due_ms;
    int fd; /* watched; -1: none */
    short events;
};

/* Fresh from the factory: the image in slot 0, settings out of the text of an nvs.csv. `d` must not
 * move. 0, -1 and *why. */
int device_make(struct device *d, struct device_all *all, uint32_t n, uint64_t seed,
                const uint8_t *image, size_t image_len, const char *csv, size_t csv_len,
                struct port_fail *why);
void device_set_factory(struct device *d, const char *key, uint32_t value); /* before it is on */
void device_free(struct device *d);

void device_power_on(struct device *d, int64_t at_ms); /* if it is off */
void device_power_off(struct device *d);               /* a cut: nothing is said to anybody */

/* Something happened on its connection (`revents`), or its time has come. */
void device_turn(struct device *d, short revents);
/* When it wants its next turn; -1: it wants none. */
int64_t device_due_ms(const struct device *d);

#endif
