#include "ota/agent.h"

const char *ota_state_word(enum ota_state state)
{
    switch (state) {
#define X(name, report)                                                                            \
    case OTA_##name:                                                                               \
        return #name;
        OTA_STATE_MAP(X)
#undef X
    case OTA_STATE_COUNT:
        break;
    }
    return "?";
}
