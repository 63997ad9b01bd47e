#ifndef DRIVERS_BUS_H
#define DRIVERS_BUS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The two buses a sensor hangs on, as const tables of functions with their own context. A port
 * (esp-idf, the Linux port's chip models, a test) fills them in; drivers keep a pointer, so a bus
 * must outlive its drivers. Everything is called on the caller's thread.
 */

enum bus_err {
    BUS_OK,
    BUS_NACK,    /* nobody answers at that address */
    BUS_TIMEOUT, /* a line is held, or clock stretched for too long */
    BUS_IO       /* arbitration lost, peripheral error */
};

/* Addresses have 7 bits (0x76, not 0xEC). */
struct i2c_bus {
    void *ctx;
    /* START, address+W, `len` bytes, STOP. */
    enum bus_err (*write)(void *ctx, uint8_t addr, const uint8_t *data, size_t len);
    /* START, address+R, exactly `len` bytes, STOP. */
    enum bus_err (*read)(void *ctx, uint8_t addr, uint8_t *data, size_t len);
    /* Wait at least `ms`, at most 20: chips that need a pause between a command and its answer. */
    void (*wait_ms)(void *ctx, uint32_t ms);
};

struct uart_bus {
    void *ctx;
    /* Take all `len` bytes (19 at most) or none: BUS_OK or BUS_IO. */
    enum bus_err (*write)(void *ctx, const uint8_t *data, size_t len);
    /* What has arrived, at most `cap` bytes, without waiting. 0: nothing now. */
    size_t (*read)(void *ctx, uint8_t *data, size_t cap);
};

/* What a driver answers. X(NAME, "text for a log") */
#define DRV_MAP(X)                                                                                 \
    X(OK, "ok")                                                                                    \
    X(AGAIN, "no new measurement yet")                                                             \
    X(ABSENT, "does not answer")                                                                   \
    X(WRONG_ID, "answers with another chip id")                                                    \
    X(CRC, "checksum is wrong")                                                                    \
    X(RANGE, "value is outside what the sensor can measure")                                       \
    X(CALIBRATION, "calibration constants are not plausible")                                      \
    X(TIMEOUT, "did not finish in time")                                                           \
    X(IO, "bus error")

enum drv_err {
#define X(name, text) DRV_##name,
    DRV_MAP(X)
#undef X
        DRV_ERR_COUNT
};

const char *drv_err_text(enum drv_err err); /* never NULL */

/* NACK → ABSENT, TIMEOUT → TIMEOUT, IO → IO. */
enum drv_err drv_from_bus(enum bus_err err);

#endif
