#ifndef SCREENS_ROLE_H
#define SCREENS_ROLE_H

/*
 * What a cell means, never what colour it has: a theme says that. The words are the keys of a theme
 * file; X(NAME, "word").
 */
#define ROLE_MAP(X)                                                                                \
    X(TEXT, "text")                                                                                \
    X(DIM, "dim")                                                                                  \
    X(TITLE, "title")                                                                              \
    X(RULE, "rule")                                                                                \
    X(FOCUS, "focus")                                                                              \
    X(SELECTION, "selection")                                                                      \
    X(SELECTION_UNFOCUSED, "selection.unfocused")                                                  \
    X(MARKED, "marked")                                                                            \
    X(HEADER, "header")                                                                            \
    X(HEADER_SORT, "header.sort")                                                                  \
    X(KEY, "key")                                                                                  \
    X(HINT, "hint")                                                                                \
    X(CRUMB, "crumb")                                                                              \
    X(INPUT, "input")                                                                              \
    X(INPUT_ERROR, "input.error")                                                                  \
    X(OK, "ok")                                                                                    \
    X(WARN, "warn")                                                                                \
    X(CRIT, "crit")                                                                                \
    X(OFFLINE, "offline")                                                                          \
    X(UPDATING, "updating")                                                                        \
    X(STALE, "stale")                                                                              \
    X(PLOT, "plot")                                                                                \
    X(PLOT_2, "plot.2")                                                                            \
    X(PLOT_3, "plot.3")                                                                            \
    X(PLOT_GAP, "plot.gap")                                                                        \
    X(PLOT_THRESHOLD, "plot.threshold")                                                            \
    X(AXIS, "axis")                                                                                \
    X(GAUGE, "gauge")                                                                              \
    X(GAUGE_FILL, "gauge.fill")                                                                    \
    X(GAUGE_LIMIT, "gauge.limit")                                                                  \
    X(BADGE_PROD, "badge.prod")                                                                    \
    X(BADGE_READONLY, "badge.readonly")                                                            \
    X(FROZEN, "frozen")                                                                            \
    X(DISCONNECTED, "disconnected")                                                                \
    X(LOG_WARN, "log.warn")                                                                        \
    X(LOG_ERROR, "log.error")                                                                      \
    X(MATCH, "match")

enum role {
#define X(name, word) ROLE_##name,
    ROLE_MAP(X)
#undef X
        ROLE_COUNT
};

/* The word of a theme file; never NULL. */
const char *role_word(enum role role);
/* 0 and *out, or -1 for a word that is no role. */
int role_from_word(const char *word, enum role *out);

#endif
