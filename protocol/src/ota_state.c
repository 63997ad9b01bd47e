#include "protocol/ota_state.h"

#include <stdint.h>
#include <string.h>

#include "words.h"

/* As reason.c: one after the other, in the order of their numbers. */
static const char words[] =
#define X(name, number, word, end) word "\0"
    OTA_REPORT_MAP(X)
#undef X
    ;

enum {
#define X(name, number, word, end) PLACE_##name,
    OTA_REPORT_MAP(X)
#undef X
};
#define X(name, number, word, end)                                                                 \
    _Static_assert((int)PLACE_##name == (number), "states are listed by number, without a gap");
OTA_REPORT_MAP(X)
#undef X

/* A bit for each that is an end. */
static const uint32_t ends = 0
#define X(name, number, word, end) | (end ? UINT32_C(1) << (number) : 0)
    OTA_REPORT_MAP(X)
#undef X
    ;

const char *ota_report_word(enum ota_report_state state)
{
    return (unsigned)state < OTA_REPORT_STATES ? word_at(words, (unsigned)state) : "unknown";
}

bool ota_report_is_end(enum ota_report_state state)
{
    return (unsigned)state < OTA_REPORT_STATES && (ends >> (unsigned)state & 1);
}

int ota_report_from_word(const char *word, size_t len, enum ota_report_state *out)
{
    for (unsigned i = 0; i < OTA_REPORT_STATES; i++) {
        const char *known = ota_report_word((enum ota_report_state)i);
        if (strlen(known) == len && memcmp(known, word, len) == 0) {
            *out = (enum ota_report_state)i;
            return 0;
        }
    }
    return -1;
}
