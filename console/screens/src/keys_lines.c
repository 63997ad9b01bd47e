#include "keys_view.h"

#include <stdio.h>
#include <string.h>

#include "screens/line_cut.h"

/* The keys screen as lines. */

enum { ORDERS_SHOWN = 64 };

static void add(struct keys_screen *k, enum keys_section section, enum keys_line_kind kind,
                size_t index)
{
    if (k->count == KEYS_LINES)
        return;
    bool right = k->split && section >= KEYS_OF_FLEET;
    k->line[k->count++] = (struct keys_line){ .kind = (uint8_t)kind,
                                              .section = (uint8_t)section,
                                              .column = right,
                                              .index = (uint16_t)index };
}

static void add_text(struct keys_screen *k, const char *text, enum keys_line_kind first,
                     enum keys_line_kind rest, size_t index, size_t width)
{
    for (size_t from = 0; text[from];) {
        size_t len = line_cut(text + from, width);
        add(k, KEYS_TO_DO, from ? rest : first, index);
        k->line[k->count - 1].from = (uint16_t)from;
        k->line[k->count - 1].len = (uint16_t)len;
        from += len + (text[from + len] == ' ');
    }
}

/* Columns of the left or only column of the screen. */
static int width_of(const struct keys_screen *k, int cols)
{
    return k->split ? k->split - 1 : cols;
}

static void add_findings(struct keys_screen *k, int cols, bool words)
{
    int mark = words ? 9 : 2; /* "warning " or "▲ " */
    int room = width_of(k, cols) - KEYS_INDENT - 2 - mark;
    size_t width = (size_t)(room > 20 ? room : 20);

    if (k->finding_count == 0)
        return;
    add(k, KEYS_TO_DO, KEYS_HEAD, 0);
    for (size_t i = 0; i < k->finding_count; i++) {
        add_text(k, k->finding[i].text, KEYS_FINDING, KEYS_FINDING_MORE, i, width);
        add_text(k, k->finding[i].todo, KEYS_TODO, KEYS_TODO_MORE, i, width);
    }
}

/* How much of a fingerprint is in a line: all of it, a half, a quarter. */
int keys_hash_part(const struct keys_screen *k, int cols)
{
    int room = width_of(k, cols) - KEYS_INDENT - KEYS_HASH_LABEL - 1;
    return room >= KEYS_HASH_LEN       ? KEYS_HASH_LEN
           : room >= KEYS_HASH_LEN / 2 ? KEYS_HASH_LEN / 2
                                       : KEYS_HASH_LEN / 4;
}

static void add_identity(struct keys_screen *k, const struct ui_trust *t, int cols)
{
    bool known = t->named && !*t->cert_trouble;

    add(k, KEYS_WHO, KEYS_HEAD, 0);
    add(k, KEYS_WHO, KEYS_NAME, 0);
    add(k, KEYS_WHO, KEYS_KEY_AT, 0);
    if (known) {
        add(k, KEYS_WHO, KEYS_SERIAL, 0);
        for (int i = 0; i < KEYS_HASH_LEN / keys_hash_part(k, cols); i++)
            add(k, KEYS_WHO, i ? KEYS_HASH_MORE : KEYS_HASH, (size_t)i);
    }
    for (size_t i = 0; i < t->authority_count; i++)
        add(k, KEYS_WHO, KEYS_AUTHORITY, i);
}

static void add_keyset(struct keys_screen *k, const struct ui_trust *t)
{
    add(k, KEYS_SET, KEYS_HEAD, 0);
    if (!t->have_keyset) {
        add(k, KEYS_SET, KEYS_NOTE, 0);
        return;
    }
    for (uint32_t i = 0; i < t->keyset.keys.count; i++)
        add(k, KEYS_SET, KEYS_KEY, i);
    add(k, KEYS_SET, KEYS_FLOORS, 0);
}

static void add_adoption(struct keys_screen *k, const struct ui_trust *t)
{
    const struct adoption *a = &k->adoption;

    add(k, KEYS_OF_FLEET, KEYS_HEAD, 0);
    if (t->have_keyset) {
        add(k, KEYS_OF_FLEET, KEYS_SHARE, SHARE_HAVE);
        if (a->version > 1)
            add(k, KEYS_OF_FLEET, KEYS_SHARE, SHARE_BEFORE);
        if (a->version > 2)
            add(k, KEYS_OF_FLEET, KEYS_SHARE, SHARE_OLDER);
        add(k, KEYS_OF_FLEET, KEYS_SHARE, SHARE_UNKNOWN);
    }
    add(k, KEYS_OF_FLEET, KEYS_CERTS, 0);
}

static void add_behind(struct keys_screen *k)
{
    if (k->behind_count == 0)
        return;
    add(k, KEYS_BEHIND_LIST, KEYS_HEAD, 0);
    for (uint32_t i = 0; i < k->behind_count; i++)
        add(k, KEYS_BEHIND_LIST, KEYS_LATE, i);
    if (k->adoption.before + k->adoption.older > k->behind_count)
        add(k, KEYS_BEHIND_LIST, KEYS_MORE, 0);
}

static void add_orders(struct keys_screen *k, const struct ui_key_orders *o)
{
    if (!o || o->count == 0)
        return;
    add(k, KEYS_SENT, KEYS_HEAD, 0);
    for (size_t i = 0; i < o->count && i < ORDERS_SHOWN; i++)
        add(k, KEYS_SENT, KEYS_ORDER, i);
}

void keys_lines(struct ui *ui, const struct ui_model *m)
{
    struct keys_screen *k = &ui->trust;

    k->count = 0;
    k->split = ui->cols >= KEYS_WIDE_COLS && ui->rows >= 15 ? ui->cols / 2 : 0;
    if (!m->trust)
        return;
    add_findings(k, ui->cols, ui->fleet.words);
    if (!k->split) /* what changes comes before what stays */
        add_adoption(k, m->trust);
    add_identity(k, m->trust, ui->cols);
    add_keyset(k, m->trust);
    if (k->split)
        add_adoption(k, m->trust);
    add_orders(k, m->key_orders);
    add_behind(k);
}

bool keys_line_stops(const struct keys_line *line)
{
    switch ((enum keys_line_kind)line->kind) {
    case KEYS_HEAD:
    case KEYS_FINDING_MORE:
    case KEYS_TODO:
    case KEYS_TODO_MORE:
    case KEYS_HASH_MORE:
        return false;
    case KEYS_NOTE:
    case KEYS_FINDING:
    case KEYS_NAME:
    case KEYS_KEY_AT:
    case KEYS_SERIAL:
    case KEYS_HASH:
    case KEYS_AUTHORITY:
    case KEYS_KEY:
    case KEYS_FLOORS:
    case KEYS_SHARE:
    case KEYS_CERTS:
    case KEYS_LATE:
    case KEYS_MORE:
    case KEYS_ORDER:
        break;
    }
    return true;
}

int keys_column_count(const struct keys_screen *k, int column)
{
    int n = 0;
    for (int i = 0; i < k->count; i++)
        n += k->line[i].column == column;
    return n;
}

int keys_column_line(const struct keys_screen *k, int column, int n)
{
    for (int i = 0; i < k->count; i++)
        if (k->line[i].column == column && n-- == 0)
            return i;
    return -1;
}

void keys_line_name(const struct keys_screen *k, const struct ui_model *m, int line, char *out,
                    size_t cap)
{
    const struct keys_line *l = line < k->count ? &k->line[line] : NULL;
    const struct ui_key_orders *o = m->key_orders;

    out[0] = '\0';
    if (!l)
        return;
    if (l->kind == KEYS_LATE && l->index < k->behind_count)
        snprintf(out, cap, "behind %s", k->behind[l->index]);
    else if (l->kind == KEYS_ORDER && o && l->index < o->count)
        snprintf(out, cap, "order %s", o->item[l->index].id);
    else if (l->kind == KEYS_KEY && m->trust && l->index < m->trust->keyset.keys.count)
        snprintf(out, cap, "key %s", m->trust->keyset.keys.key[l->index].kid);
    else if (l->kind == KEYS_FINDING && l->index < k->finding_count)
        snprintf(out, cap, "finding-%s-%d", k->finding[l->index].what, l->index);
    else
        snprintf(out, cap, "line-%d-%d", l->kind, l->index);
}
