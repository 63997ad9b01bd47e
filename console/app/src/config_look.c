#include "config_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config_alert.h"
#include "config_keys.h"
#include "fleet/fleet.h"
#include "influx/influx.h"
#include "notify/notify.h"
#include "themes.h"

/* ---- lines of the file ----------------------------------------------------------------------- */

enum { PLACES = 1024, LINE_BYTES = 1024 };

struct place {
    char section[48], key[48]; /* key "": the section's own line */
    int line;
};

struct places {
    struct place at[PLACES];
    size_t count;
};

static void trim(char *text)
{
    size_t lead = strspn(text, " \t"), len = strlen(text + lead);

    memmove(text, text + lead, len + 1);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
}

/* What inih takes for a section or a key; a line that goes on from the one before is neither. */
static void read_line(struct places *p, char *text, int line)
{
    char *is = strpbrk(text, "=:"), *shut;
    struct place *at = &p->at[p->count];
    bool more = text[0] == ' ' || text[0] == '\t';

    if (p->count == PLACES || (more && p->count > 0 && p->at[p->count - 1].key[0]))
        return;
    trim(text);
    memset(at, 0, sizeof(*at));
    at->line = line;
    if (text[0] == '[' && (shut = strchr(text, ']')) != NULL) {
        p->count +=
            text_copy_n(at->section, sizeof(at->section), text + 1, (size_t)(shut - text) - 1);
        return;
    }
    if (text[0] == ';' || text[0] == '#' || !is || p->count == 0)
        return;
    *is = '\0';
    trim(text);
    text_copy(at->section, sizeof(at->section), p->at[p->count - 1].section);
    p->count += text_copy(at->key, sizeof(at->key), text) && at->key[0];
}

static struct places *read_places(const char *path)
{
    struct places *p = mem_alloc(sizeof(*p));
    FILE *file = fopen(path, "re");
    char text[LINE_BYTES];

    for (int line = 1; file && fgets(text, sizeof(text), file); line++)
        read_line(p, text, line);
    if (file)
        fclose(file);
    return p;
}

static int line_of(const struct places *p, const char *section, const char *key)
{
    int line = 0;

    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->at[i].section, section) == 0 && strcmp(p->at[i].key, key ? key : "") == 0 &&
            (key || !line))
            line = p->at[i].line; /* the last one said counts */
    return line;
}

int config_line(const char *path, const char *section, const char *key)
{
    struct places *p = read_places(path);
    int line = line_of(p, section, key);

    free(p);
    return line;
}

/* ---- what is asked --------------------------------------------------------------------------- */

struct look {
    const struct profile *p;
    const struct log *log;
    struct places *places;
};

/* At the key's line, or the section's when the key is not there. */
static void say(const struct look *l, enum log_level level, const char *section, const char *key,
                const char *what)
{
    int line = key ? line_of(l->places, section, key) : 0;

    line = line ? line : line_of(l->places, section, NULL);
    if (line)
        log_say(l->log, level, "%s:%d: %s", l->p->path, line, what);
    else
        log_say(l->log, level, "%s: %s", l->p->path, what);
}

static void look_twice(const struct look *l)
{
    for (size_t i = 0; i < l->places->count; i++) {
        const struct place *a = &l->places->at[i];
        for (size_t k = i + 1; k < l->places->count && a->key[0]; k++) {
            const struct place *b = &l->places->at[k];
            if (strcmp(a->section, b->section) || strcmp(a->key, b->key))
                continue;
            log_say(l->log, LOG_WARN, "%s:%d: [%s] %s is said twice: line %d counts", l->p->path,
                    a->line, a->section, a->key, b->line);
            break;
        }
    }
}

static void look_sources(const struct look *l)
{
    for (size_t i = 0; i < l->p->source_count; i++) {
        const struct profile_source *s = &l->p->source[i];
        char section[48];
        struct fleet_source source;
        struct err err;
        text_format(section, sizeof(section), "source %s", s->name);
        const char *lacks = !s->topic[0] ? "topic" : !s->id[0] ? "id" : NULL;
        if (lacks) {
            err_set(&err, EXIT_USAGE, "[%s] %s is missing", section, lacks);
            say(l, LOG_ERROR, section, NULL, err.text);
        } else if (fleet_source_parse(s->name, s->topic, s->id, &source, &err)) {
            say(l, LOG_ERROR, section, strstr(err.text, "topic") ? "topic" : "id", err.text);
        }
    }
}

static void look_sinks(const struct look *l)
{
    for (size_t i = 0; i < l->p->notify_count; i++) {
        const struct profile_notify *n = &l->p->notify[i];
        char section[48];
        struct err err;
        if (notify_check(n, &err) == 0)
            continue;
        text_format(section, sizeof(section), "notify %s", n->name);
        say(l, LOG_ERROR, section,
            strstr(err.text, "]: on")    ? "on"
            : strstr(err.text, "]: url") ? "url"
                                         : "kind",
            err.text);
    }
}

static void say_theme(void *ctx, enum log_level level, const char *line)
{
    say(ctx, level, "ui", "theme", line);
}

/* What the console would say of its file when it reads it. */
static void look_into_theme(const struct look *l, const struct themes *t)
{
    struct look copy = *l;
    struct log log = { .sink = say_theme, .ctx = &copy, .least = LOG_WARN };
    struct theme theme;

    themes_load(t, l->p->ui.theme, &theme, &log);
}

static void look_theme(const struct look *l)
{
    struct themes t;
    char what[160];
    bool known = false;

    if (!l->p->ui.theme[0])
        return;
    themes_find(&t);
    for (size_t i = 0; i < t.count; i++)
        known = known || strcmp(t.name[i], l->p->ui.theme) == 0;
    if (known)
        look_into_theme(l, &t);
    themes_free(&t);
    if (known)
        return;
    text_format(what, sizeof(what),
                "[ui] theme '%.60s' is not there: 't' in the console lists them", l->p->ui.theme);
    say(l, LOG_WARN, "ui", "theme", what);
}

static void look_rules(const struct look *l)
{
    struct alert_rule rule[ALERT_RULES];
    struct keymap keys;
    size_t count;
    struct err err;

    if (config_alerts(l->p, rule, &count, &err))
        log_say(l->log, LOG_ERROR, "%s", err.text); /* these name their line */
    if (config_keymap(l->p, &keys, &err))
        log_say(l->log, LOG_ERROR, "%s", err.text);
}

void config_look(const struct profile *p, const struct log *log)
{
    struct look l = { .p = p, .log = log, .places = read_places(p->path) };
    struct err err;

    look_twice(&l);
    look_rules(&l);
    look_sources(&l);
    look_sinks(&l);
    look_theme(&l);
    if (*p->influx.url && influx_check(p, &err))
        say(&l, LOG_ERROR, "influx", NULL, err.text);
    free(l.places);
}
