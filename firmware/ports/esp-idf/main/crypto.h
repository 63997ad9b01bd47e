#ifndef ESP_PORT_CRYPTO_H
#define ESP_PORT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "psa/crypto.h"

#include "protocol/crypto.h"

/*
 * SHA-256 and ECDSA P-256 by mbedTLS, through its PSA interface: the one that ESP-IDF 5 (mbedTLS
 * 3.6) and 6 (mbedTLS 4) share, and that takes signatures as r || s. The chip's SHA engine is used
 * where ESP-IDF has it switched on.
 */

/* Before anything below. 0 or -1. */
int crypto_start(void);
const struct crypto *crypto_psa(void);

/* SHA-256 in pieces. The state is the caller's; zero it before the first use. */
struct sha {
    psa_hash_operation_t op;
    bool good; /* false once a step has failed: the digest is then all zeros, which none signs */
};
void sha_begin(struct sha *s); /* a hash that was never ended is forgotten */
void sha_add(struct sha *s, const void *data, size_t len);
void sha_end(struct sha *s, uint8_t out[PROTO_SHA256_LEN]);

#endif
