#include "screens/line_cut.h"

#include <string.h>

size_t line_cut(const char *text, size_t width)
{
    size_t len = strlen(text), cut = width;

    if (len <= width)
        return len;
    while (cut > width / 2 && text[cut] != ' ')
        cut--;
    if (text[cut] == ' ')
        return cut;
    cut = width;
    while (cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80) /* within a character */
        cut--;
    return cut;
}
