#ifndef FLEET_ADOPTION_H
#define FLEET_ADOPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/filter.h"
#include "fleet/fleet.h"

/*
 * How far a keyset has come in the fleet, and how long its certificates last: what `muster keys`,
 * and the console's keys screen count. Only devices that have ever said a status count: the others
 * are other people's topics.
 */
#define ADOPTION_CERT_SOON_S (30 * 86400) /* a certificate that ends within that ends soon */

struct adoption {
    uint32_t version; /* that was asked for */
    uint32_t devices; /* that have ever said a status; the sum of the next four */
    uint32_t have;    /* `version`, or a later one */
    uint32_t before;  /* version - 1 */
    uint32_t older;
    uint32_t unknown; /* did not say theirs: offline, or firmware without keysets */

    uint32_t security_least, security_most; /* floors of those that said one */

    uint32_t cert_ended, cert_soon, cert_unknown;
    uint64_t cert_first;        /* Unix s: the first that ends, not over yet; 0: none is known */
    char cert_of[PROTO_ID_MAX]; /* whose that is */
};

/* One pass over the fleet. `filter` NULL: all of it. */
void adoption_count(const struct fleet *fleet, struct filter *filter, uint32_t version,
                    int64_t now_ms, struct adoption *out);

/* At least 99 of 100, and at least one: a key that only older keysets name may go. */
bool adoption_is_enough(const struct adoption *a);

/* Those known to be behind `version`: the oldest keyset first, then by id. How many of them are in
 * `id`, at most `cap`; one pass, with an insertion for each that is among the first. */
uint32_t adoption_behind(const struct fleet *fleet, struct filter *filter, uint32_t version,
                         int64_t now_ms, char (*id)[PROTO_ID_MAX], uint32_t cap);

#endif
