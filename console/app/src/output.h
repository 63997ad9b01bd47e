#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cmd.h"

/* One document on a line of its own, and gone (json_decref). */
void output_json(struct cmd_context *ctx, json_t *value);

/* "now 4s 2m 3h 5d", as the screens say it; "-" for a negative one. */
void output_age(char *out, size_t cap, int64_t age_ms);

/* The words given as one text with blanks between: a filter need not be quoted. False when longer
 * than `cap`. */
bool output_join(const struct cmd_args *args, size_t from, char *out, size_t cap);

/* "2026-11-20 14:07:32Z"; "-" for 0. */
void output_time(char *out, size_t cap, int64_t unix_s);

#endif
