#include "zones.h"

#include <stdlib.h>

#include "base/mem.h"
#include "zone_file.h"

void zones_fill(struct rollout *r, const struct log *log)
{
    struct zone *zone = r->zone_count > 0 ? mem_alloc(sizeof(*zone)) : NULL;
    struct err err;

    for (uint32_t i = 0; i < r->zone_count; i++) {
        if (r->zone[i].rules)
            continue;
        if (zone_load(zone, NULL, r->zone[i].name, &err) == 0)
            rollout_zone_rules(r, i, zone);
        else
            log_say(log, LOG_ERROR, "%s: its window stays shut: %s", r->id, err.text);
    }
    free(zone);
}
