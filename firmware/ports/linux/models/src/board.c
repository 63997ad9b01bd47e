#include "models/board.h"

#include <string.h>

enum { ADDR_SCD30 = 0x61, ADDR_BME280 = 0x76 };

static enum bus_err i2c_write(void *ctx, uint8_t addr, const uint8_t *data, size_t len)
{
    struct board *b = ctx;

    if (addr == ADDR_BME280 && b->config.bme280)
        return model_bme280_write(&b->bme280, b->mono_ms, b->unix_s, data, len);
    if (addr == ADDR_SCD30 && b->config.scd30)
        return model_scd30_write(&b->scd30, b->mono_ms, b->unix_s, data, len);
    return BUS_NACK;
}

static enum bus_err i2c_read(void *ctx, uint8_t addr, uint8_t *data, size_t len)
{
    struct board *b = ctx;

    if (addr == ADDR_BME280 && b->config.bme280)
        return model_bme280_read(&b->bme280, b->mono_ms, b->unix_s, data, len);
    if (addr == ADDR_SCD30 && b->config.scd30)
        return model_scd30_read(&b->scd30, b->mono_ms, b->unix_s, data, len);
    return BUS_NACK;
}

/* Only the models' clock moves: nobody sleeps. It waits for the real one in board_set_time(). */
static void i2c_wait(void *ctx, uint32_t ms)
{
    struct board *b = ctx;

    b->mono_ms += ms;
}

static enum bus_err uart_write(void *ctx, const uint8_t *data, size_t len)
{
    struct board *b = ctx;

    if (!b->config.sds011)
        return BUS_OK;
    return model_sds011_write(&b->sds011, b->mono_ms, b->unix_s, data, len);
}

static size_t uart_read(void *ctx, uint8_t *data, size_t cap)
{
    struct board *b = ctx;

    if (!b->config.sds011)
        return 0;
    return model_sds011_read(&b->sds011, b->mono_ms, b->unix_s, data, cap);
}

void board_init(struct board *board, const struct board_config *config)
{
    memset(board, 0, sizeof(*board));
    board->config = *config;
    model_bme280_init(&board->bme280, config->seed, config->bme280_fault);
    model_scd30_init(&board->scd30, config->seed, config->scd30_fault);
    model_sds011_init(&board->sds011, config->seed, config->sds011_fault);
    board->i2c = (struct i2c_bus){ board, i2c_write, i2c_read, i2c_wait };
    board->uart = (struct uart_bus){ board, uart_write, uart_read };
}

void board_set_time(struct board *board, int64_t mono_ms, int64_t unix_s)
{
    if (mono_ms > board->mono_ms)
        board->mono_ms = mono_ms;
    board->unix_s = unix_s;
}

const struct i2c_bus *board_i2c(const struct board *board)
{
    return &board->i2c;
}

const struct uart_bus *board_uart(const struct board *board)
{
    return &board->uart;
}
