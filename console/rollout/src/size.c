/* What a rollout weighs. */
#include "rollout/rollout.h"

size_t rollout_bytes(const struct rollout *r)
{
    size_t bytes = sizeof(*r);

    bytes += r->device_cap * (sizeof(*r->device) + sizeof(*r->heap));
    bytes += ((size_t)r->index_mask + 1) * sizeof(*r->index);
    bytes += r->group_cap * sizeof(*r->group);
    if (r->group_index)
        bytes += ((size_t)r->group_mask + 1) * sizeof(*r->group_index);
    for (uint32_t i = 0; i < r->zone_count; i++)
        bytes += r->zone[i].rules ? sizeof(*r->zone[i].rules) : 0;
    return bytes;
}
