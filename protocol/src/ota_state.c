#include "protocol/ota_state.h"

#include <string.h>

static const struct {
    const char *word;
    bool end;
} states[OTA_REPORT_STATES] = {
#define X(name, number, word, end) [number] = { word, end },
    OTA_REPORT_MAP(X)
#undef X
};

const char *ota_report_word(enum ota_report_state state)
{
    return (unsigned)state < OTA_REPORT_STATES ? states[state].word : "unknown";
}

bool ota_report_is_end(enum ota_report_state state)
{
    return (unsigned)state < OTA_REPORT_STATES && states[state].end;
}

int ota_report_from_word(const char *word, size_t len, enum ota_report_state *out)
{
    for (unsigned i = 0; i < OTA_REPORT_STATES; i++) {
        if (strlen(states[i].word) == len && memcmp(states[i].word, word, len) == 0) {
            *out = (enum ota_report_state)i;
            return 0;
        }
    }
    return -1;
}
