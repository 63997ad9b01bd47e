#ifndef SCREENS_TAIL_H
#define SCREENS_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The last lines of something: a device's messages, the console's own log. A bounded ring; the
 * oldest line goes first. Texts are cleaned on the way in.
 */
#define TAIL_LABEL_MAX 40
#define TAIL_TEXT_MAX  400
#define TAIL_CAP_MAX   4096

enum tail_level { TAIL_PLAIN, TAIL_WARN, TAIL_ERROR };

struct tail_line {
    int64_t at_ms;
    uint64_t number; /* 1, 2, 3 … since the beginning */
    enum tail_level level;
    bool retained;              /* an old message the broker kept */
    char label[TAIL_LABEL_MAX]; /* the topic without devices/<id>/, or empty */
    char text[TAIL_TEXT_MAX];
    uint32_t size; /* bytes of the whole body */
};

struct tail;
struct tail *tail_new(size_t cap); /* 1 … TAIL_CAP_MAX lines; free with tail_free() */
void tail_free(struct tail *t);
void tail_clear(struct tail *t);
/* Copied. `text` need not be terminated nor be text. */
void tail_push(struct tail *t, int64_t at_ms, enum tail_level level, bool retained,
               const char *label, const void *text, size_t len);
/* The newest line comes late: it goes before those that are of a later time, at most 64 of them. */
void tail_in_order(struct tail *t);
size_t tail_count(const struct tail *t);
uint64_t tail_total(const struct tail *t); /* ever pushed: the number of the newest line */
/* 0 is the oldest kept; NULL outside. */
const struct tail_line *tail_at(const struct tail *t, size_t index);

#endif
