#include <string.h>

#include "json_internal.h"
#include "protocol/json_read.h"

/* Apart from the rest, for devices have no use for it. */
int json_prose(const struct json *j, int value, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    if (!json_is_string(j, value))
        return -1;
    const char *s = j->text + value + 1, *end = j->text + j->len;
    while (*s != '"') {
        char c[4];
        size_t n = json_next_char(&s, end, c);
        if (n > 0 && json_is_control(c)) {
            c[0] = ' ';
            n = 1;
        }
        if (n == 0 || len + n >= cap)
            break; /* what fits is what is shown */
        memcpy(out + len, c, n);
        len += n;
    }
    out[len] = '\0';
    return 0;
}
