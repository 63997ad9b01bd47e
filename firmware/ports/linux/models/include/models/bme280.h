#ifndef MODELS_BME280_H
#define MODELS_BME280_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "models/model.h"

/*
 * A BME280 as its register map: id, soft reset, calibration, forced and normal mode, measuring
 * time. Raw values come from searching the ADC codes whose compensation gives the wanted ones.
 */
struct model_bme280 {
    uint64_t seed;
    enum model_fault fault;
    uint8_t reg[256];
    uint8_t pointer;     /* register the next read starts at */
    int64_t ready_ms;    /* end of the measurement under way */
    int64_t im_ready_ms; /* end of copying calibration after a reset */
    bool measuring, latched;
    uint8_t latch[8]; /* first measurement, for the fault "stuck" */
};

void model_bme280_init(struct model_bme280 *m, uint64_t seed, enum model_fault fault);
enum bus_err model_bme280_write(struct model_bme280 *m, int64_t mono_ms, int64_t unix_s,
                                const uint8_t *data, size_t len);
enum bus_err model_bme280_read(struct model_bme280 *m, int64_t mono_ms, int64_t unix_s,
                               uint8_t *data, size_t len);

#endif
