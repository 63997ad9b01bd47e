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
#include "device_json.h"
#include "export.h"
#include "files/files.h"
#include "fleet/view.h"
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

static void a_list_has_the_columns_it_is_given_and_looks_into_objects(void **state)
{
    static const char *const columns[] = { "id", "why", "fired", "silence.who", "hw", "old", NULL };
    char path[FILES_PATH_MAX], *text;
    struct err err;
    (void)state;
    json_t *list =
        json_pack("[{s:s, s:s, s:f, s:{s:s}, s:[s,s], s:b}, {s:i, s:n, s:n, s:s}]", "id", "a",
                  "why", "=1+1, \"x\"", "fired", 1790000000.25, "silence", "who", "anna@gw1", "hw",
                  "esp32", "esp32c3", "old", 1, "id", 7, "silence", "fired", "why", "line\nbreak");
    assert_non_null(list);
    text_format(path, sizeof(path), "%s/list.csv", dir);
    assert_int_equal(export_list_write(list, columns, true, path, &err), 0);
    assert_int_equal(files_read(path, 65536, &text, NULL, &err), 0);
    assert_string_equal(text, "id,why,fired,silence.who,hw,old\r\n"
                              "a,\"'=1+1, \"\"x\"\"\",1790000000.25,anna@gw1,esp32 esp32c3,yes\r\n"
                              "7,line.break,,,,\r\n");
    free(text);
    assert_int_equal(export_list_write(list, columns, false, path, &err), -1); /* it is there */
    json_decref(list);
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

/* "ota.to" of an object; NULL when it is not there. */
static json_t *at(json_t *o, const char *path)
{
    const char *dot = strchr(path, '.');
    char first[32];
    if (!dot)
        return json_object_get(o, path);
    assert_true(text_copy_n(first, sizeof(first), path, (size_t)(dot - path)));
    return json_object_get(json_object_get(o, first), dot + 1);
}

static void what_a_column_shows_is_in_the_json_of_the_device(void **state)
{
    static const char *const path[FLEET_COL_READING] = {
        [FLEET_COL_STATE] = "state",
        [FLEET_COL_ID] = "id",
        [FLEET_COL_PRODUCT] = "product",
        [FLEET_COL_HW] = "hw",
        [FLEET_COL_FW] = "fw",
        [FLEET_COL_TARGET] = "ota.to",
        [FLEET_COL_OTA] = "ota.state",
        [FLEET_COL_GROUPS] = "groups",
        [FLEET_COL_SEEN] = "age",
        [FLEET_COL_RATE] = "rate",
        [FLEET_COL_BOOTS] = "boots",
        [FLEET_COL_CERT] = "cert_not_after",
        [FLEET_COL_SLOT] = "slot",
        [FLEET_COL_RESET] = "reset",
        [FLEET_COL_ALERTS] = "alerts",
        [FLEET_COL_KEYSET] = "keyset",
        [FLEET_COL_REASON] = "ota.reason",
        [FLEET_COL_ROLLOUT] = "ota.rollout",
        [FLEET_COL_SOURCE] = "source",
    };
    struct fleet_source source;
    struct err err;
    (void)state;
    assert_int_equal(fleet_source_parse("lab", "lab/+/t", "topic:2", &source, &err), 0);
    struct fleet_config config = { .root = NULL, .source = &source, .source_count = 1 };
    struct fleet *fleet = fleet_new(&config);
    say(fleet, "devices/a/status",
        "{\"state\":\"online\",\"product\":\"p\",\"hw\":\"h\",\"fw\":\"1.0.0\",\"slot\":\"ota_0\","
        "\"boot\":\"00112233aabbccdd\",\"boots\":3,\"reset\":\"poweron\",\"keyset\":2,"
        "\"cert_not_after\":1805000000,\"groups\":[\"x\"],\"interval\":60}");
    say(fleet, "devices/a/ota/report",
        "{\"rollout\":\"r-1\",\"attempt\":1,\"state\":\"failed\",\"reason\":\"dns\",\"from\":\"1.0."
        "0\","
        "\"to\":\"1.1.0\",\"got\":0,\"size\":1,\"n\":1}");
    say(fleet, "devices/a/telemetry/t", "{\"temperature\":21.5}");
    say(fleet, "lab/b/t", "{\"temperature\":21.5}");
    json_t *o = device_json(fleet, fleet_device(fleet, fleet_find(fleet, "a")), 1790000001000);
    json_t *b = device_json(fleet, fleet_device(fleet, fleet_find(fleet, "b")), 1790000001000);
    for (int i = 0; i < FLEET_COL_READING; i++) {
        assert_non_null(path[i]); /* a new column wants a twin */
        json_t *value = at(i == FLEET_COL_SOURCE ? b : o, path[i]);
        bool later = i == FLEET_COL_RATE; /* null before a minute of listening */
        if (!value || (json_is_null(value) && !later))
            fail_msg("%s is not said", path[i]);
    }
    assert_non_null(at(o, "readings.temperature"));
    json_decref(b);
    json_decref(o);
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
        cmocka_unit_test_setup_teardown(a_list_has_the_columns_it_is_given_and_looks_into_objects,
                                        set_up, tear_down),
        cmocka_unit_test(what_a_column_shows_is_in_the_json_of_the_device),
        cmocka_unit_test_setup_teardown(the_state_is_kept_per_profile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
