#ifndef MODELS_SCD30_H
#define MODELS_SCD30_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "models/model.h"

/* An SCD30 as its command set: every word followed by a CRC-8, a pause of 3 ms between a command
 * and its answer (an earlier read is refused, as the chip does). */
struct model_scd30 {
    uint64_t seed;
    enum model_fault fault;
    bool running, fresh, latched;
    uint16_t interval_s, pressure_hpa;
    int64_t next_ms; /* end of the measurement under way */
    uint16_t command;
    int64_t command_ms;
    uint8_t answer[18];
    uint8_t answer_len;
    uint8_t data[18]; /* newest measurement as it is read */
};

void model_scd30_init(struct model_scd30 *m, uint64_t seed, enum model_fault fault);
enum bus_err model_scd30_write(struct model_scd30 *m, int64_t mono_ms, int64_t unix_s,
                               const uint8_t *data, size_t len);
enum bus_err model_scd30_read(struct model_scd30 *m, int64_t mono_ms, int64_t unix_s, uint8_t *data,
                              size_t len);

#endif
