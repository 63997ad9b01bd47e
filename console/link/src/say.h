#ifndef LINK_SRC_SAY_H
#define LINK_SRC_SAY_H

#include <stddef.h>
#include <stdint.h>

/* What went wrong, in words for a person who can do something about it. */

/* A line of libmosquitto's log (OpenSSL's error queue goes there): NULL when it says nothing. */
const char *say_tls(const char *line);
/* MQTT 5 reason code of CONNACK or DISCONNECT; NULL when it has no words of ours. */
const char *say_code(int code);
/* libmosquitto's return code, with errno where that is what it means. */
void say_result(int rc, int errnum, char *out, size_t cap);

/*
 * Milliseconds to wait before attempt 1, 2, 3 …: full jitter (a random part of a limit that doubles
 * from 1 s to 30 s), but at least 250 ms. `random` is any number.
 */
uint32_t say_backoff_ms(unsigned attempt, uint32_t random);

#endif
