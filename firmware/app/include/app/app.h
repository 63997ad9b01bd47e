#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/backoff.h"
#include "app/config.h"
#include "app/platform.h"
#include "app/ring.h"
#include "drivers/bme280.h"
#include "drivers/scd30.h"
#include "drivers/sds011.h"
#include "ota/agent.h"
#include "ota/keys.h"
#include "ota/port.h"
#include "protocol/jws.h"
#include "protocol/keyset.h"
#include "protocol/reason.h"
#include "protocol/reply.h"
#include "protocol/status.h"

/*
 * The sensor firmware, apart from the board: boot, configuration, measuring, telemetry, commands
 * and the OTA agent. `struct app` is the caller's memory; no heap, no globals, no clock: events go
 * in with the time, calls to the platform come out.
 *
 *   board  --BOOT, TICK, BROKER_UP/DOWN, MESSAGE, PUBLISHED-->  app_handle()
 *   board  <--broker_connect, publish, nvs, i2c, reboot, ...--  app
 *                                                               |
 *   the app owns the OTA agent, feeds it and publishes its reports
 *
 * Call app_init(), then app_handle() with BOOT, then TICK at least every app_wait_ms() and the
 * other events as they happen, all on one thread.
 */

/* What makes one firmware program different from another; each ELF passes its own, from its
 * compile-time definitions (app/build_info.h). */
struct app_build {
    const char *product; /* "weather" */
    const char *hw;      /* "linux", "esp32" */
    const char *version; /* SemVer, FW_VERSION */
    bool dew_point;      /* also report dew_point (APP_DEW_POINT) */
    uint8_t bme280_id;   /* chip id the self-test expects: 0x60 (APP_EXPECT_BME280_ID) */
    /* Another revision of the board, by the factory's `hw`, and the chip id expected there; NULL:
     * all are alike (APP_OTHER_HW, APP_OTHER_BME280_ID). */
    const char *other_hw;
    uint8_t other_bme280_id;
};

/* Facts about this start. Copied. */
struct app_boot {
    enum reset_reason reset;         /* why the last run ended */
    char boot[PROTO_BOOT_MAX];       /* random per boot, 16 hex */
    uint32_t boots;                  /* starts so far, this one included */
    char slot[PROTO_SLOT_MAX];       /* running slot: "ota_0" */
    uint8_t image[PROTO_SHA256_LEN]; /* SHA-256 of the running image file: size as released */
    uint64_t cert_not_after;         /* Unix s, 0: not known */
    uint32_t security_floor;         /* kept in hardware (eFuse) or as good; 0: no such thing */
    bool on_probation;               /* otadata says PENDING_VERIFY */
    enum ota_passive passive;        /* what the other slot's boot record says */
};

struct app_time {
    int64_t mono_ms; /* since this boot, never goes back */
    int64_t unix_s;  /* UTC; meaningful only when trusted */
    bool trusted;    /* set by NTP (or the host's clock), not by guess */
};

enum app_event_kind {
    APP_EV_BOOT, /* first, once */
    APP_EV_TICK,
    APP_EV_NETWORK_UP, /* the board has an address; optional, BROKER_UP implies it */
    APP_EV_NETWORK_DOWN,
    APP_EV_BROKER_UP,
    APP_EV_BROKER_DOWN, /* connection lost, or the attempt failed; `text` says why */
    APP_EV_MESSAGE,     /* something on <root>/<id>/commands/<verb> */
    APP_EV_PUBLISHED    /* the broker acknowledged message `mid` */
};

/* Pointers are valid only during app_handle(). */
struct app_event {
    enum app_event_kind kind;
    struct app_time time;
    const struct app_boot *boot; /* BOOT */
    const char *text;            /* BROKER_DOWN: reason for people, or NULL */
    const char *verb;            /* MESSAGE: last part of the topic */
    const char *body;            /* MESSAGE: any bytes, any length */
    size_t len;
    const uint8_t *correlation; /* MESSAGE: MQTT 5 correlation data, NULL: none */
    size_t correlation_len;
    int mid; /* PUBLISHED */
};

/* A sensor and what the app knows about its health. */
struct app_probe {
    bool present;       /* answered its last probe, and has not gone away since */
    bool probing;       /* its answer to a probe is awaited until `until_ms` */
    bool pending;       /* its part of the sample under way is awaited */
    int64_t until_ms;   /* -1: not looked for an answer yet */
    int64_t retry_ms;   /* when an absent one is probed again */
    enum drv_err error; /* last one, so that a change is logged once */
    uint32_t good;      /* measurements in a row since */
};

/* The last command of a verb, to know a redelivery (QoS 1) from a replay. */
struct app_order_seen {
    bool known;
    uint8_t digest[PROTO_SHA256_LEN]; /* of the message's body */
    uint32_t seq;
    enum reason answer;
};

/* Reports on their way at once; when there are more, the oldest is not waited for. */
#define APP_REPORTS 8

/* Private, but for its size. */
struct app {
    const struct app_build *build;
    const struct app_platform *platform;
    const struct ota_port *ota_port;
    struct ota_config ota_config;
    union {
        struct ota_agent agent;
        union keyset_work boot_work; /* before the agent's life begins */
    };
    struct {
        int mid;
        uint32_t n;
    } report[APP_REPORTS]; /* on their way to the broker, newest last */
    struct app_time now;   /* of the event being handled */
    struct app_boot boot;
    struct app_config config;
    struct ota_keys keys;
    bool dead;

    bool online, connecting;
    struct backoff backoff;
    int64_t connect_ms; /* next attempt */

    struct bme280 bme280;
    struct scd30 scd30;
    struct sds011 sds011;
    struct app_probe probe[APP_SENSOR_COUNT];
    bool self_testing, self_test_ok;

    bool sampling;
    int64_t sample_ms, sample_until_ms; /* next one due; end of the one under way, -1: see above */
    int64_t sampled_ms;                 /* start of the last one */
    struct app_sample sample;
    struct app_ring ring;
    int64_t ring_ms; /* when an acknowledgement last came, or nothing was under way */
    int64_t health_ms;
    int64_t up_ms; /* when the broker took us */

    struct app_order_seen seen[VERB_COUNT];
    uint32_t log_budget; /* lines that may still be published in this window */
    int64_t log_ms;
    bool status_due;
    uint32_t told_release_seq, told_security; /* in the last status */
    bool rebooting;
    int64_t reboot_ms;

    union {                               /* within one call only */
        char scratch[PROTO_KEYSET_BYTES]; /* a text being built or read */
        union keyset_work work;           /* a keyset being checked */
    };
};

/*
 * Set up; no platform call is made. Everything pointed to must outlive the app. `ota` is the
 * agent's port; its report and may_proceed slots call app_report() and app_may_proceed() below.
 */
void app_init(struct app *app, const struct app_build *build, const struct app_platform *platform,
              const struct ota_port *ota);

void app_handle(struct app *app, const struct app_event *event);

/* For the agent's port, and nobody else: publish a report (remembers the message id, and tells the
 * agent once it is acknowledged); whether the application minds. */
bool app_report(struct app *app, const struct ota_report *report);
enum reason app_may_proceed(const struct app *app, enum ota_gate gate);

/* At most this long until the next TICK, 0 to 1000 ms; sooner when a download's socket is
 * readable. */
uint32_t app_wait_ms(const struct app *app, int64_t mono_ms);

/* True once BOOT found the board unusable (no id, no broker): it can only log and wait. */
bool app_is_dead(const struct app *app);

#endif
