#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include <stdint.h>

enum model_fault {
    MODEL_OK,
    MODEL_ABSENT, /* does not answer: NACK, or a silent UART */
    MODEL_STUCK,  /* repeats its first measurement for ever */
    MODEL_CRC,    /* wrong checksums; for the BME280, which has none, transfers that break off */
    MODEL_WILD,   /* impossible values */
    MODEL_FAULTS
};

/* "ok" "absent" "stuck" "crc" "wild". */
const char *model_fault_word(enum model_fault fault);
/* 0, or -1 for another word. */
int model_fault_from_word(const char *word, enum model_fault *out);

/* What a perfect sensor would read at a place (the seed) and time. */
struct weather {
    int32_t temperature; /* 0.01 degC */
    uint32_t humidity;   /* 0.01 %RH */
    uint32_t pressure;   /* Pa */
    uint32_t co2;        /* ppm */
    uint32_t pm2_5;      /* 0.1 ug/m3 */
    uint32_t pm10;
};

/* Day curves (integer sine, so that every machine agrees) and a slow drift, without noise. Pure. */
void weather_at(uint64_t seed, int64_t unix_s, struct weather *out);

/* Noise that is a pure function of its arguments: uniform in [-span, span]. */
int32_t model_noise(uint64_t seed, uint64_t a, uint64_t b, int32_t span);

#endif
