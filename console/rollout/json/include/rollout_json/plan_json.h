#ifndef ROLLOUT_JSON_PLAN_JSON_H
#define ROLLOUT_JSON_PLAN_JSON_H

#include <stddef.h>

#include "base/err.h"
#include "rollout/plan.h"

/* A plan as docs/rollouts.md has it. Longer texts are refused. */
#define PLAN_JSON_BYTES 65536

/*
 * Strict: an unknown, doubled, mistyped or out-of-range field is an error that names it
 * and its line ("line 4: stages[1].percent: 4 is less than the 5 of stages[0]"). Absent fields get
 * their defaults; without "stages", plan_default_stages(). plan_check() has been passed when 0 is
 * returned.
 */
int plan_decode(const char *json, size_t len, struct rollout_plan *out, struct err *err);

/* The same without "release" being required: product and version are then empty. What a template
 * is, and a plan file whose release is named elsewhere. */
int plan_decode_template(const char *json, size_t len, struct rollout_plan *out, struct err *err);

/* All fields, defaults included; no "release" when there is none. free() it. */
char *plan_encode(const struct rollout_plan *plan);

#endif
