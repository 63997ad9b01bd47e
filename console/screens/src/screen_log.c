#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What the console has to say: acts and their results, warnings. */

static bool passes(const struct log_screen *l, const struct tail_line *line)
{
    return line && (l->filter.len == 0 || strstr(line->text, l->filter.text) ||
                    strstr(line->label, l->filter.text));
}

/* Index of the line with that number, or of the nearest kept. */
static size_t index_of(const struct tail *t, uint64_t number)
{
    uint64_t newest = tail_total(t);
    size_t count = tail_count(t);
    if (count == 0 || number >= newest)
        return count ? count - 1 : 0;
    uint64_t back = newest - number;
    return back >= count ? 0 : count - 1 - (size_t)back;
}

static void go(struct step *s, int by, int lines)
{
    struct log_screen *l = &s->ui->log;
    const struct tail *t = s->m->log;
    if (!t || tail_count(t) == 0)
        return;
    if (!l->paused) {
        if (by > 0)
            return;
        l->paused = true;
        l->bottom = tail_total(t);
    }
    size_t at = index_of(t, l->bottom);
    while (lines > 0) {
        if (by < 0 ? at == 0 : at + 1 >= tail_count(t)) {
            l->paused = by < 0;
            break;
        }
        at = by < 0 ? at - 1 : at + 1;
        lines -= passes(l, tail_at(t, at));
    }
    l->bottom = tail_at(t, at)->number;
}

static bool typing(struct step *s, const struct ui_event *ev)
{
    struct log_screen *l = &s->ui->log;
    bool taken;
    if (!l->editing)
        return false;
    field_event(&l->filter, ev, &taken);
    if (ev->kind != UI_KEY || taken)
        return true;
    if (ev->key == K_ESC || ev->key == K_CTRL('C'))
        field_set(&l->filter, "");
    l->editing = ev->key != K_ESC && ev->key != K_CTRL('C') && ev->key != K_ENTER;
    return true;
}

/* The lowest line on the screen: the command just given, or what was scrolled to. */
static void copy(struct step *s)
{
    const struct log_screen *l = &s->ui->log;
    const struct tail *t = s->m->log;
    size_t count = t ? tail_count(t) : 0;
    size_t at = count == 0 ? 0 : l->paused ? index_of(t, l->bottom) + 1 : count;

    while (at > 0 && !passes(l, tail_at(t, at - 1)))
        at--;
    if (at == 0)
        ui_say(s, TAIL_PLAIN, "there is no line to copy");
    else if (strlen(tail_at(t, at - 1)->text) >= sizeof(s->ui->spare.text))
        ui_say(s, TAIL_WARN, "the line is too long for the clipboard");
    else
        text_copy(ui_effect(s, UI_COPY)->text, sizeof(s->ui->spare.text), tail_at(t, at - 1)->text);
}

static bool action_taken(struct step *s, enum action action)
{
    struct log_screen *l = &s->ui->log;
    switch ((int)action) {
    case ACTION_UP:
        go(s, -1, 1);
        return true;
    case ACTION_DOWN:
        go(s, 1, 1);
        return true;
    case ACTION_PAGE_UP:
    case ACTION_HALF_UP:
        go(s, -1, l->page);
        return true;
    case ACTION_PAGE_DOWN:
    case ACTION_HALF_DOWN:
        go(s, 1, l->page);
        return true;
    case ACTION_FIRST:
        go(s, -1, TAIL_CAP_MAX);
        return true;
    case ACTION_LAST:
        l->paused = false;
        return true;
    case ACTION_FOLLOW:
        l->paused = !l->paused;
        l->bottom = tail_total(s->m->log);
        return true;
    case ACTION_WRAP:
        l->wrap = !l->wrap;
        return true;
    case ACTION_FILTER:
        l->editing = true;
        return true;
    case ACTION_COPY:
        copy(s);
        return true;
    case ACTION_BACK:
        if (!l->filter.len)
            return false;
        field_set(&l->filter, "");
        return true;
    default:
        return false;
    }
}

static bool has_labels(const struct tail *t)
{
    for (size_t i = 0; i < tail_count(t); i++) {
        if (*tail_at(t, i)->label)
            return true;
    }
    return false;
}

static int draw_line(const struct log_screen *l, const struct tail_line *line, struct area a,
                     int bottom, bool labels)
{
    static const enum role roles[] = { ROLE_TEXT, ROLE_LOG_WARN, ROLE_LOG_ERROR };
    char clock[FMT_MAX];
    const char *level = a.c->words ? tail_level_word(line->level) : "";
    int label = labels && a.cols >= 80 ? 14 : 0, said = *level ? area_width(a, level) + 2 : 0;
    int col = 10 + label + said, room = a.cols - col - 1;
    int width = area_width(a, line->text);
    int rows = l->wrap && room > 0 && width > room ? (width + room - 1) / room : 1;
    int row = bottom - rows;
    draw_log_level(a, row, line->level);
    area_text(a, row, 1, ROLE_DIM, fmt_clock(line->at_ms, clock));
    if (*level)
        area_printf(a, row, col - said, roles[line->level], "%s: ", level);
    if (label)
        area_field(a, row, 10, label - 1, ROLE_DIM, line->label, false);
    if (!l->wrap)
        area_field(a, row, col, room, roles[line->level], line->text, false);
    for (int i = 0; l->wrap && i < rows; i++)
        area_text(area_sub(a, row + i, col, 1, room), 0, -i * room, roles[line->level], line->text);
    return row;
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct log_screen *l = &ui->log;
    size_t count = m->log ? tail_count(m->log) : 0;
    l->page = a.rows;
    if (count == 0) {
        area_text(a, 1, 2, ROLE_DIM, "Nothing has been said yet.");
        return;
    }
    bool labels = has_labels(m->log);
    size_t at = l->paused ? index_of(m->log, l->bottom) : count - 1;
    int row = a.rows;
    /* Few lines stand at the top, many at the bottom. */
    if (!l->wrap && at + 1 < (size_t)a.rows)
        row = (int)at + 1;
    bool newest = true;
    for (size_t i = at + 1; i-- > 0 && row > 0;) {
        const struct tail_line *line = tail_at(m->log, i);
        if (!passes(l, line))
            continue;
        row = draw_line(l, line, a, row, labels);
        if (newest)
            area_cursor(a, row < 0 ? 0 : row, 1);
        newest = false;
    }
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct log_screen *l = &ui->log;
    char text[120];
    int col = area_text(a, 0, 1, ROLE_CRUMB, "log");
    if (l->filter.len)
        area_printf(a, 0, col, ROLE_TEXT, " › %s", l->filter.text);
    if (l->paused)
        snprintf(text, sizeof(text), "paused, %llu newer, G live ",
                 (unsigned long long)(tail_total(m->log) - l->bottom));
    else
        snprintf(text, sizeof(text), a.c->words ? "live " : "● live ");
    area_right(a, 0, a.cols, ROLE_DIM, text);
}

static bool bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    (void)m;
    if (!ui->log.editing)
        return false;
    area_text(a, 0, 1, ROLE_KEY, "/");
    field_draw(&ui->log.filter, a, 0, 3, a.cols - 5);
    return true;
}

const struct screen_ops screen_log = {
    .typing = typing,
    .action = action_taken,
    .head = head,
    .body = body,
    .bar = bar,
};
