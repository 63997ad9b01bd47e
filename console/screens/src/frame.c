#include "frame.h"

#include <string.h>

/* A whole picture: the screen between the link's line and the foot, and a dialog over it. */

static void draw_narrow(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    struct area a = area_all(c);
    const struct screen_ops *ops = ui_screen_ops(ui);
    const char *word = screen_word(ui_screen(ui));
    char clock[FMT_MAX];
    bool down = LINK_DOWN(m);
    int col = area_glyph(a, 0, 0, down ? ROLE_DISCONNECTED : ROLE_OK, down ? "✗" : "●",
                         down ? "link down," : "link up,");
    col = area_printf(a, 0, col, ROLE_TITLE, " %s", m->profile ? m->profile : "muster");
    area_printf(a, 0, col, ROLE_DIM, " %s", word);
    if (a.cols >= 30)
        area_right(a, 0, a.cols, ROLE_DIM,
                   a.c->words ? fmt_hm(m->now_ms, clock) : fmt_clock(m->now_ms, clock));
    struct area list = area_sub(a, 1, 0, a.rows > 3 ? a.rows - 2 : -1, -1);
    if (ops->narrow)
        ops->narrow(ui, m, list);
    else if (ops->body)
        ops->body(ui, m, list);
    if (a.rows > 3) {
        struct area low = area_sub(a, a.rows - 1, 0, 1, -1);
        if (ui->toast.until_ms > m->now_ms)
            draw_message(ui, m, low);
        else if (!ops->bar || !ops->bar(ui, m, low))
            draw_keys(ui, low);
    }
}

static void draw_screen(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    const struct screen_ops *ops = ui_screen_ops(ui);
    struct area a = area_all(c);
    int head = ops->head_rows ? ops->head_rows(a.rows, a.cols) : 1;
    int bottom = ops->bottom_rows ? ops->bottom_rows(ui) : a.rows >= 20 ? 4 : 3;

    draw_link_line(m, area_sub(a, 0, 0, 1, -1));
    if (ops->head)
        ops->head(ui, m, area_sub(a, 1, 0, head, -1));
    area_rule(a, 1 + head, NULL, NULL);
    if (ops->body)
        ops->body(ui, m, area_sub(a, 2 + head, 0, a.rows - 2 - head - bottom, -1));
    draw_foot(ui, m, area_sub(a, a.rows - bottom, 0, bottom, -1));
}

void ui_draw(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    canvas_clear(c);
    c->words = ui->fleet.words;
    ui->rows = c->rows;
    ui->cols = c->cols;
    bool small = c->rows < 15 || c->cols < 60;
    if (ui->frozen && !ui->freeze_next) {
        if (!small)
            draw_link_line(m, area_sub(area_all(c), 0, 0, 1, -1));
        freeze_draw(ui, m, c);
    } else {
        if (ui_screen_ops(ui)->refresh)
            ui_screen_ops(ui)->refresh(ui, m);
        if (small)
            draw_narrow(ui, m, c);
        else
            draw_screen(ui, m, c);
    }
    if (ui->freeze_next) {
        freeze_keep(ui, c);
        freeze_draw(ui, m, c);
    }
    const struct dialog_ops *dialog = ui_dialog_ops(ui);
    if (dialog && c->words) /* read by lines: what is beside a box would be read with it */
        area_blank(area_all(c));
    if (dialog) {
        c->hot_count = 0; /* what it hides can't be clicked on */
        dialog->draw(ui, m, area_all(c));
    }
    ui->hot_count = c->hot_count;
    ui->hot_dialog = (int)ui->dialog;
    memcpy(ui->hot, c->hot, sizeof(ui->hot));
    c->cursor_visible |= c->words;
    if (c->cursor_row >= c->rows || c->cursor_row < 0)
        c->cursor_row = c->rows - 1;
    if (c->cursor_col >= c->cols || c->cursor_col < 0)
        c->cursor_col = c->cols - 1;
}
