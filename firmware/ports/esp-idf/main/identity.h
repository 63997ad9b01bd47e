#ifndef ESP_PORT_IDENTITY_H
#define ESP_PORT_IDENTITY_H

#include <stdint.h>

/* What the device shows and trusts: PEM texts out of the factory's NVS, on the heap for as long as
 * the program runs (esp-tls keeps pointers to them). */
struct identity {
    char *ca, *cert, *key;
};

/* 0, or -1 and *why (static text): a key is missing. */
int identity_load(struct identity *id, const char **why);

/* End of the certificate's life, Unix s; 0 when it can't be read. */
uint64_t identity_not_after(const struct identity *id);

#endif
