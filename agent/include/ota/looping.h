#ifndef OTA_LOOPING_H
#define OTA_LOOPING_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/status.h"

/*
 * Programs that were found good and die before their agent comes up: the agent, which counts later
 * crashes, never hears of them, so who starts them counts: a bootloader, or a program's first lines
 * in memory that a reset leaves alone. Power that goes begins the row anew.
 */
enum { OTA_LOOPING_LIMIT = 5, OTA_LOOPING_LIMIT_MAX = 640 };
struct ota_looping {
    uint32_t count, limit; /* begins as all zero */
};

/*
 * Count the end of a run. `lived`: its agent got its OTA_EV_BOOT. True: that was the last of
 * OTA_LOOPING_LIMIT crashes without an agent in a row: ota_agent_leave(). Then the count begins
 * anew, and it takes twice as many, up to OTA_LOOPING_LIMIT_MAX, until a program has lived. What
 * was on trial does not count, and ends no row.
 */
bool ota_looping_count(struct ota_looping *l, enum reset_reason reset, bool trial, bool lived);

#endif
