#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* Of word(ctx, 0), word(ctx, 1) … up to NULL, that which takes the fewest changed letters from
 * `text`: fewer than half of its letters and one, else NULL. Words and text longer than 32 bytes,
 * and empty words, are nearest to nothing. */
const char *word_nearest(const char *text, const char *(*word)(void *ctx, size_t n), void *ctx);

#endif
