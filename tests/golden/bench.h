#ifndef GOLDEN_BENCH_H
#define GOLDEN_BENCH_H

#include "fixture.h"
#include "keys.h"

/* What tests of keys have before them: a fleet, a ui, and the picture of after the last key. */
struct bench {
    struct fixture *f;
    struct ui *ui;
    struct canvas *c;
    struct ui_effects fx; /* of the last script */
};

/* For cmocka: *state is a struct bench of 40 rows and 120 columns. */
int bench_setup(void **state);
int bench_teardown(void **state);
/* The same of another size. */
struct bench *bench_new(int rows, int cols);

/* A script, see keys.h. */
void type(struct bench *b, const char *keys);
bool on_screen(const struct bench *b, const char *text);
/* The first one of that kind that the last script had; NULL: none. */
const struct ui_effect *effect(const struct bench *b, enum ui_effect_kind kind);

#endif
