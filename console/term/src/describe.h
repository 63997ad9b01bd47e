#ifndef TERM_DESCRIBE_H
#define TERM_DESCRIBE_H

/*
 * The description to open for a TERM: itself, but "screen" for those (ansi, cygwin, pcansi, sun,
 * cons25) that claim what terminals that bear these names today do not do:
 *
 *   behind the last column the cursor is in the next line at once. Whatever is like a VT100 or an
 *   xterm waits for the next character, so what is drawn by steps from there is a line too high.
 *   With "screen" curses goes by row and column there, which is right on both kinds.
 *   a tab is ESC [ I, which tmux and screen ignore.
 *
 * "screen" is the plainest description with colours that Debian always has. Before newterm().
 */
const char *describe(const char *type);

#endif
