/*
 * Any text is a filter or a mistake with a place inside the text; a filter gives an answer for any
 * device. A filter and its negation never agree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/filter.h"
#include "fleet/fleet.h"
#include "fleet/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct message {
    const char *topic, *body;
} messages[] = {
    { "devices/pump-1/status",
      "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\",\"fw\":\"1.9.0\","
      "\"groups\":[\"berlin\",\"site:ams\"],\"interval\":60,\"cert_not_after\":1800000000}" },
    { "devices/pump-1/telemetry/env", "{\"temp\":85.5,\"press\":101325,\"uptime\":99}" },
    { "devices/pump-2/status", "offline" },
    { "devices/pump-2/ota/report",
      "{\"rollout\":\"r-1\",\"attempt\":1,\"state\":\"failed\",\"reason\":\"panic\","
      "\"from\":\"1.9.0\",\"to\":\"2.0.0\",\"n\":1}" },
};

static struct fleet *make_fleet(void)
{
    static const struct fleet_config config = { .root = "devices" };
    struct fleet *fleet = fleet_new(&config);
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct fleet_event ev = { .kind = FLEET_EV_MESSAGE,
                                  .topic = messages[i].topic,
                                  .body = messages[i].body,
                                  .len = strlen(messages[i].body) };
        fleet_apply(fleet, &ev, 1790000000000);
    }
    return fleet;
}

/* What is offered replaces bytes of the text before the cursor and begins as they do. */
static void check_hints(struct fleet *fleet, const char *text)
{
    struct filter_hints h;
    for (size_t at = 0; at <= strlen(text); at++) {
        filter_complete(text, at, fleet, &h);
        if (h.from > h.to || h.to != at || h.count > FILTER_HINTS)
            abort();
        for (size_t i = 0; i < h.count; i++) {
            if (strlen(h.word[i]) < h.to - h.from)
                abort();
        }
    }
}

static void check(struct fleet *fleet, const char *text)
{
    struct filter_error err, again;
    char negated[FILTER_TEXT_MAX + 8];
    struct filter *filter = filter_compile(text, &err);
    if (!filter) {
        if (err.at > strlen(text) || err.len == 0 || !err.text[0])
            abort();
        return;
    }
    const char *unknown = filter_unknown(filter, fleet);
    if (unknown && !*unknown)
        abort();
    struct filter *opposite = NULL;
    if (strlen(text) + 6 < FILTER_TEXT_MAX && strspn(text, " \t") != strlen(text)) {
        memcpy(negated, "not (", 5);
        memcpy(negated + 5, text, strlen(text));
        memcpy(negated + 5 + strlen(text), ")", 2);
        opposite = filter_compile(negated, &again);
    }
    for (uint32_t i = 0; i < fleet_span(fleet); i++) {
        const struct fleet_device *d = fleet_device(fleet, i);
        bool yes = filter_match(filter, fleet, d, 1790000005000);
        if (opposite && filter_match(opposite, fleet, d, 1790000005000) == yes)
            abort();
    }
    filter_free(opposite);
    filter_free(filter);
}

static const void *no_row(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
    return NULL;
}

/* Over the rows of another list the same holds; a row may have a device or none. */
static void check_rows(struct fleet *fleet, const char *text)
{
    static const struct alert_row row = {
        .rule = "hot", .subject = "pump-1", .text = "temp>30", .by = "", .fired_ms = 1790000000000
    };
    struct filter_list list = { .rows = &alert_rows, .fleet = fleet, .row = no_row };
    struct filter_hints h;
    struct filter_error err;
    struct filter *filter = filter_compile_rows(text, &alert_rows, &err);
    filter_complete_list(text, strlen(text), &list, &h);
    if (!filter && (err.at > strlen(text) || err.len == 0 || !err.text[0]))
        abort();
    if (!filter)
        return;
    filter_match_row(filter, &row, fleet, 1790000005000);
    filter_match_row(filter, &row, NULL, 1790000005000);
    filter_free(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fleet *fleet; /* made once: a filter does not change it */
    if (size > FILTER_TEXT_MAX + 8)
        return 0;
    if (!fleet)
        fleet = make_fleet();
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check(fleet, text);
    check_hints(fleet, text);
    check_rows(fleet, text);
    free(text);
    return 0;
}
