#ifndef APP_TEMPLATES_H
#define APP_TEMPLATES_H

#include "base/err.h"
#include "rollout/plan.h"

/*
 * Plans saved by name: $XDG_CONFIG_HOME/muster/plans/NAME.json, a plan file that may be without
 * "release". They belong to the person, not to a fleet. Names: letters, digits, dot, dash and
 * underscore, at most 32.
 */
#define TEMPLATES_MAX 256

/* Saves over one of the same name. 0, or -1 and *err. */
int template_save(const char *name, const struct rollout_plan *plan, struct err *err);
int template_load(const char *name, struct rollout_plan *out, struct err *err);
int template_remove(const char *name, struct err *err);
/* Names, sorted, at most TEMPLATES_MAX; how many, or -1. Free with template_list_free(). */
int template_list(char ***names, struct err *err);
void template_list_free(char **names, int count);

#endif
