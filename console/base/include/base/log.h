#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * One way to say something that is not a command's output. The sink is the caller's: stderr for
 * commands, the log pane while curses is on. A struct, not a global: it is passed down from main.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    void (*sink)(void *ctx, enum log_level level, const char *line); /* NULL: silent */
    void *ctx;
    enum log_level least; /* below this nothing is said */
};

/* Control characters in the text are replaced by '?', so that device text can't reach a terminal.
 * `log` may be NULL. */
void log_say(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A sink that writes "level: line" to stderr; ctx is not used. */
void log_to_stderr(void *ctx, enum log_level level, const char *line);
const char *log_level_word(enum log_level level);

#endif
