#ifndef ESP_PORT_CLOCK_H
#define ESP_PORT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Two clocks. The monotonic one counts from reset. The other is UTC: trusted once SNTP has set it.
 * Until then it starts at the later of the program's build and the last trusted time on record:
 * never right, never too far ahead, so that TLS can check certificates without NTP and an order's
 * expiry is not judged by it.
 */

int64_t clock_mono_ms(void);
int64_t clock_unix_s(void);
bool clock_trusted(void);

/* Before the network. */
void clock_start(void);
/* Ask `server` (copied; at most 64 characters) from now on. "": nobody. Needs esp_netif_init(). */
void clock_use_server(const char *server);
/* Now and then, on the main task: puts a trusted time on record, once a day. */
void clock_poll(void);

#endif
