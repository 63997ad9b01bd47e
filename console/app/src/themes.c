#include "themes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "screens/theme_base16.h"

enum { FOLDERS = 3, THEME_BYTES = 65536 };

/* 1 with a folder, 0 when that one does not exist in this environment. */
static int folder(int i, char out[FILES_PATH_MAX])
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (i == 0 && xdg && *xdg)
        return text_format(out, FILES_PATH_MAX, "%s/muster/themes", xdg);
    if (i == 0)
        return home && text_format(out, FILES_PATH_MAX, "%s/.config/muster/themes", home);
    static const char *const fixed[] = { MUSTER_THEMES_INSTALLED, MUSTER_THEMES_SOURCE };
    return text_copy(out, FILES_PATH_MAX, fixed[i - 1]);
}

static void take(struct themes *t, const char *file)
{
    char name[32];

    const char *dot = strrchr(file, '.');
    if (!dot || !text_copy_n(name, sizeof(name), file, (size_t)(dot - file)) ||
        (strcmp(dot, ".ini") != 0 && strcmp(dot, ".yaml") != 0))
        return;
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->name[i], name) == 0)
            return;
    }
    if (t->count < THEMES_MAX)
        t->name[t->count++] = mem_strdup(name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void themes_find(struct themes *t)
{
    char dir[FILES_PATH_MAX];

    t->count = 0;
    for (int i = 0; i < FOLDERS; i++) {
        char **names;
        size_t count;
        struct err err;
        if (!folder(i, dir) || !files_exists(dir) || files_list(dir, &names, &count, &err))
            continue;
        for (size_t k = 0; k < count; k++)
            take(t, names[k]);
        files_list_free(names, count);
    }
    qsort(t->name, t->count, sizeof(t->name[0]), by_name);
}

void themes_free(struct themes *t)
{
    for (size_t i = 0; i < t->count; i++) {
        char *name;
        memcpy(&name, &t->name[i], sizeof(name));
        free(name);
    }
    t->count = 0;
}

/* Reads of one parse: the text given to theme_parse() must live until the next call. */
struct source {
    const struct log *log;
    char *text;
    const char *name;
};

static char *read_file(const char *dir, const char *name, const char *ending)
{
    char path[FILES_PATH_MAX];
    char *text;
    struct err err;

    if (text_format(path, sizeof(path), "%s/%s%s", dir, name, ending) && files_exists(path) &&
        files_read(path, THEME_BYTES, &text, NULL, &err) == 0)
        return text;
    return NULL;
}

/* A base16 scheme, as a theme's text; NULL when it is none. */
static char *converted(char *yaml)
{
    char *text = mem_alloc(THEME_BASE16_MAX);

    if (theme_base16(yaml, text, THEME_BASE16_MAX) != 0) {
        free(text);
        text = NULL;
    }
    free(yaml);
    return text;
}

/* `spoiled`: it, or one of that name in an earlier folder, is no scheme. */
static char *read_theme(const char *name, bool *spoiled)
{
    char dir[FILES_PATH_MAX];

    if (strchr(name, '/'))
        return NULL;
    for (int i = 0; i < FOLDERS; i++) {
        char *text = folder(i, dir) ? read_file(dir, name, ".ini") : NULL;
        if (text)
            return text;
        text = folder(i, dir) ? read_file(dir, name, ".yaml") : NULL;
        bool scheme = text != NULL;
        if (scheme && (text = converted(text)))
            return text;
        *spoiled = *spoiled || scheme;
    }
    return NULL;
}

static const char *inherit(void *ctx, const char *name)
{
    struct source *s = ctx;
    bool spoiled = false;
    free(s->text);
    s->text = read_theme(name, &spoiled);
    return s->text;
}

static void warn(void *ctx, const char *line)
{
    struct source *s = ctx;
    log_say(s->log, LOG_WARN, "theme %s: not understood: %s", s->name, line);
}

void themes_load(const struct themes *t, const char *name, struct theme *out, const struct log *log)
{
    struct source source = { .log = log, .name = name };
    bool spoiled = false;
    char *text = read_theme(name, &spoiled);

    (void)t;
    if (spoiled)
        log_say(log, LOG_WARN,
                "theme %s: %s.yaml is no base16 scheme: it wants base00 to base0F, each six hex "
                "digits",
                name, name);
    if (text) {
        theme_parse(out, name, text, inherit, warn, &source);
    } else {
        theme_mono(out);
        if (strcmp(name, "mono") != 0 && !spoiled)
            log_say(log, LOG_WARN, "there is no theme '%s': using mono", name);
    }
    free(text);
    free(source.text);
}
