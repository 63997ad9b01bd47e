#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

enum { LINE = 160, WINDOW_MS = 10000, LINES_PER_WINDOW = 20 };

const char *app_log_word(enum app_log_level level)
{
    switch (level) {
    case APP_LOG_ERROR:
        return "error";
    case APP_LOG_WARN:
        return "warn";
    case APP_LOG_INFO:
        return "info";
    case APP_LOG_DEBUG:
        break;
    }
    return "debug";
}

static bool within_budget(struct app *app)
{
    if (app->now.mono_ms - app->log_ms >= WINDOW_MS || app->log_ms == 0) {
        app->log_ms = app->now.mono_ms;
        app->log_budget = LINES_PER_WINDOW;
    }
    if (app->log_budget == 0)
        return false;
    app->log_budget--;
    return true;
}

static void publish_line(struct app *app, const char *line)
{
    const struct app_publish message = {
        .kind = TOPIC_LOG,
        .payload = line,
        .len = strlen(line),
    };

    (void)app->platform->publish(app->platform->ctx, &message);
}

void app_say(struct app *app, enum app_log_level level, const char *format, ...)
{
    char line[LINE];
    size_t head = strlen(app_log_word(level)) + 1;
    va_list args;

    (void)snprintf(line, sizeof(line), "%s ", app_log_word(level));
    va_start(args, format);
    (void)vsnprintf(line + head, sizeof(line) - head, format, args);
    va_end(args);
    for (char *c = line; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    app->platform->log(app->platform->ctx, level, line + head);
    if (app->online && level != APP_LOG_DEBUG && within_budget(app))
        publish_line(app, line);
}
