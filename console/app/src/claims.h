#ifndef APP_CLAIMS_H
#define APP_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One engine per fleet over hosts. The lock beside the journal holds on one host only; another host
 * with a journal of its own would lead, too, and each would order what the other knows nothing of.
 * So who leads claims the fleet: retained on fleet/engine/<journal id>, said again every
 * CLAIM_EVERY_MS, cleared by the broker (will) when its connection breaks. Who finds another
 * journal's claim does not lead, and says who has it. A claim that is not said again for
 * CLAIM_DEAD_MS is of somebody who is gone (the broker keeps it when it dies itself). When two
 * claim at the same moment, the smaller journal id stays.
 *
 * Pure: no clock, no I/O. The caller publishes.
 */
#define CLAIM_EVERY_MS 20000
#define CLAIM_DEAD_MS  65000 /* three times missed */
#define CLAIM_GRACE_MS 8000  /* after a claim is gone: its holder may only have reconnected */
#define CLAIM_OTHERS   8     /* the rest is not looked at */
#define CLAIM_WHO_MAX  120
#define CLAIM_PREFIX   "fleet/engine/"

struct claims {
    char own[17]; /* journal id */
    bool said;    /* our claim is with the broker, as far as we know */
    int64_t said_ms, free_ms;
    struct {
        char id[17]; /* empty: free */
        char who[CLAIM_WHO_MAX];
        int64_t heard_ms;
    } other[CLAIM_OTHERS];
};

enum claim_do {
    CLAIM_NOTHING,
    CLAIM_SAY,   /* publish our claim, retained */
    CLAIM_YIELD, /* stop leading, or do not begin: claims_rival() says for whom; clear our claim
                    when it is there */
    CLAIM_FREE   /* nobody else is there any more: lead again */
};

void claims_init(struct claims *c, const char *journal_id);
/* The topic of our claim and will. */
void claims_topic(const struct claims *c, char *out, size_t cap);
/* A message of any topic; true when it was a claim and nobody else needs it. */
bool claims_message(struct claims *c, const char *topic, const void *body, size_t len,
                    int64_t now_ms);
/* The link is up (the retained picture is whole) or down. */
void claims_link(struct claims *c, bool up, int64_t now_ms);
/* Every turn while the link is up. `leads`: this process leads by the lock; `yielded`: it had to
 * stop for another claim. After CLAIM_SAY and CLAIM_YIELD the claim counts as published, as
 * cleared. */
enum claim_do claims_turn(struct claims *c, bool leads, bool yielded, int64_t now_ms);
/* Who else claims: text for people; NULL: nobody. */
const char *claims_rival(const struct claims *c);

#endif
