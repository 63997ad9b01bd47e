#ifndef APP_CLAIMS_H
#define APP_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One engine per fleet over hosts. The lock beside the journal holds on one host only; another host
 * with a journal of its own (or with a copy of this one) would lead, too, and each would order what
 * the other knows nothing of. So who leads claims the fleet, retained on fleet/engine/<id>, and
 * drives rollouts only while it holds:
 *
 *  - It subscribes, sees what claims there are, claims, and waits until its own claim comes back.
 *    One broker hands messages to everybody in one order. So of two that claim at the same moment
 *    both see which came first: who finds another's claim before its own does not lead and takes
 *    its own back; who finds its own first holds.
 *  - It says its claim again every CLAIM_EVERY_MS, and holds no longer than CLAIM_HOLD_MS after it
 *    last said one that came back. The others count a claim as dead after CLAIM_DEAD_MS, and the
 *    broker forgets it then (message expiry): the holder stops first.
 *  - The broker clears the claim (will) when the connection breaks.
 *  - Two that both hold (brokers that are joined by a bridge have no common order) hear each other
 *    say it twice; the smaller id stays.
 *
 * An id is eight digits of where the lock holds (host and journal) and eight of the process. A
 * claim with the first eight of ours is of a process that has the same lock, and no rival.
 *
 * Pure: no clock, no I/O; the caller publishes. Times are of a clock that nobody sets
 * (CLOCK_MONOTONIC), in ms.
 */
#define CLAIM_EVERY_MS 20000
#define CLAIM_HOLD_MS  60000
#define CLAIM_DEAD_MS  65000 /* three times missed */
#define CLAIM_GRACE_MS 8000  /* after a claim is gone: its holder may only have reconnected */
#define CLAIM_OTHERS   8     /* the rest is not looked at */
#define CLAIM_ID       17    /* 16 digits and NUL */
#define CLAIM_PLACE    8     /* so many of them say where the lock holds */
#define CLAIM_WHO_MAX  120
#define CLAIM_BODY_MAX (CLAIM_WHO_MAX + 12)
#define CLAIM_PREFIX   "fleet/engine/"

struct claims {
    char own[CLAIM_ID];
    bool there;    /* ours is with the broker, as far as we know */
    bool back;     /* the last one said came back */
    bool held;     /* one came back, and nobody's was before it */
    bool answer;   /* somebody claims what we hold: say ours once more */
    bool yielded;  /* does not lead until the others are gone */
    uint32_t said; /* how often: the number on the last one */
    int64_t said_ms, sure_ms, free_ms;
    struct {
        char id[CLAIM_ID]; /* empty: free */
        char who[CLAIM_WHO_MAX];
        bool later; /* than ours, which we hold: it will go */
        int64_t heard_ms;
    } other[CLAIM_OTHERS];
};

enum claim_do {
    CLAIM_NOTHING,
    CLAIM_SAY,   /* publish claims_body(), retained, with an expiry of CLAIM_DEAD_MS */
    CLAIM_CLEAR, /* publish nothing, retained: we lead no longer */
    CLAIM_YIELD, /* stop leading, or do not begin, then clear ours when claims_withdraw() says so.
                    claims_rival() says for whom; NULL: the broker does not give our claim back */
    CLAIM_FREE   /* nobody else is there any more: lead again */
};

/* `id`: 16 digits. */
void claims_init(struct claims *c, const char *id);
/* The topic of our claim and will. */
void claims_topic(const struct claims *c, char *out, size_t cap);
/* What to publish after CLAIM_SAY: who, for people, and a number by which it is known again. */
void claims_body(const struct claims *c, const char *who, char out[CLAIM_BODY_MAX]);
/* A message of any topic; true when it was a claim and nobody else needs it. */
bool claims_message(struct claims *c, const char *topic, const void *body, size_t len,
                    int64_t now_ms);
/* The link is up (the retained picture is whole) or down. */
void claims_link(struct claims *c, bool up, int64_t now_ms);
/* Every turn while the link is up. `leads`: this process has the lock. After CLAIM_SAY the claim
 * counts as published, after CLAIM_CLEAR as cleared. */
enum claim_do claims_turn(struct claims *c, bool leads, int64_t now_ms);
/* Is ours with the broker? It counts as cleared from now on. */
bool claims_withdraw(struct claims *c);
/* May the engine act now? */
bool claims_held(const struct claims *c, int64_t now_ms);
/* Who else claims: text for people; NULL: nobody. */
const char *claims_rival(const struct claims *c);

#endif
