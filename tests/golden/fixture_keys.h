#ifndef GOLDEN_FIXTURE_KEYS_H
#define GOLDEN_FIXTURE_KEYS_H

#include "fixture.h"

/* Fill f->trust: one keyset, which all devices have, and nothing wrong. */
void fixture_keys(struct fixture *f);

#endif
