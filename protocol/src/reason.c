#include "protocol/reason.h"

#include <stdint.h>
#include <string.h>

/* The words one after the other, each with its NUL, and their numbers beside: a table of pointers
 * would be twice as long. */
static const char words[] =
#define X(name, number, word, class, text) word "\0"
    REASON_MAP(X)
#undef X
    ;
static const uint8_t numbers[] = {
#define X(name, number, word, class, text) number,
    REASON_MAP(X)
#undef X
};

const char *reason_word(enum reason reason)
{
    const char *word = words;

    for (size_t i = 0; i < sizeof(numbers); i++, word += strlen(word) + 1)
        if (numbers[i] == (unsigned)reason)
            return word;
    return "unknown"; /* a newer device talks to an older console */
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

    for (size_t i = 0; i < sizeof(numbers); i++) {
        size_t n = strlen(known);
        if (n == len && memcmp(known, word, len) == 0) {
            *out = (enum reason)numbers[i];
            return 0;
        }
        known += n + 1;
    }
    *out = REASON_INTERNAL;
    return -1;
}
