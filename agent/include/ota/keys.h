#ifndef OTA_KEYS_H
#define OTA_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/agent.h"

/*
 * Which keys the device believes, and how that changes. The factory gives a first keyset; after
 * that only `keys` orders move it, one version at a time, each signed by the roots of the version
 * before and by its own (protocol/keyset.h). The newest one taken is kept in two records, each with
 * its version and a CRC, of which the older is written: power lost at any moment leaves one.
 *
 *     ota_keys_load(&keys, &port, factory_text, len, &work);
 *     cfg.keyset = &keys.now;                       then ota_agent_init() as ever
 *     reason = ota_keys_take(&agent, &keys, &event, &work, &order);      for verb keys
 */
struct ota_keys {
    uint32_t stored; /* version of the newest good record; 0: there is none */
    uint8_t newest;  /* which of the two that is */
    bool bad;     /* records could not be read: nothing is believed or taken until the next boot */
    bool damaged; /* both records are there and neither is whole: flash failed, not power */
    struct keyset now;  /* what is believed; all zero (nothing) when there is no good one */
    struct keyset next; /* the last one looked at, for telling what was wrong with it */
};

/*
 * Before ota_agent_init(). The newer of the factory's keyset (`json`: it is checked against itself,
 * having come another way) and the stored one, if that is of the same fleet. `work` is memory that
 * nothing else uses meanwhile, and not where `json` lies. NONE;
 * BAD_KEYSET, BAD_SIGNATURE: the factory's; RECORD_IO: a record can't be read. With any of these
 * keys->now is empty, and every order will be refused: rather than believe a key that was revoked.
 */
enum reason ota_keys_load(struct ota_keys *keys, const struct ota_port *port, const char *json,
                          size_t len, union keyset_work *work);

/*
 * A command of verb keys, whose agent has cfg->keyset = &keys->now. The order is checked as any
 * other, with one addition: its key may also be one that only the new keyset names, since that one
 * is vouched for by the roots, so that a fleet whose rollout keys are all lost can be given new
 * ones. Then the keyset: keyset_follows(). On REASON_NONE it is on flash and keys->now, for every
 * check from now on; the order's number is used up. The keyset that is in use already is NONE too,
 * and changes nothing, also when its order was used before (a lost acknowledgement brings it
 * again). *out is the order once its signature held, also with a refusal; else NULL. Else the
 * reasons of ota_agent_check_order(), BAD_KEYSET, WRONG_FLEET, BAD_SIGNATURE, RECORD_IO (nothing
 * has changed).
 *
 * A keyset that trusts no rollout key of the one before sets the numbers of all orders back to its
 * seq_floor, and may be brought by an order whose number was used: what a stolen key used up is
 * free again. No order from before can come back by that, its key is gone; so a rollout key that
 * was dropped must not be trusted again.
 */
enum reason ota_keys_take(struct ota_agent *agent, struct ota_keys *keys,
                          const struct ota_event *ev, union keyset_work *work,
                          const struct order **out);

#endif
