#include "console.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ossl/crypto.h"
#include "screens/config_fields.h"

#include "commands.h"
#include "config_keys.h"
#include "console_loop.h"
#include "console_model.h"
#include "output.h"
#include "planning.h"
#include "ui_file.h"

enum { LOG_LINES = 1000, BACKGROUND_MS = 100 };

static void sink(void *ctx, enum log_level level, const char *line)
{
    struct console *c = ctx;
    enum tail_level as = level == LOG_ERROR  ? TAIL_ERROR
                         : level == LOG_WARN ? TAIL_WARN
                                             : TAIL_PLAIN;
    tail_push(c->lines, session_now(), as, false, "", line, strlen(line));
    pace_changed(&c->pace);
}

static const char *theme_wanted(const struct console *c, const struct cmd_args *args)
{
    const char *wanted = cmd_get(args, "theme", c->cmd->profile->ui.theme);

    if (!c->cmd->color)
        return "mono";
    if (*wanted)
        return wanted;
    return term_is_light(BACKGROUND_MS) ? "default-light" : "default-dark";
}

/* --dump: a picture without a terminal, as large as a small one. */
static void open_picture(struct console *c, bool ascii)
{
    c->canvas = canvas_new(24, 80, ascii);
    theme_mono(&c->theme);
}

static int open_screen(struct console *c, const struct cmd_args *args)
{
    const struct profile *p = c->cmd->profile;
    struct term_options options = { .ascii =
                                        cmd_has(args, "ascii") || strcmp(p->ui.ascii, "yes") == 0,
                                    .utf8 = strcmp(p->ui.ascii, "no") == 0,
                                    .no_mouse = !p->ui.mouse,
                                    .no_sync = !p->ui.sync,
                                    .no_color = !c->cmd->color };
    int rows, cols;

    themes_find(&c->themes);
    if (cmd_has(args, "dump")) {
        open_picture(c, options.ascii);
    } else {
        const char *theme = theme_wanted(c, args); /* asks the terminal, before curses has it */
        c->term = term_open(&options, &c->cmd->err);
        if (!c->term)
            return -1;
        themes_load(&c->themes, theme, &c->theme, &c->log);
        term_size(c->term, &rows, &cols);
        c->canvas = canvas_new(rows, cols, !term_facts(c->term)->utf8);
    }
    c->ui = ui_new();
    struct keymap keys;
    if (config_keymap(p, &keys, &c->cmd->err))
        return -1;
    ui_set_keymap(c->ui, &keys);
    ui_set_words(c->ui, cmd_has(args, "words") || p->ui.words);
    ui_set_usual(c->ui, p->ui.columns, p->ui.sort);
    struct err err;
    if (ui_file_load(p, c->ui, &err))
        log_say(&c->log, LOG_WARN, "%s", err.text);
    if (*ui_theme(c->ui) && c->cmd->color && !cmd_has(args, "theme"))
        themes_load(&c->themes, ui_theme(c->ui), &c->theme, &c->log);
    return 0;
}

static int open_fleet(struct console *c)
{
    const struct profile *p = c->cmd->profile;
    struct session_config config = { .profile = p,
                                     .log = &c->log,
                                     .parts = c->read_only ? SESSION_ENGINE | SESSION_FOLLOW
                                                           : SESSION_ENGINE,
                                     .name = "console" };
    struct err err;

    c->session = session_open(&config, &c->cmd->err);
    if (!c->session)
        return -1;
    c->help = plan_help_new(session_store(c->session));
    c->have_keys = planning_keyset(p, &c->keys, &err) == 0;
    if (!c->have_keys)
        log_say(&c->log, LOG_WARN, "%s", err.text);
    c->releases = release_store_open(p->store_dir, ossl_crypto(), &err);
    if (!c->releases)
        log_say(&c->log, LOG_WARN, "%s", err.text);
    return 0;
}

static void close_all(struct console *c)
{
    term_close(c->term);
    script_free(c->script);
    ui_free(c->ui);
    canvas_free(c->canvas);
    themes_free(&c->themes);
    session_close(c->session);
    release_store_close(c->releases);
    tail_free(c->lines);
    rollout_rows_free(c->rows);
    plan_help_free(c->help);
    past_free(c->past);
    device_acts_free(c->acts);
    keys_watch_free(c->keys_watch);
    free(c->release);
}

/* On the terminal until somebody quits, or the script fails; without one until the script is over.
 */
static int run(struct console *c)
{
    signals_install();
    if (!c->term && !c->script) { /* the first whole picture, and that is it */
        if (session_settle(c->session, PACE_FRAME_MS, &c->cmd->err))
            return (int)c->cmd->err.code;
        console_look_around(c, session_now());
        console_draw(c, session_now());
        console_print(c);
        return EXIT_DONE;
    }
    c->stray = c->term ? stray_open() : NULL;
    console_loop(c);
    term_close(c->term);
    c->term = NULL;
    stray_close(c->stray);
    fputs(c->leaving.told, c->cmd->out);
    return c->failed ? (int)c->cmd->err.code : EXIT_DONE;
}

static int run_console(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct console *c = mem_alloc(sizeof(*c));
    int rc = EXIT_DONE;

    c->cmd = ctx;
    c->log = (struct log){ .sink = sink, .ctx = c, .least = ctx->verbose ? LOG_DEBUG : LOG_INFO };
    c->lines = tail_new(LOG_LINES);
    c->rows = rollout_rows_new();
    c->past = past_new(ctx->profile->journal, &c->log);
    c->acts = device_acts_new(ctx->profile->journal, &c->log);
    c->keys_watch = keys_watch_new(ctx->profile, &c->log);
    c->release = mem_array(CONSOLE_RELEASES_MAX, sizeof(*c->release));
    session_who(c->who, sizeof(c->who));
    c->hints = cmd_has(args, "hint");
    c->read_only = ctx->profile->ui.read_only || cmd_has(args, "read-only");
    c->opened_ms = session_now();
    pace_begin(&c->pace, c->opened_ms);
    const char *script = cmd_get(args, "script", NULL);
    if (script)
        c->script = script_load(script, &ctx->err);
    if ((script && !c->script) || open_fleet(c) || open_screen(c, args))
        rc = (int)ctx->err.code;
    else
        rc = run(c);
    close_all(c);
    free(c);
    return rc;
}

static const struct option console_options[] = {
    { "ascii", 0, NULL, "draw with ASCII only" },
    { "words", 0, NULL, "words and numbers for glyphs, bars and plots; for screen readers" },
    { "read-only", 0, NULL, "only look: no acts, and never drive the rollouts" },
    { "theme", 0, "NAME", "colours: a file in themes/ without .ini" },
    { "script", 0, "FILE", "type the keys of that file: docs/console.md" },
    { "dump", 0, NULL, "no terminal: print the picture when the script is over" },
    { "hint", 0, NULL, "say in the first minute what to press" },
    { 0 },
};

const struct command app_console_command = {
    "", "", "the console", console_options, run_console, COMMAND_PROFILE, NULL,
};
