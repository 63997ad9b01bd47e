#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "export.h"
#include "files/files.h"
#include "ui_file.h"

/* What the console writes for people: exports, and how it was set. */
static char dir[64];

static int set_up(void **state)
{
    (void)state;
    text_copy(dir, sizeof(dir), "/tmp/muster-export-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[FILES_PATH_MAX], **names;
    size_t count;
    struct err err;
    (void)state;
    if (files_list(dir, &names, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++) {
            text_format(command, sizeof(command), "%s/%s", dir, names[i]);
            unlink(command);
        }
        files_list_free(names, count);
    }
    return rmdir(dir);
}

static void say(struct fleet *fleet, const char *topic, const char *body)
{
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = strlen(body)
    };
    fleet_apply(fleet, &ev, 1790000000000);
}

static void a_table_quotes_and_never_has_a_formula(void **state)
{
    struct fleet_config config = { .root = NULL };
    struct fleet *fleet = fleet_new(&config);
    char ids[3][PROTO_ID_MAX] = { "b", "gone", "a" }, path[FILES_PATH_MAX], *text;
    struct err err;
    (void)state;
    say(fleet, "devices/a/status",
        "{\"state\":\"online\",\"product\":\"=HYPERLINK(1)\",\"fw\":\"1,2\\\"x\","
        "\"groups\":[\"x\",\"y\"],\"boots\":3}");
    say(fleet, "devices/a/telemetry/t", "{\"temperature\":21.530000000000001,\"boots\":3}");
    say(fleet, "devices/b/telemetry/t", "{\"lux\":7}");
    text_format(path, sizeof(path), "%s/out.csv", dir);

    assert_int_equal(export_write(fleet, ids, 3, true, path, 1790000000000, &err), 0);
    assert_int_equal(files_read(path, 65536, &text, NULL, &err), 0);
    assert_string_equal(text,
                        "id,state,product,hw,fw,target,groups,last_seen,update,reason,rollout,"
                        "boots,reset,slot,keyset,cert_not_after,alerts,temperature,lux\r\n"
                        "b,ok,,,,,,1790000000,,,,,,,,,,,7\r\n"
                        "a,ok,'=HYPERLINK(1),,\"1,2\"\"x\",,\"x,y\",1790000000,,,,3,unknown,,,,,"
                        "21.53,\r\n");
    free(text);

    /* What is there already stays. */
    assert_int_equal(export_write(fleet, ids, 1, false, path, 1790000000000, &err), -1);
    fleet_free(fleet);
}

static void the_state_is_kept_per_profile(void **state)
{
    struct profile one = { .path = "one.ini" }, other = { .path = "/x/one.ini", .dir = "/x" };
    struct err err;
    static char kept[UI_STATE_MAX];
    (void)state;
    setenv("XDG_STATE_HOME", dir, 1);
    struct ui *ui = ui_new(), *next = ui_new();
    ui_state_read(ui, "[fleet]\ncolumns = id fw:9\n[filters]\npast = hall\n");
    text_copy(one.dir, sizeof(one.dir), dir);

    assert_int_equal(ui_file_load(&one, next, &err), 0); /* none yet is fine */
    assert_int_equal(ui_file_save(&one, ui, &err), 0);
    assert_int_equal(ui_file_load(&other, next, &err), 0);
    ui_state_write(next, kept, sizeof(kept));
    assert_null(strstr(kept, "fw:9"));
    assert_int_equal(ui_file_load(&one, next, &err), 0);
    ui_state_write(next, kept, sizeof(kept));
    assert_non_null(strstr(kept, "columns = id fw:9\n"));
    assert_non_null(strstr(kept, "past = hall\n"));
    ui_free(ui);
    ui_free(next);

    char sub[FILES_PATH_MAX], path[2 * FILES_PATH_MAX], **names;
    size_t count;
    text_format(sub, sizeof(sub), "%s/muster", dir);
    assert_int_equal(files_list(sub, &names, &count, &err), 0);
    assert_int_equal(count, 1);
    text_format(path, sizeof(path), "%s/%s", sub, names[0]);
    unlink(path);
    rmdir(sub);
    files_list_free(names, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_quotes_and_never_has_a_formula, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_state_is_kept_per_profile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
