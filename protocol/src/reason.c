#include "protocol/reason.h"

#include <string.h>

#include "words.h"

/* The words one after the other, each with its NUL, in the order of their numbers: a table of
 * pointers would be half as long again. */
static const char words[] =
#define X(name, number, word, class, text) word "\0"
    REASON_MAP(X)
#undef X
    ;

/* There is no gap between the numbers. */
enum {
#define X(name, number, word, class, text) PLACE_##name,
    REASON_MAP(X)
#undef X
        REASONS
};
#define X(name, number, word, class, text)                                                         \
    _Static_assert((int)PLACE_##name == (number), "reasons are listed by number, without a gap");
REASON_MAP(X)
#undef X

const char *word_at(const char *list, unsigned i)
{
    while (i-- > 0)
        list += strlen(list) + 1;
    return list;
}

const char *reason_word(enum reason reason)
{
    if ((unsigned)reason >= REASONS)
        return "unknown"; /* a newer device talks to an older console */
    return word_at(words, (unsigned)reason);
}

enum reason_class reason_class(enum reason reason)
{
    switch (reason) {
#define X(name, number, word, class, text)                                                         \
    case REASON_##name:                                                                            \
        return REASON_CLASS_##class;
        REASON_MAP(X)
#undef X
    }
    return REASON_CLASS_FIRMWARE; /* what we can't name counts against the release */
}

const char *reason_class_word(enum reason_class cls)
{
    static const char *const class_words[REASON_CLASS_COUNT] = {
        "none", "firmware", "image", "network", "power", "policy", "operator",
    };
    return (unsigned)cls < REASON_CLASS_COUNT ? class_words[cls] : "unknown";
}

int reason_from_word(const char *word, size_t len, enum reason *out)
{
    const char *known = words;

    for (unsigned i = 0; i < REASONS; i++) {
        size_t n = strlen(known);
        if (n == len && memcmp(known, word, len) == 0) {
            *out = (enum reason)i;
            return 0;
        }
        known += n + 1;
    }
    *out = REASON_INTERNAL;
    return -1;
}
