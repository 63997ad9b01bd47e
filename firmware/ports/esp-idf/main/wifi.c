#include "wifi.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_wifi.h"

#include "app/backoff.h"
#include "event.h"
#include "store.h"

static const char TAG[] = "wifi";

#define BACKOFF_MS     1000
#define BACKOFF_MAX_MS 60000

/* One radio per chip. Written on the event task, read on the main task. */
static struct {
    QueueHandle_t events;
    atomic_bool want; /* not connected, and nobody is trying */
    atomic_bool up;
    /* main task only */
    struct backoff backoff;
    bool waiting;
    int64_t connect_ms;
} wifi;

static void post(enum board_event_kind kind)
{
    const struct board_event event = { .kind = kind };
    /* The app takes both as hints only: when the queue is full the broker tells it soon enough. */
    (void)xQueueSend(wifi.events, &event, 0);
}

static void on_event(void *ctx, esp_event_base_t base, int32_t id, void *data)
{
    (void)ctx;
    if (base == IP_EVENT && id == IP_EVENT_STA_GOT_IP) {
        atomic_store(&wifi.up, true);
        post(BOARD_NETWORK_UP);
    } else if (base == WIFI_EVENT && id == WIFI_EVENT_STA_START) {
        atomic_store(&wifi.want, true);
    } else if (base == WIFI_EVENT && id == WIFI_EVENT_STA_DISCONNECTED) {
        const wifi_event_sta_disconnected_t *lost = data;
        ESP_LOGW(TAG, "disconnected, reason %u", (unsigned)lost->reason);
        if (atomic_exchange(&wifi.up, false))
            post(BOARD_NETWORK_DOWN);
        atomic_store(&wifi.want, true);
    }
}

static int load_config(wifi_config_t *config, const char **why)
{
    char ssid[33], psk[65];
    if (store_get_str(STORE_NS_WIFI, "ssid", ssid, sizeof(ssid)) <= 0) {
        *why = "no Wi-Fi name in NVS (namespace wifi, key ssid): see the README";
        return -1;
    }
    if (store_get_str(STORE_NS_WIFI, "psk", psk, sizeof(psk)) < 0)
        psk[0] = '\0';
    memset(config, 0, sizeof(*config));
    /* Both fields are full without a NUL when their text is as long as they are. */
    memcpy(config->sta.ssid, ssid, strnlen(ssid, sizeof(config->sta.ssid)));
    memcpy(config->sta.password, psk, strnlen(psk, sizeof(config->sta.password)));
    config->sta.threshold.authmode = psk[0] ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
    config->sta.pmf_cfg.capable = true;
    memset(psk, 0, sizeof(psk));
    return 0;
}

static esp_err_t bring_up(wifi_config_t *config)
{
    const wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
    esp_err_t err = esp_wifi_init(&init);
    if (err == ESP_OK)
        err = esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL);
    if (err == ESP_OK)
        err = esp_event_handler_register(IP_EVENT, IP_EVENT_STA_GOT_IP, on_event, NULL);
    if (err == ESP_OK)
        err = esp_wifi_set_storage(WIFI_STORAGE_RAM);
    if (err == ESP_OK)
        err = esp_wifi_set_mode(WIFI_MODE_STA);
    if (err == ESP_OK)
        err = esp_wifi_set_config(WIFI_IF_STA, config);
    return err == ESP_OK ? esp_wifi_start() : err;
}

int wifi_start(QueueHandle_t events, const char **why)
{
    wifi_config_t config;
    wifi.events = events;
    backoff_init(&wifi.backoff, BACKOFF_MS, BACKOFF_MAX_MS);
    if (esp_netif_init() != ESP_OK || esp_event_loop_create_default() != ESP_OK ||
        !esp_netif_create_default_wifi_sta()) {
        *why = "out of memory for the network";
        return -1;
    }
    if (load_config(&config, why))
        return -1;
    esp_err_t err = bring_up(&config);
    memset(&config, 0, sizeof(config));
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "%s", esp_err_to_name(err));
        *why = "the radio did not start";
        return -1;
    }
    return 0;
}

void wifi_poll(int64_t mono_ms)
{
    if (atomic_load(&wifi.up))
        backoff_reset(&wifi.backoff);
    if (!atomic_load(&wifi.want))
        return;
    if (!wifi.waiting) {
        wifi.waiting = true;
        wifi.connect_ms = mono_ms + backoff_next(&wifi.backoff, esp_random());
    }
    if (mono_ms < wifi.connect_ms)
        return;
    wifi.waiting = false;
    atomic_store(&wifi.want, false);
    if (esp_wifi_connect() != ESP_OK)
        atomic_store(&wifi.want, true);
}

int wifi_rssi(int32_t *dbm)
{
    wifi_ap_record_t ap;
    if (esp_wifi_sta_get_ap_info(&ap) != ESP_OK)
        return -1;
    *dbm = ap.rssi;
    return 0;
}
