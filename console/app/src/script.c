#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "screens/key_script.h"

struct script {
    char *path, *text;
    char *at;            /* the line that is next */
    const char *keys;    /* of the line, still to be typed */
    const char *waiting; /* the line that is not done yet */
    int line;
    int64_t since_ms; /* when the wait began, 0 none */
};

/* "120x40" */
static bool read_size(const char *text, int *cols, int *rows)
{
    char number[8];
    uint64_t c, r;
    const char *x = strchr(text, 'x');

    if (!x || !text_copy_n(number, sizeof(number), text, (size_t)(x - text)) ||
        !text_to_u64(number, 1, CANVAS_COLS_MAX, &c) || !text_to_u64(x + 1, 1, CANVAS_ROWS_MAX, &r))
        return false;
    *cols = (int)c;
    *rows = (int)r;
    return true;
}

/* What follows the word and a blank; NULL when the line begins with another word. */
static const char *after(const char *line, const char *word)
{
    size_t len = strlen(word);

    return strncmp(line, word, len) == 0 && line[len] == ' ' && line[len + 1] ? line + len + 1
                                                                              : NULL;
}

static bool are_keys(const char *keys, const char **wrong)
{
    int key, len = 0;

    while ((len = key_script_next(keys, &key)) > 0)
        keys += len;
    *wrong = keys;
    return len == 0;
}

static int check_line(const struct script *s, const char *line, int n, struct err *err)
{
    const char *keys = after(line, "type"), *size = after(line, "size"), *wrong;
    int cols, rows;

    if (keys && !are_keys(keys, &wrong))
        return err_set(err, EXIT_USAGE, "%s:%d: \"%.20s\" begins with no key: <Enter>, <^D>, <lt>",
                       s->path, n, wrong);
    if (size && !read_size(size, &cols, &rows))
        return err_set(err, EXIT_USAGE, "%s:%d: \"%.20s\" is no size such as 120x40", s->path, n,
                       size);
    if (*line && *line != '#' && !keys && !size && !after(line, "wait") && !after(line, "gone") &&
        strcmp(line, "dump") != 0)
        return err_set(err, EXIT_USAGE,
                       "%s:%d: \"%.20s\": a line is type KEYS, wait TEXT, gone TEXT, size "
                       "COLSxROWS or dump",
                       s->path, n, line);
    return 0;
}

/* Cuts lines apart in place; NULL behind the last. */
static char *take_line(char **at)
{
    char *line = *at;
    size_t len = strcspn(line, "\n");

    if (!*line)
        return NULL;
    *at = line + len + (line[len] == '\n');
    line[len] = '\0';
    if (len && line[len - 1] == '\r')
        line[len - 1] = '\0';
    return line;
}

static int check(const struct script *s, struct err *err)
{
    char *copy = mem_strdup(s->text), *at = copy, *line;
    int rc = 0;

    for (int n = 1; rc == 0 && (line = take_line(&at)); n++)
        rc = check_line(s, line, n, err);
    free(copy);
    return rc;
}

struct script *script_load(const char *path, struct err *err)
{
    struct script *s = mem_alloc(sizeof(*s));

    s->path = mem_strdup(path);
    if (files_read(path, SCRIPT_BYTES, &s->text, NULL, err) || check(s, err)) {
        script_free(s);
        return NULL;
    }
    s->at = s->text;
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    free(s->text);
    free(s->path);
    free(s);
}

static bool holds(const struct canvas *picture, const char *text)
{
    char line[CANVAS_COLS_MAX * 4 + 1];

    for (int row = 0; row < picture->rows; row++) {
        if (strstr(canvas_row(picture, row, line, sizeof(line)), text))
            return true;
    }
    return false;
}

/* What a line waits for. True when the picture is as it says. */
static bool is_so(struct script *s, const char *line, const struct canvas *picture)
{
    const char *wait = after(line, "wait"), *gone = after(line, "gone");
    bool so = (!wait || holds(picture, wait)) && (!gone || !holds(picture, gone));

    if (so)
        s->since_ms = 0;
    return so;
}

static enum script_do wait_on(struct script *s, const char *line, int64_t now_ms, struct err *err)
{
    s->since_ms = s->since_ms ? s->since_ms : now_ms;
    if (now_ms - s->since_ms < SCRIPT_WAIT_MS)
        return SCRIPT_WAITS;
    err_set(err, EXIT_NO, "%s:%d: not so after %d s: %s", s->path, s->line, SCRIPT_WAIT_MS / 1000,
            line);
    return SCRIPT_FAILED;
}

static bool next_key(struct script *s, struct script_step *out)
{
    int len = s->keys ? key_script_next(s->keys, &out->key) : 0;

    if (len <= 0) {
        s->keys = NULL;
        return false;
    }
    s->keys += len;
    out->what = SCRIPT_KEY;
    return true;
}

/* The line is begun, unless it is one that needs no step of its own. */
static bool begin(struct script *s, const char *line, struct script_step *out)
{
    const char *size = after(line, "size");

    s->keys = after(line, "type");
    if (size) {
        read_size(size, &out->cols, &out->rows);
        out->what = SCRIPT_SIZE;
        return true;
    }
    out->what = SCRIPT_DUMP;
    return strcmp(line, "dump") == 0 || next_key(s, out);
}

struct script_step script_next(struct script *s, const struct canvas *picture, int64_t now_ms,
                               struct err *err)
{
    struct script_step step = { .what = SCRIPT_OVER };

    if (next_key(s, &step))
        return step;
    for (;;) {
        if (!s->waiting) {
            s->waiting = take_line(&s->at);
            s->line++;
        }
        if (!s->waiting)
            return (struct script_step){ .what = SCRIPT_OVER };
        if (!is_so(s, s->waiting, picture)) {
            step.what = wait_on(s, s->waiting, now_ms, err);
            return step;
        }
        const char *line = s->waiting;
        s->waiting = NULL;
        if (begin(s, line, &step))
            return step;
    }
}
