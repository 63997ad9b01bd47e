#ifndef GOLDEN_MONKEY_H
#define GOLDEN_MONKEY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Somebody who types without looking: keys, words, pastes, clicks, resizes from 1 x 1 to 100 x 300,
 * pictures now and then, while devices appear, send nonsense and vanish, the link goes and comes
 * back, rights and lists change. The seed decides everything. After each event the picture and the
 * effects are looked at; see monkey.c for what must hold.
 */

/* `events` of them with this seed. 0, or -1 and in `why` what did not hold, after which events. */
int monkey_run(uint64_t seed, unsigned events, char *why, size_t cap);

#endif
