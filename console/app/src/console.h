#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cmd.h"
#include "base/log.h"
#include "protocol/keyset.h"
#include "screens/pace.h"
#include "screens/theme.h"
#include "screens/ui.h"
#include "term/term.h"

#include "asked.h"
#include "device_acts.h"
#include "device_cert.h"
#include "keys_watch.h"
#include "leaving.h"
#include "past.h"
#include "plan_help.h"
#include "rollout_rows.h"
#include "script.h"
#include "session.h"
#include "stray.h"
#include "themes.h"

/*
 * The console: everything the screen is drawn from, and what keeps it up to date. For its own files
 * only, in reading order:
 *   console.c          opens and closes it; the options
 *   console_loop.c     the loop: waits, reads keys, draws; the script that types instead of a hand
 *   console_model.c    what the screens see, gathered anew for each picture
 *   console_effects.c  carries out what the UI's reducer says
 *   console_acts.c     those of it that change the world: refused while read-only
 */
#define CONSOLE_RELEASES_MAX UI_RELEASES

struct console {
    struct cmd_context *cmd;
    struct log log;
    char who[65];
    bool read_only; /* by --read-only or the profile: it never leads either */
    bool quit, failed;

    /* The screen: what it is drawn on, how, and when. */
    struct term *term; /* NULL: pictures are only printed (--dump) */
    struct script *script;
    struct stray *stray;
    struct canvas *canvas;
    struct ui *ui;
    struct theme theme;
    struct themes themes;
    struct pace pace;
    uint64_t drawn; /* fleet_changes() of the last picture */

    /* What is drawn. */
    struct session *session;
    struct tail *lines;
    struct past *past;
    int64_t past_ms;
    struct device_acts *acts;
    struct device_cert cert;
    struct keys_watch *keys_watch;
    struct rollout_rows *rows;
    struct plan_help *help;
    struct ui_link link;
    char next_rollout[PROTO_ROLLOUT_MAX];
    int64_t story;  /* the last event of the journal that was read */
    bool past_told; /* what it held when the console began is in the log */
    bool hints;
    int64_t opened_ms;

    /* Releases, with what the keyset says of them. */
    struct release_store *releases;
    struct keyset keys;
    bool have_keys;
    struct ui_release *release; /* CONSOLE_RELEASES_MAX */
    size_t release_count;
    int64_t releases_ms;

    /* What operators do. */
    int64_t write_until_ms; /* a prod profile acts until then */
    struct asked asked;
    int64_t asked_ms;
    struct leaving leaving;
};

#endif
