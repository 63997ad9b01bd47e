#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdlib.h>

/* An invariant. Not assert(): it must hold in every build type. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
