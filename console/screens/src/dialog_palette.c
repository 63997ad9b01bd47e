#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"

/* ---------------------------------------------------------------------------------- palette */

#define PALETTE_ROWS 8

void palette_open(struct ui *ui)
{
    ui->palette = (struct palette){ 0 };
    ui->dialog = DIALOG_PALETTE;
}

/* Bindings of this screen whose name or help holds the text; names that begin with it first. */
static int palette_matches(const struct ui *ui, const struct key_binding *out[64])
{
    int used = 0;
    size_t count = ui->keys.count;
    const char *text = ui->palette.field.text;
    const struct key_binding *table = ui->keys.binding;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count && used < 64; i++) {
            const char *name = action_word(table[i].action);
            bool begins = strncmp(name, text, strlen(text)) == 0;
            if (!(table[i].screens & 1u << ui_screen(ui)) || table[i].group == GROUP_MOVE)
                continue;
            if (pass == 0 ? begins
                          : !begins && (text_holds(name, text) || text_holds(table[i].help, text)))
                out[used++] = &table[i];
        }
    }
    return used;
}

static void palette_event(struct step *s, const struct ui_event *ev)
{
    struct palette *p = &s->ui->palette;
    const struct key_binding *match[64];
    int count = palette_matches(s->ui, match);
    bool taken;
    if (is_cancel(ev)) {
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER)) {
        dialog_close(s->ui);
        if (p->row < count)
            ui_act(s, match[p->row]->action); /* as its key would: dialogs still ask */
        else
            ui_say(s, TAIL_WARN, "no command \"%s\" here", p->field.text);
    } else if (is_key(ev, K_DOWN)) {
        p->row += p->row + 1 < count;
    } else if (is_key(ev, K_UP)) {
        p->row -= p->row > 0;
    } else if (is_key(ev, K_TAB)) {
        if (p->row < count)
            field_set(&p->field, action_word(match[p->row]->action));
        p->row = 0;
    } else if (field_event(&p->field, ev, &taken)) {
        p->row = 0;
    }
}

static void palette_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct palette *p = &ui->palette;
    const struct key_binding *match[64];
    int count = palette_matches(ui, match);
    int rows = PALETTE_ROWS + 4 < screen.rows ? PALETTE_ROWS + 4 : screen.rows;
    struct area box = area_sub(screen, screen.rows - rows, 0, rows, -1);
    int page = rows - 3, top = p->row >= page ? p->row - page + 1 : 0;
    (void)m;

    area_blank(box);
    area_rule(box, 0, "command", NULL);
    area_text(box, 1, 1, ROLE_KEY, ":");
    field_draw(&p->field, box, 1, 3, box.cols - 5);
    for (int i = 0; i < page && top + i < count; i++) {
        struct area line = area_sub(box, 2 + i, 0, 1, -1);
        char key[16];
        if (top + i == p->row)
            line = area_over(line, ROLE_SELECTION);
        area_field(line, 0, 3, 18, ROLE_TEXT, action_word(match[top + i]->action), false);
        area_text(line, 0, 23, ROLE_DIM, match[top + i]->help);
        key_text(match[top + i]->key[0], box.c->ascii, key, sizeof(key));
        area_right(line, 0, line.cols - 2, ROLE_KEY, key);
    }
    area_text(box, rows - 1, 3, ROLE_HINT, "Enter runs   Tab completes   ↑↓ choose   Esc cancels");
}

const struct dialog_ops dialog_palette = { palette_event, palette_draw };
