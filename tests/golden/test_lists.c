#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "bench.h"

/* Filter and export on the lists that are not the fleet; silences; what an act hits. */

static int rows_of(const struct bench *b, const char *text)
{
    char line[4096];
    int count = 0;
    for (int row = 0; row < b->c->rows; row++)
        count += strstr(canvas_row(b->c, row, line, sizeof(line)), text) != NULL;
    return count;
}

/* ---- alerts ---- */

static void alerts_are_filtered_by_their_own_fields_and_their_devices(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "a");
    assert_true(rows_of(b, "hot") > 1);
    assert_true(on_screen(b, "stage canary"));
    type(b, "/rule:hot<Enter>");
    assert_true(on_screen(b, "alerts / rule:hot"));
    assert_false(on_screen(b, "stage canary"));
    assert_true(on_screen(b, "temp>23"));
    type(b, "<Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_ALERTS);
    assert_true(on_screen(b, "stage canary"));
    type(b, "/state=seen<Enter>");
    assert_true(on_screen(b, "stage canary"));
    assert_false(on_screen(b, "temp>23:"));
    type(b, "<Esc><Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
}

static void half_a_word_hides_no_alert(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "a/sev");
    assert_true(on_screen(b, "stage canary"));
    assert_true(on_screen(b, "severity")); /* offered */
    type(b, "<Tab>>=");
    assert_true(on_screen(b, "info  warn  crit"));
    type(b, "high<Enter>");
    assert_true(on_screen(b, "one of these is wanted here: info warn crit"));
    assert_true(on_screen(b, "stage canary"));
    type(b, "<Esc>");
    assert_true(on_screen(b, "stage canary"));
    assert_false(on_screen(b, "alerts /"));
}

static void a_filter_that_nothing_passes_says_so(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "a/rule:nobody<Enter>");
    assert_true(on_screen(b, "Nothing passes the filter"));
    type(b, "e");
    assert_true(on_screen(b, "no row is shown"));
    type(b, "amM");
    assert_null(effect(b, UI_ALERT_ACK));
    assert_null(effect(b, UI_ALERT_UNSILENCE));
}

/* What fires between the picture and the key moves the rows, not what the key hits. */
static void an_act_hits_the_alert_that_was_shown(void **state)
{
    struct bench *b = *state;
    char shown[PROTO_ID_MAX];
    const struct alert *const *list;
    fixture_alerts(b->f);
    type(b, "a");
    text_copy(shown, sizeof(shown), (alerts_list(b->f->alerts, &list), list[0]->id));
    alerts_rollout(b->f->alerts, "r-20991231-1", true, "a worse one", b->f->model.now_ms + 5000);
    assert_true(alerts_list(b->f->alerts, &list) > 1);
    assert_string_equal(list[0]->id, "r-20991231-1");
    struct ui_event ev = { .kind = UI_KEY, .key = 'y' };
    ui_step(b->ui, &ev, &b->f->model, &b->fx);
    assert_string_equal(effect(b, UI_COPY)->text, shown);
}

static void an_act_on_an_alert_that_is_over_hits_no_other(void **state)
{
    struct bench *b = *state;
    const struct alert *const *list;
    struct ui_event ev = { .kind = UI_KEY, .key = 'y' };
    fixture_alerts(b->f);
    alerts_rollout(b->f->alerts, "r-20991231-1", true, "soon over", b->f->model.now_ms + 5000);
    type(b, "ag");
    assert_string_equal((alerts_list(b->f->alerts, &list), list[0]->id), "r-20991231-1");
    alerts_rollout(b->f->alerts, "r-20991231-1", false, "", b->f->model.now_ms + 6000);
    ui_step(b->ui, &ev, &b->f->model, &b->fx);
    assert_null(effect(b, UI_COPY));
    ui_draw(b->ui, &b->f->model, b->c);
    assert_true(on_screen(b, "has just gone from the list"));
}

static void the_same_alert_twice_in_the_past_is_two_rows(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    int64_t now = b->f->model.now_ms + 5000;
    for (int i = 0; i < 3; i++) {
        alerts_rollout(b->f->alerts, "r-9", true, "flaps", now + i * 2000);
        alerts_rollout(b->f->alerts, "r-9", false, "", now + i * 2000 + 1000);
    }
    type(b, "a<Tab><Down><Down>");
    type(b, "e<Enter>");
    const struct ui_effect *e = effect(b, UI_EXPORT);
    assert_non_null(e);
    assert_int_equal(e->rows, UI_ROWS_PAST);
    assert_int_equal(e->id_count, 9);
    assert_string_not_equal(e->ids[2], e->ids[5]);
    char third[64];
    snprintf(third, sizeof(third), "▸");
    char line[4096];
    int at = 0, first = 0;
    for (int row = 0; row < b->c->rows; row++) {
        canvas_row(b->c, row, line, sizeof(line));
        if (strstr(line, "r-9") && !first)
            first = row;
        if (strstr(line, third))
            at = row;
    }
    assert_int_equal(at, first + 2);
}

static void the_alerts_shown_are_exported(void **state)
{
    struct bench *b = *state;
    fixture_alerts(b->f);
    type(b, "a/rule:hot<Enter>e");
    assert_true(on_screen(b, "muster-alerts-2026-11-20"));
    type(b, "<Tab><Enter>");
    const struct ui_effect *e = effect(b, UI_EXPORT);
    assert_non_null(e);
    assert_int_equal(e->rows, UI_ROWS_ALERTS);
    assert_false(e->csv);
    assert_true(e->id_count >= 2 && e->id_count % 2 == 0);
    for (size_t i = 0; i < e->id_count; i += 2)
        assert_string_equal(e->ids[i], "hot");
}

/* ---- silences ---- */

static void two_silences(struct bench *b)
{
    struct alert_silence s[] = {
        { .id = 7, .rule = "humid", .who = "alice@gw1", .reason = "the sprinklers are on" },
        { .id = 12, .target = "hw=esp32", .who = "bob@gw2", .reason = "new boards come on monday" },
    };
    struct err err;
    fixture_alerts(b->f);
    s[0].until_ms = b->f->model.now_ms + 3600000;
    s[1].until_ms = b->f->model.now_ms + 7200000;
    s[1].rule[0] = '\0';
    text_copy(s[1].target, sizeof(s[1].target), "id=nobody-yet");
    assert_int_equal(alerts_set_silences(b->f->alerts, s, 2, b->f->model.now_ms, &err), 0);
}

static void a_silence_that_mutes_nothing_is_listed_and_ended(void **state)
{
    struct bench *b = *state;
    two_silences(b);
    type(b, "a<Tab><Tab>");
    assert_true(on_screen(b, "alerts › silences"));
    assert_true(on_screen(b, "the sprinklers are on"));
    type(b, "<Down>");
    assert_true(on_screen(b, "mutes nothing now"));
    assert_true(on_screen(b, "id=nobody-yet: 0 devices"));
    assert_true(on_screen(b, "by bob@gw2"));
    type(b, "M");
    const struct ui_effect *e = effect(b, UI_ALERT_UNSILENCE);
    assert_non_null(e);
    assert_int_equal(e->silence->id, 12);
    assert_string_equal(e->silence->reason, "new boards come on monday");
}

static void a_silence_says_how_much_it_mutes_and_can_be_found_by_it(void **state)
{
    struct bench *b = *state;
    two_silences(b);
    type(b, "a<Tab><Tab>/mutes>0<Enter>");
    assert_true(on_screen(b, "the sprinklers"));
    assert_false(on_screen(b, "new boards"));
    assert_true(on_screen(b, "rule humid of all devices: 21 devices"));
    type(b, "e<Enter>");
    assert_int_equal(effect(b, UI_EXPORT)->rows, UI_ROWS_SILENCES);
    assert_int_equal(effect(b, UI_EXPORT)->id_count, 1);
    assert_string_equal(effect(b, UI_EXPORT)->ids[0], "7");
    type(b, "<Esc>"); /* the filter of the silences alone */
    assert_true(on_screen(b, "new boards"));
}

static void the_devices_of_a_silence_open_in_the_fleet(void **state)
{
    struct bench *b = *state;
    two_silences(b);
    type(b, "a<Tab><Tab><End><Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_true(on_screen(b, "fleet › id=nobody-yet"));
}

static void a_read_only_console_ends_no_silence(void **state)
{
    struct bench *b = *state;
    two_silences(b);
    b->f->model.read_only = true;
    b->f->model.read_only_why = "profile prod";
    type(b, "a<Tab><Tab>M");
    assert_null(effect(b, UI_ALERT_UNSILENCE));
    assert_true(on_screen(b, "profile prod"));
}

static void without_silences_it_says_how_to_mute(void **state)
{
    struct bench *b = *state;
    type(b, "a<Tab><Tab>");
    assert_true(on_screen(b, "Nothing is muted"));
}

/* ---- rollouts and releases ---- */

static void rollouts_are_filtered_and_exported(void **state)
{
    struct bench *b = *state;
    char keys[128];
    const char *id = b->f->rollout[1]->id;
    type(b, "R");
    snprintf(keys, sizeof(keys), "/id=%s<Enter>", id);
    type(b, keys);
    assert_true(on_screen(b, id));
    assert_false(on_screen(b, b->f->rollout[0]->id));
    type(b, "e<Enter>");
    const struct ui_effect *e = effect(b, UI_EXPORT);
    assert_int_equal(e->rows, UI_ROWS_ROLLOUTS);
    assert_int_equal(e->id_count, 1);
    assert_string_equal(e->ids[0], id);
    type(b, "<Esc>");
    assert_true(on_screen(b, b->f->rollout[0]->id));
    type(b, "/devices>100000<Enter>");
    assert_true(on_screen(b, "No rollout passes the filter"));
    type(b, "X");
    assert_false(on_screen(b, "abort r-")); /* nothing is shown, so nothing is hit */
}

static void releases_are_filtered_and_exported(void **state)
{
    struct bench *b = *state;
    char keys[128];
    const struct release *r = &b->f->release[1].release;
    type(b, "S");
    snprintf(keys, sizeof(keys), "/product=%s version=%s<Enter>", r->product, r->version);
    type(b, keys);
    assert_true(on_screen(b, "releases / product="));
    type(b, "e<Tab><Enter>");
    const struct ui_effect *e = effect(b, UI_EXPORT);
    assert_int_equal(e->rows, UI_ROWS_RELEASES);
    assert_int_equal(e->id_count, 2);
    assert_string_equal(e->ids[0], r->product);
    assert_string_equal(e->ids[1], r->version);
    type(b, "<Enter>");
    assert_true(on_screen(b, r->version)); /* the dialog begins with the one shown */
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(alerts_are_filtered_by_their_own_fields_and_their_devices),
        KEYS(half_a_word_hides_no_alert),
        KEYS(a_filter_that_nothing_passes_says_so),
        KEYS(an_act_hits_the_alert_that_was_shown),
        KEYS(an_act_on_an_alert_that_is_over_hits_no_other),
        KEYS(the_same_alert_twice_in_the_past_is_two_rows),
        KEYS(the_alerts_shown_are_exported),
        KEYS(a_silence_that_mutes_nothing_is_listed_and_ended),
        KEYS(a_silence_says_how_much_it_mutes_and_can_be_found_by_it),
        KEYS(the_devices_of_a_silence_open_in_the_fleet),
        KEYS(a_read_only_console_ends_no_silence),
        KEYS(without_silences_it_says_how_to_mute),
        KEYS(rollouts_are_filtered_and_exported),
        KEYS(releases_are_filtered_and_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
