#include "app/ring.h"

#include <string.h>

/* A slot whose message was acknowledged while an older one is still under way. */
#define ACKED (-1)

static uint32_t at(const struct app_ring *ring, uint32_t i)
{
    return (ring->head + i) % APP_RING_SIZE;
}

void app_ring_init(struct app_ring *ring)
{
    memset(ring, 0, sizeof(*ring));
}

static void drop_oldest(struct app_ring *ring)
{
    ring->head = at(ring, 1);
    ring->count--;
    if (ring->sent)
        ring->sent--;
}

void app_ring_push(struct app_ring *ring, const struct app_sample *sample)
{
    if (ring->count == APP_RING_SIZE) {
        drop_oldest(ring);
        ring->dropped++;
    }
    ring->item[at(ring, ring->count)] = *sample;
    ring->mid[at(ring, ring->count)] = 0;
    ring->count++;
}

const struct app_sample *app_ring_next(const struct app_ring *ring)
{
    return ring->sent < ring->count ? &ring->item[at(ring, ring->sent)] : NULL;
}

void app_ring_sent(struct app_ring *ring, int mid)
{
    if (ring->sent < ring->count)
        ring->mid[at(ring, ring->sent++)] = mid;
}

bool app_ring_acked(struct app_ring *ring, int mid)
{
    bool ours = false;

    for (uint32_t i = 0; mid > 0 && i < ring->sent; i++) {
        if (ring->mid[at(ring, i)] == mid) {
            ring->mid[at(ring, i)] = ACKED;
            ours = true;
            break;
        }
    }
    while (ring->sent && ring->mid[ring->head] == ACKED)
        drop_oldest(ring);
    return ours;
}

void app_ring_rewind(struct app_ring *ring)
{
    ring->sent = 0;
}
