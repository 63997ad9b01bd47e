#ifndef IDENTITY_SIGNING_H
#define IDENTITY_SIGNING_H

#include "base/err.h"

/*
 * The keys that sign keysets, releases and orders: DIR/{root,release,rollout}.key, and keyset.json
 * version 1, signed by the root. `dir` exists.
 */
int signing_make(const char *dir, const char *fleet, struct err *e);

#endif
