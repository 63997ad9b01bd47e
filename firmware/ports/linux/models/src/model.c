#include "models/model.h"

#include <string.h>

static const char *const fault_words[MODEL_FAULTS] = {
    [MODEL_OK] = "ok",   [MODEL_ABSENT] = "absent", [MODEL_STUCK] = "stuck",
    [MODEL_CRC] = "crc", [MODEL_WILD] = "wild",
};

const char *model_fault_word(enum model_fault fault)
{
    return (unsigned)fault < MODEL_FAULTS ? fault_words[fault] : "unknown";
}

int model_fault_from_word(const char *word, enum model_fault *out)
{
    for (int i = 0; i < MODEL_FAULTS; i++) {
        if (strcmp(word, fault_words[i]) == 0) {
            *out = (enum model_fault)i;
            return 0;
        }
    }
    return -1;
}
