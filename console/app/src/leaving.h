#ifndef APP_LEAVING_H
#define APP_LEAVING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/profile.h"
#include "session.h"

/*
 * How a console that drives rollouts quits: it hands them over to a `muster serve` in the
 * background, or pauses them, and goes only when that is done. The loop goes on meanwhile.
 */
enum leaving_what { LEAVING_NOT, LEAVING_HAND_OVER, LEAVING_PAUSE };
enum leaving_how { LEAVING_WAITS, LEAVING_IS_DONE, LEAVING_FAILED };

struct leaving {
    enum leaving_what what;
    int64_t until_ms;
    pid_t serve;
    bool resigned;
    char log[PROFILE_PATH_MAX + 16];   /* of the serve */
    char told[PROFILE_PATH_MAX + 200]; /* for the terminal, when it is done */
};

/* Starts `PROGRAM --profile … serve --until-done` apart from this terminal. 0, or -1 and *err. */
int leaving_hand_over(struct leaving *l, const struct session *s, const char *program,
                      const struct profile *p, int64_t now_ms, struct err *err);
/* Asks for a pause of everything that runs. 0, or -1 and *err. */
int leaving_pause(struct leaving *l, struct session *s, const char *who, int64_t now_ms,
                  struct err *err);
/* Once a turn. When it failed, *err says why and the console stays, leading again. */
enum leaving_how leaving_look(struct leaving *l, struct session *s, int64_t now_ms,
                              struct err *err);

#endif
