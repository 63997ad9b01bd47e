#include "nvs_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_value(FILE *out, const char *value)
{
    if (!strpbrk(value, ",\"\r\n")) {
        fputs(value, out);
        return;
    }
    fputc('"', out);
    for (const char *p = value; *p; p++) {
        if (*p == '"')
            fputc('"', out);
        fputc(*p, out);
    }
    fputc('"', out);
}

char *nvs_csv_text(const struct nvs_item *item, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(item[i].value) >= NVS_STRING_MAX) {
            err_set(e, EXIT_USAGE, "%s has %zu bytes; NVS holds %d", item[i].key,
                    strlen(item[i].value), NVS_STRING_MAX - 1);
            return NULL;
        }

    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    fputs("key,type,encoding,value\nfactory,namespace,,\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s,data,%s,", item[i].key, item[i].encoding);
        put_value(out, item[i].value);
        fputc('\n', out);
    }
    if (fclose(out) != 0)
        abort();
    return text;
}
