#ifndef PORT_LOOKUP_H
#define PORT_LOOKUP_H

#include <stdint.h>

/*
 * Names to addresses without waiting: libmosquitto resolves blocking, and a name server that does
 * not answer would hold up measuring until the watchdog bites.
 */
#define LOOKUP_ADDR_MAX 46

struct lookup; /* opaque; one request at a time */

struct lookup *lookup_new(void); /* NULL: out of memory */
/* An unfinished request is left to finish: its memory is given up, once per process at most. */
void lookup_free(struct lookup *l);

/* Begin, unless the same name is being looked up already. 0, or -1: can't now. */
int lookup_begin(struct lookup *l, const char *host);

/* 1 and an address as text, the `turn`th of them in turn; 0: not yet; -1: *why is static text. A
 * text that is an address already is its own answer. */
int lookup_end(struct lookup *l, uint32_t turn, char out[LOOKUP_ADDR_MAX], const char **why);

#endif
