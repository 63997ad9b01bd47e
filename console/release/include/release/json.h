#ifndef RELEASE_JSON_H
#define RELEASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "release/store.h"

/* A release as `release ls --json` gives it; `whole`: as `release show --json`. */
json_t *release_json(const struct release_entry *entry, bool whole);

#endif
