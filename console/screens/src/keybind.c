#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "screens/keymap.h"

/* Keys by name, and the bindings a profile changes. keymap.c is the table. */

/* ------------------------------------------------------------------------------------- names */

static const struct key_name {
    int key;
    const char *name, *plain;
} names[] = {
    { K_TAB, "Tab", "Tab" },    { K_ENTER, "Enter", "Enter" },
    { K_ESC, "Esc", "Esc" },    { K_BACKSPACE, "Backspace", "Backspace" },
    { ' ', "Space", "Space" },  { K_UP, "↑", "Up" },
    { K_DOWN, "↓", "Down" },    { K_LEFT, "←", "Left" },
    { K_RIGHT, "→", "Right" },  { K_PGUP, "PgUp", "PgUp" },
    { K_PGDN, "PgDn", "PgDn" }, { K_HOME, "Home", "Home" },
    { K_END, "End", "End" },    { K_INSERT, "Ins", "Ins" },
    { K_DELETE, "Del", "Del" }, { K_BACKTAB, "S-Tab", "S-Tab" },
};
#define NAMES (sizeof(names) / sizeof(names[0]))

char *key_text(int key, bool ascii, char *out, size_t cap)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].key == key) {
            snprintf(out, cap, "%s", ascii ? names[i].plain : names[i].name);
            return out;
        }
    }
    if (key >= K_F1 && key <= K_F12) {
        snprintf(out, cap, "F%d", key - K_F1 + 1);
    } else if (key > 0 && key < 32) {
        snprintf(out, cap, "^%c", key + 64);
    } else {
        char utf8[4];
        size_t len = utf8_encode((uint32_t)key, utf8);
        snprintf(out, cap, "%.*s", (int)len, utf8);
    }
    return out;
}

static int control_key(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    return c >= 'A' && c <= '_' ? K_CTRL(c) : K_NONE;
}

int key_from_text(const char *text)
{
    uint64_t n;
    uint32_t cp;
    size_t len = strlen(text);

    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(names[i].name, text) == 0 || strcmp(names[i].plain, text) == 0)
            return names[i].key;
    }
    if (strcmp(text, "Semicolon") == 0) /* begins a comment in an INI file */
        return ';';
    if (text[0] == '^' && len == 2)
        return control_key(text[1]);
    if (text[0] == 'F' && len > 1 && text_to_u64(text + 1, 1, 12, &n))
        return K_FN((int)n);
    size_t used = utf8_decode(text, len, &cp);
    return used && used == len && cp > ' ' && cp != K_BACKSPACE ? (int)cp : K_NONE;
}

/* ---------------------------------------------------------------------------------- bindings */

void keymap_default(struct keymap *k)
{
    size_t count;
    const struct key_binding *table = keymap_table(&count);
    memset(k, 0, sizeof(*k));
    k->count = count < KEYMAP_MAX ? count : KEYMAP_MAX;
    memcpy(k->binding, table, k->count * sizeof(*table));
}

const struct key_binding *keymap_find(const struct keymap *k, enum screen_id screen, int key)
{
    for (size_t i = 0; i < k->count; i++) {
        if (!(k->binding[i].screens & 1u << screen))
            continue;
        for (int n = 0; n < KEYS_PER_ACTION && k->binding[i].key[n]; n++) {
            if (k->binding[i].key[n] == key)
                return &k->binding[i];
        }
    }
    return NULL;
}

const struct key_binding *keymap_of(const struct keymap *k, enum screen_id screen,
                                    enum action action)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->binding[i].action == action && k->binding[i].screens & 1u << screen)
            return &k->binding[i];
    }
    return NULL;
}

static int refuse(char *why, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(char *why, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return -1;
}

static const char *nth_action(void *ctx, size_t n)
{
    (void)ctx;
    return n < ACTION_COUNT ? action_word((enum action)n) : NULL;
}

static enum action action_named(const char *name)
{
    for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
        if (strcmp(action_word((enum action)i), name) == 0)
            return (enum action)i;
    }
    return ACTION_NONE;
}

/* Keys that must always do what they do, whatever a profile says. */
static bool is_reserved(int key)
{
    return key == K_ESC || key == K_ENTER || key == K_CTRL('C');
}

/* Hands hit these by habit: nothing that changes the world. */
static bool is_feared(int key)
{
    return key == K_CTRL('D') || key == K_CTRL('K') || key == K_BACKSPACE || key == K_DELETE;
}

static int parse_keys(const char *keys, enum key_group group, int out[KEYS_PER_ACTION], char *why,
                      size_t cap)
{
    size_t used = 0;
    memset(out, 0, KEYS_PER_ACTION * sizeof(*out));
    if (strcmp(keys, "none") == 0)
        return 0;
    while (*(keys += strspn(keys, " \t"))) {
        char name[16];
        size_t len = strcspn(keys, " \t");
        int key = text_copy_n(name, sizeof(name), keys, len) ? key_from_text(name) : K_NONE;
        if (key == K_NONE)
            return refuse(why, cap, "'%.*s' is no key: write it as the help does (U, F5, ^T, PgUp)",
                          len < 40 ? (int)len : 40, keys);
        if (is_reserved(key))
            return refuse(why, cap, "%s always does the same", name);
        if (group == GROUP_ACT && is_feared(key))
            return refuse(why, cap, "%s is hit by habit: no act may be on it", name);
        if (used == KEYS_PER_ACTION)
            return refuse(why, cap, "at most %d keys", KEYS_PER_ACTION);
        out[used++] = key;
        keys += len;
    }
    return used ? 0 : refuse(why, cap, "a key is wanted, or none");
}

/* The reserved ones of the table stay, behind those that were asked for. */
static void take_keys(struct key_binding *b, const int wanted[KEYS_PER_ACTION])
{
    int key[KEYS_PER_ACTION] = { 0 }, used = 0;
    for (int i = 0; i < KEYS_PER_ACTION && b->key[i]; i++) {
        if (is_reserved(b->key[i]))
            key[used++] = b->key[i];
    }
    for (int i = 0; i < KEYS_PER_ACTION && wanted[i] && used < KEYS_PER_ACTION; i++)
        key[used++] = wanted[i];
    memcpy(b->key, key, sizeof(key));
}

int keymap_bind(struct keymap *k, const char *name, const char *keys, int line, char *why,
                size_t cap)
{
    enum action action = action_named(name);
    bool known = false;
    int key[KEYS_PER_ACTION];
    if (action == ACTION_NONE) {
        const char *near = word_nearest(name, nth_action, NULL);
        return near ? refuse(why, cap, "no action '%.40s'; did you mean %s?", name, near)
                    : refuse(why, cap, "no action '%.40s': docs/console.md lists them", name);
    }
    for (size_t i = 0; i < k->count; i++) {
        struct key_binding *b = &k->binding[i];
        if (b->action != action)
            continue;
        if (parse_keys(keys, b->group, key, why, cap) != 0)
            return -1;
        take_keys(b, key);
        k->line[i] = line;
        known = true;
    }
    return known ? 0 : refuse(why, cap, "%s has no key to change", name);
}

static bool shares_key(const struct key_binding *a, const struct key_binding *b, int *key)
{
    for (int i = 0; i < KEYS_PER_ACTION && a->key[i]; i++) {
        for (int j = 0; j < KEYS_PER_ACTION && b->key[j]; j++) {
            *key = a->key[i];
            if (a->key[i] == b->key[j])
                return true;
        }
    }
    return false;
}

static enum screen_id first_screen(unsigned screens)
{
    int screen = 0;
    while (screen < SCREEN_COUNT - 1 && !(screens & 1u << screen))
        screen++;
    return (enum screen_id)screen;
}

int keymap_check(const struct keymap *k, int *line, char *why, size_t cap)
{
    for (size_t i = 0; i < k->count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct key_binding *a = &k->binding[i], *b = &k->binding[j];
            unsigned both = a->screens & b->screens;
            int key;
            char name[16], where[32] = "as it comes";
            if (!both || !shares_key(a, b, &key))
                continue;
            bool later = k->line[i] >= k->line[j];
            int other = later ? k->line[j] : k->line[i];
            if (other)
                snprintf(where, sizeof(where), "line %d", other);
            *line = later ? k->line[i] : k->line[j];
            return refuse(
                why, cap, "%s would be both %s and %s (%s) on the %s screen",
                key_text(key, true, name, sizeof(name)), action_word(later ? a->action : b->action),
                action_word(later ? b->action : a->action), where, screen_word(first_screen(both)));
        }
    }
    return 0;
}
