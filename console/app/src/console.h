#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cmd.h"
#include "base/log.h"
#include "protocol/keyset.h"
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
    struct session *session;
    struct term *term; /* NULL: pictures are only printed (--dump) */
    struct script *script;
    struct stray *stray;
    struct canvas *canvas;
    struct ui *ui;
    struct theme theme;
    struct themes themes;
    struct tail *lines;
    struct past *past;
    struct device_acts *acts;
    struct keys_watch *keys_watch;
    struct device_cert cert;
    int64_t past_ms;
    struct release_store *releases;
    struct rollout_rows *rows;
    struct plan_help *help;
    struct keyset keys;
    bool have_keys;
    struct ui_release *release;
    size_t release_count;
    int64_t releases_ms;
    char next_rollout[PROTO_ROLLOUT_MAX];
    bool hints;
    int64_t write_until_ms; /* a prod profile acts until then */
    int64_t story;          /* the last event of the journal that was read */
    int64_t opened_ms;
    struct ui_link link;
    char who[65];
    uint64_t drawn; /* fleet_changes() of the last frame */
    int64_t drawn_ms;
    int64_t pause_ms; /* until the next frame that no key asks for */
    bool sending;     /* the last picture is not all sent yet */
    bool noted;       /* the log has grown, or time has passed: drawn at the pace of data */
    int64_t due_ms;   /* when time changes the picture; kept until it is there, for ui_next_ms()
                       * asked again a moment before is never nearer than a tenth of a second */
    bool dirty, quit, failed;
    bool read_only; /* by --read-only or the profile: it never leads either */
    struct asked asked;
    int64_t asked_ms;
    struct leaving leaving;
};

#endif
