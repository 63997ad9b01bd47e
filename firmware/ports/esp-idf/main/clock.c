#include "clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "esp_log.h"
#include "esp_netif_sntp.h"
#include "esp_timer.h"

#include "protocol/limits.h"
#include "store.h"

static const char TAG[] = "clock";

#define KEEP_EVERY_S 86400

/* One clock per chip: this is the hardware's state, not the program's. */
static atomic_bool trusted;
static int64_t kept_s;
static bool asking;
static char server_name[PROTO_HOST_MAX];

#ifndef MUSTER_BUILD_TIME
#error "main/CMakeLists.txt defines MUSTER_BUILD_TIME: Unix seconds"
#endif

int64_t clock_mono_ms(void)
{
    return esp_timer_get_time() / 1000;
}

int64_t clock_unix_s(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (int64_t)now.tv_sec;
}

bool clock_trusted(void)
{
    return atomic_load(&trusted);
}

void clock_start(void)
{
    int64_t seed = (int64_t)store_last_time();
    if (seed < MUSTER_BUILD_TIME)
        seed = MUSTER_BUILD_TIME;
    /* The RTC may have counted on through a software reset. */
    if (clock_unix_s() < seed) {
        const struct timeval then = { .tv_sec = (time_t)seed };
        settimeofday(&then, NULL);
    }
}

/* On lwIP's task. */
static void on_sync(struct timeval *now)
{
    (void)now;
    atomic_store(&trusted, true);
}

void clock_use_server(const char *server)
{
    if (strcmp(server, server_name) == 0)
        return;
    if (asking)
        esp_netif_sntp_deinit();
    asking = false;
    snprintf(server_name, sizeof(server_name), "%s", server); /* lwIP keeps the pointer */
    if (server_name[0] == '\0')
        return;
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(server_name);
    config.wait_for_sync = false;
    config.sync_cb = on_sync;
    asking = esp_netif_sntp_init(&config) == ESP_OK;
    if (!asking)
        ESP_LOGW(TAG, "SNTP did not start");
}

void clock_poll(void)
{
    if (!clock_trusted() || (kept_s != 0 && clock_unix_s() - kept_s < KEEP_EVERY_S))
        return;
    kept_s = clock_unix_s();
    store_keep_time((uint64_t)kept_s);
}
