#include "screens/role.h"

#include <string.h>

static const char *const words[ROLE_COUNT] = {
#define X(name, word) word,
    ROLE_MAP(X)
#undef X
};

const char *role_word(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? words[role] : "text";
}

int role_from_word(const char *word, enum role *out)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum role)i;
            return 0;
        }
    }
    return -1;
}
