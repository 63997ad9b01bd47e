#ifndef STORE_DEVICE_H
#define STORE_DEVICE_H

#include "store/store.h"

/* What the journal knows of one device, and of what was sent to devices, newest first. Each returns
 * how many, or -1 and *err. */

struct store_device_order {
    enum verb verb;
    uint32_t seq;
    int64_t t_ms;
};
/* Orders outside rollouts (reboot, config …). */
int store_device_orders(struct store *s, const char *device, struct store_device_order *out,
                        size_t cap, struct err *err);

/*
 * Orders of one verb outside rollouts to any device, at `since_ms` or later, newest first: among
 * the STORE_SENT_LOOK newest orders of the journal, so that asking often costs little.
 */
#define STORE_SENT_LOOK 4096
struct store_sent {
    char device[PROTO_ID_MAX];
    uint32_t seq;
    int64_t t_ms;
};
int store_sent_of(struct store *s, enum verb verb, int64_t since_ms, struct store_sent *out,
                  size_t cap, struct err *err);

struct store_device_update {
    char rollout[PROTO_ROLLOUT_MAX];
    char version[PROTO_VERSION_MAX];
    enum rollout_device_state state;
    enum reason reason;
    uint32_t attempt;
    int64_t t_ms; /* of its end, else of the order, else of the rollout's beginning */
};
/* Its parts in rollouts that were started. */
int store_device_updates(struct store *s, const char *device, struct store_device_update *out,
                         size_t cap, struct err *err);

#endif
