#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench.h"

/* Keys on the keys screen and on the releases. */

static void filtered(const struct bench *b, const char *filter)
{
    char crumb[80];
    snprintf(crumb, sizeof(crumb), "fleet › %s ", filter);
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_true(on_screen(b, crumb));
}

static void the_screen_opens_by_its_key_and_by_name_and_escape_leaves_it(void **state)
{
    struct bench *b = *state;

    type(b, "K");
    assert_int_equal(ui_screen(b->ui), SCREEN_KEYS);
    assert_true(on_screen(b, "1 to do"));
    type(b, "<Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    type(b, ":keys<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_KEYS);
}

static void enter_on_a_count_shows_its_devices(void **state)
{
    struct bench *b = *state;

    fixture_keys_behind(b->f);
    type(b, "K<Tab><Tab><Tab><Enter>");
    filtered(b, "keyset>=3");
    type(b, "<Esc>K<Home><Tab><Tab><Tab><Down><Enter>");
    filtered(b, "keyset=2");
    type(b, "<Esc>K<Home><Tab><Tab><Tab><Down><Down><Enter>");
    filtered(b, "keyset<2");
    type(b, "<Esc>K<Home><Tab><Tab><Tab><Down><Down><Down><Enter>");
    filtered(b, "not keyset>0");
}

static void a_slash_shows_those_behind(void **state)
{
    struct bench *b = *state;

    fixture_keys_behind(b->f);
    type(b, "K/");
    filtered(b, "keyset<3");
    assert_true(on_screen(b, "20 of 21"));
}

static void without_a_keyset_nobody_is_called_behind(void **state)
{
    struct bench *b = *state;

    fixture_keys_unread(b->f);
    type(b, "K/");
    assert_int_equal(ui_screen(b->ui), SCREEN_KEYS);
    assert_true(on_screen(b, "no keyset is known here"));
}

static void enter_on_a_device_behind_opens_it_and_escape_comes_back(void **state)
{
    struct bench *b = *state;

    fixture_keys_behind(b->f);
    type(b, "K<End><Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    assert_string_equal(ui_selected(b->ui), "lab-006");
    type(b, "<Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_KEYS);
}

static void status(struct bench *b, const char *id, int keyset)
{
    char topic[96], body[160];
    snprintf(topic, sizeof(topic), "devices/%s/status", id);
    int len = snprintf(body, sizeof(body),
                       "{\"state\":\"online\",\"fw\":\"1.3.0\",\"keyset\":%d,\"boot\":\"%s\"}",
                       keyset, "00000000000000aa");
    fixture_message(b->f, topic, body, (size_t)len, true);
}

/* While a push runs, devices leave the list: the cursor must not slide to another one. */
static void the_selection_is_a_device_and_not_a_row(void **state)
{
    struct bench *b = *state;

    fixture_keys_behind(b->f);
    type(b, "K<End><Up><Up>"); /* on lab-004 */
    status(b, "berlin-roof-001", 3);
    status(b, "lab-002", 3);
    b->f->model.now_ms += 1500;
    ui_draw(b->ui, &b->f->model, b->c);
    type(b, "<Enter>");
    assert_string_equal(ui_selected(b->ui), "lab-004");
}

static void what_a_line_is_about_can_be_copied(void **state)
{
    struct bench *b = *state;

    type(b, "K<Tab>y");
    assert_string_equal(effect(b, UI_COPY)->text, "operator-ada");
    type(b, "<Down><Down><Down>y");
    assert_string_equal(effect(b, UI_COPY)->text, b->f->trust.cert.fingerprint);
    type(b, "<Tab>y");
    assert_string_equal(effect(b, UI_COPY)->text, "6ab76040e63e3dbf");
    fixture_keys_behind(b->f);
    type(b, "<Home><Down><Down>y");
    assert_string_equal(effect(b, UI_COPY)->text,
                        "muster keys push; again for those that are offline now");
}

static void before_anything_was_read_keys_do_no_harm(void **state)
{
    struct bench *b = *state;

    b->f->model.trust = NULL;
    type(b, "K<Down><Up><Tab><S-Tab><PgDn><End><Home>y<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_KEYS);
    assert_true(on_screen(b, "reading certificates and keys"));
}

static void a_click_chooses_and_a_second_one_opens(void **state)
{
    struct bench *b = *state;
    char line[4096];

    fixture_keys_behind(b->f);
    type(b, "K");
    for (int row = 0; row < b->c->rows; row++) {
        if (!strstr(canvas_row(b->c, row, line, sizeof(line)), "hall-b-004"))
            continue;
        struct ui_event click = { .kind = UI_MOUSE, .mouse = UI_CLICK, .row = row, .col = 70 };
        ui_step(b->ui, &click, &b->f->model, &b->fx);
        click.mouse = UI_DOUBLE_CLICK;
        ui_step(b->ui, &click, &b->f->model, &b->fx);
    }
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    assert_string_equal(ui_selected(b->ui), "hall-b-004");
}

/* ---- releases ---- */

static void a_key_on_a_release_shows_who_runs_it(void **state)
{
    struct bench *b = *state;

    type(b, "S<Down>d");
    filtered(b, "product=weather fw=1.4.0");
    assert_true(on_screen(b, "3 of 21"));
}

/* The version is what people call it; the image is what runs. */
static void another_image_of_the_same_version_is_not_counted(void **state)
{
    static const char other[] =
        "{\"state\":\"online\",\"product\":\"weather\",\"fw\":\"1.4.0\",\"image\":"
        "\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}";
    struct bench *b = *state;

    type(b, "S<Down>");
    assert_true(on_screen(b, "3 of 20  hall-a-001  hall-a-002  hall-a-003"));
    fixture_message(b->f, "devices/hall-a-002/status", other, strlen(other), true);
    b->f->model.now_ms += 1500;
    ui_draw(b->ui, &b->f->model, b->c);
    assert_true(on_screen(b, "2 of 20  hall-a-001  hall-a-003"));
    assert_true(on_screen(b, "1 device runs something else"));
}

static void why_a_release_would_be_refused_is_said(void **state)
{
    struct bench *b = *state;

    b->f->release[0].signed_ok = false;
    b->f->release[0].why = REASON_REVOKED_KEY;
    type(b, "S");
    assert_true(on_screen(b, "devices would refuse it"));
    assert_true(on_screen(b, "revoked_key, key 64917ae6cd0dd67d"));
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(the_screen_opens_by_its_key_and_by_name_and_escape_leaves_it),
        KEYS(enter_on_a_count_shows_its_devices),
        KEYS(a_slash_shows_those_behind),
        KEYS(without_a_keyset_nobody_is_called_behind),
        KEYS(enter_on_a_device_behind_opens_it_and_escape_comes_back),
        KEYS(the_selection_is_a_device_and_not_a_row),
        KEYS(what_a_line_is_about_can_be_copied),
        KEYS(before_anything_was_read_keys_do_no_harm),
        KEYS(a_click_chooses_and_a_second_one_opens),
        KEYS(a_key_on_a_release_shows_who_runs_it),
        KEYS(another_image_of_the_same_version_is_not_counted),
        KEYS(why_a_release_would_be_refused_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
