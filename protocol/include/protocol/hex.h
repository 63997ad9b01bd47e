#ifndef PROTOCOL_HEX_H
#define PROTOCOL_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex and NUL: `out` holds 2 * len + 1 bytes. */
void hex_encode(const uint8_t *data, size_t len, char *out);
/* Exactly `len` bytes from 2 * len lower- or upper-case digits. 0, or -1 when `text_len` or a digit
 * is wrong. */
int hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len);

/* base64url without padding (RFC 4648 section 5). Returns the length written without NUL, or -1
 * when `cap` is too small. */
int b64url_encode(const uint8_t *data, size_t len, char *out, size_t cap);
/*
 * Strict: no padding, no white space, unused bits must be zero, so that one value has one spelling.
 * Returns the length written, or -1 when malformed or longer than `cap`. `out` may be the memory of
 * `text`.
 */
int b64url_decode(const char *text, size_t len, uint8_t *out, size_t cap);

/* The value of a hex digit of either case, or -1. */
int hex_digit(char c);

#endif
