#include "config.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/text.h"
#include "config_alert.h"
#include "config_notify.h"
#include "config_keys.h"
#include "screens/ui.h"

enum field_type {
    FIELD_TEXT,
    FIELD_PATH,
    FIELD_PORT,
    FIELD_U32,
    FIELD_BYTES,
    FIELD_BOOL,
    FIELD_ASCII,
    FIELD_BELL,
    FIELD_COLUMNS,
    FIELD_SORT
};

/* The whole file format: a row per key. tests and docs/config.md name the same keys. */
#define FIELD(section, key, type, member)                                                          \
    {                                                                                              \
        section, key, type, offsetof(struct profile, member),                                      \
            sizeof(((struct profile *)0)->member)                                                  \
    }
static const struct field {
    const char *section, *key;
    enum field_type type;
    size_t offset, size;
} fields[] = {
    FIELD("fleet", "name", FIELD_TEXT, fleet),
    FIELD("fleet", "root", FIELD_TEXT, root),
    FIELD("broker", "host", FIELD_TEXT, broker.host),
    FIELD("broker", "port", FIELD_PORT, broker.port),
    FIELD("broker", "ca", FIELD_PATH, broker.ca),
    FIELD("broker", "cert", FIELD_PATH, broker.cert),
    FIELD("broker", "key", FIELD_PATH, broker.key),
    FIELD("gateway", "url", FIELD_TEXT, gateway.url),
    FIELD("gateway", "listen", FIELD_TEXT, gateway.listen),
    FIELD("gateway", "metrics", FIELD_TEXT, gateway.metrics),
    FIELD("gateway", "cert", FIELD_PATH, gateway.cert),
    FIELD("gateway", "key", FIELD_PATH, gateway.key),
    FIELD("gateway", "ca", FIELD_PATH, gateway.ca),
    FIELD("gateway", "max_downloads", FIELD_U32, gateway.max_downloads),
    FIELD("gateway", "rate", FIELD_U32, gateway.rate),
    FIELD("history", "minute_days", FIELD_U32, history.minute_days),
    FIELD("history", "days", FIELD_U32, history.days),
    FIELD("history", "megabytes", FIELD_U32, history.megabytes),
    FIELD("influx", "url", FIELD_TEXT, influx.url),
    FIELD("influx", "version", FIELD_U32, influx.version),
    FIELD("influx", "database", FIELD_TEXT, influx.database),
    FIELD("influx", "org", FIELD_TEXT, influx.org),
    FIELD("influx", "bucket", FIELD_TEXT, influx.bucket),
    FIELD("influx", "token_file", FIELD_PATH, influx.token_file),
    FIELD("influx", "ca", FIELD_PATH, influx.ca),
    FIELD("influx", "tags", FIELD_TEXT, influx.tags),
    FIELD("influx", "measurement", FIELD_TEXT, influx.measurement),
    FIELD("influx", "queue_mb", FIELD_U32, influx.queue_mb),
    FIELD("store", "dir", FIELD_PATH, store_dir),
    FIELD("journal", "path", FIELD_PATH, journal),
    FIELD("journal", "keep_days", FIELD_U32, journal_keep_days),
    FIELD("journal", "max_mb", FIELD_U32, journal_max_mb),
    FIELD("trust", "rollout_key", FIELD_PATH, trust.rollout_key),
    FIELD("trust", "release_key", FIELD_PATH, trust.release_key),
    FIELD("trust", "keyset", FIELD_PATH, trust.keyset),
    FIELD("pki", "dir", FIELD_PATH, pki_dir),
    FIELD("alerts", "defaults", FIELD_BOOL, default_alerts),
    FIELD("ui", "theme", FIELD_TEXT, ui.theme),
    FIELD("ui", "ascii", FIELD_ASCII, ui.ascii),
    FIELD("ui", "read_only", FIELD_BOOL, ui.read_only),
    FIELD("ui", "prod", FIELD_BOOL, ui.prod),
    FIELD("ui", "words", FIELD_BOOL, ui.words),
    FIELD("ui", "columns", FIELD_COLUMNS, ui.columns),
    FIELD("ui", "sort", FIELD_SORT, ui.sort),
    FIELD("ui", "mouse", FIELD_BOOL, ui.mouse),
    FIELD("ui", "bell", FIELD_BELL, ui.bell),
    FIELD("ui", "sync", FIELD_BOOL, ui.sync),
};

struct reader {
    struct profile *profile;
    const struct log *log;
    struct err *err;
    FILE *file;
    int line; /* being read: Debian's inih does not tell its handler */
    bool failed;
};

static char *next_line(char *out, int cap, void *stream)
{
    struct reader *r = stream;
    r->line++;
    return fgets(out, cap, r->file);
}

static int bad(struct reader *r, int line, const char *format, const char *a, const char *b)
{
    char what[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(what, sizeof(what), format, a, b);
#pragma GCC diagnostic pop
    if (!r->failed)
        err_set(r->err, EXIT_USAGE, "%s:%d: %s", r->profile->path, line, what);
    else /* the first is the answer; who mends it wants to know of the others */
        log_say(r->log, LOG_ERROR, "%s:%d: %s", r->profile->path, line, what);
    r->failed = true;
    return 0;
}

/* Paths count from the profile's folder, so that a folder with its profile can be moved. A key on a
 * token is no path. */
static bool set_path(const struct profile *p, char *out, size_t cap, const char *value)
{
    if (value[0] == '/' || strncmp(value, "pkcs11:", 7) == 0)
        return text_copy(out, cap, value);
    return text_format(out, cap, "%s/%s", p->dir, value);
}

static bool set_bool(bool *out, const char *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "true", true },   { "yes", true }, { "on", true },   { "1", true },
                  { "false", false }, { "no", false }, { "off", false }, { "0", false } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, value) == 0) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

/* One of the words of `list`, which has blanks between them. */
static bool is_word_of(const char *list, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = list; len && (at = strstr(at, value)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

static int set_word(struct reader *r, const struct field *f, const char *value, int line)
{
    static const char ascii[] = "auto yes no", bell[] = "crit warn no";
    const char *list = f->type == FIELD_ASCII ? ascii : bell;

    if (!is_word_of(list, value))
        return bad(r, line,
                   list == ascii ? "%s wants auto, yes or no, not '%s'"
                                 : "%s wants crit, warn or no, not '%s'",
                   f->key, value);
    return text_copy((char *)r->profile + f->offset, f->size, value);
}

static int set_look(struct reader *r, const struct field *f, const char *value, int line)
{
    char wrong[128];

    if (ui_usual_mistake(value, f->type == FIELD_SORT, wrong, sizeof(wrong)))
        return bad(r, line, "%s: %s", f->key, wrong);
    if (!text_copy((char *)r->profile + f->offset, f->size, value))
        return bad(r, line, "%s is too long: '%s'", f->key, value);
    return 1;
}

static int set_field(struct reader *r, const struct field *f, const char *value, int line)
{
    void *at = (char *)r->profile + f->offset;
    uint64_t n;

    switch (f->type) {
    case FIELD_TEXT:
        if (!text_copy(at, f->size, value))
            return bad(r, line, "%s is too long: '%s'", f->key, value);
        return 1;
    case FIELD_PATH:
        if (!set_path(r->profile, at, f->size, value))
            return bad(r, line, "%s: path is too long: '%s'", f->key, value);
        return 1;
    case FIELD_PORT:
        if (!text_to_u64(value, 1, 65535, &n))
            return bad(r, line, "%s wants a port from 1 to 65535, not '%s'", f->key, value);
        *(uint16_t *)at = (uint16_t)n;
        return 1;
    case FIELD_U32:
    case FIELD_BYTES:
        if (!text_to_u64(value, 0, UINT32_MAX, &n))
            return bad(r, line, "%s wants a whole number, not '%s'", f->key, value);
        *(uint32_t *)at = (uint32_t)n;
        return 1;
    case FIELD_BOOL:
        if (!set_bool(at, value))
            return bad(r, line, "%s wants yes or no, not '%s'", f->key, value);
        return 1;
    case FIELD_ASCII:
    case FIELD_BELL:
        return set_word(r, f, value, line);
    case FIELD_COLUMNS:
    case FIELD_SORT:
        return set_look(r, f, value, line);
    }
    return 1;
}

static int source_field(struct reader *r, const char *name, const char *key, const char *value,
                        int line)
{
    struct profile *p = r->profile;
    struct profile_source *s = NULL;

    for (size_t i = 0; i < p->source_count; i++) {
        if (strcmp(p->source[i].name, name) == 0)
            s = &p->source[i];
    }
    if (!s) {
        if (p->source_count == PROFILE_SOURCES_MAX)
            return bad(r, line, "too many [source] sections (%s)%s", name, "");
        s = &p->source[p->source_count];
        if (!*name || !text_copy(s->name, sizeof(s->name), name))
            return bad(r, line, "[source NAME]: bad name '%s'%s", name, "");
        p->source_count++;
    }
    if (strcmp(key, "topic") == 0)
        return text_copy(s->topic, sizeof(s->topic), value) ||
               bad(r, line, "%s: too long%s", key, "");
    if (strcmp(key, "id") == 0) {
        if (strncmp(value, "topic:", 6) && strncmp(value, "json:", 5) && strncmp(value, "tag:", 4))
            return bad(r, line, "%s wants topic:<n>, json:<key> or tag:<name>, not '%s'", key,
                       value);
        return text_copy(s->id, sizeof(s->id), value) || bad(r, line, "%s: too long%s", key, "");
    }
    log_say(r->log, LOG_WARN, "%s:%d: unknown key %s in [source %s]", p->path, line, key, name);
    return 1;
}

static int key_field(struct reader *r, const char *action, const char *keys, int line)
{
    struct profile *p = r->profile;
    struct profile_key *k = &p->key[p->key_count];

    if (p->key_count == PROFILE_KEYS_MAX)
        return bad(r, line, "more keys than there is room for at %s%s", action, "");
    if (!text_copy(k->action, sizeof(k->action), action) ||
        !text_copy(k->keys, sizeof(k->keys), keys))
        return bad(r, line, "[keys] %s is too long: '%s'", action, keys);
    k->line = line;
    p->key_count++;
    return 1;
}

static int alert_field(struct reader *r, const char *rule, const char *key, const char *value,
                       int line)
{
    struct profile *p = r->profile;
    struct profile_alert_line *a = &p->alert[p->alert_count];

    if (p->alert_count == PROFILE_ALERT_LINES)
        return bad(r, line, "more lines in [alert] sections than there is room for%s%s", "", "");
    if (!text_copy(a->rule, sizeof(a->rule), rule) || !text_copy(a->key, sizeof(a->key), key) ||
        !text_copy(a->value, sizeof(a->value), value))
        return bad(r, line, "[alert %s] %s is too long", rule, key);
    a->line = line;
    p->alert_count++;
    return 1;
}

static int notify_field(struct reader *r, const char *name, const char *key, const char *value,
                        int line)
{
    char why[96] = "";
    int rc = config_notify_field(r->profile, name, key, value, why, sizeof(why));

    if (rc > 0)
        log_say(r->log, LOG_WARN, "%s:%d: unknown key %s in [notify %s]", r->profile->path, line,
                key, name);
    return rc < 0 ? bad(r, line, "%s%s", why, "") : 1;
}

/* Of the sections, or, when that one is known, of its keys. */
struct near {
    const char *section;
    bool known;
};

static const char *nth_near(void *ctx, size_t n)
{
    const struct near *near = ctx;

    if (n >= sizeof(fields) / sizeof(fields[0]))
        return NULL;
    if (!near->known)
        return fields[n].section;
    return strcmp(fields[n].section, near->section) == 0 ? fields[n].key : "";
}

static void unknown(struct reader *r, const char *section, const char *key, int line)
{
    struct near near = { .section = section };
    char hint[80] = "";

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        near.known = near.known || strcmp(fields[i].section, section) == 0;
    const char *word = *section ? word_nearest(near.known ? key : section, nth_near, &near) : NULL;
    if (word)
        text_format(hint, sizeof(hint), near.known ? "; did you mean %s?" : "; did you mean [%s]?",
                    word);
    if (*section)
        log_say(r->log, LOG_WARN, "%s:%d: unknown key [%s] %s (ignored)%s", r->profile->path, line,
                section, key, hint);
    else
        log_say(r->log, LOG_WARN, "%s:%d: %s stands before any [section] (ignored)",
                r->profile->path, line, key);
}

static int on_entry(void *user, const char *section, const char *key, const char *value)
{
    struct reader *r = user;
    int line = r->line;

    if (strncmp(section, "source ", 7) == 0)
        return source_field(r, section + 7, key, value, line);
    if (strncmp(section, "alert ", 6) == 0)
        return alert_field(r, section + 6, key, value, line);
    if (strncmp(section, "notify ", 7) == 0)
        return notify_field(r, section + 7, key, value, line);
    if (strcmp(section, "keys") == 0)
        return key_field(r, key, value, line);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].section, section) == 0 && strcmp(fields[i].key, key) == 0)
            return set_field(r, &fields[i], value, line);
    }
    unknown(r, section, key, line);
    return 1;
}

int config_path(const char *name, char *out, size_t cap, struct err *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    bool fits;

    if (!name)
        name = "default";
    size_t len = strlen(name);
    if (strchr(name, '/') || (len > 4 && strcmp(name + len - 4, ".ini") == 0))
        fits = text_copy(out, cap, name);
    else if (xdg && *xdg)
        fits = text_format(out, cap, "%s/muster/%s.ini", xdg, name);
    else if (home && *home)
        fits = text_format(out, cap, "%s/.config/muster/%s.ini", home, name);
    else
        return err_set(err, EXIT_USAGE, "no home folder to look for profile '%s' in: give a path",
                       name);
    return fits ? 0 : err_set(err, EXIT_USAGE, "profile path is too long: %s", name);
}

static int absolute_dir(struct profile *p, struct err *err)
{
    char cwd[PROFILE_PATH_MAX] = "";
    char *slash = strrchr(p->path, '/');

    if (p->path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
        return err_set(err, EXIT_USAGE, "%s: %s", p->path, strerror(errno));
    int len = slash ? (int)(slash - p->path) : 0;
    bool fits =
        text_format(p->dir, sizeof(p->dir), "%s%s%.*s", cwd, *cwd && len ? "/" : "", len, p->path);
    return fits ? 0 : err_set(err, EXIT_USAGE, "profile path is too long: %s", p->path);
}

/* The profile's name, for people: the file's own, without folder and ending. */
static void name_from_path(struct profile *p)
{
    const char *slash = strrchr(p->path, '/');
    const char *base = slash ? slash + 1 : p->path;
    size_t len = strlen(base);
    if (len > 4 && strcmp(base + len - 4, ".ini") == 0)
        len -= 4;
    if (!text_copy_n(p->name, sizeof(p->name), base, len))
        text_copy(p->name, sizeof(p->name), "profile");
}

static void defaults(struct profile *p)
{
    memset(p, 0, sizeof(*p));
    text_copy(p->root, sizeof(p->root), "devices");
    text_copy(p->ui.theme, sizeof(p->ui.theme), "");
    text_copy(p->ui.ascii, sizeof(p->ui.ascii), "auto");
    text_copy(p->ui.bell, sizeof(p->ui.bell), "crit");
    p->ui.mouse = true;
    p->ui.sync = true;
    p->default_alerts = true;
    p->influx.version = 2;
    p->influx.queue_mb = 64;
    text_copy(p->influx.measurement, sizeof(p->influx.measurement), "readings");
    p->broker.port = 8883;
    p->gateway.max_downloads = 8;
    p->journal_keep_days = 365;
    p->journal_max_mb = 1024;
}

int config_load(const char *name, struct profile *out, const struct log *log, struct err *err)
{
    struct reader r = { .profile = out, .log = log, .err = err };

    defaults(out);
    if (config_path(name, out->path, sizeof(out->path), err) || absolute_dir(out, err))
        return -1;
    name_from_path(out);
    r.file = fopen(out->path, "re");
    if (!r.file) {
        const char *hint = errno == ENOENT ? ". 'scripts/demo' or 'muster pki init' makes one" : "";
        return err_set(err, EXIT_USAGE, "cannot read profile %s: %s%s", out->path, strerror(errno),
                       hint);
    }
    int rc = ini_parse_stream(next_line, &r, on_entry, &r);
    int failed = ferror(r.file) ? errno : 0; /* a folder opens, and can't be read */
    fclose(r.file);
    if (failed)
        return err_set(err, EXIT_USAGE, "cannot read profile %s: %s", out->path, strerror(failed));
    if (r.failed)
        return -1;
    if (rc > 0)
        return err_set(err, EXIT_USAGE, "%s:%d: neither [section] nor key = value", out->path, rc);
    out->broker.tls = out->broker.ca[0] != '\0';
    if (strcmp(out->name, "profile") == 0 && out->fleet[0])
        text_copy(out->name, sizeof(out->name),
                  out->fleet); /* profile.ini says nothing: the fleet does */
    if (!out->broker.host[0])
        return err_set(err, EXIT_USAGE, "%s: [broker] host is missing", out->path);
    struct keymap keys;
    struct alert_rule rules[ALERT_RULES];
    size_t count;
    if (config_alerts(out, rules, &count, err))
        return -1;
    return config_keymap(out, &keys, err);
}
