#include "base/nearest.h"

#include <string.h>

#define WORD_LEN 32
/* Letters to put in, leave out or change (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_LEN + 1], la = strlen(a), lb = strlen(b);
    if (la > WORD_LEN || lb > WORD_LEN)
        return WORD_LEN;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[lb];
}

const char *word_nearest(const char *text, const char *(*word)(void *ctx, size_t n), void *ctx)
{
    const char *best = NULL, *w;
    size_t least = strlen(text) / 2 + 1;
    for (size_t n = 0; (w = word(ctx, n)) != NULL; n++) {
        size_t d = *w ? distance(text, w) : least;
        if (d < least) {
            least = d;
            best = w;
        }
    }
    return best;
}
