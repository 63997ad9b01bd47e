#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 128, DEPTH = 6, TEXT_MAX = 4096 };

/* Walk everything, write it again, and find every key by its name. */
static void copy_value(struct json *j, struct json_writer *w, const char *key, int value)
{
    char text[TEXT_MAX], name[TEXT_MAX];
    const char *raw;
    size_t len;

    if (json_is_object(j, value) || json_is_array(j, value)) {
        bool object = json_is_object(j, value);
        if (object)
            json_open_object(w, key);
        else
            json_open_array(w, key);
        for (int i = json_first(j, value); i != JSON_NONE; i = json_next(j, i)) {
            name[0] = '\0';
            bool named = object && json_text(j, i, name, sizeof(name)) == 0;
            if (named)
                CHECK(json_member(j, value, name) == json_value(j, i));
            if (!object || named)
                copy_value(j, w, object ? name : NULL, object ? json_value(j, i) : i);
        }
        if (object)
            json_close_object(w);
        else
            json_close_array(w);
    } else if (json_is_string(j, value) && json_text(j, value, text, sizeof(text)) == 0) {
        CHECK(json_equals(j, value, text));
        json_put_text(w, key, text);
    } else if (json_span(j, value, &raw, &len) && !json_is_string(j, value)) {
        json_put_raw(w, key, raw, len);
    } else {
        json_put_bool(w, key, false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[2 * TEXT_MAX];
    struct json_writer w;
    struct json j;

    if (size > TEXT_MAX || json_parse(&j, (const char *)data, size, TOKENS, DEPTH) != 0)
        return 0;
    json_begin(&w, first, sizeof(first));
    copy_value(&j, &w, "root", JSON_ROOT);
    int n = json_end(&w);
    CHECK(n > 0);
    /* The root got a name. */
    CHECK(json_parse(&j, first, (size_t)n, TOKENS + 2, DEPTH + 1) == 0);
    return 0;
}
