#ifndef APP_PLATFORM_H
#define APP_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/reason.h"
#include "protocol/topic.h"

/*
 * Everything the application needs from the board it runs on: a const table of functions plus its
 * own context, which must outlive the app. Functions are called only from inside app_handle(), on
 * the caller's thread, and return without waiting for the network.
 */

#define APP_CORRELATION_MAX 64 /* bytes of MQTT 5 correlation data that are echoed */

enum app_log_level { APP_LOG_ERROR, APP_LOG_WARN, APP_LOG_INFO, APP_LOG_DEBUG };
const char *app_log_word(enum app_log_level level); /* "error" "warn" "info" "debug" */

/* The two namespaces of configuration: what the factory wrote, and what orders have changed. */
enum app_ns { APP_NS_FACTORY, APP_NS_CONFIG };
const char *app_ns_word(enum app_ns ns); /* "factory" "config" */

/* A message for topic_format(root, id, kind, sub). Valid only during the call. */
struct app_publish {
    enum topic_kind kind;
    const char *sub; /* telemetry group or verb; NULL for kinds without one */
    const char *payload;
    size_t len;
    uint8_t qos; /* 0 or 1 */
    bool retain;
    const uint8_t *correlation; /* echoed in a reply; NULL: none */
    size_t correlation_len;
};

/* What a connection needs. Valid only during the call to broker_connect(). */
struct app_broker {
    const char *host;
    uint16_t port;
    const char *root; /* first part of the topics: "devices" */
    const char *id;   /* device id = MQTT client id = certificate's CN */
    const char *will; /* retained, QoS 1, on <root>/<id>/status */
    size_t will_len;
};

struct app_platform {
    void *ctx;

    /*
     * Begin one connection attempt with MQTT 5, clean_start=false, keep-alive 60 s, the factory's
     * ca/cert/key, and the will. Ends in exactly one event: BROKER_UP once CONNACK has come *and*
     * <root>/<id>/commands/# is subscribed at QoS 1, or BROKER_DOWN. The app decides when to try
     * (full-jitter back-off): the platform must not reconnect by itself.
     */
    void (*broker_connect)(void *ctx, const struct app_broker *broker);

    /*
     * Hand a message to the MQTT client. Returns its id (> 0) for QoS 1, 0 for QoS 0, or -1 when
     * offline or full: nothing was taken. A QoS 1 message that was taken is kept and sent again
     * over reconnects until acknowledged; then the PUBLISHED event with its id follows.
     */
    int (*publish)(void *ctx, const struct app_publish *message);

    /* Strings are terminated in `out`. Length, or -1: absent, or longer than cap - 1. */
    int (*nvs_get_str)(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap);
    /* A number, also when it was stored as u8, u16 or as decimal text. 0, or -1: absent. */
    int (*nvs_get_u32)(void *ctx, enum app_ns ns, const char *key, uint32_t *out);
    /* Durable when it returns; a power cut leaves the old value or the new one. 0 or -1. Only
     * APP_NS_CONFIG is ever written. */
    int (*nvs_set_str)(void *ctx, enum app_ns ns, const char *key, const char *value);
    int (*nvs_set_u32)(void *ctx, enum app_ns ns, const char *key, uint32_t value);

    /* From the hardware's generator. */
    void (*random)(void *ctx, void *out, size_t len);

    /* One line, without newline, to the console or a file. Never fails as far as the app knows. */
    void (*log)(void *ctx, enum app_log_level level, const char *text);

    /* Restart with reset reason "software". Returns at once; the restart happens after
     * app_handle() has returned and what was published has had up to 2 s to leave. */
    void (*reboot)(void *ctx);

    /* Called on every TICK that found the app healthy; without it for 30 s the board resets. */
    void (*watchdog_feed)(void *ctx);

    /* Free heap in bytes where there is one; on Linux the resident set. 0: not known. */
    uint32_t (*memory)(void *ctx);

    /* Signal of the radio in dBm: 0 and *dbm, or -1 when there is no radio. May be NULL. */
    int (*rssi)(void *ctx, int32_t *dbm);

    /* Begin to renew the device's certificate. REASON_NONE: begun, and the platform says in the log
     * and by its next connection how it ended; else why not. NULL: not possible here, and the order
     * is answered `unsupported`. */
    enum reason (*renew)(void *ctx);

    /* Blink, so that a person finds the board. May be NULL. */
    void (*identify)(void *ctx);

    /* SHA-256 and P-256. */
    const struct crypto *crypto;

    /* Buses, NULL where the board has none. */
    const struct i2c_bus *i2c;
    const struct uart_bus *uart;
};

#endif
