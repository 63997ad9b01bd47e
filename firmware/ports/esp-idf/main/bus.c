#include "bus.h"

#include <string.h>

#include "driver/gpio.h"
#include "driver/uart.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#define I2C_HZ      50000 /* the SCD30's data sheet asks for 50 kHz or less */
#define TRANSFER_MS 50
#define STRETCH_US  30000
#define UART_BAUD   9600 /* SDS011 */
#define UART_RX_BUF 256

/* ---- I2C ------------------------------------------------------------------------------------ */

#if CONFIG_MUSTER_I2C
static i2c_master_dev_handle_t device_at(struct bus *b, uint8_t addr)
{
    const i2c_device_config_t config = {
        .dev_addr_length = I2C_ADDR_BIT_LEN_7,
        .device_address = addr,
        .scl_speed_hz = I2C_HZ,
        .scl_wait_us = STRETCH_US,
    };
    i2c_master_dev_handle_t handle;
    for (unsigned i = 0; i < b->device_count; i++)
        if (b->device[i].addr == addr)
            return b->device[i].handle;
    if (b->device_count == BUS_DEVICES ||
        i2c_master_bus_add_device(b->i2c, &config, &handle) != ESP_OK)
        return NULL;
    b->device[b->device_count].addr = addr;
    b->device[b->device_count++].handle = handle;
    return handle;
}

/* A missing acknowledgement is INVALID_STATE in ESP-IDF 5 and INVALID_RESPONSE in 6. */
static enum bus_err bus_err_of(esp_err_t err)
{
    switch (err) {
    case ESP_OK:
        return BUS_OK;
    case ESP_ERR_INVALID_STATE:
    case ESP_ERR_INVALID_RESPONSE:
        return BUS_NACK;
    case ESP_ERR_TIMEOUT:
        return BUS_TIMEOUT;
    default:
        return BUS_IO;
    }
}

static enum bus_err i2c_write(void *ctx, uint8_t addr, const uint8_t *data, size_t len)
{
    i2c_master_dev_handle_t device = device_at(ctx, addr);
    return device ? bus_err_of(i2c_master_transmit(device, data, len, TRANSFER_MS)) : BUS_IO;
}

static enum bus_err i2c_read(void *ctx, uint8_t addr, uint8_t *data, size_t len)
{
    i2c_master_dev_handle_t device = device_at(ctx, addr);
    return device ? bus_err_of(i2c_master_receive(device, data, len, TRANSFER_MS)) : BUS_IO;
}

/* A delay of n ticks may be up to one tick short. */
static void wait_ms(void *ctx, uint32_t ms)
{
    (void)ctx;
    vTaskDelay(pdMS_TO_TICKS(ms) + 1);
}

static int start_i2c(struct bus *b)
{
    const i2c_master_bus_config_t config = {
        .i2c_port = -1,
        .sda_io_num = CONFIG_MUSTER_I2C_SDA,
        .scl_io_num = CONFIG_MUSTER_I2C_SCL,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = 7,
        .flags = { .enable_internal_pullup = true },
    };
    if (i2c_new_master_bus(&config, &b->i2c) != ESP_OK)
        return -1;
    b->i2c_bus = (struct i2c_bus){ b, i2c_write, i2c_read, wait_ms };
    return 0;
}
#else
static int start_i2c(struct bus *b)
{
    (void)b;
    return 0;
}
#endif

/* ---- UART ----------------------------------------------------------------------------------- */

#if CONFIG_MUSTER_UART
#define UART ((uart_port_t)CONFIG_MUSTER_UART_PORT)

/* 19 bytes fit the hardware's FIFO, so this does not wait for the wire. */
static enum bus_err uart_write(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    return uart_write_bytes(UART, data, len) == (int)len ? BUS_OK : BUS_IO;
}

static size_t uart_read(void *ctx, uint8_t *data, size_t cap)
{
    (void)ctx;
    int n = uart_read_bytes(UART, data, (uint32_t)cap, 0);
    return n > 0 ? (size_t)n : 0;
}

static int start_uart(struct bus *b)
{
    const uart_config_t config = {
        .baud_rate = UART_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    if (uart_driver_install(UART, UART_RX_BUF, 0, 0, NULL, 0) != ESP_OK)
        return -1;
    if (uart_param_config(UART, &config) != ESP_OK ||
        uart_set_pin(UART, CONFIG_MUSTER_UART_TX, CONFIG_MUSTER_UART_RX, UART_PIN_NO_CHANGE,
                     UART_PIN_NO_CHANGE) != ESP_OK)
        return -1;
    b->uart_bus = (struct uart_bus){ b, uart_write, uart_read };
    return 0;
}
#else
static int start_uart(struct bus *b)
{
    (void)b;
    return 0;
}
#endif

/* ---- */

int bus_start(struct bus *b, const char **why)
{
    memset(b, 0, sizeof(*b));
    int i2c = start_i2c(b), uart = start_uart(b);
    if (i2c)
        *why = "I2C did not start: are its pins right (menuconfig, muster)?";
    else if (uart)
        *why = "UART did not start: are its pins right (menuconfig, muster)?";
    return i2c || uart ? -1 : 0;
}

const struct i2c_bus *bus_i2c(const struct bus *b)
{
    return b->i2c_bus.write ? &b->i2c_bus : NULL;
}

const struct uart_bus *bus_uart(const struct bus *b)
{
    return b->uart_bus.write ? &b->uart_bus : NULL;
}
