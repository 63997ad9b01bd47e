#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bench *bench_new(int rows, int cols)
{
    struct bench *b = mem_alloc(sizeof(*b));
    b->f = fixture_new();
    b->ui = ui_new();
    b->c = canvas_new(rows, cols, false);
    return b;
}

int bench_setup(void **state)
{
    *state = bench_new(40, 120);
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *b = *state;
    ui_free(b->ui);
    fixture_free(b->f);
    canvas_free(b->c);
    free(b);
    return 0;
}

void type(struct bench *b, const char *keys)
{
    b->fx.count = 0;
    keys_type(b->ui, &b->f->model, b->c, keys, &b->fx);
}

bool on_screen(const struct bench *b, const char *text)
{
    char line[4096];
    for (int row = 0; row < b->c->rows; row++) {
        if (strstr(canvas_row(b->c, row, line, sizeof(line)), text))
            return true;
    }
    return false;
}

const struct ui_effect *effect(const struct bench *b, enum ui_effect_kind kind)
{
    for (size_t i = 0; i < b->fx.count; i++) {
        if (b->fx.item[i].kind == kind)
            return &b->fx.item[i];
    }
    return NULL;
}
