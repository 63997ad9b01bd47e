#ifndef APP_COMPLETE_PLACE_H
#define APP_COMPLETE_PLACE_H

#include "base/cmd.h"

/*
 * Which words of a command name something that this machine's files know, from the tables' names
 * of arguments ("ID", "PRODUCT@VERSION") and the command's first word. Pure.
 */
enum complete_kind {
    COMPLETE_NOTHING, /* a file, a number, a text … */
    COMPLETE_DEVICE,
    COMPLETE_ROLLOUT,
    COMPLETE_RELEASE, /* PRODUCT@VERSION */
    COMPLETE_PRODUCT,
    COMPLETE_RULE,
    COMPLETE_SUBJECT, /* device or rollout for which the rule before it fires */
    COMPLETE_SILENCE, /* its number */
    COMPLETE_SINK,
    COMPLETE_TEMPLATE
};

enum complete_kind complete_kind_of(const struct command *c, const char *argument);
/* Has any word or option of it such a kind? */
bool complete_asks(const struct command *c);

/* What stands at the last of these words, which follow the program's name. */
struct complete_place {
    enum complete_kind kind;
    const char *profile; /* of --profile; NULL: none was said */
    const char *before;  /* the argument before it, or "" */
};
void complete_place(const struct command *const *tables, const char *const *word, size_t count,
                    struct complete_place *out);

#endif
