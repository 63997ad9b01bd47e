#ifndef APP_TRUST_H
#define APP_TRUST_H

#include "base/profile.h"
#include "fleet/fleet.h"
#include "identity/pki.h"
#include "screens/trust.h"
#include "store/store.h"

/*
 * Reads what screens/trust.h is about: the profile's certificate, authorities, keys and keyset.
 * Small files, read again only when one of them has changed, and looked at no more often than every
 * TRUST_PERIOD_MS, so that a loop may ask at each turn. Private keys are opened to learn their
 * public half only; a token is never asked.
 */
#define TRUST_PERIOD_MS 2000

struct trust;
struct trust *trust_new(const struct profile *profile); /* it must outlive this */
void trust_free(struct trust *t);                       /* NULL is fine */
/* True when there is something new. The first call always reads. */
bool trust_look(struct trust *t, int64_t now_ms);
const struct ui_trust *trust_facts(const struct trust *t); /* valid until the next look */

void trust_cert(const struct pki_cert *from, struct ui_cert *out);

/*
 * The orders with keysets that the journal has of the last hour, with their answers as far as the
 * fleet heard them; a device whose status tells `version` or later has answered, too. 0, or -1 and
 * *err.
 */
int trust_orders(struct store *store, const struct fleet *fleet, uint32_t version, int64_t now_ms,
                 struct ui_key_orders *out, struct err *err);

#endif
