#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The small parts that all screens are made of. */

enum role state_role(enum fleet_state state)
{
    static const enum role roles[FLEET_STATES] = {
        [FLEET_CRIT] = ROLE_CRIT,         [FLEET_WARN] = ROLE_WARN,
        [FLEET_OFFLINE] = ROLE_OFFLINE,   [FLEET_STALE] = ROLE_STALE,
        [FLEET_UPDATING] = ROLE_UPDATING, [FLEET_OK] = ROLE_OK,
    };
    return (unsigned)state < FLEET_STATES ? roles[state] : ROLE_TEXT;
}

uint32_t state_glyph(enum fleet_state state)
{
    static const uint32_t glyphs[FLEET_STATES] = {
        [FLEET_CRIT] = 0x2717, [FLEET_WARN] = 0x25b2,     [FLEET_OFFLINE] = 0x25cb,
        [FLEET_STALE] = '?',   [FLEET_UPDATING] = 0x21e1, [FLEET_OK] = 0x25cf,
    };
    return (unsigned)state < FLEET_STATES ? glyphs[state] : ' ';
}

int draw_state(struct area a, int row, int col, enum fleet_state state)
{
    if (a.c->words)
        return area_text(a, row, col, state_role(state), fleet_state_word(state));
    return area_put(a, row, col, state_role(state), state_glyph(state));
}

const char *clean(char *out, size_t cap, const char *text)
{
    text_clean(out, cap, text ? text : "", text ? strlen(text) : 0);
    return out;
}

const char *tail_level_word(enum tail_level level)
{
    return level == TAIL_WARN ? "warn" : level == TAIL_ERROR ? "error" : "";
}

void draw_log_level(struct area a, int row, enum tail_level level)
{
    if (level == TAIL_WARN)
        area_mark(a, row, 0, ROLE_LOG_WARN, "▲");
    if (level == TAIL_ERROR)
        area_mark(a, row, 0, ROLE_LOG_ERROR, "✗");
}

void area_pointer(struct area line, int col)
{
    area_put(line, 0, col, ROLE_FOCUS, 0x25b8);
    area_cursor(line, 0, col);
}

char *key_shown(struct area a, int key, char *out, size_t cap)
{
    return key_text(key, a.c->ascii || a.c->words, out, cap);
}

int draw_act(struct area a, int col, const char *key, const char *word)
{
    int start = col;
    if (col + area_width(a, key) + area_width(a, word) + 1 > a.cols)
        return col;
    col = area_text(a, 0, col, ROLE_KEY, key);
    col = area_printf(a, 0, col, ROLE_HINT, " %s  ", word);
    area_hot(a, 0, start, col - 2, key_from_text(key));
    return col;
}

int draw_action(const struct ui *ui, struct area a, int col, enum action action, const char *word)
{
    const struct key_binding *b = keymap_of(&ui->keys, ui_screen(ui), action);
    char name[16];
    if (!b || !b->key[0])
        return col;
    return draw_act(a, col, key_shown(a, b->key[0], name, sizeof(name)), word);
}

void draw_act_right(struct area a, int col, const char *text)
{
    if (col + area_width(a, text) < a.cols)
        area_right(a, 0, a.cols - 1, ROLE_DIM, text);
}

void draw_pane_rule(struct area a, int row, bool focus, const char *title, const char *right)
{
    bool room = right && area_width(a, title) + area_width(a, right) + 10 < a.cols;
    area_rule(a, row, NULL, room ? right : NULL);
    char text[160];
    snprintf(text, sizeof(text), " %s ", title);
    area_text(area_sub(a, row, 2, 1, a.cols - 4), 0, 0, focus ? ROLE_FOCUS : ROLE_TITLE, text);
    if (focus && row < a.rows) /* until a row of it is chosen */
        area_cursor(a, row, 3);
}
