#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fleet/rows.h"
#include "screens/keymap.h"
#include "screens/palette.h"
#include "screens/role.h"

/* docs/console.md lists the keys, roles, commands and fields of filters that the program has:
 * UPDATE_GOLDEN=1 writes them. */
#define PAGE MUSTER_SOURCE_DIR "/docs/console.md"
#define MAX  65536

static void add(char *out, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *out, size_t cap, const char *format, ...)
{
    size_t used = strlen(out);
    va_list ap;
    va_start(ap, format);
    vsnprintf(out + used, cap - used, format, ap);
    va_end(ap);
}

static void add_screens(char *out, size_t cap, unsigned screens)
{
    if (screens == (1u << SCREEN_COUNT) - 1) {
        add(out, cap, "all");
        return;
    }
    const char *comma = "";
    for (int i = 0; i < SCREEN_COUNT; i++) {
        if (screens & 1u << i) {
            add(out, cap, "%s%s", comma, screen_word((enum screen_id)i));
            comma = ", ";
        }
    }
}

static void keys_text(char *out, size_t cap)
{
    size_t count;
    const struct key_binding *table = keymap_table(&count);
    snprintf(out, cap, "| keys | does | name for `:` | where |\n|---|---|---|---|\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        add(out, cap, "| **%s** | | | |\n", key_group_word((enum key_group)group));
        for (size_t i = 0; i < count; i++) {
            if ((int)table[i].group != group)
                continue;
            add(out, cap, "| ");
            for (int k = 0; k < KEYS_PER_ACTION && table[i].key[k]; k++) {
                char key[16];
                add(out, cap, "%s`%s`", k ? " " : "",
                    key_text(table[i].key[k], false, key, sizeof(key)));
            }
            if (!table[i].key[0])
                add(out, cap, "`:%s`", action_word(table[i].action));
            add(out, cap, " | %s | %s | ", table[i].help,
                group == GROUP_MOVE ? "" : action_word(table[i].action));
            add_screens(out, cap, table[i].screens);
            add(out, cap, " |\n");
        }
    }
}

static void commands_text(char *out, size_t cap)
{
    const struct palette_command *c;
    snprintf(out, cap, "| command | does |\n|---|---|\n");
    for (size_t i = 0; (c = palette_command(i)) != NULL; i++)
        add(out, cap, "| `:%s %s` | %s |\n", c->word, c->argument, c->help);
}

static void add_fields(char *out, size_t cap, const char *list, const char *commands,
                       const struct filter_rows *rows)
{
    add(out, cap, "| %s | %s |", list, commands);
    for (size_t i = 0; i < rows->count; i++) {
        const struct filter_field *f = &rows->field[i];
        add(out, cap, " `%s`", f->name);
        for (size_t k = 0; f->words && f->words[k]; k++)
            add(out, cap, "%s%s%s", k ? " " : " (", f->words[k], f->words[k + 1] ? "" : ")");
    }
    add(out, cap, "%s |\n", rows->device ? "; and every field of its device" : "");
}

static void fields_text(char *out, size_t cap)
{
    snprintf(out, cap, "| list | command | fields |\n|---|---|---|\n");
    add_fields(out, cap, "alerts", "`alerts --filter`", &alert_rows);
    add_fields(out, cap, "silences", "`alerts silences --filter`", &silence_rows);
    add_fields(out, cap, "rollouts", "`rollout ls --filter`", &rollout_row_fields);
    add_fields(out, cap, "releases", "`release ls --filter`", &release_row_fields);
}

static void roles_text(char *out, size_t cap)
{
    out[0] = '\0';
    for (int i = 0; i < ROLE_COUNT; i++)
        add(out, cap, "%s`%s`%s", i % 9 ? " " : "", role_word((enum role)i),
            i % 9 == 8 || i == ROLE_COUNT - 1 ? "\n" : "");
}

/* Put `wanted` between the two marks; the whole page in `out`. */
static void splice(const char *page, const char *open, const char *shut, const char *wanted,
                   char *out, size_t cap)
{
    const char *from = strstr(page, open);
    assert_non_null(from);
    from = strchr(from, '\n') + 1;
    const char *to = strstr(from, shut);
    assert_non_null(to);
    snprintf(out, cap, "%.*s%s%s", (int)(from - page), page, wanted, to);
}

static void the_page_lists_what_the_program_has(void **state)
{
    static char page[MAX], wanted[MAX], half[MAX], third[MAX], fourth[MAX], whole[MAX];
    (void)state;
    FILE *file = fopen(PAGE, "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    keys_text(wanted, sizeof(wanted));
    splice(page, "<!-- keys:", "<!-- /keys -->", wanted, half, sizeof(half));
    roles_text(wanted, sizeof(wanted));
    splice(half, "<!-- roles:", "<!-- /roles -->", wanted, third, sizeof(third));
    commands_text(wanted, sizeof(wanted));
    splice(third, "<!-- commands:", "<!-- /commands -->", wanted, fourth, sizeof(fourth));
    fields_text(wanted, sizeof(wanted));
    splice(fourth, "<!-- fields:", "<!-- /fields -->", wanted, whole, sizeof(whole));
    if (getenv("UPDATE_GOLDEN")) {
        file = fopen(PAGE, "w");
        assert_non_null(file);
        fputs(whole, file);
        fclose(file);
        return;
    }
    assert_string_equal(page, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_lists_what_the_program_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
