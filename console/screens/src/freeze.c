#include "frame.h"

#include <string.h>

/* A frozen picture: kept as it was drawn, shown again with a banner until somebody goes on. */

void freeze_keep(struct ui *ui, const struct canvas *c)
{
    canvas_free(ui->picture);
    ui->picture = canvas_new(c->rows, c->cols, c->ascii);
    ui->picture->cursor_row = c->cursor_row;
    ui->picture->cursor_col = c->cursor_col;
    memcpy(ui->picture->cell, c->cell, (size_t)c->rows * (size_t)c->cols * sizeof(*c->cell));
    ui->frozen = true;
    ui->freeze_next = false;
}

void freeze_draw(struct ui *ui, const struct ui_model *m, struct canvas *c)
{
    const struct canvas *p = ui->picture;
    c->cursor_row = p->cursor_row;
    c->cursor_col = p->cursor_col;
    for (int row = 1; row < c->rows && row < p->rows; row++) {
        int cols = c->cols < p->cols ? c->cols : p->cols;
        memcpy(&c->cell[(size_t)row * (size_t)c->cols], &p->cell[(size_t)row * (size_t)p->cols],
               (size_t)cols * sizeof(*c->cell));
        if (cols < p->cols && canvas_at(p, row, cols)->cp == 0)
            c->cell[(size_t)row * (size_t)c->cols + (size_t)cols - 1] =
                (struct cell){ .cp = ' ', .width = 1 };
    }
    struct area banner = area_sub(area_all(c), c->rows > 12 ? 2 : 1, 0, 1, -1);
    char clock[FMT_MAX], age[FMT_MAX];
    area_fill(banner, 0, 0, banner.cols, ROLE_FROZEN, ' ');
    int col = area_printf(banner, 0, 1, ROLE_FROZEN, "frozen at %s, %s ago",
                          fmt_clock(ui->frozen_ms, clock),
                          fmt_passed((m->now_ms - ui->frozen_ms) / 1000, c->words, age));
    area_text(banner, 0, col, ROLE_FROZEN, "   data is still collected   z goes on");
    if (ui->toast.until_ms > m->now_ms) {
        struct area line = area_sub(area_all(c), c->rows - 2, 0, 1, -1);
        area_blank(line);
        draw_message(ui, m, line);
    }
}
