#ifndef SCREENS_PALETTE_H
#define SCREENS_PALETTE_H

#include <stddef.h>

/*
 * The commands of the palette (`:`) that take a word; all others are the actions of the keymap, by
 * their names. docs/console.md lists both, made from the tables.
 */
struct palette_command {
    const char *word;
    const char *argument; /* as it stands in the list: "COLUMN…" */
    const char *help;     /* a phrase */
};

/* The n-th; NULL past the last. */
const struct palette_command *palette_command(size_t n);

#endif
