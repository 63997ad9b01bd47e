#include "led.h"

#include <stdint.h>

#include "sdkconfig.h"

#if CONFIG_MUSTER_LED_GPIO >= 0

#include "driver/gpio.h"
#include "esp_timer.h"

#define HALF_US   125000
#define BLINK_FOR 80 /* halves */
#define LED       ((gpio_num_t)CONFIG_MUSTER_LED_GPIO)

/* On the timer's task only, but for `timer`, which is set once. */
static esp_timer_handle_t timer;
static volatile uint32_t left;

static void toggle(void *ctx)
{
    (void)ctx;
    uint32_t n = left;
    if (n == 0) {
        esp_timer_stop(timer);
        gpio_set_level(LED, 0);
        return;
    }
    left = n - 1;
    gpio_set_level(LED, n & 1u);
}

void led_start(void)
{
    const esp_timer_create_args_t args = { .callback = toggle, .name = "led" };
    if (gpio_reset_pin(LED) != ESP_OK || gpio_set_direction(LED, GPIO_MODE_OUTPUT) != ESP_OK ||
        esp_timer_create(&args, &timer) != ESP_OK)
        timer = NULL;
}

void led_identify(void)
{
    if (!timer)
        return;
    left = BLINK_FOR;
    (void)esp_timer_start_periodic(timer, HALF_US); /* an error: it runs already */
}

#else

void led_start(void)
{
}

void led_identify(void)
{
}

#endif
