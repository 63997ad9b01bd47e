#include "filter_bar.h"
#include "fleet_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "views.h"

/* Typing a filter: what may follow, the filters typed before, and the lines that show both. */

/* ------------------------------------------------------------------------------------- hints */

void filter_bar_hints(struct fleet_screen *f)
{
    filter_complete(f->field.text, f->field.at, f->of, &f->hints);
    f->hint = -1;
}

/* Letters that all hints share. */
static size_t shared(const struct filter_hints *h)
{
    size_t len = h->count ? strlen(h->word[0]) : 0;
    for (size_t i = 1; i < h->count; i++) {
        size_t n = 0;
        while (n < len && h->word[i][n] == h->word[0][n])
            n++;
        len = n;
    }
    return len;
}

/* Put `len` bytes of a hint in the place of what was typed, or of the hint before it. */
static bool fill(const struct typed_filter *t, const char *word, size_t len)
{
    struct filter_hints *h = t->hints;
    struct field *field = t->field;
    char text[FIELD_MAX];
    size_t typed = h->to - h->from;
    if (len == typed && strncmp(field->text + h->from, word, len) == 0)
        return false;
    if (!text_format(text, sizeof(text), "%.*s%.*s%s", (int)h->from, field->text, (int)len, word,
                     field->text + h->to))
        return false;
    size_t at = h->from + len;
    field_set(field, text);
    field->at = at < field->len ? at : field->len;
    h->to = at;
    return true;
}

bool typed_filter_complete(const struct typed_filter *t, int by, void (*again)(void *ctx),
                           void *ctx)
{
    struct filter_hints *h = t->hints;
    int count = (int)h->count, hint = *t->hint;
    if (count == 0)
        return false;
    if (hint < 0 && by > 0 && fill(t, h->word[0], shared(h))) {
        if (count > 1)
            again(ctx);
        return true;
    }
    hint = hint < 0 ? (by > 0 ? 0 : count - 1) : hint + by;
    *t->hint = hint = (hint + count) % count;
    return fill(t, h->word[hint], strlen(h->word[hint]));
}

static void hints_again(void *ctx)
{
    filter_bar_hints(ctx);
}

bool filter_bar_complete(struct fleet_screen *f, int by)
{
    const struct typed_filter t = { &f->field, &f->hints, &f->hint };
    return typed_filter_complete(&t, by, hints_again, f);
}

/* --------------------------------------------------------------------------------- past ones */

/* To an older (+1) or newer (-1) filter; what was being typed comes back at the end. */
bool filter_bar_recall(struct fleet_screen *f, const struct past_filters *past, int by)
{
    int to = f->past_at + by;
    if (to < 0 || to > (int)past->count)
        return false;
    if (f->past_at == 0)
        text_copy(f->typed, sizeof(f->typed), f->field.text);
    f->past_at = to;
    field_set(&f->field, to == 0 ? f->typed : past->text[to - 1]);
    filter_bar_hints(f);
    return true;
}

/* ------------------------------------------------------------------------------------ drawing */

void draw_filter_mistake(const struct field *field, const struct filter_error *error, struct area a,
                         int start)
{
    char head[FILTER_TEXT_MAX];
    size_t at = error->at < field->len ? error->at : field->len;
    text_copy_n(head, sizeof(head), field->text, at);
    int caret = start + area_width(a, head);
    if (a.c->words) {
        char said[FILTER_SAID_MAX];
        area_text(a, 1, 3, ROLE_INPUT_ERROR, filter_error_said(error, field->text, said));
        return;
    }
    area_put(a, 1, caret, ROLE_INPUT_ERROR, '^');
    int width = area_width(a, error->text);
    int col = caret + 2 + width < a.cols ? caret + 2 : a.cols - width - 1;
    area_text(a, a.rows > 2 && col < caret + 2 ? 2 : 1, col, ROLE_INPUT_ERROR, error->text);
}

static int hint_title(const struct fleet_screen *f, struct area a, int row)
{
    const struct filter_hints *h = &f->hints;
    if (!h->value)
        return area_text(a, row, 3, ROLE_DIM, h->count ? "fields " : "");
    uint32_t reading = fleet_reading_find(f->of, h->field);
    if (h->count == 0 && reading != FLEET_NONE) {
        const char *unit = fleet_reading(f->of, reading)->unit;
        area_printf(a, row, 3, ROLE_DIM, "%s: a number%s%s", h->field, *unit ? " in " : "", unit);
    }
    return h->count ? area_printf(a, row, 3, ROLE_DIM, "%s ", h->field) : 3;
}

void draw_filter_hints(const struct filter_hints *h, int hint, struct area a, int row, int col)
{
    int start = col;
    size_t first = 0;
    for (size_t i = 0; hint >= 0 && i <= (size_t)hint; i++) {
        col += area_width(a, h->word[i]) + 2;
        if (col > a.cols - 3) {
            first = i;
            col = start + area_width(a, h->word[i]) + 2;
        }
    }
    col = start;
    for (size_t i = first; i < h->count; i++) {
        bool fits = col + area_width(a, h->word[i]) < a.cols - 2;
        if (!fits) {
            area_put(a, row, a.cols - 2, ROLE_DIM, 0x2026);
            break;
        }
        col = area_text(a, row, col, (int)i == hint ? ROLE_FOCUS : ROLE_TEXT, h->word[i]) + 2;
    }
}

/* Nobody has that in the id or a group; somebody may have it elsewhere. */
static void draw_meant(const struct fleet_screen *f, struct area a, int row)
{
    char meant[FILTER_MEANT_MAX];
    filter_meant(f->field.text, f->of, meant);
    if (*meant)
        area_printf(a, row, 3, ROLE_DIM, "in no id and no group: %s ?", meant);
}

/* Something is wanted where the text ends: that is no mistake yet, and the hints say what. */
static bool is_open(const struct fleet_screen *f)
{
    const struct filter_hints *h = &f->hints;
    bool known = h->count || (h->value && fleet_reading_find(f->of, h->field) != FLEET_NONE);
    return f->bad && f->error.at >= f->field.len && f->field.at == f->field.len && known;
}

/* What can be typed, and which keys there are: the fullest of these that fits. */
static void draw_filter_help(struct area a, int row)
{
    static const char *const help[] = {
        ("temp>25  fw<1.4  state>=warn  seen>5m  group:berlin and not hw=esp32   "
         "Tab fills   ↑ earlier   Enter keeps   Esc cancels"),
        ("temp>25  fw<1.4  state>=warn  seen>5m   "
         "Tab fills   ↑ earlier   Enter keeps   Esc cancels"),
        "temp>25  fw<1.4  state>=warn   Tab fills  ↑ earlier  Enter  Esc",
    };
    size_t i = 0;
    while (i + 1 < sizeof(help) / sizeof(help[0]) && area_width(a, help[i]) + 4 > a.cols)
        i++;
    area_text(a, row, 3, ROLE_HINT, help[i]);
}

/* Where the preview leaves no row for it: the keys, at the end of the row of words. */
static struct area draw_filter_keys(struct area a)
{
    struct area words = a;
    words.cols = area_right(a, 1, a.cols, ROLE_HINT,
                            "   Tab fills   ↑ earlier   Enter keeps   Esc cancels ");
    return words;
}

bool fleet_bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct fleet_screen *f = &ui->fleet;
    char count[64];
    if (!f->editing)
        return false;
    if (f->bad)
        snprintf(count, sizeof(count), "%u shown ", fleet_view_count(f->view));
    else if (f->none)
        snprintf(count, sizeof(count), "no match yet ");
    else if (f->half && f->as_text)
        snprintf(count, sizeof(count), "Enter: text in %u   %u shown ", f->as_text,
                 fleet_view_count(f->view));
    else
        snprintf(count, sizeof(count), "%u of %u ", fleet_view_matched(f->view),
                 fleet_count(m->fleet));
    int end = area_right(a, 0, a.cols, ROLE_DIM, count);
    area_text(a, 0, 1, ROLE_KEY, "/");
    int start = field_draw(&f->field, a, 0, 3, end - 5);
    if (a.rows < 2)
        return true;
    bool wrong = f->bad && !is_open(f);
    if (wrong)
        draw_filter_mistake(&f->field, &f->error, a, start);
    else if (*f->unknown)
        area_printf(a, 1, 3, ROLE_WARN, "nobody has a reading or a group %s", f->unknown);
    else if (f->none && f->hints.count == 0)
        draw_meant(f, a, 1);
    else if (a.rows == 2 && a.cols >= 100)
        draw_filter_hints(&f->hints, f->hint, draw_filter_keys(a), 1, hint_title(f, a, 1));
    else
        draw_filter_hints(&f->hints, f->hint, a, 1, hint_title(f, a, 1));
    if (a.rows > 2 && !wrong)
        draw_filter_help(a, a.rows - 1);
    return true;
}
