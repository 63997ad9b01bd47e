#ifndef APP_COMPLETION_H
#define APP_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

/* Shell completion made from the command tables: commands, their second words, options, and file
 * names where an option takes an argument. False when there is none for that shell. */
bool completion_write(const char *shell, FILE *out);

#endif
