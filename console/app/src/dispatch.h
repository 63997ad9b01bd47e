#ifndef APP_DISPATCH_H
#define APP_DISPATCH_H

#include "engine.h"

/*
 * A rollout's orders on their way to devices: signed when the journal takes them, published as the
 * journal has them, and remembered until the broker has acknowledged them. For the engine only.
 */

/* A publish that the broker has not acknowledged yet. */
struct flight {
    int mid;
    char rollout[PROTO_ROLLOUT_MAX];
    uint32_t device, attempt;
    enum rollout_wire wire;
};

/* Begins as { .cfg = … }, which outlives it; ends with dispatch_free(). At most one flight for each
 * device of a rollout, attempt and wire. */
struct dispatch {
    const struct engine_config *cfg;
    struct flight *flight;
    size_t count, cap;
};
void dispatch_free(struct dispatch *d);

/* For store_commit(), which keeps what this signs; ctx is a dispatch_signing. */
struct dispatch_signing {
    const struct engine_config *cfg;
    int64_t now_ms; /* the order is good from now on */
};
int dispatch_sign(void *ctx, const struct rollout *r, const struct rollout_device *d,
                  enum verb verb, uint32_t attempt, uint32_t seq, char *jws, size_t cap,
                  struct err *err);

/* Publish what the reducer says, with `release`, the JWS of the rollout's; nothing if that is on
 * its way. What cannot be taken now is not remembered: the reducer asks again. */
void dispatch_send(struct dispatch *d, const struct rollout *r, const char *release,
                   const struct rollout_send *send);
/* The broker has this message: true, and what it was, when it is one of ours. */
bool dispatch_acknowledged(struct dispatch *d, int mid, struct flight *out);
/* The broker is gone, or somebody else leads: nothing will be acknowledged. */
void dispatch_forget(struct dispatch *d);

#endif
