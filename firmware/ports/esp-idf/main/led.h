#ifndef ESP_PORT_LED_H
#define ESP_PORT_LED_H

/* The LED that a person looks for after `identify`; a pin of -1 in menuconfig: none. */
void led_start(void);
/* Blinks for ten seconds from now. Does not wait. */
void led_identify(void);

#endif
