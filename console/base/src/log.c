#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

const char *log_level_word(enum log_level level)
{
    static const char *const words[] = { "debug", "info", "warn", "error" };
    return (unsigned)level < sizeof(words) / sizeof(words[0]) ? words[level] : "?";
}

void log_say(const struct log *log, enum log_level level, const char *format, ...)
{
    if (!log || !log->sink || level < log->least)
        return;
    char line[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    for (char *p = line; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    log->sink(log->ctx, level, line);
}

void log_to_stderr(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s: %s\n", log_level_word(level), line);
}
