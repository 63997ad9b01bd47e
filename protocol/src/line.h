#ifndef PROTOCOL_LINE_H
#define PROTOCOL_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Influx line protocol, one line at a time:
 *     measurement[,tag=value…] field=value[,field=value…] [timestamp]
 * A firmware in the field does not escape the spaces in a tag's value; the fields are then taken to
 * begin at the first space after which they make sense.
 */
struct line {
    const char *tags; /* ,tag=value… or empty */
    size_t tags_len;
    const char *fields;
    size_t fields_len;
    bool has_ts;
    double ts; /* Unix s; line protocol says ns, but the size of the number tells */
};

/* One line without its newline. False when it is not line protocol. */
bool line_split(const char *text, size_t len, struct line *out);

/* key=value pairs of `tags` or `fields`. */
struct line_pair {
    const char *key, *value; /* escapes not undone; a value's quotes are kept */
    size_t key_len, value_len;
};
/* Takes the next pair from *text; false when there is none left, or it is malformed (then *len is
 * not 0). */
bool line_next_pair(const char **text, size_t *len, struct line_pair *out);
/* The same for tags, whose values may have unescaped spaces and are never quoted. */
bool line_next_tag(const char **text, size_t *len, struct line_pair *out);

/* Undo backslash escapes of `,`, `=`, space (and in quotes `"` and `\`). -1 when it does not fit.
 */
int line_unescape(const char *text, size_t len, char *out, size_t cap);

/* The next line of *text without its end; false at the end. */
bool line_next(const char **text, size_t *len, const char **line, size_t *line_len);

#endif
