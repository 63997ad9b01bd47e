#ifndef IDENTITY_FLEET_FILE_H
#define IDENTITY_FLEET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/limits.h"

/*
 * DIR/pki/fleet.json: what everything made later has to agree with. A person may edit the `device`
 * part: it is what new devices are told at the factory unless --set says otherwise.
 */
#define FLEET_SOURCES_MAX 8

struct fleet_file {
    char fleet[PROTO_FLEET_MAX];
    char root[PROTO_ROOT_MAX];
    char broker_host[PROTO_HOST_MAX];
    uint16_t broker_port, operator_port;
    char gateway_host[PROTO_HOST_MAX];
    uint16_t gateway_port;
    uint16_t metrics_port;                           /* 0: none */
    char broker_user[33];                            /* empty: who owns the files */
    char source[FLEET_SOURCES_MAX][PROTO_TOPIC_MAX]; /* foreign topics that all devices may write */
    size_t source_count;

    char product[PROTO_PRODUCT_MAX];
    char hw[PROTO_HW_MAX];
    char sensors[65];
    char groups[PROTO_GROUP_COUNT * PROTO_GROUP_MAX];
    char ntp[PROTO_HOST_MAX];
    uint32_t interval; /* s */
};

/* Names, hosts, topics: all that will be printed into configuration files. */
int fleet_file_check(const struct fleet_file *f, struct err *e);

int fleet_file_read(const char *path, struct fleet_file *out, struct err *e);
/* JSON text; free() it. */
char *fleet_file_text(const struct fleet_file *f);

/* "https://HOST:PORT/firmware/" (an IPv6 address in brackets). */
int fleet_file_url(const struct fleet_file *f, char out[PROTO_URL_MAX], struct err *e);

#endif
