#ifndef SCREENS_KEYMAP_H
#define SCREENS_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One table of keys: it dispatches, and it makes the footer, the help overlay, the command palette
 * and the tables in docs/console.md and the man page. A key is a Unicode code point (control keys
 * are 1 to 31) or one of enum special_key.
 */
enum special_key {
    K_NONE = 0,
    K_TAB = 9,
    K_ENTER = 13,
    K_ESC = 27,
    K_BACKSPACE = 127,
    K_FIRST_SPECIAL = 0x110000,
    K_UP = K_FIRST_SPECIAL,
    K_DOWN,
    K_LEFT,
    K_RIGHT,
    K_PGUP,
    K_PGDN,
    K_HOME,
    K_END,
    K_INSERT,
    K_DELETE,
    K_BACKTAB,
    K_F1,
    K_F12 = K_F1 + 11,
};
#define K_CTRL(letter) ((letter)&0x1f)
#define K_FN(n)        (K_F1 + (n)-1)

enum screen_id {
    SCREEN_FLEET,
    SCREEN_DEVICE,
    SCREEN_ROLLOUTS,
    SCREEN_ROLLOUT,
    SCREEN_RELEASES,
    SCREEN_LOG,
    SCREEN_ALERTS,
    SCREEN_KEYS,
    SCREEN_COUNT
};

/* What a key asks for. X(NAME, "name in the palette and in documents") */
#define ACTION_MAP(X)                                                                              \
    X(NONE, "")                                                                                    \
    X(UP, "up")                                                                                    \
    X(DOWN, "down")                                                                                \
    X(PAGE_UP, "page-up")                                                                          \
    X(PAGE_DOWN, "page-down")                                                                      \
    X(HALF_UP, "half-page-up")                                                                     \
    X(HALF_DOWN, "half-page-down")                                                                 \
    X(FIRST, "first")                                                                              \
    X(LAST, "last")                                                                                \
    X(OPEN, "open")                                                                                \
    X(BACK, "back")                                                                                \
    X(QUIT, "quit")                                                                                \
    X(PANE_NEXT, "next-pane")                                                                      \
    X(PANE_PREV, "previous-pane")                                                                  \
    X(NEXT_ITEM, "next-item")                                                                      \
    X(PREV_ITEM, "previous-item")                                                                  \
    X(FILTER, "filter")                                                                            \
    X(CHIP_ALL, "show-all")                                                                        \
    X(CHIP_1, "show-crit")                                                                         \
    X(CHIP_2, "show-warn")                                                                         \
    X(CHIP_3, "show-offline")                                                                      \
    X(CHIP_4, "show-updating")                                                                     \
    X(CHIP_5, "show-ok")                                                                           \
    X(SORT, "sort")                                                                                \
    X(INVERT, "invert-sort")                                                                       \
    X(FOLLOW, "follow")                                                                            \
    X(FREEZE, "freeze")                                                                            \
    X(COLUMNS, "columns")                                                                          \
    X(VIEWS, "views")                                                                              \
    X(PREVIEW, "preview")                                                                          \
    X(SPAN_MORE, "longer-span")                                                                    \
    X(SPAN_LESS, "shorter-span")                                                                   \
    X(WRAP, "wrap")                                                                                \
    X(EARLIER, "earlier")                                                                          \
    X(LATER, "later")                                                                              \
    X(SCALE, "scale")                                                                              \
    X(ZOOM, "one-plot")                                                                            \
    X(FIND, "mark-text")                                                                           \
    X(NEXT_MATCH, "next-match")                                                                    \
    X(PREV_MATCH, "previous-match")                                                                \
    X(FORM, "json-raw-hex")                                                                        \
    X(CONTEXT, "context")                                                                          \
    X(MARK, "mark")                                                                                \
    X(MARK_RANGE, "mark-range")                                                                    \
    X(MARK_ALL, "mark-all")                                                                        \
    X(UPDATE, "update")                                                                            \
    X(REBOOT, "reboot")                                                                            \
    X(IDENTIFY, "identify")                                                                        \
    X(CONFIG, "config")                                                                            \
    X(COPY, "copy")                                                                                \
    X(EXPORT, "export")                                                                            \
    X(PAUSE, "pause-or-resume")                                                                    \
    X(ABORT, "abort")                                                                              \
    X(APPROVE, "approve")                                                                          \
    X(RETRY, "retry")                                                                              \
    X(CAPS, "caps")                                                                                \
    X(FLEET, "fleet")                                                                              \
    X(ROLLOUTS, "rollouts")                                                                        \
    X(RELEASES, "releases")                                                                        \
    X(ACK, "acknowledge")                                                                          \
    X(SILENCE, "mute")                                                                             \
    X(UNSILENCE, "unmute")                                                                         \
    X(WRITE, "write")                                                                              \
    X(ALERTS, "alerts")                                                                            \
    X(DEVICES, "devices")                                                                          \
    X(LOG, "log")                                                                                  \
    X(KEYS, "keys")                                                                                \
    X(PALETTE, "command")                                                                          \
    X(HELP, "help")                                                                                \
    X(THEME, "theme")                                                                              \
    X(REDRAW, "redraw")                                                                            \
    X(RECONNECT, "reconnect")                                                                      \
    X(SUSPEND, "suspend")

enum action {
#define X(name, word) ACTION_##name,
    ACTION_MAP(X)
#undef X
        ACTION_COUNT
};

enum key_group {
    GROUP_MOVE,
    GROUP_FIND,
    GROUP_ACT,
    GROUP_VIEW,
    GROUP_MARK,
    GROUP_APP,
    GROUP_COUNT
};

#define KEYS_PER_ACTION 4
struct key_binding {
    enum action action;
    int key[KEYS_PER_ACTION]; /* 0-terminated if fewer; the first is the one that is shown */
    unsigned screens;         /* 1 << screen_id, or-ed */
    enum key_group group;
    int footer;       /* place in the footer, 1 first, 0 not there; lower ones survive narrowness */
    const char *foot; /* a word or two; NULL with footer 0 */
    const char *help; /* a phrase */
};

/* The bindings as they are without a [keys] section. */
const struct key_binding *keymap_table(size_t *count);

/* The bindings in force: the table, as a profile's [keys] changed it. */
#define KEYMAP_MAX 128
struct keymap {
    struct key_binding binding[KEYMAP_MAX];
    int line[KEYMAP_MAX]; /* of the profile that said so; 0: the table */
    size_t count;
};
void keymap_default(struct keymap *k);
/*
 * Other keys for an action, on all screens that have it: at most KEYS_PER_ACTION names as
 * key_text() writes them, blanks between ("U F5"), or "none". 0, or -1 and `why`: no such action,
 * no such key, too many; a key that must always back out (Esc, ^C, Enter stay what they are); an
 * act of consequence on a key hands hit by habit (^D, ^K, Backspace, Delete).
 */
int keymap_bind(struct keymap *k, const char *action, const char *keys, int line, char *why,
                size_t cap);
/* After all: 0, or -1 when a key would do two things on one screen, with the line of the later
 * one. */
int keymap_check(const struct keymap *k, int *line, char *why, size_t cap);

/* The binding of a key on a screen, or NULL. */
const struct key_binding *keymap_find(const struct keymap *k, enum screen_id screen, int key);
const struct key_binding *keymap_of(const struct keymap *k, enum screen_id screen,
                                    enum action action);
const char *action_word(enum action action);
const char *key_group_word(enum key_group group); /* "MOVE" … */
const char *screen_word(enum screen_id screen);
/* "Enter", "^D", "F1", "j"; arrows as ↑↓←→ or in words. Returns `out`. */
char *key_text(int key, bool ascii, char *out, size_t cap);
/* The other way round, either spelling; K_NONE when it is no key's name. */
int key_from_text(const char *text);

#endif
