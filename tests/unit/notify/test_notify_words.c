#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "notify/words.h"

static struct notify_facts facts(enum notify_event event)
{
    return (struct notify_facts){ .event = event,
                                  .ts_ms = 1790000000000,
                                  .fleet = "home",
                                  .rollout = "r-1",
                                  .release = "weather@1.4.0",
                                  .stage = "canary",
                                  .stage_number = 1,
                                  .stages = 3,
                                  .subject = "sensor-1",
                                  .why = "it is so",
                                  .devices = 40,
                                  .done = 12,
                                  .failed = 4 };
}

static void every_event_says_what_happened_to_what(void **state)
{
    static const struct {
        enum notify_event event;
        const char *text;
    } row[] = {
        { NOTIFY_START, "home: r-1 has started: weather@1.4.0 to 40 devices in 3 stages" },
        { NOTIFY_HOLD, "home: r-1 holds after stage canary (1 of 3): it is so" },
        { NOTIFY_APPROVAL, "home: r-1 waits for an approval at stage canary (1 of 3): it is so" },
        { NOTIFY_PAUSE, "home: r-1 is paused: it is so; 12 of 40 done, 4 failed" },
        { NOTIFY_RESUME, "home: r-1 goes on; 12 of 40 done, 4 failed" },
        { NOTIFY_STOP, "home: r-1 has stopped itself: it is so; 12 of 40 done, 4 failed" },
        { NOTIFY_ABORT, "home: r-1 is being aborted: it is so; 12 of 40 done, 4 failed" },
        { NOTIFY_ABORTED, "home: r-1 is aborted: it is so; 12 of 40 done, 4 failed" },
        { NOTIFY_DONE, "home: r-1 is done: 12 of 40 devices run weather@1.4.0, 4 failed" },
        { NOTIFY_ALERT, "home: alert: sensor-1: it is so" },
        { NOTIFY_CLEAR, "home: over: sensor-1: it is so" },
        { NOTIFY_TEST, "home: this is a test of muster's notifications" },
    };
    char text[NOTIFY_TEXT_MAX], body[NOTIFY_BODY_MAX];
    (void)state;

    assert_int_equal(sizeof(row) / sizeof(row[0]), NOTIFY_EVENTS);
    for (size_t i = 0; i < NOTIFY_EVENTS; i++) {
        struct notify_facts f = facts(row[i].event);
        notify_write(&f, text, body);
        assert_string_equal(text, row[i].text);
        json_t *o = json_loads(body, 0, NULL);
        assert_non_null(o);
        assert_string_equal(json_string_value(json_object_get(o, "text")), text);
        assert_string_equal(json_string_value(json_object_get(o, "event")),
                            notify_event_word(row[i].event));
        assert_string_equal(json_string_value(json_object_get(o, "time")), "2026-09-21T14:13:20Z");
        assert_int_equal(json_integer_value(json_object_get(o, "failed")), 4);
        json_decref(o);
    }
}

static void an_alert_says_its_rule_and_level_for_machines(void **state)
{
    char text[NOTIFY_TEXT_MAX], body[NOTIFY_BODY_MAX];
    struct notify_facts f = { .event = NOTIFY_ALERT,
                              .subject = "sensor-1",
                              .why = "temp>30",
                              .rule = "hot",
                              .level = "crit" };
    (void)state;
    notify_write(&f, text, body);
    json_t *o = json_loads(body, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "rule")), "hot");
    assert_string_equal(json_string_value(json_object_get(o, "level")), "crit");
    json_decref(o);
}

static void texts_from_outside_are_cleaned_and_cut_never_broken(void **state)
{
    char text[NOTIFY_TEXT_MAX], body[NOTIFY_BODY_MAX], long_text[3000];
    struct notify_facts f = facts(NOTIFY_STOP);
    (void)state;

    f.why = "bad\x1b[31m\n\xff\"quote\\";
    notify_write(&f, text, body);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c >= ' ');
    json_t *o = json_loads(body, 0, NULL);
    assert_non_null(o);
    assert_null(strchr(json_string_value(json_object_get(o, "why")), '\x1b'));
    json_decref(o);

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    f.why = f.fleet = f.rollout = f.release = f.stage = f.subject = f.rule = f.level = long_text;
    for (int e = 0; e < NOTIFY_EVENTS; e++) {
        f.event = (enum notify_event)e;
        notify_write(&f, text, body);
        assert_true(text[0]);
        o = json_loads(body, 0, NULL);
        assert_non_null(json_object_get(o, "event"));
        json_decref(o);
    }
    memset(long_text, '"', sizeof(long_text) - 1); /* doubles in JSON */
    notify_write(&f, text, body);
    o = json_loads(body, 0, NULL);
    assert_non_null(json_object_get(o, "event"));
    json_decref(o);
}

static void on_names_events_all_of_them_or_the_default(void **state)
{
    uint32_t mask;
    struct err err;
    (void)state;

    assert_int_equal(notify_mask("stop, done", &mask, &err), 0);
    assert_int_equal(mask, 1u << NOTIFY_STOP | 1u << NOTIFY_DONE | 1u << NOTIFY_TEST);
    assert_int_equal(notify_mask("all", &mask, &err), 0);
    assert_int_equal(mask, (1u << NOTIFY_EVENTS) - 1);
    assert_int_equal(notify_mask("", &mask, &err), 0);
    assert_true(mask & 1u << NOTIFY_STOP);
    assert_false(mask & 1u << NOTIFY_PAUSE);
    assert_int_equal(notify_mask("stop,stopped", &mask, &err), -1);
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "'stopped' is no event; there are: start hold"));
}

static void the_wait_doubles_to_its_limit_and_half_of_it_is_chance(void **state)
{
    (void)state;

    assert_int_equal(notify_delay_ms(1, 0, 0), 2500);
    assert_int_equal(notify_delay_ms(1, 2500, 0), 5000);
    assert_int_equal(notify_delay_ms(2, 0, 0), 5000);
    assert_int_equal(notify_delay_ms(3, 0, 0), 10000);
    assert_int_equal(notify_delay_ms(1000, 0, 0), NOTIFY_LONGEST_MS / 2);
    for (uint32_t random = 0; random < 3000000; random += 7919)
        assert_in_range(notify_delay_ms(1000, random, 0), NOTIFY_LONGEST_MS / 2, NOTIFY_LONGEST_MS);
    assert_int_equal(notify_delay_ms(1, 0, 30), 30000);
    assert_int_equal(notify_delay_ms(1, 0, 4000000000u), NOTIFY_LONGEST_MS);
}

static void what_may_pass_is_tried_again_and_what_is_refused_is_not_for_ever(void **state)
{
    static const struct {
        int status;
        enum notify_outcome outcome;
    } row[] = {
        { 200, NOTIFY_DELIVERED }, { 204, NOTIFY_DELIVERED }, { 0, NOTIFY_AGAIN },
        { 500, NOTIFY_AGAIN },     { 503, NOTIFY_AGAIN },     { 429, NOTIFY_AGAIN },
        { 408, NOTIFY_AGAIN },     { 400, NOTIFY_REFUSED },   { 401, NOTIFY_REFUSED },
        { 404, NOTIFY_REFUSED },   { 302, NOTIFY_REFUSED },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_int_equal(notify_outcome_of(row[i].status), row[i].outcome);
    assert_null(notify_give_up(NOTIFY_REFUSED, NOTIFY_REFUSALS - 1, 0));
    assert_string_equal(notify_give_up(NOTIFY_REFUSED, NOTIFY_REFUSALS, 0), "refused");
    assert_null(notify_give_up(NOTIFY_AGAIN, NOTIFY_REFUSALS, 0));
    assert_string_equal(notify_give_up(NOTIFY_AGAIN, NOTIFY_ATTEMPTS, 0), "too many attempts");
    assert_null(notify_give_up(NOTIFY_AGAIN, 10, NOTIFY_AGE_MS - 1));
    assert_string_equal(notify_give_up(NOTIFY_AGAIN, 10, NOTIFY_AGE_MS), "three days old");
    assert_null(notify_give_up(NOTIFY_DELIVERED, 1000, 2 * (int64_t)NOTIFY_AGE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_says_what_happened_to_what),
        cmocka_unit_test(an_alert_says_its_rule_and_level_for_machines),
        cmocka_unit_test(texts_from_outside_are_cleaned_and_cut_never_broken),
        cmocka_unit_test(on_names_events_all_of_them_or_the_default),
        cmocka_unit_test(the_wait_doubles_to_its_limit_and_half_of_it_is_chance),
        cmocka_unit_test(what_may_pass_is_tried_again_and_what_is_refused_is_not_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
