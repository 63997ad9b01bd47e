#include "field.h"

#include <string.h>

#include "base/text.h"

void field_set(struct field *f, const char *text)
{
    f->len = text_clean(f->text, sizeof(f->text), text, strlen(text));
    f->at = f->len;
}

static size_t before(const struct field *f, size_t at)
{
    if (at == 0)
        return 0;
    at--;
    while (at > 0 && (f->text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static size_t after(const struct field *f, size_t at)
{
    if (at >= f->len)
        return f->len;
    at++;
    while (at < f->len && (f->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static size_t word_before(const struct field *f)
{
    size_t at = f->at;
    while (at > 0 && f->text[at - 1] == ' ')
        at--;
    while (at > 0 && f->text[at - 1] != ' ')
        at--;
    return at;
}

static bool cut(struct field *f, size_t from, size_t to)
{
    if (from >= to)
        return false;
    memmove(f->text + from, f->text + to, f->len - to + 1);
    f->len -= to - from;
    f->at = from;
    return true;
}

static bool insert(struct field *f, const char *text, size_t len)
{
    if (len == 0 || f->len + len >= sizeof(f->text))
        return false;
    memmove(f->text + f->at + len, f->text + f->at, f->len - f->at + 1);
    memcpy(f->text + f->at, text, len);
    f->len += len;
    f->at += len;
    return true;
}

static bool type(struct field *f, int key, bool *taken)
{
    char utf8[4];
    if (key < ' ' || key == 127 || key >= K_FIRST_SPECIAL || !cp_is_drawable((uint32_t)key)) {
        *taken = key < ' ' && key != K_ENTER && key != K_ESC && key != K_TAB;
        return false;
    }
    return insert(f, utf8, utf8_encode((uint32_t)key, utf8));
}

bool field_event(struct field *f, const struct ui_event *ev, bool *taken)
{
    *taken = true;
    if (ev->kind == UI_PASTE) {
        char clean[sizeof(ev->paste)];
        size_t len = text_clean(clean, sizeof(clean), ev->paste, strlen(ev->paste));
        return insert(f, clean, len);
    }
    if (ev->kind != UI_KEY) {
        *taken = false;
        return false;
    }
    switch (ev->key) {
    case K_LEFT:
    case K_CTRL('B'):
        f->at = before(f, f->at);
        return false;
    case K_RIGHT:
    case K_CTRL('F'):
        f->at = after(f, f->at);
        return false;
    case K_HOME:
    case K_CTRL('A'):
        f->at = 0;
        return false;
    case K_END:
    case K_CTRL('E'):
        f->at = f->len;
        return false;
    case K_BACKSPACE:
        return cut(f, before(f, f->at), f->at);
    case K_DELETE:
    case K_CTRL('D'):
        return cut(f, f->at, after(f, f->at));
    case K_CTRL('W'):
        return cut(f, word_before(f), f->at);
    case K_CTRL('U'):
        return cut(f, 0, f->at);
    case K_CTRL('K'):
        return cut(f, f->at, f->len);
    case K_CTRL('C'): /* leaves the field, as Esc does */
        *taken = false;
        return false;
    default:
        return type(f, ev->key, taken);
    }
}

int field_draw(const struct field *f, struct area a, int row, int col, int width)
{
    char head[FIELD_MAX];
    text_copy_n(head, sizeof(head), f->text, f->at);
    int cursor = area_width(a, head);
    int shift = cursor >= width ? cursor - width + 1 : 0;
    struct area room = area_sub(a, row, col, 1, width);

    area_fill(room, 0, 0, width, ROLE_INPUT, ' ');
    area_text(room, 0, -shift, ROLE_INPUT, f->text);
    a.c->cursor_row = room.row;
    a.c->cursor_col = room.col + cursor - shift;
    a.c->cursor_visible = true;
    return col - shift;
}
