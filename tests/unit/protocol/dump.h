#ifndef TEST_DUMP_H
#define TEST_DUMP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decode `body` as a message of `kind` (status, readings, report, reply, order, release, keyset,
 * command, topic, jws-order, jws-release) with the real decoder, and write what it became: one
 * "field value" per line, or "error <reason>". `ok` tells which. False for an unknown kind.
 */
bool dump_message(const char *kind, const char *body, size_t len, char *out, size_t cap, bool *ok);

#endif
