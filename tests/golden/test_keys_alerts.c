#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench.h"

/* Keys on the alerts, the log and the palette. */

/* ---- alerts ---- */

static void a_muted_alert_says_who_and_why_and_can_be_unmuted(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "a<End>");
    assert_true(on_screen(b, "by alice@gw1: the sprinklers are on"));
    type(b, "M");
    assert_non_null(effect(b, UI_ALERT_UNSILENCE));
    assert_int_equal(effect(b, UI_ALERT_UNSILENCE)->silence->id, 7);
}

static void what_is_not_muted_is_not_unmuted(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "aM");
    assert_null(effect(b, UI_ALERT_UNSILENCE));
    assert_true(on_screen(b, "it is not muted"));
}

static void a_read_only_console_unmutes_nothing(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    b->f->model.read_only = true;
    b->f->model.read_only_why = "profile prod";
    type(b, "a<End>M");
    assert_null(effect(b, UI_ALERT_UNSILENCE));
}

static void nothing_is_called_right_before_it_was_judged(void **state)
{
    struct bench *b = *state;
    struct err err;
    b->f->alerts = alerts_new(b->f->fleet, NULL, 0, NULL, NULL, &err);
    b->f->model.alerts = b->f->alerts;
    type(b, "a");
    assert_false(on_screen(b, "Nothing is wrong"));
    assert_true(on_screen(b, "Not known"));
    for (int i = 0; i < 200; i++)
        alerts_tick(b->f->alerts, b->f->model.now_ms + 20000 + i * 100);
    type(b, "<Down>");
    assert_true(on_screen(b, "Nothing is wrong"));
}

/* ---- messages ---- */

static void a_message_that_does_not_fit_keeps_its_name_and_its_cause(void **state)
{
    struct bench *b = *state;
    canvas_free(b->c);
    b->c = canvas_new(24, 80, false);
    ui_notify(b->ui, &b->f->model, TAIL_WARN,
              "not kept: cannot write /home/operator/.local/state/muster/profile-0d8ecb92.ini: "
              "No space left on device");
    ui_draw(b->ui, &b->f->model, b->c);
    assert_true(on_screen(b, " not kept: cannot write /home"));
    assert_true(on_screen(b, "…"));
    assert_true(on_screen(b, "No space left on device"));
}

static void a_lost_link_is_told_before_who_drives_the_engine(void **state)
{
    struct bench *b = *state;
    canvas_free(b->c);
    b->c = canvas_new(24, 80, false);
    fixture_link_down(b->f);
    b->f->model.engine = "serve, pid 4711 on host gw1";
    ui_draw(b->ui, &b->f->model, b->c);
    assert_true(on_screen(b, "disconnected"));
    assert_true(on_screen(b, "^R now"));
}

/* ---- the log ---- */

static void the_lowest_line_of_the_log_can_be_copied(void **state)
{
    struct bench *b = *state;
    struct tail *t = tail_new(16);
    b->f->model.log = t;
    type(b, "Ly");
    assert_null(effect(b, UI_COPY));
    tail_push(t, b->f->model.now_ms, TAIL_PLAIN, false, "", "muster ls", 9);
    tail_push(t, b->f->model.now_ms, TAIL_PLAIN, false, "", "sent", 4);
    type(b, "y");
    assert_string_equal(effect(b, UI_COPY)->text, "sent");
    type(b, "<Up>y");
    assert_string_equal(effect(b, UI_COPY)->text, "muster ls");
    type(b, "G/ls<Enter>y");
    assert_string_equal(effect(b, UI_COPY)->text, "muster ls");
    b->f->model.log = NULL;
    tail_free(t);
}

/* ---- the palette ---- */

static void a_blank_behind_a_whole_command_means_nothing(void **state)
{
    struct bench *b = *state;
    static const char *const themes[] = { "default-dark", "nord" };
    b->f->model.themes = themes;
    b->f->model.theme_count = 2;
    type(b, ":theme no<Tab> ");
    assert_false(on_screen(b, "no such command"));
    type(b, "<Enter>");
    assert_string_equal(effect(b, UI_THEME)->text, "nord");
    type(b, ":reboot ");
    assert_true(on_screen(b, "reboot…"));
}

static void commands_that_take_a_word_are_listed_and_wait_for_it(void **state)
{
    struct bench *b = *state;
    type(b, ":dev");
    assert_true(on_screen(b, "device ID"));
    type(b, "<Enter>");
    assert_true(on_screen(b, "Tab completes")); /* still open */
    assert_true(on_screen(b, " : device"));
    type(b, "lab-00<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
}

static void the_palette_does_not_offer_itself(void **state)
{
    struct bench *b = *state;
    type(b, ":comm");
    assert_false(on_screen(b, "run a command"));
}

static void a_rollout_is_opened_by_its_id(void **state)
{
    struct bench *b = *state;
    char keys[128];
    snprintf(keys, sizeof(keys), ":rollout %s<Enter>", b->f->rollout[1]->id);
    type(b, keys);
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUT);
    assert_true(on_screen(b, b->f->rollout[1]->id));
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(a_muted_alert_says_who_and_why_and_can_be_unmuted),
        KEYS(what_is_not_muted_is_not_unmuted),
        KEYS(a_read_only_console_unmutes_nothing),
        KEYS(nothing_is_called_right_before_it_was_judged),
        KEYS(a_message_that_does_not_fit_keeps_its_name_and_its_cause),
        KEYS(a_lost_link_is_told_before_who_drives_the_engine),
        KEYS(a_blank_behind_a_whole_command_means_nothing),
        KEYS(commands_that_take_a_word_are_listed_and_wait_for_it),
        KEYS(the_palette_does_not_offer_itself),
        KEYS(a_rollout_is_opened_by_its_id),
        KEYS(the_lowest_line_of_the_log_can_be_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
