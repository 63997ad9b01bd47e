#ifndef SCREENS_UI_H
#define SCREENS_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/alert.h"
#include "fleet/fleet.h"
#include "fleet/history.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/order.h"
#include "protocol/release.h"
#include "rollout/rollout.h"
#include "screens/canvas.h"
#include "screens/keymap.h"
#include "screens/tail.h"
#include "screens/trust.h"

/*
 * The whole user interface as a reducer: an event and what is known (`model`) go in, a changed
 * `struct ui` and effects (what the app must now do) come out. No clock, no I/O, no terminal. The
 * loop of the app is:
 *
 *     ui_step(ui, &event, &model, &effects);   for each event
 *     carry the effects out
 *     ui_draw(ui, &model, canvas); term_show(term, canvas, theme);   if something changed
 */

/* ------------------------------------------------------------------ what is known: the model */

/* A release in the store. */
struct ui_release {
    struct release release;
    bool signed_ok;          /* its signature holds under a known release key */
    enum reason why;         /* if not */
    char kid[PROTO_KID_MAX]; /* who says to have signed it; "": nobody */
};
#define UI_RELEASES 256 /* the newest of each product first; more are not shown */

/* A rollout as a list shows it; old ones are not kept in memory whole. */
struct ui_rollout_row {
    char id[PROTO_ROLLOUT_MAX];
    enum rollout_state state;
    char product[PROTO_PRODUCT_MAX], version[PROTO_VERSION_MAX];
    char target[80]; /* as much as is shown */
    char why[ROLLOUT_WHY_MAX];
    char who[65]; /* started it */
    uint32_t devices, done, failed, stage, stage_count;
    int64_t created_ms, started_ms, ended_ms; /* wall; 0: not yet */
};
#define UI_ROLLOUT_ROWS 1000 /* the newest; older ones are in the journal only */

/* What fleet_link() does not know of the connection. */
struct ui_link {
    char host[PROTO_HOST_MAX + 8]; /* "broker-1:8883" */
    bool tls;
    char tls_text[16];   /* "1.3"; may be empty */
    int rtt_ms;          /* -1: not known */
    int64_t retry_at_ms; /* next attempt while down; 0: not planned */
    unsigned attempt;    /* of the next attempt, 1 … */
};

/* What the store remembers of one device (the one on the screen, see ui_wants_past()). */
struct ui_past_series {
    uint32_t reading;
    struct fleet_past past;
};
struct ui_past {
    char id[PROTO_ID_MAX];
    const struct ui_past_series *series;
    size_t count;
    bool loading; /* more is being read */
};

/* A plan saved by name: what the new-rollout dialog may start from. */
struct ui_template {
    char name[PLAN_NAME_MAX];
    struct rollout_plan plan; /* product and version may be empty */
};

/* What only the app can look up while a plan is made. */
struct ui_lookup {
    /* Marks candidates that the journal knows to have failed on this image (hex) before. */
    void (*mark)(void *ctx, const char *image, struct plan_candidate *candidate, uint32_t count);
    /* The rules of a time zone; NULL: this machine has none of that name. */
    const struct zone *(*zone)(void *ctx, const char *name);
    void *ctx;
};

/* An order to the device on the screen, and what it answered. */
#define UI_COMMANDS 32
struct ui_command {
    int64_t sent_ms;     /* 0: not ours, only the answer is known */
    int64_t answered_ms; /* 0: no answer yet */
    enum verb verb;
    uint32_t seq;
    bool ok;
    enum reason reason;
    char detail[PROTO_DETAIL_MAX]; /* raw: clean it before showing */
};
/* An update of it that the journal knows: its part in a rollout. */
#define UI_UPDATES 32
struct ui_update {
    int64_t t_ms; /* of its end, else of the order; 0: never told */
    char rollout[PROTO_ROLLOUT_MAX];
    char version[PROTO_VERSION_MAX];
    enum rollout_device_state state;
    enum reason reason;
    uint32_t attempt;
};
struct ui_device_acts {
    char id[PROTO_ID_MAX];                  /* whose; of another device: not yet read */
    struct ui_command command[UI_COMMANDS]; /* newest first */
    size_t command_count;
    struct ui_update update[UI_UPDATES]; /* newest first */
    size_t update_count;
};

struct ui_model {
    int64_t now_ms;
    const struct fleet *fleet; /* also the link's state and the messages of a device */
    struct alerts *alerts;     /* what fires; NULL: nobody judges. Only its sorting is touched */
    const struct rollout *const *rollouts; /* newest first */
    size_t rollout_count;
    const struct ui_rollout_row *rows; /* all of the journal, newest first; NULL: only `rollouts` */
    size_t row_count;                  /* at most UI_ROLLOUT_ROWS */
    const struct ui_release *releases; /* newest first per product */
    size_t release_count;
    const struct ui_template *templates;
    size_t template_count;
    const struct ui_lookup *lookup; /* NULL: nothing is marked, and no zone but UTC is known */
    const char *next_rollout;    /* the id a rollout started now would have: ranks depend on it */
    const struct crypto *crypto; /* for the ranks in the preview: only sha256 is used */
    const struct ui_past *past;  /* may be NULL */
    const struct ui_device_acts *acts;        /* may be NULL */
    const struct ui_trust *trust;             /* for the keys screen; NULL: not read yet */
    uint64_t trust_seen;                      /* another one when *trust or *key_orders are */
    const struct ui_key_orders *key_orders;   /* may be NULL */
    const struct ui_device_cert *device_cert; /* of the device on the screen; may be NULL */
    const struct ui_link *link;
    const struct tail *log;    /* what the console has to say; may be NULL */
    const char *profile;       /* "demo" */
    const char *operator_name; /* who acts */
    bool prod;                 /* badge */
    bool read_only;            /* acts are refused, with `read_only_why` */
    const char *read_only_why;
    bool may_write;            /* read-only only until somebody asks for more (a prod profile) */
    int64_t write_until_ms;    /* 0: acts are allowed without an end, or not at all */
    const char *engine;        /* NULL: this process runs the rollouts; else who does */
    const char *const *themes; /* names, for the theme key */
    size_t theme_count;
    const char *theme;
    const char *hint; /* a line for the first minute ("Enter opens …"), or NULL */
};

/* --------------------------------------------------------------------------------- events */

enum ui_event_kind { UI_KEY, UI_PASTE, UI_MOUSE, UI_RESIZE, UI_TICK, UI_RESUMED };
enum ui_mouse { UI_CLICK, UI_DOUBLE_CLICK, UI_WHEEL_UP, UI_WHEEL_DOWN };

struct ui_event {
    enum ui_event_kind kind;
    int key;             /* UI_KEY: code point or enum special_key */
    char paste[256];     /* UI_PASTE: valid UTF-8, terminated */
    enum ui_mouse mouse; /* UI_MOUSE */
    int row, col;        /* UI_MOUSE: cell; UI_RESIZE: new size */
};

/* -------------------------------------------------------------------------------- effects */

#define UI_WRITE_MS 900000
enum ui_effect_kind {
    UI_QUIT,
    UI_HAND_OVER,      /* a muster serve in the background takes the rollouts over, then quit */
    UI_PAUSE_AND_QUIT, /* every rollout that runs; quit when that has reached the devices */
    UI_SUSPEND,        /* term_suspend() */
    UI_REDRAW,         /* term_redraw() */
    UI_RECONNECT,      /* now, not at the planned time */
    UI_WATCH,          /* id: fleet_watch() */
    UI_UNWATCH,        /* id: fleet_unwatch() */
    UI_TREND,          /* reading: fleet_set_trend() */
    UI_COMMAND,        /* verb for each of ids; set: of VERB_CONFIG */
    UI_START_ROLLOUT,  /* id: of the rollout; plan; ids: the devices it may touch, in their order */
    UI_PAUSE_ROLLOUT,  /* id */
    UI_RESUME_ROLLOUT,
    UI_ABORT_ROLLOUT,    /* who has switched keeps the new image */
    UI_ROLLBACK_ROLLOUT, /* who has switched goes back */
    UI_APPROVE_ROLLOUT,  /* these three: text is the act's arguments, as rollout_ask_text() */
    UI_RETRY_ROLLOUT,
    UI_SET_ROLLOUT,
    UI_LOAD_ROLLOUT, /* id: an old one is looked at; have it in `rollouts` from now on */
    UI_COPY,         /* text, to the terminal's clipboard */
    UI_EXPORT, /* rows, ids: those shown, in their order; text: the file's name; csv, else JSON */
    UI_THEME,  /* text: name */
    UI_SAVE,   /* what ui_state_write() gives has changed: keep it */
    UI_WRITE,  /* allow acts for UI_WRITE_MS, or, when they are, no longer */
    UI_ALERT_ACK,       /* id: device or rollout, text: rule */
    UI_ALERT_SILENCE,   /* silence: rule, target, reason, until_ms */
    UI_ALERT_UNSILENCE, /* silence: id */
    UI_EXPORT_TAIL,     /* id: the kept messages of a watched device */
    UI_EXPORT_SERIES,   /* id: its readings in past.from_ms … to_ms */
};

/* Of which list UI_EXPORT has rows, and how many of `ids` say which row it is. */
enum ui_rows {
    UI_ROWS_DEVICES,  /* id */
    UI_ROWS_ALERTS,   /* rule, device or rollout */
    UI_ROWS_PAST,     /* the same, and when it fired in Unix ms */
    UI_ROWS_SILENCES, /* number */
    UI_ROWS_ROLLOUTS, /* id */
    UI_ROWS_RELEASES  /* product, version */
};

/* The past that a picture shows, for the app to read and put into the model. */
struct ui_past_want {
    char id[PROTO_ID_MAX];
    int64_t from_ms, to_ms;
    bool minutes; /* in minutes; else quarters of an hour will do */
};

struct ui_effect {
    enum ui_effect_kind kind;
    enum verb verb;   /* UI_COMMAND */
    uint32_t reading; /* UI_TREND; FLEET_NONE: each device's own */
    bool csv;         /* UI_EXPORT */
    enum ui_rows rows;
    const struct order_config *set;
    char id[PROTO_ID_MAX]; /* device or rollout */
    char text[256];
    /* Valid until the next ui_step(). An act hits the ids that were on the screen, no others. */
    const struct rollout_plan *plan;
    const struct alert_silence *silence;
    struct ui_past_want past;  /* UI_EXPORT_SERIES */
    char (*ids)[PROTO_ID_MAX]; /* read only */
    size_t id_count;
};

#define UI_EFFECTS 8
struct ui_effects {
    size_t count;
    struct ui_effect item[UI_EFFECTS];
};

/* ------------------------------------------------------------------------------------ use */

struct ui;
struct ui *ui_new(void);
void ui_free(struct ui *ui); /* NULL is fine */
/* Other keys than the table's: from now on. Copied. */
void ui_set_keymap(struct ui *ui, const struct keymap *keys);
/* On all screens and dialogs: words where glyphs, bars, trends and plots would stand, no rules, a
 * dialog alone on the screen, and the cursor always to be seen. Each picture's canvas gets it. */
void ui_set_words(struct ui *ui, bool words);
/*
 * The table where nobody has chosen another, before ui_state_read(): columns as "fw temperature:12"
 * ("": what the fleet sends), sort as "-temperature fw" ("": worst first). At most so many words of
 * fields and readings; what ui_usual_mistake() finds is passed over.
 */
#define UI_COLUMNS_MAX 31
#define UI_SORTS_MAX   3
void ui_set_usual(struct ui *ui, const char *columns, const char *sort);
/* What is wrong with a list of columns, or of `sort`; false: nothing. Whether anybody sends a
 * reading of that name can't be said here. */
bool ui_usual_mistake(const char *list, bool sort, char *out, size_t cap);

/*
 * What outlives a run, as the text of a small INI file: columns, sort, saved views, past filters.
 * Reading takes what it understands; anything may stand in the text.
 */
#define UI_STATE_MAX 131072
void ui_state_write(const struct ui *ui, char *out, size_t cap);
void ui_state_read(struct ui *ui, const char *text);
const char *ui_theme(const struct ui *ui); /* the one that was chosen and kept, or "" */

/* One event. `out` is overwritten. The model need only be valid during the call. */
void ui_step(struct ui *ui, const struct ui_event *ev, const struct ui_model *model,
             struct ui_effects *out);

/* The whole picture, into a canvas of any size. */
void ui_draw(struct ui *ui, const struct ui_model *model, struct canvas *c);

/* The app has something to tell: shown in the line above the footer until a key or 8 s. */
void ui_notify(struct ui *ui, const struct ui_model *model, enum tail_level level,
               const char *text);

/* Where the user is (tests, and the loop: a watched device survives a reconnect). */
enum screen_id ui_screen(const struct ui *ui);
const char *ui_selected(const struct ui *ui); /* device id, or "" */
bool ui_frozen(const struct ui *ui);
/* The past that the picture shows. False: none. */
bool ui_wants_past(const struct ui *ui, const struct ui_model *model, struct ui_past_want *out);
/* The next moment at which the picture changes by itself (an age, a countdown), Unix ms; the app
 * sends UI_TICK and draws then. Never earlier than now + 100 ms. */
int64_t ui_next_ms(const struct ui *ui, const struct ui_model *model);

#endif
