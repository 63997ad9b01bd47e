#ifndef SWARM_COUNTS_H
#define SWARM_COUNTS_H

#include <stdio.h>

#include "device.h"

/* One line of JSON: connections, downloads, reports, memory. */
void counts_print(FILE *out, const struct device_all *all, const struct device *devices,
                  uint32_t count);

/* Resident memory of this process in bytes; 0: not known. */
uint64_t counts_memory(void);

#endif
