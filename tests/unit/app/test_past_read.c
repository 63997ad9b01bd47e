/* What the console reads back from the history: sparklines of the half hour before it looked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "past.h"
#include "store/history.h"

#define NOW_MS INT64_C(1795183200000)
#define MINUTE INT64_C(60000)

static void apply(struct fleet *fleet, enum fleet_event_kind kind, const char *topic,
                  const char *body)
{
    struct fleet_event ev = {
        .kind = kind, .topic = topic, .body = body, .len = body ? strlen(body) : 0
    };
    fleet_apply(fleet, &ev, NOW_MS);
}

/* Half an hour of two readings, a value a minute. */
static void remember(const char *journal)
{
    struct err err = { .text = "" };
    struct history *h = history_open(journal, NULL, NOW_MS - 30 * MINUTE, NULL, 0, &err);
    if (!h)
        fail_msg("%s", err.text);
    for (int64_t t = NOW_MS - 29 * MINUTE; t < NOW_MS; t += MINUTE) {
        history_add(h, "a", "temperature", t, 20);
        history_add(h, "a", "humidity", t, 50);
    }
    history_close(h);
}

/* Points of its sparkline that have data. */
static int drawn(const struct fleet *fleet, const char *reading)
{
    struct fleet_point point[FLEET_TREND];
    int count = 0;
    uint32_t shown = fleet_trend(fleet, fleet_device(fleet, 0), NOW_MS, point);
    assert_string_equal(fleet_reading(fleet, shown)->name, reading);
    for (int i = 0; i < FLEET_TREND; i++)
        count += point[i].kind != FLEET_POINT_NONE;
    return count;
}

static void read_all(struct past *past, struct fleet *fleet)
{
    for (int i = 0; i < 1000 && (i == 0 || past_is_busy(past)); i++)
        past_work(past, NULL, fleet, NOW_MS);
    assert_false(past_is_busy(past));
}

static void the_trend_of_another_reading_is_remembered_too(void **state)
{
    static const struct fleet_config config = { .root = "devices" };
    char dir[] = "/tmp/muster-past-XXXXXX", journal[64], line[96];
    struct log log = { 0 };
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(journal, sizeof(journal), "%s/muster.db", dir);
    remember(journal);
    struct fleet *fleet = fleet_new(&config);
    apply(fleet, FLEET_EV_LINK_UP, NULL, NULL);
    apply(fleet, FLEET_EV_MESSAGE, "devices/a/telemetry/e", "{\"temperature\":20,\"humidity\":50}");
    struct past *past = past_new(journal, &log);

    read_all(past, fleet);
    assert_in_range(drawn(fleet, "temperature"), 50, FLEET_TREND);

    fleet_set_trend(fleet, fleet_reading_find(fleet, "humidity"));
    assert_in_range(drawn(fleet, "humidity"), 0, 2);
    past_again(past);
    read_all(past, fleet);
    assert_in_range(drawn(fleet, "humidity"), 50, FLEET_TREND);

    past_free(past);
    fleet_free(fleet);
    snprintf(line, sizeof(line), "rm -rf %s", dir);
    assert_int_equal(system(line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trend_of_another_reading_is_remembered_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
