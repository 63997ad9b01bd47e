#ifndef APP_SCRIPT_H
#define APP_SCRIPT_H

#include "base/err.h"
#include "screens/canvas.h"
#include "screens/ui.h"

/*
 * Keys from a file, for `muster --script FILE`. A line is one of
 *
 *   type KEYS        keys as screens/key_script.h writes them; blanks count
 *   wait TEXT        until the picture holds it, at most SCRIPT_WAIT_MS
 *   gone TEXT        until it holds it no longer
 *   size COLSxROWS   of the picture; on a terminal the window's own stays
 *   dump             print the picture
 *
 * or empty, or begins with '#'.
 */
struct script;

#define SCRIPT_BYTES   65536
#define SCRIPT_WAIT_MS 60000

/* Reads and checks the whole; NULL and *err with the line otherwise. Free with script_free(). */
struct script *script_load(const char *path, struct err *err);
void script_free(struct script *s); /* NULL is fine */

enum script_do { SCRIPT_KEY, SCRIPT_SIZE, SCRIPT_DUMP, SCRIPT_WAITS, SCRIPT_OVER, SCRIPT_FAILED };
struct script_step {
    enum script_do what;
    int key;        /* SCRIPT_KEY */
    int rows, cols; /* SCRIPT_SIZE */
};
/* What is to be done next, given the picture after the last step. SCRIPT_WAITS: ask again with a
 * newer picture. SCRIPT_FAILED: a text did not come (or go) in time; *err says which. */
struct script_step script_next(struct script *s, const struct canvas *picture, int64_t now_ms,
                               struct err *err);

#endif
