#ifndef MODELS_SDS011_H
#define MODELS_SDS011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "models/model.h"

/* An SDS011 as frames on a UART at 9600 baud (a frame takes 10 ms): active mode with a frame a
 * second, query mode, firmware version. */
struct model_sds011 {
    uint64_t seed;
    enum model_fault fault;
    uint8_t mode; /* 0 active, 1 query */
    uint16_t id;
    int64_t next_ms; /* next frame in active mode */
    uint8_t in[19];
    uint8_t in_len;
    uint8_t out[64]; /* bytes on their way to the host */
    uint8_t out_len;
    int64_t out_ms; /* when they have arrived */
    bool latched;
    uint8_t latch[4];
};

void model_sds011_init(struct model_sds011 *m, uint64_t seed, enum model_fault fault);
enum bus_err model_sds011_write(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s,
                                const uint8_t *data, size_t len);
size_t model_sds011_read(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s, uint8_t *data,
                         size_t cap);

#endif
