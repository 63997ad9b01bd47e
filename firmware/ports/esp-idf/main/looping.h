#ifndef ESP_PORT_LOOPING_H
#define ESP_PORT_LOOPING_H

#include "ota/agent.h"
#include "protocol/status.h"
#include "slots.h"

/*
 * Images that were found good and crash before the agent's boot event: counted in RTC memory, which
 * resets leave alone, by the first lines of the program. What dies before those (in ESP-IDF's own
 * start) is for nobody to count.
 */

/* Early in each start, once NVS and slots are there. Restarts into the image before this one when
 * this one has died too often; else returns. `scratch` is memory for it. */
void looping_start(struct slots *slots, enum reset_reason reset, const char *version,
                   struct ota_agent *scratch);

/* The agent is up: what happens from now on it counts itself. */
void looping_lived(void);

#endif
