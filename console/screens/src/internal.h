#ifndef SCREENS_INTERNAL_H
#define SCREENS_INTERNAL_H

#include "field.h"
#include "fleet/alert.h"
#include "fleet/filter.h"
#include "fleet/fleet.h"
#include "fleet/history.h"
#include "fleet/view.h"
#include "fmt.h"
#include "keys_screen.h"
#include "list_filter.h"
#include "rollout/cluster.h"
#include "rollout/rollout.h"
#include "screens/plot.h"
#include "screens/ui.h"

/* What one step works with. */
struct step {
    struct ui *ui;
    const struct ui_model *m;
    struct ui_effects *out;
};

/* One file per screen; each has one of these. Any function may be NULL. */
struct screen_ops {
    /* Before everything else of a frame: take over what changed. */
    void (*refresh)(struct ui *ui, const struct ui_model *m);
    /* A text field on the screen that takes events first; true when it took it. */
    bool (*typing)(struct step *s, const struct ui_event *ev);
    /* A key bound on this screen; false hands it to what all screens share. */
    bool (*action)(struct step *s, enum action action);
    void (*mouse)(struct step *s, const struct ui_event *ev);
    void (*opened)(struct step *s);
    void (*closed)(struct step *s);
    /* The lines below the link's line: how many, and draw them. */
    int (*head_rows)(int rows, int cols);
    int (*bottom_rows)(const struct ui *ui);
    void (*head)(struct ui *ui, const struct ui_model *m, struct area a);
    void (*body)(struct ui *ui, const struct ui_model *m, struct area a);
    /* The line of acts above the keys: text left, and right. */
    void (*acts)(struct ui *ui, const struct ui_model *m, struct area a);
    /* Takes the place of everything below the body's rule (a filter bar); true when it did. */
    bool (*bar)(struct ui *ui, const struct ui_model *m, struct area a);
    /* Below 60 x 15: the list, one line each. */
    void (*narrow)(struct ui *ui, const struct ui_model *m, struct area a);
};
extern const struct screen_ops screen_fleet, screen_device, screen_rollouts, screen_rollout,
    screen_releases, screen_log, screen_alerts, screen_keys;

/* A list with a cursor that is a row number, for lists that don't reorder. */
struct cursor {
    uint32_t row, top;
};
/* Moves by a list action; true when it was one. */
bool cursor_action(struct cursor *c, enum action action, uint32_t count, int page);
void cursor_fit(struct cursor *c, uint32_t count, int page);

/* ------------------------------------------------------------------------------ fleet screen */

#define FLEET_COLUMNS      32
#define FLEET_MARKS_MAX    20000
#define FLEET_HOLD_MS      3000
#define FLEET_PREVIEW      11 /* rows of the preview strip with its rule */
#define FLEET_PREVIEW_ROWS 34 /* a screen that has room for it, at 100 columns */

#define COLUMN_WIDTH_MAX   60
enum column_kind {
    COLUMN_STATE,
    COLUMN_ID,
    COLUMN_PRODUCT,
    COLUMN_HW,
    COLUMN_FW,
    COLUMN_TARGET,
    COLUMN_OTA,
    COLUMN_REASON,
    COLUMN_ROLLOUT,
    COLUMN_GROUPS,
    COLUMN_SEEN,
    COLUMN_RATE,
    COLUMN_ALERTS,
    COLUMN_BOOTS,
    COLUMN_RESET,
    COLUMN_SLOT,
    COLUMN_CERT,
    COLUMN_KEYSET,
    COLUMN_SOURCE,
    COLUMN_TREND,
    COLUMN_READING
};
/* As laid out for the last picture. */
struct column {
    enum column_kind kind;
    uint32_t reading;
    int col, width;
    bool right;
    char word[PROTO_READING_MAX], title[24];
    struct fleet_sort_key key; /* to sort by it; the trend has none */
};
/* By word, as columns.h has them: what a person chose. */
struct column_choice {
    char word[PROTO_READING_MAX];
    int width; /* 0: its own */
};
struct sort_choice {
    char word[PROTO_READING_MAX];
    bool invert;
};

struct fleet_screen {
    const struct fleet *of; /* the view is of this fleet */
    struct fleet_view *view;
    char selected[PROTO_ID_MAX];
    uint32_t row, top;     /* of the selected one at the last refresh */
    int page;              /* rows drawn last */
    int64_t hold_until_ms; /* rows stand still */
    bool touched;          /* a cursor key was pressed: the selection is somebody's choice */
    bool follow, preview_off;
    uint32_t states;                          /* chips: mask, 0 all */
    struct sort_choice sort[FLEET_SORT_KEYS]; /* sort_count of them, at least one */
    size_t sort_count;
    struct fleet_sort_key key[FLEET_SORT_KEYS]; /* those of them that the fleet knows */
    size_t key_count;
    uint32_t key_readings; /* fleet_reading_count() then */
    uint32_t trend;        /* what UI_TREND last asked for */
    bool words;            /* ui_set_words(), for all screens */
    struct column_choice chosen[FLEET_COLUMNS];
    size_t chosen_count; /* 0: the usual ones */
    struct column_choice usual[FLEET_COLUMNS];
    size_t usual_count; /* 0: what the fleet sends */
    struct sort_choice usual_sort[FLEET_SORT_KEYS];
    size_t usual_sort_count;
    char (*mark)[PROTO_ID_MAX]; /* sorted */
    size_t mark_count, mark_cap;
    char last_mark[PROTO_ID_MAX];
    bool editing;
    struct field field;
    char filter[FILTER_TEXT_MAX]; /* in force */
    char before[FILTER_TEXT_MAX]; /* when editing began */
    bool bad;                     /* what is typed does not compile */
    bool none;                    /* it matches nothing and may be half a word: the list stays */
    bool half;                    /* its last word may become a field: not looked at yet */
    uint32_t as_text;             /* how many have that word as a text */
    char kept[PROTO_ID_MAX];      /* selected when the typing began: again as soon as it is shown */
    struct filter_error error;
    char unknown[PROTO_READING_MAX]; /* a name in it that nobody has; "" when there is none */
    struct filter_hints hints;
    int hint;                    /* the one Tab put in; -1: none yet */
    int past_at;                 /* how many filters back; 0: what is being typed */
    char typed[FILTER_TEXT_MAX]; /* that, while an older one is shown */
    bool stale; /* a key changed what is to be shown: refresh in spite of holding */
    struct column column[FLEET_COLUMNS];
    size_t column_count, column_left; /* laid out; chosen but without room */
    int head_row;                     /* screen rows of header and first device, for the mouse */
    int list_row;
    int64_t span_ms; /* of the preview's plot */
    struct plot_axis axis;
    char axis_of[PROTO_ID_MAX];
};

/* Update, reboot, identify, copy: the marked devices, or the selected one, or the one that is
 * open. */
bool fleet_screen_act(struct step *s, enum action action);
/* Their ids, into ui->ids; how many. */
size_t fleet_screen_targets(struct ui *ui);
void fleet_screen_clear_marks(struct ui *ui);
bool fleet_screen_is_marked(const struct ui *ui, const char *id);
void fleet_screen_sort_by(struct step *s, const struct sort_choice *by, size_t count);
/* Open a device by its id. */
void fleet_screen_open(struct step *s, const char *id);
/* Show what passes a filter and has these states. */
void fleet_screen_show(struct step *s, const char *filter, uint32_t states);
/* The ids of all rows shown, in their order, into ui->ids; how many. */
size_t fleet_screen_rows(struct ui *ui);
/* Ask for the trend of what it is sorted by, if that changed. */
void fleet_screen_trend(struct step *s);
/* Select another one in the order of the list; by is +1 or -1. */
void fleet_screen_move(struct ui *ui, const struct ui_model *m, int by);

/* ----------------------------------------------------------------------------- device screen */

enum device_pane {
    PANE_PLOTS,
    PANE_TAIL, /* from here on: one of them is in the lower pane */
    PANE_COMMANDS,
    PANE_UPDATES,
    PANE_IDENTITY,
    DEVICE_PANES
};
/* What values a plot's axis spans. */
enum plot_range { RANGE_ALL, RANGE_MIDDLE, RANGE_FIXED, RANGE_ZERO, PLOT_RANGES };
enum tail_form { TAIL_JSON, TAIL_RAW, TAIL_HEX, TAIL_FORMS };
enum tail_edit { EDIT_NOTHING, EDIT_FILTER, EDIT_FIND };

struct device_screen {
    char id[PROTO_ID_MAX];
    enum device_pane pane, low;
    uint32_t reading; /* cursor among its readings */
    bool large;       /* that one alone, on the whole screen */
    enum plot_range range;
    struct plot_axis axis[PROTO_READINGS];
    int64_t span_ms;
    int64_t end_ms; /* of the plots; 0: now */
    bool paused;    /* the tail stands */
    uint64_t seen;  /* newest tail line that was shown while it followed */
    uint64_t top;   /* paused: number of the lowest line shown */
    uint64_t match; /* the line that n or N stopped at */
    bool wrap;
    enum tail_form form;
    int context; /* lines around one that passes the filter */
    enum tail_edit editing;
    struct field filter, find; /* of the tail: what is shown, and what is marked in it */
    int tail_rows;
    struct cursor row; /* of the commands and updates */
};

/* ---------------------------------------------------------------------------- rollout screens */

struct rollouts_screen {
    char selected[PROTO_ROLLOUT_MAX];
    struct list_filter filter;
    struct cursor cursor; /* where that is */
    int list_row;         /* screen row of the first one, for the mouse */
    int page;
};
enum rollout_pane { ROLLOUT_FLIGHT, ROLLOUT_FAILED, ROLLOUT_STAGES, ROLLOUT_PANES };
enum rollout_sort { ROLLOUT_SLOWEST, ROLLOUT_FURTHEST, ROLLOUT_BY_ID, ROLLOUT_SORTS };
#define ROLLOUT_CAUSES 16 /* clusters of failures that are shown */
struct rollout_screen {
    char id[PROTO_ROLLOUT_MAX];
    enum rollout_pane pane;
    bool chosen;                           /* by a key; until then what has something to say */
    struct cursor device, cause, at_stage; /* in the panes */
    int page;
    enum rollout_sort sort; /* of those in flight */
    /* What Enter on a stage or a cause opened: its devices. */
    bool listing;
    int list_stage, list_reason; /* one of them is -1 */
    struct cursor list;
    /* What the failed have in common; looked for again when `cluster_results` changes. */
    struct cluster cluster[ROLLOUT_CAUSES], whole;
    uint32_t cluster_count, cluster_results;
    char cluster_of[PROTO_ROLLOUT_MAX];
    int64_t cluster_ms;
};
const struct rollout *rollout_of(const struct ui_model *m, const char *id); /* or NULL */
/* Its glyph and role. */
enum role rollout_state_role(enum rollout_state state);
const char *rollout_state_glyph(enum rollout_state state);
/* An act on a rollout, from either screen: its dialog opens. False when the action is none. */
bool rollout_act_key(struct step *s, const char *id, enum action action);
/* The keys of the acts that its state allows; returns the column after them. */
int draw_rollout_acts(const struct ui *ui, const struct rollout *r, const struct ui_model *m,
                      struct area a, int col);

struct list_screen {
    struct cursor cursor;
    int page;
};
struct releases_screen {
    struct cursor cursor; /* among those that pass the filter */
    int page;
    struct list_filter filter;
    uint32_t running[UI_RELEASES]; /* devices, by release; counted at most once a second */
    uint32_t elsewhere;            /* devices that run what is not in the store */
    uint32_t said;                 /* devices that say what they run */
    int64_t counted_ms;
    const struct fleet *of; /* what was counted */
    const struct ui_release *of_store;
    size_t of_count;
};
struct log_screen {
    bool paused;
    uint64_t bottom; /* number of the lowest line shown while paused */
    bool editing, wrap;
    struct field filter;
    int page;
};

enum alerts_pane { ALERTS_NOW, ALERTS_PAST, ALERTS_SILENCES, ALERTS_PANES };
struct alerts_screen {
    struct cursor cursor;
    int page, list_row; /* list_row: of the first one on the screen, for the mouse */
    enum alerts_pane pane;
    char rule[ALERT_NAME_MAX], id[PROTO_ID_MAX]; /* the chosen one … */
    int64_t number;               /* … of a past one when it fired, of a silence its number */
    struct list_filter of_alerts; /* now and past */
    struct list_filter of_silences;
    uint32_t *shown; /* rows that pass, by their place in the pane's whole list */
    uint32_t shown_count, shown_cap, all;
    enum alerts_pane made_pane; /* what `shown` was made from */
    const struct alerts *made_of;
    uint64_t made_version, made_turn;
    int64_t made_s;
    uint32_t mutes[ALERT_SILENCES], devices[ALERT_SILENCES]; /* of the silences, each second */
};
/* The rows of the alerts screen's pane that are shown, as UI_EXPORT has them; how many ids. */
size_t alerts_screen_rows(struct ui *ui, const struct ui_model *m);
size_t rollouts_screen_rows(struct ui *ui, const struct ui_model *m);
size_t releases_screen_rows(struct ui *ui, const struct ui_model *m);

/* ----------------------------------------------------------------------------------- dialogs */

enum dialog {
    DIALOG_NONE,
    DIALOG_CONFIRM,
    DIALOG_HELP,
    DIALOG_PALETTE,
    DIALOG_SORT,
    DIALOG_START,
    DIALOG_FORM,
    DIALOG_COLUMNS,
    DIALOG_VIEWS,
    DIALOG_THEME,
    DIALOG_EXPORT,
    DIALOG_QUIT
};

#define CONFIRM_LINES 10
struct confirm {
    char title[80];
    char line[CONFIRM_LINES][100];
    int lines;
    char type[PROTO_ID_MAX]; /* to be typed; empty: a button */
    struct field field;
    const char *keep, *act; /* the two buttons */
    const char *doing;      /* "Type … to <doing>" */
    bool on_act;            /* which has the focus */
    struct ui_effect effect;
};
void confirm_open(struct ui *ui, const struct confirm *c);

/*
 * A deliberate act that has something to choose or to say: lines that tell what it will do, made
 * anew for each picture, and rows. Enter in the middle goes on; only the last row acts, when its
 * word is typed or its button has the focus.
 */
#define FORM_LINES   12
#define FORM_ROWS    6
#define FORM_OPTIONS 20
enum form_row_kind { FORM_CHOICE, FORM_FIELD };
struct form_row {
    enum form_row_kind kind;
    const char *label, *help;
    struct field field;
};
struct form;
struct form_ops {
    /* Fill form->title, lines, type and problem from what is known now. */
    void (*describe)(struct form *f, const struct ui_model *m);
    /* What the last row does. False: not with these fields; form->problem says why. */
    bool (*effect)(struct form *f, const struct ui_model *m, struct ui_effect *out);
};
struct form {
    const struct form_ops *ops;
    char id[PROTO_ROLLOUT_MAX];
    char title[80], line[FORM_LINES][110];
    char problem[160], refused[160]; /* with the fields as they are; when the last row was tried */
    int lines;
    struct form_row row[FORM_ROWS];
    int rows, at;                     /* at == rows: the last one, which acts */
    char option[FORM_OPTIONS][64];    /* of the one choice */
    int value[FORM_OPTIONS], options; /* what each stands for */
    int chosen;
    char type[PROTO_ID_MAX]; /* to be typed; empty: buttons */
    struct field word;
    const char *keep, *act, *doing; /* as struct confirm */
    bool on_act;
    char (*ids)[PROTO_ID_MAX]; /* in ui->ids: whom it touches, for its effect */
    size_t id_count;
    struct order_config set;
    char rule[ALERT_NAME_MAX], device[PROTO_ID_MAX]; /* of the alert to mute */
    struct alert_silence silence;                    /* for its effect */
};
void form_open(struct ui *ui, const struct form *f);
void form_line(struct form *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The new-rollout dialog: fields, and what they come to. On a wide screen both stand side by side;
 * else the fields are the first page, and the preview with the number to be typed the second.
 */
#define START_ID_SHOWN 3 /* ids kept for each reason to leave a device out */
enum start_row {
    START_RELEASE, /* chosen */
    START_TEMPLATE,
    START_TARGET,
    START_STAGES,
    START_FAILURE,
    START_JITTER,
    START_TRIAL,
    START_FLIGHT,
    START_GROUP,
    START_BANDWIDTH,
    START_WINDOW,
    START_EYES,
    START_LATE,
    START_STOP,
    START_TYPE,
    START_ROWS
};
struct start {
    enum start_row row;
    char product[PROTO_PRODUCT_MAX], version[PROTO_VERSION_MAX];
    int from;                       /* template + 1; 0: the usual plan */
    struct rollout_plan base, plan; /* what it began from, and with the fields */
    struct field field[START_ROWS]; /* of rows that are typed */
    bool eyes, late, abort;         /* of rows that are chosen */
    bool marked;                    /* the target is the marked devices, too many to be named */
    struct plan_preview preview;
    char rollout[PROTO_ROLLOUT_MAX];
    bool good;
    char problem[200];
    enum start_row problem_row;
    uint32_t excluded[PLAN_EXCLUDED_COUNT];
    char excluded_id[PLAN_EXCLUDED_COUNT][START_ID_SHOWN][PROTO_ID_MAX];
    char note[PLAN_NOTES][PLAN_NOTE_TEXT]; /* what is probably not meant */
    uint32_t note_count;
    uint32_t excluded_count, matched;
    uint32_t canary;  /* ids of the first stage */
    size_t id_count;  /* in ui->ids */
    int64_t opens_ms; /* when the window lets the first one start; 0: at once, -1: nobody can say */
};
void start_open(struct step *s, const char *product, const char *version);

struct theme_menu {
    int row;
    char before[32];
};
struct help {
    struct field search;
    int top;
};
struct palette {
    struct field field;
    int row;
};
struct sort_menu {
    int row;
    bool several; /* keys were put together: Enter keeps them */
    struct sort_choice before[FLEET_SORT_KEYS];
    size_t before_count;
};
#define COLUMN_ITEMS 256
struct columns_dialog {
    struct column_choice item[COLUMN_ITEMS]; /* those that are shown first, in their order */
    bool on[COLUMN_ITEMS];
    int count, row;
    bool by_fleet; /* nothing is chosen: what the fleet sends */
    struct column_choice before[FLEET_COLUMNS];
    size_t before_count;
};

/* A saved view of the fleet, see views.h. */
#define VIEWS_MAX     32
#define VIEW_NAME_MAX 25
struct saved_view {
    char name[VIEW_NAME_MAX], filter[FILTER_TEXT_MAX];
    struct column_choice column[FLEET_COLUMNS];
    size_t column_count;
    struct sort_choice sort[FLEET_SORT_KEYS];
    size_t sort_count;
    uint32_t states;
};
struct saved_views {
    struct saved_view item[VIEWS_MAX];
    size_t count;
    char now[VIEW_NAME_MAX]; /* the one that was chosen last */
    int row;                 /* of the dialog */
    bool naming;             /* the field takes a name */
    bool sure;               /* X was pressed once */
    struct field name;
};
/* Filters typed before, the newest first. */
#define PAST_FILTERS 50
struct past_filters {
    char text[PAST_FILTERS][FILTER_TEXT_MAX];
    size_t count;
};
struct export_dialog {
    struct field name;
    bool csv;
    enum ui_rows what;
};

/* Mute this alert, its device's or its rule's; `device` "": of a rollout. */
void alert_mute_open(struct step *s, const char *rule, const char *device);
enum quit_choice { QUIT_STAY, QUIT_HAND_OVER, QUIT_PAUSE, QUIT_LEAVE, QUIT_CHOICES };
struct quit_menu {
    enum quit_choice row;
    uint32_t count; /* rollouts that this console drives */
    char id[PROTO_ROLLOUT_MAX];
    enum rollout_state state; /* of the first */
};
/* Opens when this console drives a rollout; false otherwise: then nothing keeps it. */
bool quit_open(struct ui *ui, const struct ui_model *m);

void help_open(struct ui *ui);
void palette_open(struct ui *ui);
void sort_open(struct ui *ui);
void columns_open(struct step *s);
void views_open(struct step *s);
void theme_open(struct step *s);
void export_open(struct step *s, enum ui_rows what);
void config_open(struct step *s);

struct dialog_ops {
    void (*event)(struct step *s, const struct ui_event *ev);
    void (*draw)(struct ui *ui, const struct ui_model *m, struct area screen);
};
extern const struct dialog_ops dialog_confirm, dialog_help, dialog_palette, dialog_sort,
    dialog_start, dialog_form, dialog_columns, dialog_views, dialog_export, dialog_quit,
    dialog_theme;

/* ---------------------------------------------------------------------------------------- ui */

#define UI_DEPTH 6
struct ui {
    enum screen_id stack[UI_DEPTH];
    int depth;
    struct fleet_screen fleet;
    struct device_screen device;
    struct rollouts_screen rollouts;
    struct rollout_screen rollout;
    struct releases_screen releases;
    struct log_screen log;
    struct alerts_screen alerts;
    struct keys_screen trust;

    enum dialog dialog;
    struct confirm confirm;
    struct form form;
    struct start start;
    struct theme_menu themes;
    char theme[32]; /* somebody chose it; empty: nobody did */
    struct help help;
    struct palette palette;
    struct sort_menu sort;
    struct columns_dialog columns;
    struct saved_views views;
    struct past_filters past;
    struct export_dialog exporting;
    struct quit_menu quit;

    struct {
        enum tail_level level;
        char text[200];
        int64_t until_ms;
    } toast;
    struct canvas *picture; /* frozen: what is shown */
    bool frozen, freeze_next;
    int64_t frozen_ms;
    int rows, cols; /* of the last picture */
    struct keymap keys;
    struct canvas_hot hot[CANVAS_HOTS]; /* of the last picture */
    int hot_count;
    int hot_dialog; /* enum dialog: they are its buttons, or with DIALOG_NONE the screen's keys */

    char (*ids)[PROTO_ID_MAX]; /* for effects */
    size_t ids_cap;
    struct ui_effect spare; /* where effects beyond UI_EFFECTS go */
    struct fleet_point point[2 * CANVAS_COLS_MAX];
};

/* Something that outlives the run changed: UI_SAVE, once a step. */
void ui_save(struct step *s);
void ui_push(struct step *s, enum screen_id screen);
void ui_back(struct step *s);
/* What a key bound to it would do on the present screen (also the palette's way). */
void ui_act(struct step *s, enum action action);
struct ui_effect *ui_effect(struct step *s, enum ui_effect_kind kind);
void ui_say(struct step *s, enum tail_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* False, and says why, when acts are refused. */
bool ui_may_act(struct step *s);
/* Room for `count` ids in ui->ids. */
void ui_ids_room(struct ui *ui, size_t count);

/* Shared drawing. */
enum role state_role(enum fleet_state state);
uint32_t state_glyph(enum fleet_state state);
/* Its glyph, or its word where words are wanted; the column after it. */
int draw_state(struct area a, int row, int col, enum fleet_state state);
/* "warn" or "error"; "" for a plain line. */
const char *tail_level_word(enum tail_level level);
/* Its glyph before a line of the log, in column 0: without colours nothing else tells it. On a
 * canvas with words nothing: there the word stands before the text. */
void draw_log_level(struct area a, int row, enum tail_level level);
/* A line of a keys' footer: "Enter open  / filter …" for the bindings of a screen. */
void draw_keys(const struct ui *ui, struct area a);
/* "▸" in the first row of a selected line, with the terminal's cursor on it. */
void area_pointer(struct area line, int col);
/* A key's name as this canvas can show it; returns out. */
char *key_shown(struct area a, int key, char *out, size_t cap);
/* "── title ── right ──" drawn with FOCUS when the pane has the focus. */
void draw_pane_rule(struct area a, int row, bool focus, const char *title, const char *right);
/* "u update…" in a line of acts; drawn whole or not at all, and a click on it is the key. Returns
 * the column after it. draw_action() takes the key from the keymap; nothing when it has none. */
int draw_act(struct area a, int col, const char *key, const char *word);
int draw_action(const struct ui *ui, struct area a, int col, enum action action, const char *word);
/* At the right end of such a line, if there is room right of `col`. */
void draw_act_right(struct area a, int col, const char *text);
/* Texts of a device (detail) made safe; returns out. */
const char *clean(char *out, size_t cap, const char *text);

/* The limits that alert rules set for a device's reading, as dotted lines of its plot. */
void plot_limits(const struct ui_model *m, const struct fleet_device *d, uint32_t reading,
                 struct plot *p);
/* Where a reading stands among others: small first. */
int reading_place(const char *name);
/* It only counts up: a fact, not a curve. */
bool reading_is_count(const char *name);

#define LINK_DOWN(m) (!fleet_link((m)->fleet)->up)
#define SPAN_AUTO    0 /* until a key chooses: up to 30 min, less while there is less to see */
/* The span in force for a device. */
int64_t span_now(const struct ui_model *m, const struct fleet_device *d, int64_t span_ms);
/* What a store remembers of a device's reading, or NULL. */
const struct fleet_past *past_of(const struct ui_model *m, const char *id, uint32_t reading);
/* Why it is in its state, with the value and since when if an alert says so; "" when ok. */
void device_why(const struct ui_model *m, const struct fleet_device *d, char *out, size_t cap);
/* fleet_series_past() with that. */
uint32_t series_of(const struct ui_model *m, const struct fleet_device *d, uint32_t reading,
                   int64_t from_ms, int64_t to_ms, struct fleet_point *out, uint32_t columns,
                   struct fleet_series_stats *stats);
/* Is the preview strip shown? (fleet_draw.c) */
bool fleet_has_preview(const struct ui *ui);
/* Where a plot of `count` columns ends: at or after now, by whole steps of four columns, so that a
 * curve stands still between two steps instead of creeping, dot by dot, over the wire. */
int64_t span_end(const struct ui_model *m, int64_t span_ms, int count);
/* + and -: one step from what is shown of the selected device. */
void change_span(struct step *s, int64_t *span_ms, int by);
/* "30m", "6h" */
const char *span_text(int64_t span_ms);

#endif
