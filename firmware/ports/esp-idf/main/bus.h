#ifndef ESP_PORT_BUS_H
#define ESP_PORT_BUS_H

#include "driver/i2c_master.h"

#include "drivers/bus.h"

/*
 * The sensors' buses by ESP-IDF's I2C master and UART drivers. Pins and which buses there are:
 * menuconfig, "muster". A transfer waits at most 50 ms (an SCD30 may stretch the clock that long).
 */
#define BUS_DEVICES 4

struct bus {
    i2c_master_bus_handle_t i2c;
    struct {
        uint8_t addr;
        i2c_master_dev_handle_t handle;
    } device[BUS_DEVICES]; /* added as the drivers ask for them */
    unsigned device_count;
    struct i2c_bus i2c_bus;
    struct uart_bus uart_bus;
};

/* 0, or -1 and *why (static text); what did start is usable even then. `b` must stay in place. */
int bus_start(struct bus *b, const char **why);

/* NULL when menuconfig says there is none, or it did not start. */
const struct i2c_bus *bus_i2c(const struct bus *b);
const struct uart_bus *bus_uart(const struct bus *b);

#endif
