#ifndef TEST_ENGINE_WORLD_H
#define TEST_ENGINE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/*
 * What lives on while engines die: a fleet, a broker that keeps retained orders, the last status
 * and report of each device, a clock of one second a turn. Lies in shared memory, so that a process
 * can be killed and the next one finds it as it was. It is handed what the engine really publishes
 * (topics and signed texts) and checks it: an order comes again only byte for byte, never under
 * another number, and a device's numbers only rise.
 */
#define WORLD_DEVICES  6
#define WORLD_ATTEMPTS 4
#define WORLD_TEXT     1024
#define WORLD_ACTS     4

enum world_fate { FATE_GOOD, FATE_BAD, FATE_NET_ONCE };

struct world_device {
    enum world_fate fate;
    bool new_image;
    uint32_t boot, n;
    enum ota_report_state ota;
    enum reason reason;
    uint32_t attempt; /* that it works on, or worked on last */
    uint32_t tries;
    int64_t next_s;
    bool owes_reply; /* to the last abort */
    uint32_t reply_seq;
    enum reason reply_reason;
    char retained[WORLD_TEXT];                /* order on commands/update; empty: nothing */
    char seen[2][WORLD_ATTEMPTS][WORLD_TEXT]; /* orders, aborts: the texts, by attempt - 1 */
    uint32_t seq[2][WORLD_ATTEMPTS];
    uint32_t last_seq[2];
};

struct world_act {
    int64_t at_s; /* after the start; 0: none */
    enum rollout_act act;
    bool asked;
};

struct world {
    int64_t now_s, start_s;
    struct world_device device[WORLD_DEVICES];
    struct world_act act[WORLD_ACTS];
    uint32_t nonce; /* a signature is never the same twice */
    uint32_t orders, aborts, repeats;
    uint32_t publishes, die_at_publish; /* SIGKILL before the nth; 0: never */
    char broken[160];                   /* what nobody may ever see; empty: all is well */
    bool over;
};

void world_init(struct world *w, const enum world_fate fate[WORLD_DEVICES]);
/* For the engine's config: ctx is a struct world_link. */
#define WORLD_MIDS 512
struct world_link {
    struct world *world;
    struct engine *engine;
    int mid[WORLD_MIDS]; /* not acknowledged yet */
    int mid_count, mids;
};
int world_publish(void *ctx, const char *topic, const void *body, size_t len, bool retain);
void world_replay(void *ctx, const struct rollout *r); /* the last status and report of everybody */
/* One second: the broker acknowledges, devices do what is due and say it. */
void world_second(struct world_link *l);

#endif
