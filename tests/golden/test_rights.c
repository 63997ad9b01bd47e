#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench.h"

/* Rights may end while a dialog stands there: WRITE on a prod profile lasts a quarter of an hour.
 */

static void ends(struct bench *b)
{
    b->f->model.read_only = true;
    b->f->model.read_only_why = "WRITE is over";
}

static void refused(struct bench *b, enum ui_effect_kind act)
{
    assert_null(effect(b, act));
    assert_true(on_screen(b, "read-only: WRITE is over"));
}

static void a_reboot_that_was_asked_before_rights_ended_is_refused_and_keeps_its_marks(void **state)
{
    struct bench *b = *state;

    type(b, "  r2");
    ends(b);
    type(b, "<Enter>");
    refused(b, UI_COMMAND);
    assert_true(on_screen(b, "2 marked"));
}

static void a_configuration_that_was_typed_before_rights_ended_is_refused(void **state)
{
    struct bench *b = *state;

    type(b, "/id=hall-a-002<Enter>c90<PgDn><Tab>");
    ends(b);
    type(b, "<Enter>");
    refused(b, UI_COMMAND);
}

static void a_rollout_that_was_planned_before_rights_ended_is_refused(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hall<Enter>u<Right><PgDn>6");
    ends(b);
    type(b, "<Enter>");
    refused(b, UI_START_ROLLOUT);
}

#define RIGHTS(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGHTS(a_reboot_that_was_asked_before_rights_ended_is_refused_and_keeps_its_marks),
        RIGHTS(a_configuration_that_was_typed_before_rights_ended_is_refused),
        RIGHTS(a_rollout_that_was_planned_before_rights_ended_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
