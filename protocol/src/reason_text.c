#include "protocol/reason.h"

/* Sentences, in a file of their own: who tells people nothing does not carry them. */
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
