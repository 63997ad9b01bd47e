#ifndef PROTOCOL_DECIMAL_H
#define PROTOCOL_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A decimal number of `len` bytes: [+-]digits[.digits][e[+-]digits], or nan, inf, infinity in any
 * case. False when it is neither. Not strtod(): that follows the locale's decimal point and needs a
 * terminated text. Exact to the last bit for up to 19 digits and usual exponents, within one unit
 * in the last place otherwise. Too large is infinity.
 */
bool decimal_parse(const char *text, size_t len, double *out);
/* The number that the text begins with (a word only if it is the whole text): its length, or 0. */
size_t decimal_begin(const char *text, size_t len, double *out);

#endif
