#include "internal.h"

void cursor_fit(struct cursor *c, uint32_t count, int page)
{
    uint32_t rows = page < 1 ? 1 : (uint32_t)page;
    if (c->row >= count)
        c->row = count ? count - 1 : 0;
    if (c->top > c->row)
        c->top = c->row;
    if (c->row >= c->top + rows)
        c->top = c->row - rows + 1;
    if (c->top + rows > count)
        c->top = count > rows ? count - rows : 0;
}

bool cursor_action(struct cursor *c, enum action action, uint32_t count, int page)
{
    int64_t row = c->row;
    switch ((int)action) {
    case ACTION_UP:
        row -= 1;
        break;
    case ACTION_DOWN:
        row += 1;
        break;
    case ACTION_PAGE_UP:
        row -= page;
        break;
    case ACTION_PAGE_DOWN:
        row += page;
        break;
    case ACTION_HALF_UP:
        row -= page / 2;
        break;
    case ACTION_HALF_DOWN:
        row += page / 2;
        break;
    case ACTION_FIRST:
        row = 0;
        break;
    case ACTION_LAST:
        row = (int64_t)count - 1;
        break;
    default:
        return false;
    }
    c->row = (uint32_t)(row < 0 ? 0 : row);
    cursor_fit(c, count, page);
    return true;
}
