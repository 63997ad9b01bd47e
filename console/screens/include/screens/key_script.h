#ifndef SCREENS_KEY_SCRIPT_H
#define SCREENS_KEY_SCRIPT_H

#include <stddef.h>

/*
 * Keys written as text: characters are themselves, others stand in angle brackets by the name that
 * key_text() gives them: <Enter> <Esc> <Up> <F5> <^D> <Space>; <lt> is '<'.
 *
 * The first key of `text`: its length in bytes, 0 at the end, -1 where it is none.
 */
int key_script_next(const char *text, int *key);

#endif
