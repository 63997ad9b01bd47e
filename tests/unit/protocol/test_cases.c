#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dump.h"

/*
 * tests/cases/<kind>/<case>/input is fed to the decoder of its kind, and what comes out must be
 * tests/cases/<kind>/<case>/expected, to the byte.
 *
 *     test_cases                   run them all
 *     test_cases KIND FILE         print what FILE decodes to, to begin a new case with
 */
#define CASES_DIR MUSTER_SOURCE_DIR "/tests/cases"

enum { FILE_MAX = 1 << 20, PATH_CAP = 1024 };

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *data = f ? malloc(FILE_MAX) : NULL;

    if (!data) {
        fprintf(stderr, "%s: can't be read\n", path);
        exit(1);
    }
    *len = fread(data, 1, FILE_MAX - 1, f);
    data[*len] = '\0';
    fclose(f);
    return data;
}

static void case_path(char *out, const char *kind, const char *name, const char *file)
{
    int n = snprintf(out, PATH_CAP, "%s/%s/%s%s%s", CASES_DIR, kind, name, *file ? "/" : "", file);
    assert_true(n > 0 && n < PATH_CAP);
}

/* The decoder sees exactly the file's bytes, so that a sanitizer notices a read past the end. */
static void decode_file(const char *kind, const char *path, char *out, size_t cap)
{
    size_t len;
    char *data = slurp(path, &len);
    char *exact = malloc(len ? len : 1);
    bool ok;

    assert_non_null(exact);
    memcpy(exact, data, len);
    if (!dump_message(kind, exact, len, out, cap, &ok)) {
        fprintf(stderr, "%s: no such kind of message\n", kind);
        exit(1);
    }
    free(exact);
    free(data);
}

static int run_case(const char *kind, const char *name)
{
    char path[PATH_CAP], got[16 * 1024];
    size_t len;

    case_path(path, kind, name, "input");
    decode_file(kind, path, got, sizeof(got));
    case_path(path, kind, name, "expected");
    char *expected = slurp(path, &len);
    bool same = strcmp(expected, got) == 0;
    if (!same)
        fprintf(stderr, "-- %s/%s: expected\n%s-- but got\n%s--\n", kind, name, expected, got);
    free(expected);
    return same ? 0 : 1;
}

static int run_kind(const char *kind, int *count)
{
    char path[PATH_CAP];
    int failures = 0;

    case_path(path, kind, "", "");
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        failures += run_case(kind, e->d_name);
        (*count)++;
    }
    closedir(d);
    return failures;
}

static void every_message_file_decodes_to_what_is_expected(void **state)
{
    DIR *d = opendir(CASES_DIR);
    int failures = 0, count = 0;
    (void)state;

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            failures += run_kind(e->d_name, &count);
    closedir(d);
    print_message("%d message files\n", count);
    assert_true(count > 0);
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_file_decodes_to_what_is_expected),
    };

    if (argc == 3) {
        char got[16 * 1024];
        decode_file(argv[1], argv[2], got, sizeof(got));
        fputs(got, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
