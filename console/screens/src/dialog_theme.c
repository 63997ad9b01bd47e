#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"

/* Themes: the cursor shows each at once, Enter keeps it, Esc brings back the one before. */

enum { NAME_COLS = 20, SAMPLE_COLS = 34, LIST_ROWS = 14 };

static void show(struct step *s, const char *name)
{
    struct ui_effect *e = ui_effect(s, UI_THEME);

    text_copy(e->text, sizeof(e->text), name);
}

void theme_open(struct step *s)
{
    struct theme_menu *t = &s->ui->themes;

    if (s->m->theme_count == 0) {
        ui_say(s, TAIL_WARN, "no theme files were found");
        return;
    }
    t->row = 0;
    text_copy(t->before, sizeof(t->before), s->m->theme ? s->m->theme : "");
    for (size_t i = 0; i < s->m->theme_count; i++)
        if (strcmp(s->m->themes[i], t->before) == 0)
            t->row = (int)i;
    s->ui->dialog = DIALOG_THEME;
}

static void event(struct step *s, const struct ui_event *ev)
{
    struct theme_menu *t = &s->ui->themes;
    int was = t->row;

    if (is_cancel(ev) || is_key(ev, 'q')) {
        show(s, t->before);
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER) && (size_t)t->row < s->m->theme_count) {
        text_copy(s->ui->theme, sizeof(s->ui->theme), s->m->themes[t->row]);
        ui_say(s, TAIL_PLAIN, "theme %s", s->ui->theme);
        ui_save(s);
        dialog_close(s->ui);
    } else {
        if (is_key(ev, 't')) /* the key that opened it goes on */
            t->row = (t->row + 1) % (int)s->m->theme_count;
        else
            list_key(ev, &t->row, (int)s->m->theme_count);
        if (t->row != was && (size_t)t->row < s->m->theme_count)
            show(s, s->m->themes[t->row]);
    }
}

/* Every meaning once, as it looks now. */
static void draw_sample(struct area a)
{
    static const struct {
        enum role role, under;
        const char *text, *word;
    } lines[][3] = {
        { { ROLE_CRIT, ROLE_TEXT, "✗ crit", "crit" },
          { ROLE_WARN, ROLE_TEXT, "▲ warn", "warn" },
          { ROLE_OK, ROLE_TEXT, "● ok", "ok" } },
        { { ROLE_OFFLINE, ROLE_TEXT, "○ offline", "offline" },
          { ROLE_STALE, ROLE_TEXT, "? stale", "stale" },
          { ROLE_UPDATING, ROLE_TEXT, "⇡ updating", "updating" } },
        { { ROLE_TITLE, ROLE_TEXT, "title", "title" },
          { ROLE_DIM, ROLE_TEXT, "dim", "dim" },
          { ROLE_KEY, ROLE_TEXT, "key", "key" } },
        { { ROLE_PLOT, ROLE_TEXT, "▃▄▅▆▇", "plot" },
          { ROLE_PLOT_2, ROLE_TEXT, "▇▆▅▄▃", "second" },
          { ROLE_PLOT_THRESHOLD, ROLE_TEXT, "┈┈┈┈┈", "limit" } },
        { { ROLE_TEXT, ROLE_SELECTION, "selected", "selected" },
          { ROLE_CRIT, ROLE_SELECTION, "✗ crit", "crit" },
          { ROLE_MATCH, ROLE_TEXT, "match", "match" } },
    };

    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) {
            struct area cell = area_sub(a, i, k * 11, 1, 11);
            cell.under = lines[i][k].under;
            area_glyph(cell, 0, 0, lines[i][k].role, lines[i][k].text, lines[i][k].word);
        }
}

static void draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    int count = (int)m->theme_count, rows = count < LIST_ROWS ? count : LIST_ROWS;
    bool roomy = screen.cols >= NAME_COLS + SAMPLE_COLS + 8;
    struct area box = dialog_centred(screen, (rows < 6 ? 6 : rows) + 4,
                                     NAME_COLS + 6 + (roomy ? SAMPLE_COLS + 2 : 0));

    area_box(box, ROLE_FOCUS, "theme", "Enter keeps   Esc: as before");
    struct area in = area_sub(box, 2, 2, box.rows - 4, NAME_COLS);
    int top = list_top(ui->themes.row, in.rows);
    for (int i = 0; i < in.rows && top + i < count; i++) {
        struct area line = list_line(in, i, top + i == ui->themes.row);
        area_field(line, 0, 1, NAME_COLS - 2, ROLE_TEXT, m->themes[top + i], false);
    }
    if (roomy)
        draw_sample(area_sub(box, 2, NAME_COLS + 4, box.rows - 4, SAMPLE_COLS));
}

const struct dialog_ops dialog_theme = { event, draw };
