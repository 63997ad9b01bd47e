#ifndef OSSL_TOKEN_H
#define OSSL_TOKEN_H

#include <stdbool.h>

#include <openssl/types.h>

#include "ossl/crypto.h"

/* A private key that stays on a PKCS#11 token, by its URI (RFC 7512). Private to this folder. */
bool token_is_uri(const char *source);
enum ossl_error token_load(const char *uri, EVP_PKEY **out);

#endif
