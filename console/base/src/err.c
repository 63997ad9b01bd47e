#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum exit_code code, const char *format, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, format);
    e->code = code;
    vsnprintf(e->text, sizeof(e->text), format, ap);
    va_end(ap);
    return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return -1;
    char prefix[sizeof(e->text)];
    va_list ap;
    va_start(ap, format);
    vsnprintf(prefix, sizeof(prefix), format, ap);
    va_end(ap);

    /* The cause is worth more than the prefix: shorten the prefix first. */
    size_t cause = strlen(e->text);
    size_t room = sizeof(e->text) - 1 - cause;
    if (room < 2)
        return -1;
    size_t len = strlen(prefix);
    if (len > room - 2)
        len = room - 2;
    memmove(e->text + len + 2, e->text, cause + 1);
    memcpy(e->text, prefix, len);
    memcpy(e->text + len, ": ", 2);
    return -1;
}
