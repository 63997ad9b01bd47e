#include "protocol/reason.h"

#include <string.h>

const char *reason_word(enum reason reason)
{
    switch (reason) {
#define X(name, number, word, class, text)                                                         \
    case REASON_##name:                                                                            \
        return word;
        REASON_MAP(X)
#undef X
    }
    return "unknown"; /* a newer device talks to an older console */
}

const char *reason_text(enum reason reason)
{
    switch (reason) {
#define X(name, number, word, class, text)                                                         \
    case REASON_##name:                                                                            \
        return text;
        REASON_MAP(X)
#undef X
    }
    return "unknown reason";
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
    static const char *const words[REASON_CLASS_COUNT] = {
        "none", "firmware", "image", "network", "power", "policy", "operator",
    };
    return (unsigned)cls < REASON_CLASS_COUNT ? words[cls] : "unknown";
}

int reason_from_word(const char *word, size_t len, enum reason *out)
{
    static const struct {
        const char *word;
        enum reason reason;
    } table[] = {
#define X(name, number, word, class, text) { word, REASON_##name },
        REASON_MAP(X)
#undef X
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strlen(table[i].word) == len && memcmp(table[i].word, word, len) == 0) {
            *out = table[i].reason;
            return 0;
        }
    }
    *out = REASON_INTERNAL;
    return -1;
}
