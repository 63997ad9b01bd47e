/*
 * Bytes are events: any topics and bodies, ticks, link changes, watching, forgetting. After each
 * the fleet's books must balance and nothing that reaches a screen may hold a control byte.
 *
 *   event := op (1 byte), time step in 100 ms (1 byte), topic length, topic, body length, body
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/filter.h"
#include "fleet/history.h"
#include "fleet/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static size_t take_span(struct input *in, const uint8_t **out)
{
    size_t len = take(in);
    size_t left = (size_t)(in->end - in->at);
    if (len > left)
        len = left;
    *out = in->at;
    in->at += len;
    return len;
}

/* Topics of ours mostly, so that few bytes go far. */
static void make_topic(char *out, size_t cap, uint8_t op, const uint8_t *text, size_t len)
{
    static const char *const subs[] = { "status",       "telemetry/e",   "ota/report",      "log",
                                        "reply/reboot", "telemetry/x/y", "commands/update", "zzz" };
    if (op & 8) {
        snprintf(out, cap, "%.*s", (int)len, (const char *)text);
        return;
    }
    snprintf(out, cap, "devices/d%u/%s", len ? text[0] % 5u : 0, subs[op & 7]);
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_clean(const char *text)
{
    for (; *text; text++)
        must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_texts(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms)
{
    char why[96];
    struct fleet_point points[FLEET_TREND];
    struct fleet_series_stats stats;

    fleet_why(fleet, d, now_ms, why, sizeof(why));
    must_be_clean(why);
    must_be_clean(fleet_word(fleet, d->fw));
    must_be_clean(fleet_word(fleet, d->product));
    must_be_clean(fleet_target(fleet, d));
    for (uint32_t i = 0; i < d->value_count; i++) {
        must_be_clean(fleet_reading(fleet, d->value[i].reading)->name);
        fleet_series(fleet, d, d->value[i].reading, now_ms - 3600000, now_ms, points, 50, &stats);
    }
    fleet_trend(fleet, d, now_ms, points);
}

static void check_fleet(const struct fleet *fleet, int64_t now_ms)
{
    uint32_t by_state[FLEET_STATES] = { 0 };
    uint32_t count = 0;
    uint64_t first, last;

    for (uint32_t i = 0; i < fleet_span(fleet); i++) {
        const struct fleet_device *d = fleet_device(fleet, i);
        if (!d)
            continue;
        count++;
        by_state[d->state]++;
        must(fleet_find(fleet, d->id) == i && d->index == i);
        must(fleet_age_ms(fleet, d, now_ms) >= -1);
        must_be_clean(d->id);
        check_texts(fleet, d, now_ms);
    }
    must(count == fleet_count(fleet));
    for (int s = 0; s < FLEET_STATES; s++)
        must(by_state[s] == fleet_count_state(fleet, (enum fleet_state)s));
    fleet_note_range(fleet, &first, &last);
    if (last)
        must_be_clean(fleet_note(fleet, last)->text);
    fleet_tail_range(fleet, "d1", &first, &last);
    if (last) {
        must_be_clean(fleet_tail(fleet, "d1", last)->body);
        must_be_clean(fleet_tail(fleet, "d1", last)->topic);
    }
}

static void check_view(struct fleet_view *view, const struct fleet *fleet, int64_t now_ms)
{
    fleet_view_refresh(view, now_ms);
    must(fleet_view_count(view) == fleet_count(fleet));
    for (uint32_t i = 0; i < fleet_view_count(view); i++)
        must(fleet_view_row(view, fleet_device(fleet, fleet_view_at(view, i))->id) == i);
}

static void step(struct fleet *fleet, struct input *in, int64_t *now_ms)
{
    uint8_t op = take(in);
    const uint8_t *topic_bytes, *body;
    char topic[300];
    struct fleet_event ev = { .kind = FLEET_EV_TICK };

    *now_ms += take(in) * 100;
    if (op >= 0xf0) {
        ev.kind = op & 1 ? FLEET_EV_LINK_UP : FLEET_EV_LINK_DOWN;
        fleet_apply(fleet, &ev, *now_ms);
    } else if (op >= 0xe0) {
        fleet_apply(fleet, &ev, *now_ms + (op & 15) * 60000);
    } else if (op >= 0xd8) {
        fleet_unwatch(fleet, "d1"); /* and its tail begins with what the fleet still has */
        fleet_watch(fleet, "d1");
    } else if (op >= 0xd0) {
        fleet_forget(fleet, op & 15);
    } else {
        size_t topic_len = take_span(in, &topic_bytes);
        size_t len = take_span(in, &body);
        make_topic(topic, sizeof(topic), op, topic_bytes, topic_len);
        void *exact = malloc(len ? len : 1); /* so that ASan sees a read past the end */
        memcpy(exact, body, len);
        ev = (struct fleet_event){
            .kind = FLEET_EV_MESSAGE, .topic = topic, .body = exact, .len = len, .retained = op & 16
        };
        fleet_apply(fleet, &ev, *now_ms);
        free(exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet_source source[2];
    int64_t now_ms = 1790000000000;
    struct input in = { data, data + size };

    must(fleet_source_parse("s", "sensors/#", "tag:location", &source[0], NULL) == 0);
    must(fleet_source_parse("t", "z/+", "topic:2", &source[1], NULL) == 0);
    struct fleet_config config = { .root = "devices",
                                   .max_devices = 8,
                                   .history_bytes = 200000,
                                   .recent_bytes = 1500, /* a few messages: it goes round */
                                   .source = source,
                                   .source_count = 2 };
    struct fleet *fleet = fleet_new(&config);
    struct fleet_view *view = fleet_view_new(fleet);
    fleet_watch(fleet, "d1");
    while (in.at < in.end) {
        step(fleet, &in, &now_ms);
        check_fleet(fleet, now_ms);
        check_view(view, fleet, now_ms);
    }
    fleet_view_free(view);
    fleet_free(fleet);
    return 0;
}
