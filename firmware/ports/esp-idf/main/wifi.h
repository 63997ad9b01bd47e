#ifndef ESP_PORT_WIFI_H
#define ESP_PORT_WIFI_H

#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

/*
 * Wi-Fi station. Name and passphrase are in NVS, namespace `wifi`, keys `ssid` and `psk` (empty or
 * absent psk: an open network). Reconnects with full-jitter back-off, 1 s to 60 s, so that a site
 * whose access point comes back is not stormed.
 */

/* Posts BOARD_NETWORK_UP and _DOWN to `events`. 0, or -1 and *why (static text). */
int wifi_start(QueueHandle_t events, const char **why);
/* On the main task, at least every second: connects when it is time. */
void wifi_poll(int64_t mono_ms);
/* 0 and *dbm, or -1: not connected. */
int wifi_rssi(int32_t *dbm);

#endif
