#include <string.h>

#include "rollout/rollout.h"

const char *rollout_state_word(enum rollout_state state)
{
    switch (state) {
#define X(name, word)                                                                              \
    case ROLLOUT_##name:                                                                           \
        return word;
        ROLLOUT_STATE_MAP(X)
#undef X
    case ROLLOUT_STATE_COUNT:
        break;
    }
    return "unknown";
}

const char *rollout_stage_word(enum rollout_stage_state state)
{
    switch (state) {
#define X(name, word)                                                                              \
    case ROLLOUT_STAGE_##name:                                                                     \
        return word;
        ROLLOUT_STAGE_MAP(X)
#undef X
    case ROLLOUT_STAGE_STATE_COUNT:
        break;
    }
    return "unknown";
}

const char *rollout_phase_word(enum rollout_phase phase)
{
    switch (phase) {
#define X(name, word)                                                                              \
    case ROLLOUT_PHASE_##name:                                                                     \
        return word;
        ROLLOUT_PHASE_MAP(X)
#undef X
    case ROLLOUT_PHASES:
        break;
    }
    return "unknown";
}

const char *rollout_act_word(enum rollout_act act)
{
    switch (act) {
#define X(name, word)                                                                              \
    case ROLLOUT_ACT_##name:                                                                       \
        return word;
        ROLLOUT_ACT_MAP(X)
#undef X
    case ROLLOUT_ACT_COUNT:
        break;
    }
    return "unknown";
}

int rollout_state_from_word(const char *word, enum rollout_state *out)
{
    for (int i = 0; i < ROLLOUT_STATE_COUNT; i++) {
        if (strcmp(word, rollout_state_word((enum rollout_state)i)) == 0) {
            *out = (enum rollout_state)i;
            return 0;
        }
    }
    return -1;
}

int rollout_act_from_word(const char *word, enum rollout_act *out)
{
    for (int i = 0; i < ROLLOUT_ACT_COUNT; i++) {
        if (strcmp(word, rollout_act_word((enum rollout_act)i)) == 0) {
            *out = (enum rollout_act)i;
            return 0;
        }
    }
    return -1;
}
