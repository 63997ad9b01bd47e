#include "screens/key_script.h"

#include <string.h>

#include "base/text.h"
#include "screens/keymap.h"

#define KEY_NAME_MAX 16

int key_script_next(const char *text, int *key)
{
    char name[KEY_NAME_MAX];
    uint32_t cp;

    if (!*text)
        return 0;
    if (*text != '<') {
        size_t len = utf8_decode(text, strlen(text), &cp);
        *key = (int)cp;
        return len && cp >= ' ' && cp != K_BACKSPACE ? (int)len : -1;
    }
    const char *end = strchr(text, '>');
    size_t len = end ? (size_t)(end - text - 1) : 0;
    if (!end || !text_copy_n(name, sizeof(name), text + 1, len))
        return -1;
    *key = strcmp(name, "lt") == 0 ? '<' : key_from_text(name);
    return *key == K_NONE ? -1 : (int)len + 2;
}
