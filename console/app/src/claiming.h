#ifndef APP_CLAIMING_H
#define APP_CLAIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "protocol/crypto.h"
#include "store/store.h"

#include "claims.h"
#include "engine.h"

/*
 * The claim on the fleet (claims.h) joined to the engine: while the claim is not held, the engine
 * believes the broker away. It decides nothing, orders nothing, and counts nobody as silent.
 */
struct claiming_config {
    struct engine *engine;
    struct store *store; /* whose lock says who leads on this host */
    const struct log *log;
    /* Publish retained, QoS 1; `expiry_s` 0: for good. */
    void (*publish)(void *ctx, const char *topic, const char *text, uint32_t expiry_s);
    void *ctx;
};

struct claiming {
    struct claiming_config cfg;
    struct claims claims;
    bool up, acts;
};

/* 16 digits for claims_init(): of the lock beside the journal `path` as it is on this host since it
 * booted, and of this process by `nonce`. */
void claiming_id(const struct crypto *crypto, const char *path, uint64_t nonce, char out[CLAIM_ID]);

void claiming_init(struct claiming *c, const struct claiming_config *config, const char *id);
/* A message of any topic; true when it was a claim and nobody else needs it. `steady_ms`: of a
 * clock that nobody sets; `now_ms`: the engine's. */
bool claiming_message(struct claiming *c, const char *topic, const void *body, size_t len,
                      int64_t now_ms, int64_t steady_ms);
void claiming_link(struct claiming *c, bool up, int64_t now_ms, int64_t steady_ms);
/* Every turn, before the engine's. */
void claiming_turn(struct claiming *c, int64_t now_ms, int64_t steady_ms);
/* At the end: a will is only for who dies. */
void claiming_end(struct claiming *c);

#endif
