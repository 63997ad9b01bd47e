#ifndef SCREENS_LINE_CUT_H
#define SCREENS_LINE_CUT_H

#include <stddef.h>

/*
 * Bytes of `text` (UTF-8) that go into its first line, when a line has `width` bytes (at least 4):
 * all that is left, or up to a blank in the second half of the line, or, where there is none, as
 * many whole characters as fit. The blank begins no next line: the caller passes over it.
 */
size_t line_cut(const char *text, size_t width);

#endif
