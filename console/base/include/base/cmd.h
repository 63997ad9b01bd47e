#ifndef BASE_CMD_H
#define BASE_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/profile.h"

/*
 * Commands as tables: dispatch, --help, man pages and shell completion are made from the same rows.
 * A module that has commands exports a `const struct command` array; console/app joins the arrays.
 *
 *   static const struct option init_options[] = {
 *       { "dir", 'd', "DIR", "folder to make it in" },
 *       { "set", 0, "KEY=VALUE", "may be given several times" },
 *       { "force", 0, NULL, "a flag has no argument" },
 *       { 0 },
 *   };
 *   const struct command pki_commands[] = {
 *       { "pki init", "", "make a CA, …", init_options, cmd_pki_init, COMMAND_NO_PROFILE },
 *       { 0 },
 *   };
 *
 * The options every command has (--profile NAME, --json, --no-color, -q, -v, --help) are handled by
 * main.
 */
struct option {
    const char *name; /* long name, without the dashes; NULL ends the table */
    char letter;      /* short name, or 0 */
    const char *arg;  /* what the argument is called in --help; NULL: a flag */
    const char *help;
};

#define CMD_OPTIONS_MAX 64  /* options given in one call */
#define CMD_WORDS_MAX   256 /* positional arguments */

struct cmd_args {
    const struct option *option[CMD_OPTIONS_MAX];
    const char *value[CMD_OPTIONS_MAX]; /* "" for a flag */
    size_t option_count;
    const char *word[CMD_WORDS_MAX];
    size_t word_count;
};

struct cmd_context {
    FILE *out;                     /* the command's output; errors go through `err` */
    const struct log *log;         /* never NULL */
    const struct profile *profile; /* NULL when the command takes none */
    bool json, color, quiet, verbose;
    const char *program; /* path of this program, for starting itself again */
    struct err err; /* what main prints when run() returns other than EXIT_DONE and the text is not
                       empty */
};

/* Returns an enum exit_code. */
typedef int cmd_run_fn(struct cmd_context *ctx, const struct cmd_args *args);

enum command_flags {
    COMMAND_PROFILE = 0,    /* main loads the profile and fails with a clear text when it can't */
    COMMAND_NO_PROFILE = 1, /* ctx->profile is NULL */
    COMMAND_MAYBE_PROFILE = 2, /* loaded when --profile was given or the default one exists */
};

struct command {
    const char *name;             /* one or two words: "ls", "rollout start"; NULL ends the table */
    const char *words;            /* "ID [KEY=VALUE]…" for the usage line */
    const char *summary;          /* one line */
    const struct option *options; /* may be NULL */
    cmd_run_fn *run;
    enum command_flags flags;
    const char *description; /* paragraphs for the man page, or NULL */
};

/* The options that every command has; cmd_parse() accepts them anywhere. */
extern const struct option cmd_common_options[];

/*
 * Sort argv (after the command's words) into options and words. "--" ends options; "--name=value",
 * "--name value", "-n value". 0, or -1 with EXIT_USAGE and a text that names the mistake.
 */
int cmd_parse(const struct command *command, int argc, char **argv, struct cmd_args *args,
              struct err *err);

bool cmd_has(const struct cmd_args *args, const char *name);
/* The last value given, or `otherwise`. */
const char *cmd_get(const struct cmd_args *args, const char *name, const char *otherwise);
/* The i-th value of an option that may be repeated; NULL past the last. */
const char *cmd_nth(const struct cmd_args *args, const char *name, size_t i);
/* A whole number; `out` keeps `otherwise` when absent. 0, or -1 with EXIT_USAGE. */
int cmd_u32(const struct cmd_args *args, const char *name, uint32_t min, uint32_t max,
            uint32_t otherwise, uint32_t *out, struct err *err);
/* "90", "15m" …; as cmd_u32. */
int cmd_seconds(const struct cmd_args *args, const char *name, uint32_t otherwise, uint32_t *out,
                struct err *err);

/* Fail with this text: returns the code, so that a command's failing path is one line. */
int cmd_fail(struct cmd_context *ctx, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Find by the first one or two words of argv; *used gets how many. NULL when there is none. */
const struct command *cmd_find(const struct command *const *tables, int argc, char **argv,
                               int *used);

/* --help of one command. */
void cmd_help(const struct command *command, FILE *out);

#endif
