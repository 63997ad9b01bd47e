#ifndef ESP_BYTES_H
#define ESP_BYTES_H

#include <stdint.h>

/* Little-endian numbers at any alignment. */
uint16_t esp_get16(const uint8_t *p);
uint32_t esp_get32(const uint8_t *p);
void esp_put16(uint8_t *p, uint16_t v);
void esp_put32(uint8_t *p, uint32_t v);

#endif
