#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy, terminated; false (and an empty `out`) when it does not fit: never a silent truncation. */
bool text_copy(char *out, size_t cap, const char *text);
bool text_copy_n(char *out, size_t cap, const char *text, size_t len);

/* Formatted, terminated; false (and empty) when it does not fit. */
bool text_format(char *out, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole text as a decimal number within [min, max]; false otherwise. */
bool text_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool text_to_double(const char *text, double *out); /* finite, locale-independent */

/* "90", "90s", "15m", "2h", "7d" → seconds. */
bool text_to_seconds(const char *text, uint64_t *out);

/*
 * Text from outside made safe for a terminal: valid UTF-8 kept, C0, C1, DEL, bidi and other format
 * controls and invalid bytes become
 * '?' ('.' for tab and newline); cut at a character boundary to fit. Returns the length. `text` may
 * hold NULs.
 */
size_t text_clean(char *out, size_t cap, const char *text, size_t len);

/* Decode one UTF-8 sequence: its length (1 to 4) and *cp, or 0 when invalid (overlong, surrogate,
 * beyond U+10FFFF, cut). */
size_t utf8_decode(const char *text, size_t len, uint32_t *cp);
size_t utf8_encode(uint32_t cp, char out[4]); /* length */

#endif
