#include "screens/keymap.h"

#define ON(screen) (1u << SCREEN_##screen)
#define ALL        ((1u << SCREEN_COUNT) - 1)
#define LISTS      (ON(FLEET) | ON(ROLLOUTS) | ON(ROLLOUT) | ON(RELEASES) | ON(ALERTS) | ON(KEYS))
#define DEVICES    (ON(FLEET) | ON(DEVICE))

/*
 * Never bound to anything that changes the world: ^D, ^K, Backspace, Delete. The order is the order
 * of the help overlay.
 */
/* clang-format off */
static const struct key_binding table[] = {
    /* action              keys                                screens            group       foot  word          help */
    { ACTION_UP,         { K_UP, 'k' },                        ALL,               GROUP_MOVE,  0, NULL,         "one row up" },
    { ACTION_DOWN,       { K_DOWN, 'j' },                      ALL,               GROUP_MOVE,  0, NULL,         "one row down" },
    { ACTION_PAGE_UP,    { K_PGUP, K_CTRL('B') },              ALL,               GROUP_MOVE,  0, NULL,         "page up" },
    { ACTION_PAGE_DOWN,  { K_PGDN, K_CTRL('F') },              ALL,               GROUP_MOVE,  0, NULL,         "page down" },
    { ACTION_HALF_UP,    { K_CTRL('U') },                      ALL,               GROUP_MOVE,  0, NULL,         "half page up" },
    { ACTION_HALF_DOWN,  { K_CTRL('D') },                      ALL,               GROUP_MOVE,  0, NULL,         "half page down" },
    { ACTION_FIRST,      { 'g', K_HOME },                      ALL,               GROUP_MOVE,  0, NULL,         "first" },
    { ACTION_LAST,       { 'G', K_END },                       ALL,               GROUP_MOVE,  0, NULL,         "last, newest" },
    { ACTION_OPEN, { K_ENTER, K_RIGHT }, LISTS & ~ON(RELEASES), GROUP_MOVE, 1, "open", "open" },
    { ACTION_OPEN, { K_ENTER }, ON(RELEASES), GROUP_MOVE, 1, "roll out…", "roll out…" },
    { ACTION_BACK, { K_ESC, K_LEFT }, ON(FLEET), GROUP_MOVE, 0, NULL, "unmark, clear" },
    { ACTION_BACK, { K_ESC, K_LEFT }, ALL & ~ON(FLEET), GROUP_MOVE, 14, "back", "clear, back" },
    { ACTION_PANE_NEXT,  { K_TAB },                            ON(DEVICE) | ON(ROLLOUT) | ON(ALERTS) | ON(KEYS), GROUP_MOVE, 5, "pane", "next pane" },
    { ACTION_PANE_PREV,  { K_BACKTAB },                        ON(DEVICE) | ON(ROLLOUT) | ON(ALERTS) | ON(KEYS), GROUP_MOVE, 0, NULL,   "previous pane" },
    { ACTION_NEXT_ITEM,  { ']' },                              ON(DEVICE),        GROUP_MOVE,  4, "next",       "next device" },
    { ACTION_PREV_ITEM,  { '[' },                              ON(DEVICE),        GROUP_MOVE,  0, NULL,         "previous device" },

    { ACTION_FILTER,     { '/', K_FN(4), K_FN(3) },            ON(FLEET) | ON(DEVICE) | ON(LOG) | ON(ALERTS) | ON(ROLLOUTS) | ON(RELEASES), GROUP_FIND, 2, "filter", "filter" },
    { ACTION_CHIP_1,     { '1' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "crit" },
    { ACTION_CHIP_2,     { '2' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "warn" },
    { ACTION_CHIP_3,     { '3' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "offline, stale" },
    { ACTION_CHIP_4,     { '4' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "updating" },
    { ACTION_CHIP_5,     { '5' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "ok" },
    { ACTION_CHIP_ALL,   { '0' },                              ON(FLEET),         GROUP_FIND,  0, NULL,         "all states" },
    { ACTION_FILTER,     { '/', 'd' },                         ON(ROLLOUT),       GROUP_FIND,  3, "in fleet",   "its devices in the fleet" },
    { ACTION_DEVICES,    { 'd' },                              ON(RELEASES),      GROUP_FIND,  3, "in fleet",   "who runs it" },
    { ACTION_FILTER,     { '/', 'd' },                         ON(KEYS),          GROUP_FIND,  3, "in fleet",   "those behind in the fleet" },
    { ACTION_VIEWS,      { '\\' },                             ON(FLEET),         GROUP_FIND,  0, NULL,         "saved views" },
    { ACTION_PALETTE,    { ':' },                              ALL,               GROUP_FIND,  3, "command",    "run a command" },
    { ACTION_FIND,       { 'h' },                              ON(DEVICE),        GROUP_FIND,  0, NULL,         "mark a text" },
    { ACTION_NEXT_MATCH, { 'n' },                              ON(DEVICE),        GROUP_FIND,  0, NULL,         "next match, up" },
    { ACTION_PREV_MATCH, { 'N' },                              ON(DEVICE),        GROUP_FIND,  0, NULL,         "previous match" },

    { ACTION_UPDATE,     { 'u' },                              DEVICES,           GROUP_ACT,   0, NULL,         "new rollout…" },
    { ACTION_UPDATE,     { 'u' },                              ON(RELEASES),      GROUP_ACT,   0, NULL,  "new rollout…" },
    { ACTION_REBOOT,     { 'r' },                              DEVICES,           GROUP_ACT,   0, NULL,         "reboot…" },
    { ACTION_CONFIG,     { 'c' },                              DEVICES,           GROUP_ACT,   0, NULL,         "config…" },
    { ACTION_IDENTIFY,   { 'i' },                              DEVICES,           GROUP_ACT,   0, NULL,         "identify" },
    { ACTION_PAUSE,      { ' ' },                              ON(ROLLOUTS) | ON(ROLLOUT), GROUP_ACT, 0, NULL,   "pause, resume…" },
    { ACTION_ABORT,      { 'X' },                              ON(ROLLOUTS) | ON(ROLLOUT), GROUP_ACT, 0, NULL,   "abort…" },
    { ACTION_APPROVE,    { 'A' },                              ON(ROLLOUTS) | ON(ROLLOUT), GROUP_ACT, 0, NULL,   "approve the stage…" },
    { ACTION_RETRY,      { 'R' },                              ON(ROLLOUTS) | ON(ROLLOUT), GROUP_ACT, 0, NULL,   "retry failed…" },
    { ACTION_CAPS,       { 'c' },                              ON(ROLLOUTS) | ON(ROLLOUT), GROUP_ACT, 0, NULL,   "change caps…" },
    { ACTION_ACK,        { 'a' },                              ON(ALERTS),        GROUP_ACT,   0, NULL,         "I have seen it" },
    { ACTION_SILENCE,    { 'm' },                              ON(ALERTS),        GROUP_ACT,   0, NULL,         "mute for a while…" },
    { ACTION_UNSILENCE,  { 'M' },                              ON(ALERTS),        GROUP_ACT,   0, NULL,         "end the silence" },
    { ACTION_COPY,       { 'y' },                              ALL & ~ON(LOG),    GROUP_ACT,   0, NULL,         "copy the id" },
    { ACTION_COPY,       { 'y' },                              ON(LOG),           GROUP_ACT,   0, NULL,         "copy the lowest line" },
    { ACTION_EXPORT,     { 'e' },                              ON(FLEET) | ON(ALERTS) | ON(ROLLOUTS) | ON(RELEASES), GROUP_ACT, 0, NULL, "export rows…" },
    { ACTION_EXPORT,     { 'e' },                              ON(DEVICE),        GROUP_ACT,   0, NULL,         "export the pane" },

    { ACTION_SORT,       { 's', K_FN(6) },                     ON(FLEET),         GROUP_VIEW,  4, "sort",       "sort by…" },
    { ACTION_SORT,       { 's' },                              ON(ROLLOUT),       GROUP_VIEW,  4, "sort",       "in flight: slowest, furthest, in order" },
    { ACTION_INVERT,     { 'I' },                              ON(FLEET),         GROUP_VIEW,  0, NULL,         "invert the sort" },
    { ACTION_COLUMNS,    { 'o', K_FN(2) },                     ON(FLEET),         GROUP_VIEW,  4, "columns",    "columns…" },
    { ACTION_FOLLOW,     { 'f' },                              ON(FLEET) | ON(DEVICE) | ON(LOG), GROUP_VIEW, 9, "follow", "follow" },
    { ACTION_FREEZE,     { 'z' },                              ON(FLEET) | ON(DEVICE) | ON(ROLLOUT) | ON(ROLLOUTS), GROUP_VIEW, 7, "freeze",  "freeze" },
    { ACTION_PREVIEW,    { 'p' },                              ON(FLEET),         GROUP_VIEW, 10, "preview",    "preview strip" },
    { ACTION_SPAN_MORE,  { '+', '=' },                         DEVICES,           GROUP_VIEW,  0, NULL,         "longer span" },
    { ACTION_SPAN_LESS,  { '-' },                              DEVICES,           GROUP_VIEW,  0, NULL,         "shorter span" },
    { ACTION_WRAP,       { 'w' },                              ON(DEVICE) | ON(LOG), GROUP_VIEW, 10, "wrap",    "wrap lines" },
    { ACTION_EARLIER,    { '<', ',' },                         ON(DEVICE),        GROUP_VIEW,  0, NULL,         "plots: earlier" },
    { ACTION_LATER,      { '>', '.' },                         ON(DEVICE),        GROUP_VIEW,  0, NULL,         "plots: later" },
    { ACTION_SCALE,      { 's' },                              ON(DEVICE),        GROUP_VIEW,  0, NULL,         "plots: range" },
    { ACTION_ZOOM,       { K_ENTER },                          ON(DEVICE),        GROUP_VIEW,  3, "whole",      "this pane whole" },
    { ACTION_FORM,       { 'x' },                              ON(DEVICE),        GROUP_VIEW,  0, NULL,         "json, raw, hex" },
    { ACTION_CONTEXT,    { 'C' },                              ON(DEVICE),        GROUP_VIEW,  0, NULL,         "tail: context" },

    { ACTION_MARK,       { ' ' },                              ON(FLEET),         GROUP_MARK,  0, NULL,         "mark" },
    { ACTION_MARK_RANGE, { 'v' },                              ON(FLEET),         GROUP_MARK,  0, NULL,         "mark a range" },
    { ACTION_MARK_ALL,   { '*' },                              ON(FLEET),         GROUP_MARK,  0, NULL,         "mark all shown" },

    { ACTION_FLEET,      { K_NONE },                           ALL & ~ON(FLEET),  GROUP_APP,   0, NULL,         "the fleet" },
    { ACTION_ROLLOUTS,   { 'R' },                              DEVICES | ON(RELEASES) | ON(LOG), GROUP_APP, 5, "rollouts", "rollouts" },
    { ACTION_RELEASES,   { 'S' },                              ALL & ~ON(RELEASES), GROUP_APP, 11, "releases",  "releases" },
    { ACTION_ALERTS,     { 'a' },                              DEVICES | ON(LOG), GROUP_APP,   0, NULL,         "alerts" },
    { ACTION_LOG,        { 'L' },                              ALL & ~ON(LOG),    GROUP_APP,  12, "log",        "the log" },
    { ACTION_KEYS,       { 'K' },                              ALL & ~ON(KEYS),   GROUP_APP,   0, NULL,         "keys and certs" },
    { ACTION_THEME,      { 't' },                              ALL,               GROUP_APP,   0, NULL,         "choose a theme…" },
    { ACTION_WRITE,      { 0 },                                ALL,               GROUP_APP,   0, NULL,         "allow acts for 15 minutes" },
    { ACTION_RECONNECT,  { K_CTRL('R') },                      ALL,               GROUP_APP,   0, NULL,         "reconnect now" },
    { ACTION_REDRAW,     { K_CTRL('L') },                      ALL,               GROUP_APP,   0, NULL,         "redraw" },
    { ACTION_SUSPEND,    { K_CTRL('Z') },                      ALL,               GROUP_APP,   0, NULL,         "suspend" },
    { ACTION_HELP,       { '?', K_FN(1) },                     ALL,               GROUP_APP,  13, "help",       "this help" },
    { ACTION_QUIT,       { 'q', K_CTRL('C'), K_FN(10) },       ALL,               GROUP_APP,  15, "quit",       "back, quit" },
};
/* clang-format on */

const struct key_binding *keymap_table(size_t *count)
{
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

const char *action_word(enum action action)
{
    static const char *const words[ACTION_COUNT] = {
#define X(name, word) word,
        ACTION_MAP(X)
#undef X
    };
    return (unsigned)action < ACTION_COUNT ? words[action] : "";
}

const char *key_group_word(enum key_group group)
{
    static const char *const words[GROUP_COUNT] = { "MOVE", "FIND", "ACT", "VIEW", "MARK", "APP" };
    return (unsigned)group < GROUP_COUNT ? words[group] : "";
}

const char *screen_word(enum screen_id screen)
{
    static const char *const words[SCREEN_COUNT] = { "fleet",    "device", "rollouts", "rollout",
                                                     "releases", "log",    "alerts",   "keys" };
    return (unsigned)screen < SCREEN_COUNT ? words[screen] : "";
}
