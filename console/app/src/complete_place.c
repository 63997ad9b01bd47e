#include "complete_place.h"

#include <string.h>

#include "base/text.h"

/* The first row that fits counts; a command "" is any. */
static const struct {
    const char *command, *argument;
    enum complete_kind kind;
} kinds[] = {
    { "pki", "ID", COMPLETE_NOTHING }, /* makes new ones */
    { "alerts ack", "ID", COMPLETE_SUBJECT },
    { "alerts unsilence", "NUMBER", COMPLETE_SILENCE },
    { "rollout", "ID", COMPLETE_ROLLOUT },
    { "journal", "ID", COMPLETE_ROLLOUT },
    { "device rollback", "ROLLOUT", COMPLETE_ROLLOUT },
    { "notify test", "NAME", COMPLETE_SINK },
    { "rollout", "NAME", COMPLETE_TEMPLATE },
    { "release build", "PRODUCT", COMPLETE_NOTHING },
    { "", "ID", COMPLETE_DEVICE },
    { "", "DEVICE", COMPLETE_DEVICE },
    { "", "RULE", COMPLETE_RULE },
    { "", "PRODUCT@VERSION", COMPLETE_RELEASE },
    { "", "PRODUCT", COMPLETE_PRODUCT },
};

static bool is_of(const char *name, const char *command)
{
    size_t len = strlen(command);

    return strncmp(name, command, len) == 0 && (!len || !name[len] || name[len] == ' ');
}

/* "[ID]", "ID…" are "ID". */
static enum complete_kind kind_named(const struct command *c, const char *argument, size_t len)
{
    if (len && *argument == '[') {
        argument++;
        len--;
    }
    size_t word = strspn(argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ@");
    len = word < len ? word : len;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].argument) == len && strncmp(kinds[i].argument, argument, len) == 0 &&
            is_of(c->name, kinds[i].command))
            return kinds[i].kind;
    return COMPLETE_NOTHING;
}

enum complete_kind complete_kind_of(const struct command *c, const char *argument)
{
    return argument ? kind_named(c, argument, strlen(argument)) : COMPLETE_NOTHING;
}

/* Of the n-th word, 0 first: the last may be repeated ("ID…"). Two forms of a command ("a | b")
 * say nothing. */
static enum complete_kind word_kind(const struct command *c, size_t n)
{
    const char *at = c->words ? c->words : "";

    if (strchr(at, '|'))
        return COMPLETE_NOTHING;
    for (;;) {
        size_t len = strcspn(at, " ");
        const char *next = at + len + strspn(at + len, " ");
        bool repeats = len >= 3 && strncmp(at + len - 3, "\xe2\x80\xa6", 3) == 0;
        if (n == 0 || (repeats && !*next))
            return kind_named(c, at, len);
        if (!*next)
            return COMPLETE_NOTHING;
        at = next;
        n--;
    }
}

bool complete_asks(const struct command *c)
{
    for (const struct option *o = c->options; o && o->name; o++)
        if (complete_kind_of(c, o->arg) != COMPLETE_NOTHING)
            return true;
    for (size_t n = 0; n < 4; n++)
        if (word_kind(c, n) != COMPLETE_NOTHING)
            return true;
    return false;
}

/* ---- where the cursor is --------------------------------------------------------------------- */

static const struct option *option_in(const struct option *o, const char *word)
{
    size_t len = strcspn(word, "=");

    for (; o && o->name; o++) {
        if (strncmp(word, "--", 2) == 0 && strlen(o->name) == len - 2 &&
            strncmp(o->name, word + 2, len - 2) == 0)
            return o;
        if (word[0] == '-' && o->letter && word[1] == o->letter && !word[2])
            return o;
    }
    return NULL;
}

static const struct option *option_of(const struct command *c, const char *word)
{
    const struct option *o = c ? option_in(c->options, word) : NULL;

    return o ? o : option_in(cmd_common_options, word);
}

/* Does the word ask for one behind it? */
static const struct option *awaits(const struct command *c, const char *word)
{
    const struct option *o = option_of(c, word);

    return o && o->arg && !strchr(word, '=') ? o : NULL;
}

/* The command that begins at word `at`; 0 words: none does. */
static const struct command *command_at(const struct command *const *tables,
                                        const char *const *word, size_t left, int *used)
{
    char copy[2][40], *argv[2];
    int count = 0;

    for (size_t i = 0; i < left && i < 2 && text_copy(copy[i], sizeof(copy[i]), word[i]); i++)
        argv[count++] = copy[i];
    *used = 0;
    return cmd_find(tables, count, argv, used);
}

static void note_option(const char *const *word, size_t i, size_t last, struct complete_place *out)
{
    if (strcmp(word[i], "--profile") == 0 && i + 1 < last)
        out->profile = word[i + 1];
    else if (strncmp(word[i], "--profile=", 10) == 0)
        out->profile = word[i] + 10;
}

void complete_place(const struct command *const *tables, const char *const *word, size_t count,
                    struct complete_place *out)
{
    const struct command *c = NULL;
    size_t n = 0, last = count ? count - 1 : 0;

    *out = (struct complete_place){ .before = "" };
    for (size_t i = 0; i < last; i++) {
        const struct option *waits = word[i][0] == '-' ? awaits(c, word[i]) : NULL;
        int used;
        note_option(word, i, last, out);
        if (waits && i + 1 == last) {
            out->kind = c ? complete_kind_of(c, waits->arg) : COMPLETE_NOTHING;
            return;
        }
        if (word[i][0] == '-') {
            i += waits != NULL;
        } else if (!c && (c = command_at(tables, word + i, last - i, &used))) {
            i += (size_t)used - 1;
        } else {
            out->before = word[i];
            n++;
        }
    }
    if (c && word[last][0] != '-')
        out->kind = word_kind(c, n);
}
