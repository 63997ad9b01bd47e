#ifndef APP_ASKED_H
#define APP_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/*
 * Acts that this console has asked for: whoever leads takes them, and says what became of them in
 * their rows. The newest ASKED_MAX are looked after.
 */
#define ASKED_MAX 16
struct asked {
    int64_t id[ASKED_MAX];
    size_t count;
};

void asked_add(struct asked *a, int64_t id);
/* The next one that was consumed since: true, and *act. */
bool asked_take(struct asked *a, struct store *s, struct store_act *act);

#endif
