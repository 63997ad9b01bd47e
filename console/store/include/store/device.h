#ifndef STORE_DEVICE_H
#define STORE_DEVICE_H

#include "store/store.h"

/* What the journal knows of one device, newest first. Each returns how many, or -1 and *err. */

struct store_device_order {
    enum verb verb;
    uint32_t seq;
    int64_t t_ms;
};
/* Orders outside rollouts (reboot, config …). */
int store_device_orders(struct store *s, const char *device, struct store_device_order *out,
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
