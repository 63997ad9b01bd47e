#ifndef APP_TEXT_H
#define APP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text put together piece by piece in a fixed buffer, always terminated. Once something did not
 * fit, nothing more is added and text_end() says so. */
struct text {
    char *buf;
    size_t cap, len;
    bool full;
};

struct text text_begin(char *buf, size_t cap);
void text_str(struct text *t, const char *s);
void text_u64(struct text *t, uint64_t v);
/* `v` in units of 10^-decimals: (-1205, 2) is -12.05. */
void text_fixed(struct text *t, int64_t v, unsigned decimals);
int text_end(const struct text *t); /* length, or -1 when something did not fit */

/* Call `item` for each non-empty part between commas; stops at the first -1 and returns it. */
typedef int text_item_fn(void *ctx, const char *item, size_t len);
int text_split(const char *list, size_t len, text_item_fn *item, void *ctx);

/* Copy `len` bytes and terminate. 0, or -1 when they don't fit. */
int text_copy(char *out, size_t cap, const char *s, size_t len);
/* Decimal digits and nothing else, up to `max`. 0 or -1. */
int text_to_u32(const char *s, size_t len, uint32_t max, uint32_t *out);

#endif
