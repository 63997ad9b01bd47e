#include "unknown.h"

#include <string.h>

#include "base/cmd.h"
#include "base/text.h"
#include "base/nearest.h"

#include "commands.h"

/* The n-th command of all tables, or NULL. */
static const struct command *nth(size_t n)
{
    for (const struct command *const *t = app_command_tables; *t; t++)
        for (const struct command *c = *t; c->name; c++)
            if (n-- == 0)
                return c;
    return NULL;
}

static const char *second_word(const struct command *c, const char *first)
{
    size_t len = strlen(first);

    return strncmp(c->name, first, len) == 0 && c->name[len] == ' ' ? c->name + len + 1 : NULL;
}

/* Second words behind the first one in ctx. */
static const char *nth_second(void *ctx, size_t n)
{
    const struct command *c = nth(n);
    const char *word = c ? second_word(c, ctx) : NULL;

    return !c ? NULL : word ? word : "";
}

/* The first words, each once. */
enum { FIRSTS = 48, FIRST_MAX = 24 };
struct firsts {
    char word[FIRSTS][FIRST_MAX];
    size_t count;
};

static void find_firsts(struct firsts *f)
{
    const struct command *c;
    char word[FIRST_MAX];

    f->count = 0;
    for (size_t n = 0; (c = nth(n)) != NULL && f->count < FIRSTS; n++) {
        bool there = !text_copy_n(word, sizeof(word), c->name, strcspn(c->name, " "));
        for (size_t i = 0; i < f->count; i++)
            there = there || strcmp(f->word[i], word) == 0;
        if (!there)
            text_copy(f->word[f->count++], FIRST_MAX, word);
    }
}

static const char *nth_first(void *ctx, size_t n)
{
    const struct firsts *f = ctx;

    return n < f->count ? f->word[n] : NULL;
}

static bool is_first(const char *word)
{
    const struct command *c;

    for (size_t n = 0; (c = nth(n)) != NULL; n++)
        if (second_word(c, word))
            return true;
    return false;
}

static void list(const char *first, FILE *out)
{
    const struct command *c;

    for (size_t n = 0; (c = nth(n)) != NULL; n++)
        if (second_word(c, first))
            fprintf(out, "  muster %-20s %s\n", c->name, c->summary);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int no_second(int argc, char **argv)
{
    char first[32];
    const char *second = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL, *near = NULL;

    text_copy_n(first, sizeof(first), argv[0], strnlen(argv[0], sizeof(first) - 1));
    if (wants_help(argc, argv)) {
        printf("usage: muster %s COMMAND …\n\n", first);
        list(first, stdout);
        return EXIT_DONE;
    }
    if (second)
        near = word_nearest(second, nth_second, first);
    if (near)
        fprintf(stderr, "muster: no command '%s %s'; did you mean 'muster %s %s'?\n", first, second,
                first, near);
    else if (second)
        fprintf(stderr, "muster: no command '%s %s'. There are:\n", first, second);
    else
        fprintf(stderr, "muster: %s what? There are:\n", first);
    if (!near)
        list(first, stderr);
    return EXIT_USAGE;
}

int unknown_command(int argc, char **argv)
{
    struct firsts firsts;
    char shown[64];

    if (is_first(argv[0]))
        return no_second(argc, argv);
    find_firsts(&firsts);
    text_clean(shown, sizeof(shown), argv[0], strlen(argv[0]));
    const char *near = word_nearest(argv[0], nth_first, &firsts);
    if (!near) {
        fprintf(stderr, "muster: unknown command '%s': see 'muster --help'\n", shown);
        return EXIT_USAGE;
    }
    fprintf(stderr, "muster: unknown command '%s'; did you mean 'muster %s%s'?\n", shown, near,
            is_first(near) ? " …" : "");
    list(near, stderr);
    return EXIT_USAGE;
}
