#ifndef APP_PROBE_H
#define APP_PROBE_H

#include <stdint.h>

#include "base/err.h"
#include "base/profile.h"

/*
 * GET /health of the gateway as devices reach it: TLS with the fleet's CA and the operator's
 * certificate, 5 s at most. *skew_s: its clock minus ours, by the Date header (0 without one). 0,
 * or -1 and *err.
 */
int probe_gateway(const struct profile *profile, int64_t now_s, int64_t *skew_s, struct err *err);

#endif
