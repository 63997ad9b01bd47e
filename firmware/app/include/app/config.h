#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/platform.h"
#include "protocol/limits.h"
#include "protocol/order.h"
#include "protocol/reason.h"

/* Sensors a board may name in its factory key `sensors`. X(NAME, "word") */
#define APP_SENSOR_MAP(X)                                                                          \
    X(BME280, "bme280")                                                                            \
    X(SCD30, "scd30")                                                                              \
    X(SDS011, "sds011")

enum app_sensor {
#define X(name, word) APP_SENSOR_##name,
    APP_SENSOR_MAP(X)
#undef X
        APP_SENSOR_COUNT
};
const char *app_sensor_word(enum app_sensor sensor);
bool app_sensor_is_built(enum app_sensor sensor); /* see app/features.h */

/*
 * The configuration in effect: the factory's values, overridden by the one record that accepted
 * `config` orders leave in namespace config under key "set" (one key, so that an order is stored
 * whole or not at all, also when power is cut).
 */
struct app_config {
    char id[PROTO_ID_MAX];
    char fleet[PROTO_FLEET_MAX];
    char product[PROTO_PRODUCT_MAX];
    char hw[PROTO_HW_MAX];
    char root[PROTO_ROOT_MAX]; /* factory key `root`, "devices" when absent */
    char broker_host[PROTO_HOST_MAX];
    uint16_t broker_port;
    char hosts[PROTO_URL_MAX]; /* factory key `hosts`: see ota_host_is_allowed(); no order moves it
                                */
    bool has_sensor[APP_SENSOR_COUNT];
    bool unknown_sensor; /* one is named that this firmware does not have */

    uint32_t interval; /* s, 1 to 86400; 60 when nobody said */
    char url[PROTO_URL_MAX];
    char groups[PROTO_GROUP_COUNT][PROTO_GROUP_MAX];
    uint32_t group_count;
    char ntp[PROTO_HOST_MAX];

    struct order_config set; /* what orders have changed so far */
};

#define APP_CONFIG_RECORD 768

/* Factory, then the record. 0, or -1 when id, fleet or broker_host is absent or malformed: `*why`
 * gets static text. A record that can't be read is left out, as if there were none. */
int app_config_load(struct app_config *config, const struct app_platform *platform,
                    const char **why);

/* Check each field of `set`: NONE, or BAD_CONFIG with the first bad field's name in `*field`. */
enum reason app_config_check(const struct order_config *set, const char **field);

/* Check, store whole, then take effect. BAD_CONFIG, HOST_NOT_ALLOWED (a `url` beyond the factory's
 * `hosts`), or RECORD_IO: nothing has changed then. */
enum reason app_config_apply(struct app_config *config, const struct app_platform *platform,
                             const struct order_config *set, const char **field);

/* The record's text: "interval=60\ngroups=a,b\n"; length or -1. Decoding is strict: 0 or -1. */
int app_config_record_encode(const struct order_config *set, char *out, size_t cap);
int app_config_record_decode(const char *text, size_t len, struct order_config *out);

#endif
