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

/* The finisher of splitmix64: every output bit depends on every input bit. */
static uint64_t mix(uint64_t v)
{
    v += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return v ^ v >> 31;
}

int32_t model_noise(uint64_t seed, uint64_t a, uint64_t b, int32_t span)
{
    uint64_t width = 2 * (uint64_t)span + 1;

    return (int32_t)((mix(mix(mix(seed) ^ a) ^ b) >> 32) % width) - span;
}

/*
 * A wave between -amplitude and amplitude, up first: two parabolas, within 6 % of a sine, and the
 * same on every machine.
 */
static int32_t wave(int64_t t, int64_t period, int32_t amplitude)
{
    int64_t phase = (t % period + period) % period * 65536 / period;
    int64_t half = phase % 32768;
    int64_t v = half * (32768 - half) / 16384; /* 0 to 16384 */

    return (int32_t)(amplitude * (phase < 32768 ? v : -v) / 16384);
}

enum { HOUR = 3600, DAY = 24 * HOUR };

void weather_at(uint64_t seed, int64_t unix_s, struct weather *out)
{
    int64_t t = unix_s + model_noise(seed, 1, 0, HOUR);
    int32_t swing = 450 + model_noise(seed, 2, 0, 200);
    int32_t day = wave(t - 9 * HOUR, DAY, 1000); /* warmest at 15:00 */
    int32_t front = wave(t, 5 * DAY + 7 * HOUR, 1000);
    int32_t dust = wave(t - 5 * HOUR, DAY / 2, 60) + wave(t, 3 * DAY, 50);

    out->temperature = 1950 + model_noise(seed, 3, 0, 350) + swing * day / 1000 - front / 8;
    out->humidity = (uint32_t)(5200 + model_noise(seed, 4, 0, 800) - 9 * day / 10 + front / 2);
    out->pressure =
        (uint32_t)(101325 + model_noise(seed, 5, 0, 600) + 9 * front / 10 + wave(t, DAY / 2, 80));
    out->co2 = (uint32_t)(640 + model_noise(seed, 6, 0, 60) + wave(t - 7 * HOUR, DAY, 200));
    out->pm2_5 = (uint32_t)(130 + model_noise(seed, 7, 0, 15) + dust);
    out->pm10 = out->pm2_5 + (uint32_t)(60 + model_noise(seed, 8, 0, 20) + dust / 4);
}
