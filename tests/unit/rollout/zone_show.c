/*
 * What zones and windows say, for zones_agree.py to compare. Lines in, lines out:
 *
 *     offset ZONE T…                           the offsets at these Unix seconds
 *     window ZONE FROM TO DAYS T MINUTES       a string of + and - for each minute from T on, and
 * the changes that window_next_change() names meanwhile
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollout/window.h"
#include "zone_file.h"

static void say_offsets(const struct zone *z, char *save)
{
    for (char *word; (word = strtok_r(NULL, " \n", &save));)
        printf("%d ", zone_offset(z, strtoll(word, NULL, 10)));
    putchar('\n');
}

static int say_window(const struct zone *z, char *save)
{
    char *word[5];
    struct window w;
    struct err err;

    for (int i = 0; i < 5; i++)
        if (!(word[i] = strtok_r(NULL, " \n", &save)))
            return -1;
    if (window_parse(&w, word[0], word[1], NULL, word[2], &err) != 0) {
        fprintf(stderr, "zone_show: %s\n", err.text);
        return -1;
    }
    int64_t begin = strtoll(word[3], NULL, 10), end = begin + 60 * strtoll(word[4], NULL, 10);
    for (int64_t t = begin; t < end; t += 60)
        putchar(window_is_open(&w, z, t) ? '+' : '-');
    for (int64_t t = begin; (t = window_next_change(&w, z, t)) < end;)
        printf(" %" PRId64, t);
    putchar('\n');
    return 0;
}

int main(void)
{
    static char line[1 << 20];

    while (fgets(line, sizeof(line), stdin)) {
        char *save = NULL;
        char *what = strtok_r(line, " \n", &save);
        char *name = strtok_r(NULL, " \n", &save);
        struct zone z;
        struct err err;

        if (!what || !name || zone_load(&z, NULL, name, &err) != 0) {
            fprintf(stderr, "zone_show: %s\n", what && name ? err.text : "what?");
            return 1;
        }
        if (strcmp(what, "offset") == 0)
            say_offsets(&z, save);
        else if (say_window(&z, save) != 0)
            return 1;
        fflush(stdout);
    }
    return 0;
}
