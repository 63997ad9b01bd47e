#ifndef PROTOCOL_JWS_INTERNAL_H
#define PROTOCOL_JWS_INTERNAL_H

#include "protocol/jws.h"

/* What a compact JWS and the signatures of a keyset share. */

/* Check a base64url header; its kid to `kid`. As jws_open(). */
enum reason jws_header(const char *text, size_t len, enum jws_type type, enum reason malformed,
                       char kid[PROTO_KID_MAX]);
/* The header for a signature by `kid`, in base64url. Length, or -1. */
int jws_header_encode(enum jws_type type, const char *kid, char *out, size_t cap);

#endif
