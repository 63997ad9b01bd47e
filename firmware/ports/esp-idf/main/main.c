#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#include "app/app.h"
#include "app/build_info.h"
#include "bus.h"
#include "clock.h"
#include "crypto.h"
#include "event.h"
#include "fetch.h"
#include "identity.h"
#include "led.h"
#include "link.h"
#include "looping.h"
#include "protocol/hex.h"
#include "slots.h"
#include "store.h"
#include "wifi.h"

static const char TAG[] = "muster";

#define LEAVE_MS   2000 /* for what is on its way when the board restarts */
#define RETRY_WAIT pdMS_TO_TICKS(60000)

/*
 * One board. Everything of the app and the agent happens on this task, which never waits for the
 * network; the watchdog looks after it.
 *
 *   wifi, link, fetch (tasks) --events--> main --app_handle()--> platform, ota_port --> tasks,
 * flash
 */
struct board {
    QueueHandle_t events;
    struct identity identity;
    struct bus bus;
    struct link link;
    struct fetch fetch;
    struct slots slots;
    struct app_platform platform;
    struct app app;
    bool restart;
    bool settings_changed; /* namespace `config` was written */
};

static const struct app_build build = APP_BUILD_INIT;

/* ---- the platform --------------------------------------------------------------------------- */

static void broker_connect(void *ctx, const struct app_broker *broker)
{
    struct board *b = ctx;
    link_connect(&b->link, broker);
}

static int publish(void *ctx, const struct app_publish *message)
{
    struct board *b = ctx;
    return link_publish(&b->link, message);
}

/* What menuconfig says of a board whose factory image does not. */
static const char *built_in(enum app_ns ns, const char *key)
{
    return ns == APP_NS_FACTORY && strcmp(key, "sensors") == 0 ? CONFIG_MUSTER_SENSORS : NULL;
}

static int get_str(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap)
{
    (void)ctx;
    const char *text = built_in(ns, key);
    int n = store_get_str(app_ns_word(ns), key, out, cap);
    if (n >= 0 || !text || strlen(text) >= cap)
        return n;
    memcpy(out, text, strlen(text) + 1);
    return (int)strlen(text);
}

static int get_u32(void *ctx, enum app_ns ns, const char *key, uint32_t *out)
{
    (void)ctx;
    if (store_get_u32(app_ns_word(ns), key, out) == 0)
        return 0;
    if (ns != APP_NS_FACTORY || strcmp(key, "interval") != 0)
        return -1;
    *out = CONFIG_MUSTER_INTERVAL;
    return 0;
}

static int set_str(void *ctx, enum app_ns ns, const char *key, const char *value)
{
    struct board *b = ctx;
    b->settings_changed = true;
    return store_set_str(app_ns_word(ns), key, value);
}

static int set_u32(void *ctx, enum app_ns ns, const char *key, uint32_t value)
{
    struct board *b = ctx;
    b->settings_changed = true;
    return store_set_u32(app_ns_word(ns), key, value);
}

static void draw(void *ctx, void *out, size_t len)
{
    (void)ctx;
    esp_fill_random(out, len);
}

static void take_log(void *ctx, enum app_log_level level, const char *text)
{
    (void)ctx;
    switch (level) {
    case APP_LOG_ERROR:
        ESP_LOGE(TAG, "%s", text);
        break;
    case APP_LOG_WARN:
        ESP_LOGW(TAG, "%s", text);
        break;
    case APP_LOG_INFO:
        ESP_LOGI(TAG, "%s", text);
        break;
    case APP_LOG_DEBUG:
        ESP_LOGD(TAG, "%s", text);
        break;
    }
}

static void reboot(void *ctx)
{
    struct board *b = ctx;
    b->restart = true;
}

static void feed(void *ctx)
{
    (void)ctx;
    esp_task_wdt_reset();
}

static uint32_t memory(void *ctx)
{
    (void)ctx;
    return esp_get_free_heap_size();
}

static int rssi(void *ctx, int32_t *dbm)
{
    (void)ctx;
    return wifi_rssi(dbm);
}

static void identify(void *ctx)
{
    (void)ctx;
    ESP_LOGI(TAG, "identify");
    led_identify();
}

static void connect_parts(struct board *b)
{
    b->platform = (struct app_platform){
        .ctx = b,
        .broker_connect = broker_connect,
        .publish = publish,
        .nvs_get_str = get_str,
        .nvs_get_u32 = get_u32,
        .nvs_set_str = set_str,
        .nvs_set_u32 = set_u32,
        .random = draw,
        .log = take_log,
        .reboot = reboot,
        .watchdog_feed = feed,
        .memory = memory,
        .rssi = rssi,
        .identify = identify,
        .crypto = crypto_psa(),
        .i2c = bus_i2c(&b->bus),
        .uart = bus_uart(&b->bus),
    };
}

/* The first thing that needs no network and no sensor. */
static int open_slots(struct board *b, const char **why)
{
    b->slots.fetch = &b->fetch;
    b->slots.app = &b->app;
    b->slots.restart = &b->restart;
    return slots_init(&b->slots, why);
}

/* ---- events for the app --------------------------------------------------------------------- */

static void tell(struct board *b, struct app_event *event)
{
    event->time = (struct app_time){
        .mono_ms = clock_mono_ms(),
        .unix_s = clock_unix_s(),
        .trusted = clock_trusted(),
    };
    app_handle(&b->app, event);
}

static void tell_message(struct board *b, struct board_message *m)
{
    struct app_event event = {
        .kind = APP_EV_MESSAGE,
        .verb = m->verb,
        .body = m->body,
        .len = m->len,
        .correlation = m->correlation_len ? m->correlation : NULL,
        .correlation_len = m->correlation_len,
    };
    tell(b, &event);
    free(m);
}

static void pass_on(struct board *b, const struct board_event *in)
{
    struct app_event event = { .kind = APP_EV_TICK };
    switch (in->kind) {
    case BOARD_MESSAGE:
        tell_message(b, in->message);
        return;
    case BOARD_NETWORK_UP:
        event.kind = APP_EV_NETWORK_UP;
        break;
    case BOARD_NETWORK_DOWN:
        event.kind = APP_EV_NETWORK_DOWN;
        break;
    case BOARD_BROKER_UP:
        event.kind = APP_EV_BROKER_UP;
        break;
    case BOARD_BROKER_DOWN:
        event.kind = APP_EV_BROKER_DOWN;
        event.text = in->why;
        break;
    case BOARD_PUBLISHED:
        event.kind = APP_EV_PUBLISHED;
        event.mid = in->mid;
        break;
    case BOARD_WAKE:
        break;
    }
    tell(b, &event);
}

/* ---- start ---------------------------------------------------------------------------------- */

static enum reset_reason reset_reason(void)
{
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
    case ESP_RST_EXT:
        return RESET_POWERON;
    case ESP_RST_SW:
        return RESET_SOFTWARE;
    case ESP_RST_PANIC:
    case ESP_RST_CPU_LOCKUP:
        return RESET_PANIC;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
        return RESET_WATCHDOG;
    case ESP_RST_BROWNOUT:
    case ESP_RST_PWR_GLITCH:
        return RESET_BROWNOUT;
    case ESP_RST_DEEPSLEEP:
        return RESET_DEEPSLEEP;
    default: /* the list differs between chips and versions */
        return RESET_UNKNOWN;
    }
}

/* What must be there before anything can be said over the network. */
static int start(struct board *b, const char **why)
{
    b->events = xQueueCreate(BOARD_EVENTS, sizeof(struct board_event));
    if (!b->events || crypto_start()) {
        *why = "out of memory";
        return -1;
    }
    if (store_open(why) || open_slots(b, why))
        return -1;
    looping_start(&b->slots, reset_reason(), build.version, &b->app.agent);
    if (identity_load(&b->identity, why))
        return -1;
    clock_start();
    if (wifi_start(b->events, why)) /* before random numbers: the radio is what feeds them */
        return -1;
    if (bus_start(&b->bus, why))
        ESP_LOGE(TAG, "%s", *why); /* the self-test will say it of each sensor */
    led_start();
    connect_parts(b);
    if (link_init(&b->link, b->events, &b->identity) ||
        fetch_init(&b->fetch, b->events, &b->identity)) {
        *why = "out of memory";
        return -1;
    }
    app_init(&b->app, &build, &b->platform, &b->slots.port);
    return 0;
}

static void use_settings(struct board *b)
{
    static struct app_config config; /* 2 KB: not for the stack */
    const char *why;
    b->settings_changed = false;
    if (app_config_load(&config, &b->platform, &why) == 0)
        clock_use_server(config.ntp);
}

static void boot(struct board *b)
{
    uint8_t draw_id[(PROTO_BOOT_MAX - 1) / 2];
    struct app_boot facts = {
        .reset = reset_reason(),
        .boots = store_count_boot(),
        .cert_not_after = identity_not_after(&b->identity),
        .on_probation = slots_on_probation(&b->slots),
        .passive = slots_passive(&b->slots),
    };
    struct app_event event = { .kind = APP_EV_BOOT, .boot = &facts };
    esp_fill_random(draw_id, sizeof(draw_id));
    hex_encode(draw_id, sizeof(draw_id), facts.boot);
    memcpy(facts.slot, b->slots.index ? "ota_1" : "ota_0", 6);
    slots_digest(&b->slots, facts.image);
    tell(b, &event);
    looping_lived();
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Wait for anything, at most so long. */
static void turn(struct board *b, uint32_t wait_ms)
{
    struct board_event event;
    TickType_t ticks = pdMS_TO_TICKS(wait_ms);
    /* At least one tick, or the idle task and its watchdog starve during a download. */
    if (xQueueReceive(b->events, &event, ticks ? ticks : 1) == pdTRUE)
        pass_on(b, &event);
}

static void live(struct board *b)
{
    while (!b->restart) {
        struct app_event tick = { .kind = APP_EV_TICK };
        turn(b, app_wait_ms(&b->app, clock_mono_ms()));
        tell(b, &tick);
        wifi_poll(clock_mono_ms());
        clock_poll();
        if (b->settings_changed)
            use_settings(b);
    }
}

/* Before the lights go out: let leave what is on its way, then have the broker publish the will, so
 * that nobody has to wait for the keep-alive to know. */
static void leave(struct board *b)
{
    int64_t until = clock_mono_ms() + LEAVE_MS;
    while (!link_is_idle(&b->link) && clock_mono_ms() < until)
        turn(b, 50);
    link_good_bye(&b->link);
    until = clock_mono_ms() + LEAVE_MS / 2;
    while (!link_is_off(&b->link) && clock_mono_ms() < until)
        turn(b, 20);
}

/* An image on probation that can't even start goes back; any other board waits for a person, and
 * tries again once a minute, for a fault that was not for ever. */
static void give_up(const char *why)
{
    ESP_LOGE(TAG, "%s", why);
    vTaskDelay(RETRY_WAIT);
    esp_restart();
}

void app_main(void)
{
    static struct board board; /* some 35 KB: not for the stack */
    struct board *b = &board;
    const char *why = "";
    if (start(b, &why))
        give_up(why);
    esp_task_wdt_add(NULL);
    use_settings(b);
    boot(b);
    live(b);
    leave(b);
    esp_restart();
}
