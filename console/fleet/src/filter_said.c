/* A mistake in words, names looked up, and the end of a filter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

size_t filter_row_field(const struct filter_rows *rows, const char *name)
{
    size_t i = 0;
    while (i < rows->count && strcmp(rows->field[i].name, name) != 0)
        i++;
    return i;
}

char *filter_error_said(const struct filter_error *err, const char *text, char out[FILTER_SAID_MAX])
{
    static const int most = 32; /* bytes of the word that is wrong */
    const char *word = err->at < strlen(text) ? text + err->at : "";
    int len = (int)strcspn(word, " ");
    bool cut = len > most;

    while (cut && len > 0 && (len > most || (word[len] & 0xc0) == 0x80))
        len--; /* not inside a character */
    if (!len)
        snprintf(out, FILTER_SAID_MAX, "%s, at the end", err->text);
    else
        snprintf(out, FILTER_SAID_MAX, "%s, at \"%.*s%s\"", err->text, len, word, cut ? "..." : "");
    return out;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    for (uint32_t i = 0; i < filter->value_count; i++)
        if (filter->value[i].regex)
            regfree(&filter->value[i].re);
    for (uint32_t i = 0; i < filter->term_count; i++)
        free(filter->term[i].memo);
    free(filter);
}
