#include "columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "dialog.h"
#include "screens/palette.h"
#include "views.h"

/*
 * The palette: every act of the screen by name, with what it does and its key beside it; and the
 * few commands that take a word: sort, theme, view, device, filter.
 */
#define PALETTE_ROWS 8
#define ITEMS        64

enum item_kind {
    ITEM_ACTION,
    ITEM_SORT,
    ITEM_THEME,
    ITEM_VIEW,
    ITEM_DEVICE,
    ITEM_ROLLOUT,
    ITEM_FILTER,
    ITEM_WORD /* a command that waits for its word */
};

struct item {
    enum item_kind kind;
    enum action action;
    char name[FIELD_MAX + 8]; /* whole, as it could be typed */
    char help[80];
    int key;
};

struct items {
    struct item item[ITEMS];
    int count;
};

/* The commands that take a word; palette.h names them for the documents. */
static const struct argument {
    struct palette_command is;
    enum item_kind kind;
    enum action action; /* whose key is shown */
    const char *help;   /* %s: the argument */
} arguments[] = {
    { { "sort", "COLUMN…", "sort by up to three columns; -COLUMN turns it round" },
      ITEM_SORT,
      ACTION_SORT,
      "sort by %s" },
    { { "theme", "NAME", "the colours of a theme" }, ITEM_THEME, ACTION_THEME, "colours of %s" },
    { { "view", "NAME", "a saved view" }, ITEM_VIEW, ACTION_VIEWS, "show the saved view %s" },
    { { "device", "ID", "open a device" }, ITEM_DEVICE, ACTION_NONE, "open %s" },
    { { "rollout", "ID", "open a rollout" }, ITEM_ROLLOUT, ACTION_NONE, "rollout of %s" },
    { { "filter", "TEXT", "show only what passes a filter" },
      ITEM_FILTER,
      ACTION_FILTER,
      "show only %s" },
};
#define ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

const struct palette_command *palette_command(size_t n)
{
    return n < ARGUMENTS ? &arguments[n].is : NULL;
}

void palette_open(struct ui *ui)
{
    ui->palette = (struct palette){ 0 };
    ui->dialog = DIALOG_PALETTE;
}

/* -------------------------------------------------------------------------------- what there is */

static int key_of(const struct ui *ui, enum action action)
{
    const struct key_binding *b = keymap_of(&ui->keys, ui_screen(ui), action);
    return b ? b->key[0] : K_NONE;
}

static bool is_offered(const struct ui *ui, const struct key_binding *b)
{
    return b->screens & 1u << ui_screen(ui) && b->group != GROUP_MOVE &&
           b->action != ACTION_PALETTE; /* this is it */
}

/* What it does, and, of an act on devices, to which. */
static void action_help(const struct ui *ui, const struct key_binding *b, char *out, size_t cap)
{
    size_t marked = ui_screen(ui) == SCREEN_FLEET ? ui->fleet.mark_count : 0;
    bool on_devices = b->action == ACTION_REBOOT || b->action == ACTION_CONFIG ||
                      b->action == ACTION_IDENTIFY || b->action == ACTION_COPY;
    bool device = ui_screen(ui) == SCREEN_FLEET || ui_screen(ui) == SCREEN_DEVICE;
    if (on_devices && marked)
        snprintf(out, cap, "%s  %zu marked", b->help, marked);
    else if (on_devices && device && *ui_selected(ui))
        snprintf(out, cap, "%s  %.64s", b->help, ui_selected(ui));
    else
        snprintf(out, cap, "%s", b->help);
}

/* Those whose name begins so; or those that hold it somewhere else. */
static void add_actions(const struct ui *ui, const char *text, bool beginning, struct items *out)
{
    for (size_t i = 0; i < ui->keys.count && out->count < ITEMS; i++) {
        const struct key_binding *b = &ui->keys.binding[i];
        const char *name = action_word(b->action);
        bool begins = strncmp(name, text, strlen(text)) == 0;
        bool holds = !begins && (text_holds(name, text) || text_holds(b->help, text));
        if (!is_offered(ui, b) || !(beginning ? begins : holds))
            continue;
        struct item *item = &out->item[out->count++];
        *item = (struct item){ .action = b->action, .key = b->key[0] };
        snprintf(item->name, sizeof(item->name), "%s", name);
        action_help(ui, b, item->help, sizeof(item->help));
    }
}

/* One with its argument: `head` is what stands before the word. */
static void add_argument(const struct ui *ui, const struct argument *a, const char *head,
                         const char *word, const char *about, struct items *out)
{
    if (out->count == ITEMS)
        return;
    struct item *item = &out->item[out->count];
    *item = (struct item){ .kind = a->kind, .key = key_of(ui, a->action) };
    if (!text_format(item->name, sizeof(item->name), "%s %s%s", a->is.word, head, word))
        return;
    char what[48];
    snprintf(what, sizeof(what), "%.47s", about);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(item->help, sizeof(item->help), a->help, what);
#pragma GCC diagnostic pop
    out->count++;
}

/* Does it begin so, or, when only part of a word was typed, hold it? */
static bool fits(const char *word, const char *typed, bool anywhere)
{
    return anywhere ? text_holds(word, typed) : strncmp(word, typed, strlen(typed)) == 0;
}

static void add_sorts(const struct ui *ui, const struct argument *a, const char *typed,
                      bool anywhere, struct items *out)
{
    const char *word[COLUMN_WORDS];
    char head[FIELD_MAX];
    const char *blank = strrchr(typed, ' '), *last = blank ? blank + 1 : typed;
    last += *last == '-';
    text_copy_n(head, sizeof(head), typed, (size_t)(last - typed));
    size_t count = ui->fleet.of ? column_words(ui->fleet.of, word) : 0;
    const char *alias = reading_canonical(last);
    for (size_t i = 0; i < count; i++) {
        bool same = strcmp(word[i], "trend") != 0 &&
                    (fits(word[i], last, anywhere) || strcmp(word[i], alias) == 0);
        if (same)
            add_argument(ui, a, head, word[i], column_label(ui->fleet.of, word[i]), out);
    }
}

static void add_devices(const struct ui *ui, const struct argument *a, const char *typed,
                        struct items *out)
{
    struct filter_hints *hints = mem_alloc(sizeof(*hints));
    char text[FILTER_TEXT_MAX];
    if (ui->fleet.of && text_format(text, sizeof(text), "id=%.*s", FILTER_TEXT_MAX - 8, typed)) {
        filter_complete(text, strlen(text), ui->fleet.of, hints);
        for (size_t i = 0; i < hints->count; i++)
            add_argument(ui, a, "", hints->word[i], hints->word[i], out);
    }
    free(hints);
}

static void add_rollout(const struct ui *ui, const struct argument *a, const char *id,
                        const char *product, const char *version, struct items *out)
{
    char what[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];

    text_format(what, sizeof(what), "%s %s", product, version);
    add_argument(ui, a, "", id, what, out);
}

static void add_rollouts(const struct ui *ui, const struct ui_model *m, const struct argument *a,
                         const char *typed, bool anywhere, struct items *out)
{
    for (size_t i = 0; m->rows && i < m->row_count; i++)
        if (fits(m->rows[i].id, typed, anywhere))
            add_rollout(ui, a, m->rows[i].id, m->rows[i].product, m->rows[i].version, out);
    for (size_t i = 0; !m->rows && i < m->rollout_count; i++)
        if (fits(m->rollouts[i]->id, typed, anywhere))
            add_rollout(ui, a, m->rollouts[i]->id, m->rollouts[i]->plan.product,
                        m->rollouts[i]->plan.version, out);
}

static void add_values(const struct ui *ui, const struct ui_model *m, const struct argument *a,
                       const char *typed, bool anywhere, struct items *out)
{
    switch (a->kind) {
    case ITEM_SORT:
        add_sorts(ui, a, typed, anywhere, out);
        break;
    case ITEM_THEME:
        for (size_t i = 0; i < m->theme_count; i++) {
            if (fits(m->themes[i], typed, anywhere))
                add_argument(ui, a, "", m->themes[i], m->themes[i], out);
        }
        break;
    case ITEM_VIEW:
        for (size_t i = 0; i < ui->views.count; i++) {
            if (fits(ui->views.item[i].name, typed, anywhere))
                add_argument(ui, a, "", ui->views.item[i].name, ui->views.item[i].name, out);
        }
        break;
    case ITEM_DEVICE:
        if (!anywhere)
            add_devices(ui, a, typed, out);
        break;
    case ITEM_ROLLOUT:
        add_rollouts(ui, m, a, typed, anywhere, out);
        break;
    case ITEM_FILTER:
        if (!anywhere)
            add_argument(ui, a, "", typed, *typed ? typed : "what passes it", out);
        break;
    case ITEM_ACTION:
    case ITEM_WORD:
        break;
    }
}

/* "sort COLUMN…", as a reminder that it takes one. */
static void add_words(const struct ui *ui, const char *text, struct items *out)
{
    for (size_t i = 0; i < ARGUMENTS && out->count < ITEMS; i++) {
        const struct argument *a = &arguments[i];
        if (strncmp(a->is.word, text, strlen(text)) != 0)
            continue;
        struct item *item = &out->item[out->count++];
        *item = (struct item){ .kind = ITEM_WORD, .key = key_of(ui, a->action) };
        snprintf(item->name, sizeof(item->name), "%s %s", a->is.word, a->is.argument);
        snprintf(item->help, sizeof(item->help), "%s", a->is.help);
    }
}

static const struct argument *argument_of(const char *text, const char **rest)
{
    for (size_t i = 0; i < ARGUMENTS; i++) {
        size_t len = strlen(arguments[i].is.word);
        if (strncmp(text, arguments[i].is.word, len) == 0 && text[len] == ' ') {
            *rest = text + len + 1 + strspn(text + len + 1, " ");
            return &arguments[i];
        }
    }
    return NULL;
}

static void list_items(const struct ui *ui, const struct ui_model *m, struct items *out)
{
    char text[FIELD_MAX];
    const char *rest;
    const struct argument *a = argument_of(ui->palette.field.text, &rest);

    /* A blank behind a whole word means nothing; behind a column another may follow. */
    text_copy(text, sizeof(text), ui->palette.field.text);
    if (!a || (a->kind != ITEM_SORT && *rest)) {
        for (size_t len = strlen(text); len > 0 && text[len - 1] == ' ';)
            text[--len] = '\0';
        a = argument_of(text, &rest);
    } else {
        a = argument_of(text, &rest);
    }
    out->count = 0;
    if (a) {
        add_values(ui, m, a, rest, false, out);
        return;
    }
    add_actions(ui, text, true, out);
    add_words(ui, text, out);
    add_actions(ui, text, false, out);
    for (size_t i = 0; i < ARGUMENTS && strlen(text) > 1; i++)
        add_values(ui, m, &arguments[i], text, true, out);
}

/* --------------------------------------------------------------------------------- running one */

static void run_filter(struct step *s, const char *text)
{
    struct filter_error err;
    struct filter *filter = filter_compile(text, &err);
    if (!filter) {
        ui_say(s, TAIL_WARN, "filter: %s (at %zu)", err.text, err.at + 1);
        return;
    }
    filter_free(filter);
    ui_push(s, SCREEN_FLEET);
    fleet_screen_show(s, text, s->ui->fleet.states);
    past_add(&s->ui->past, text);
    ui_save(s);
}

static void run_view(struct step *s, const char *name)
{
    const struct saved_view *v = view_find(s->ui, name);
    if (!v)
        return;
    ui_push(s, SCREEN_FLEET);
    view_apply(s, v);
}

static void run_sort(struct step *s, const char *text)
{
    struct sort_choice by[FLEET_SORT_KEYS];
    size_t count = sort_read(text, by);
    ui_push(s, SCREEN_FLEET);
    fleet_screen_sort_by(s, by, count);
}

static void run(struct step *s, const struct item *item)
{
    const char *rest = strchr(item->name, ' ');
    rest = rest ? rest + 1 : "";
    switch (item->kind) {
    case ITEM_ACTION:
        ui_act(s, item->action); /* as its key would: dialogs still ask */
        break;
    case ITEM_SORT:
        run_sort(s, rest);
        break;
    case ITEM_THEME:
        text_copy(ui_effect(s, UI_THEME)->text, sizeof(s->ui->spare.text), rest);
        break;
    case ITEM_VIEW:
        run_view(s, rest);
        break;
    case ITEM_DEVICE:
        fleet_screen_open(s, rest);
        break;
    case ITEM_ROLLOUT:
        text_copy(s->ui->rollout.id, sizeof(s->ui->rollout.id), rest);
        ui_push(s, SCREEN_ROLLOUT);
        break;
    case ITEM_FILTER:
        run_filter(s, rest);
        break;
    case ITEM_WORD:
        break; /* its word is wanted first: complete() */
    }
}

/* The names for "did you mean": acts of this screen, then the commands with a word. */
static const char *nth_name(void *ctx, size_t n)
{
    const struct ui *ui = ctx;
    if (n < ui->keys.count)
        return is_offered(ui, &ui->keys.binding[n]) ? action_word(ui->keys.binding[n].action) : "";
    return n - ui->keys.count < ARGUMENTS ? arguments[n - ui->keys.count].is.word : NULL;
}

static void say_unknown(struct step *s)
{
    const char *text = s->ui->palette.field.text;
    const char *near = word_nearest(text, nth_name, s->ui);
    if (near)
        ui_say(s, TAIL_WARN, "no command \"%.60s\" here; did you mean %s?", text, near);
    else
        ui_say(s, TAIL_WARN, "no command \"%.60s\" here; Esc and ? lists them", text);
}

/* Tab: the chosen one; behind a command that takes a word, a blank for it. */
static void complete(struct palette *p, const struct item *item)
{
    char text[FIELD_MAX];
    size_t len = item->kind == ITEM_WORD ? strcspn(item->name, " ") : strlen(item->name);
    bool takes = item->kind == ITEM_WORD;
    for (size_t i = 0; i < ARGUMENTS; i++)
        takes = takes || strcmp(arguments[i].is.word, item->name) == 0;
    text_format(text, sizeof(text), "%.*s%s", len < 500 ? (int)len : 500, item->name,
                takes ? " " : "");
    field_set(&p->field, text);
    p->row = 0;
}

static void palette_event(struct step *s, const struct ui_event *ev)
{
    struct palette *p = &s->ui->palette;
    struct items *items = mem_alloc(sizeof(*items));
    bool taken;
    list_items(s->ui, s->m, items);
    const struct item *chosen = p->row < items->count ? &items->item[p->row] : NULL;
    if (is_cancel(ev)) {
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER) && chosen && chosen->kind == ITEM_WORD) {
        complete(p, chosen);
    } else if (is_key(ev, K_ENTER)) {
        dialog_close(s->ui);
        if (chosen)
            run(s, chosen);
        else
            say_unknown(s);
    } else if (is_key(ev, K_DOWN) || is_key(ev, K_UP)) {
        list_key(ev, &p->row, items->count);
    } else if (is_key(ev, K_TAB)) {
        if (chosen)
            complete(p, chosen);
    } else if (field_event(&p->field, ev, &taken)) {
        p->row = 0;
    }
    free(items);
}

static void palette_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct palette *p = &ui->palette;
    struct items *items = mem_alloc(sizeof(*items));
    int rows = PALETTE_ROWS + 4 < screen.rows ? PALETTE_ROWS + 4 : screen.rows;
    struct area box = area_sub(screen, screen.rows - rows, 0, rows, -1);
    int page = rows - 3, top = list_top(p->row, page < 1 ? 1 : page);

    list_items(ui, m, items);
    area_blank(box);
    area_rule(box, 0, "command", NULL);
    area_text(box, 1, 1, ROLE_KEY, ":");
    int name = 18, help = box.cols >= 60 ? 30 : 14;
    for (int i = 0; i < items->count; i++) {
        int width = area_width(box, items->item[i].name);
        name = width > name ? width : name;
    }
    name = name > box.cols - help - 12 ? box.cols - help - 12 : name;
    for (int i = 0; i < page && top + i < items->count; i++) {
        const struct item *item = &items->item[top + i];
        struct area line = area_sub(box, 2 + i, 0, 1, -1);
        char key[16];
        if (top + i == p->row) {
            line = area_over(line, ROLE_SELECTION);
            area_put(line, 0, 1, ROLE_FOCUS, 0x25b8); /* the cursor is in the field */
        }
        area_field(line, 0, 3, name, ROLE_TEXT, item->name, false);
        area_field(line, 0, name + 5, line.cols - name - 13, ROLE_DIM, item->help, false);
        if (item->key)
            area_right(line, 0, line.cols - 2, ROLE_KEY,
                       key_shown(box, item->key, key, sizeof(key)));
    }
    if (items->count == 0)
        area_text(box, 2, 3, ROLE_WARN, "no such command on this screen");
    area_text(box, rows - 1, 3, ROLE_HINT, "Enter runs   Tab completes   ↑↓ choose   Esc cancels");
    field_draw(&p->field, box, 1, 3, box.cols - 5);
    free(items);
}

const struct dialog_ops dialog_palette = { palette_event, palette_draw };
