#ifndef POWER_SIM_H
#define POWER_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "nor.h"
#include "ota/looping.h"
#include "protocol/reply.h"

/*
 * A device's life: the bootloader's choice, the firmware (app, agent, the Linux port's flash code)
 * and the world around it (broker, download server, clock). Only chips, wires and other people's
 * machines are simulated. A life may be cut at each flash operation: then another life branches off
 * with a copy of flash and world, its power goes in the middle of the operation, and it must come
 * to a good end. See docs/power.md.
 */
enum { SIM_IMAGES = 6, SIM_MESSAGES = 16, SIM_PENDING = 4, SIM_KEEP = 20260704 };
enum sim_image_name { IMG_FACTORY, IMG_GOOD, IMG_LARGE, IMG_BAD, IMG_NEWER, IMG_NEXT };

struct sim_image {
    uint8_t *data;
    size_t size;
    uint8_t digest[PROTO_SHA256_LEN];
    struct app_build build;
};
struct sim_message {
    enum verb verb;
    char body[PROTO_UPDATE_BYTES + 1];
    size_t len;
};
/* Messages that journeys send. */
enum sim_message_name {
    MSG_GOOD,
    MSG_LARGE,
    MSG_BAD,
    MSG_NEWER,
    MSG_ABORT_GOOD,
    MSG_ABORT_LARGE,
    MSG_CONFIG,
    MSG_KEYS,
    MSG_ROLLBACK, /* of MSG_GOOD */
    MSG_RENEW,
    MSG_MOVE,      /* a config order: the download server is elsewhere now */
    MSG_HERE,      /* an update without url */
    MSG_THEFT,     /* an update with the last number there is, by a key that was stolen */
    MSG_HEAL,      /* the keyset without that key, by the one that replaces it */
    MSG_NEXT,      /* the order that any device must be able to take in the end */
    MSG_NEXT_KEYS, /* the same, signed by a key that only the rotated keyset has */
};

/* Made once, never changed: images, signed messages, the factory's flash. */
struct sim_factory {
    struct sim_image image[SIM_IMAGES];
    struct sim_message message[SIM_MESSAGES];
    char keyset[PROTO_KEYSET_BYTES + 1];
    struct nor flash; /* first boot done, idle */
};

/* What outlives a power cut, but for the flash. Copied when a life branches. */
struct world {
    uint64_t unix_ms;
    uint32_t seed;
    int retained;             /* message on commands/update, -1: none */
    int pending[SIM_PENDING]; /* QoS 1, not taken yet */
    int pending_count;
    int step;      /* of the journey's script */
    bool too_late; /* an abort came when the switch was made */
    uint32_t drop_after, drop_times;
    uint32_t cut_trial; /* power goes a second into so many trials */
    enum reset_reason reset;
    uint32_t boots;
    uint32_t requests;
    uint32_t renewals;
    struct ota_looping dead; /* in the bootloader's memory: power takes it */

    /* Never to go back. */
    struct ota_counters high;
    uint32_t last_n, keyset_version, security_floor, config_interval;
};

struct device;
struct life;

struct journey {
    const char *name;
    enum sim_message_name order;  /* to begin with */
    void (*step)(struct life *l); /* called once per turn of the device; NULL: nothing */
    uint32_t drop_after, drop_times, cut_trial;
    uint32_t ends[2]; /* bits of enum ota_state: with no or one cut; with more */
    uint32_t target;  /* enum sim_image_name that DONE means */
    bool (*settled)(const struct life *l); /* what else must hold at the end; NULL: nothing */
    bool late;             /* the good image dies at each start once it is committed */
    uint32_t second_every; /* in the full version: of so many first cuts one gets second ones */
};
extern const struct journey journeys[];
extern const unsigned journey_count;

enum zero { ZERO_UNBOOTABLE, ZERO_UNSIGNED, ZERO_COUNTER, ZERO_STUCK, ZEROS };
extern const char *const zero_word[ZEROS];

/* How thoroughly to cut, and what came of it. */
struct sim {
    const struct sim_factory *factory;
    bool full;
    uint32_t depth;               /* cuts one after the other at most */
    uint32_t second_every;        /* the same in the quick one, at most */
    uint32_t words_most;          /* prefixes per program, spread evenly; 0: all */
    uint32_t data_words_most;     /* the same for image blocks */
    uint32_t rounds;              /* draws per random kind */
    uint64_t cuts[3][TEAR_KINDS]; /* [1] first, [2] second, by kind */
    uint64_t after, before;       /* of the prefixes: all of it, nothing of it */
    uint64_t lives;
    uint64_t violations[ZEROS];
    uint64_t rebirths;      /* boots */
    uint32_t firsts;        /* counts first cuts, to pick every nth */
    uint32_t slice, slices; /* of the first cuts only those whose number leaves `slice`; 0: all */
    uint32_t number;        /* of the next first cut */
    bool log;               /* what the devices say, to standard error */
};

struct life {
    struct sim *sim;
    const struct journey *journey;
    const struct life *parent;
    struct nor nor;
    struct world w;
    struct device *dev;
    uint32_t depth, op;
    bool explores;
    bool next_phase; /* the journey is over: the next order is tried */
    struct nor_op cut_op;
    struct nor_tear tear;
    jmp_buf jump;
    uint64_t turns;
};

/* Build and flash a device as the factory does. Ends the program when it can't. */
void sim_factory_make(struct sim_factory *f, size_t large); /* bytes of IMG_LARGE's program */
void sim_factory_free(struct sim_factory *f);

/* Live through a journey, cutting. True when no bar was touched. */
bool sim_journey(struct sim *sim, const struct journey *j);
/* Without cuts: the wear of one journey on a device that has been running, its own restarts
 * included. */
void sim_wear(struct sim *sim, const struct journey *j, struct nor_wear *wear);
/* A boot and so many seconds of idle life. */
void sim_idle(struct sim *sim, uint32_t seconds, struct nor_wear *wear);

/* ---- for scripts ---- */

enum ota_state life_state(const struct life *l);
const struct ota_agent *life_agent(const struct life *l);
const struct app *life_app(const struct life *l);
/* Nothing is under way, here or at the broker. */
bool life_is_at_rest(const struct life *l);
void life_send(struct life *l, enum sim_message_name message);
void life_retain(struct life *l, enum sim_message_name message);
/* The board restarts, as after a reboot order. */
void life_restart(struct life *l);
/* Power goes, for a script's own reasons. Does not return. */
_Noreturn void life_power_cut(struct life *l);

#endif
