#ifndef MODELS_BOARD_H
#define MODELS_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "models/bme280.h"
#include "models/model.h"
#include "models/scd30.h"
#include "models/sds011.h"

/*
 * The sensors of a simulated board: chip models at register and frame level behind the same bus
 * ports that real drivers use. Values follow a day curve with noise and are a pure function of
 * seed and time, so a run can be repeated. No heap, no globals, no clock, no sleeping: time is set
 * from outside, and wait_ms() of the bus moves only the models' own clock.
 */
struct board_config {
    uint64_t seed;
    bool bme280, scd30, sds011; /* soldered on */
    enum model_fault bme280_fault, scd30_fault, sds011_fault;
};

struct board {
    struct board_config config;
    int64_t mono_ms, unix_s;
    struct model_bme280 bme280;
    struct model_scd30 scd30;
    struct model_sds011 sds011;
    struct i2c_bus i2c;
    struct uart_bus uart;
};

/* `board` must not move afterwards: its buses point to it. */
void board_init(struct board *board, const struct board_config *config);
/* Before each event: milliseconds that never go back, also not when what runs on it restarts, and
 * Unix time (for the day curve). */
void board_set_time(struct board *board, int64_t mono_ms, int64_t unix_s);
const struct i2c_bus *board_i2c(const struct board *board);
const struct uart_bus *board_uart(const struct board *board);

#endif
