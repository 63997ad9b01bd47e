#include "notify/words.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static const struct {
    const char *word;
    bool told;
} events[] = {
#define X(name, word, told) { word, told },
    NOTIFY_EVENT_MAP(X)
#undef X
};

const char *notify_event_word(enum notify_event event)
{
    return (unsigned)event < NOTIFY_EVENTS ? events[event].word : "?";
}

/* ---- on = …
 * ----------------------------------------------------------------------------------------------------
 */

static int unknown_word(const char *word, int len, struct err *err)
{
    char list[160] = "";
    size_t used = 0;

    for (int i = 0; i < NOTIFY_EVENTS; i++) {
        if (text_format(list + used, sizeof(list) - used, "%s%s", i ? " " : "", events[i].word))
            used += strlen(list + used);
    }
    return err_set(err, EXIT_USAGE, "'%.*s' is no event; there are: %s, and all", len, word, list);
}

static int add_word(const char *word, size_t len, uint32_t *mask, struct err *err)
{
    if (len == 3 && strncmp(word, "all", len) == 0) {
        *mask |= (1u << NOTIFY_EVENTS) - 1;
        return 0;
    }
    for (int i = 0; i < NOTIFY_EVENTS; i++) {
        if (strlen(events[i].word) == len && strncmp(events[i].word, word, len) == 0) {
            *mask |= 1u << i;
            return 0;
        }
    }
    return unknown_word(word, len < 40 ? (int)len : 40, err);
}

int notify_mask(const char *text, uint32_t *mask, struct err *err)
{
    static const char between[] = ", \t";

    *mask = 0;
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        size_t len = strcspn(text, between);
        if (add_word(text, len, mask, err) != 0)
            return -1;
        text += len;
    }
    bool none = *mask == 0;
    for (int i = 0; none && i < NOTIFY_EVENTS; i++)
        *mask |= events[i].told ? 1u << i : 0;
    /* A test is asked for by a person. */
    *mask |= 1u << NOTIFY_TEST;
    return 0;
}

/* ---- what it says
 * ---------------------------------------------------------------------------------------------- */

enum { PART = 200 };

/* The facts with their texts made safe and short. */
struct clean {
    char fleet[64], rollout[64], release[96], stage[64], subject[96], rule[40], level[8], why[PART];
};

static void put(char *out, size_t cap, const char *text)
{
    text_clean(out, cap, text ? text : "", text ? strlen(text) : 0);
}

static void clean_all(const struct notify_facts *f, struct clean *c)
{
    put(c->fleet, sizeof(c->fleet), f->fleet);
    put(c->rollout, sizeof(c->rollout), f->rollout);
    put(c->release, sizeof(c->release), f->release);
    put(c->stage, sizeof(c->stage), f->stage);
    put(c->subject, sizeof(c->subject), f->subject);
    put(c->rule, sizeof(c->rule), f->rule);
    put(c->level, sizeof(c->level), f->level);
    put(c->why, sizeof(c->why), f->why);
}

static void counts(const struct notify_facts *f, char *out, size_t cap)
{
    text_format(out, cap, "%u of %u done, %u failed", f->done, f->devices, f->failed);
}

static void say(const struct notify_facts *f, const struct clean *c, char *out, size_t cap)
{
    const char *colon = c->why[0] ? ": " : "";
    char count[64];

    counts(f, count, sizeof(count));
    switch (f->event) {
    case NOTIFY_START:
        text_format(out, cap, "%s has started: %s to %u device%s in %u stage%s", c->rollout,
                    c->release, f->devices, f->devices == 1 ? "" : "s", f->stages,
                    f->stages == 1 ? "" : "s");
        return;
    case NOTIFY_HOLD:
        text_format(out, cap, "%s holds after stage %s (%u of %u)%s%s", c->rollout, c->stage,
                    f->stage_number, f->stages, colon, c->why);
        return;
    case NOTIFY_APPROVAL:
        text_format(out, cap, "%s waits for an approval at stage %s (%u of %u)%s%s", c->rollout,
                    c->stage, f->stage_number, f->stages, colon, c->why);
        return;
    case NOTIFY_PAUSE:
        text_format(out, cap, "%s is paused%s%s; %s", c->rollout, colon, c->why, count);
        return;
    case NOTIFY_RESUME:
        text_format(out, cap, "%s goes on; %s", c->rollout, count);
        return;
    case NOTIFY_STOP:
        text_format(out, cap, "%s has stopped itself%s%s; %s", c->rollout, colon, c->why, count);
        return;
    case NOTIFY_ABORT:
        text_format(out, cap, "%s is being aborted%s%s; %s", c->rollout, colon, c->why, count);
        return;
    case NOTIFY_ABORTED:
        text_format(out, cap, "%s is aborted%s%s; %s", c->rollout, colon, c->why, count);
        return;
    case NOTIFY_DONE:
        text_format(out, cap, "%s is done: %u of %u devices run %s, %u failed", c->rollout, f->done,
                    f->devices, c->release, f->failed);
        return;
    case NOTIFY_ALERT:
        text_format(out, cap, "alert: %s%s%s", c->subject, colon, c->why);
        return;
    case NOTIFY_CLEAR:
        text_format(out, cap, "over: %s%s%s", c->subject, colon, c->why);
        return;
    case NOTIFY_TEST:
        text_format(out, cap, "this is a test of muster's notifications");
        return;
    case NOTIFY_EVENTS:
        break;
    }
    text_copy(out, cap, "");
}

static void when(int64_t ts_ms, char *out, size_t cap)
{
    time_t t = (time_t)(ts_ms / 1000);
    struct tm tm;

    out[0] = '\0';
    if (gmtime_r(&t, &tm))
        strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void add_text(json_t *o, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(o, key, json_string(value));
}

static json_t *object_of(const struct notify_facts *f, const struct clean *c, const char *text)
{
    char time_text[32];
    json_t *o = json_object();

    when(f->ts_ms, time_text, sizeof(time_text));
    json_object_set_new(o, "event", json_string(notify_event_word(f->event)));
    json_object_set_new(o, "text", json_string(text));
    json_object_set_new(o, "time", json_string(time_text));
    add_text(o, "fleet", c->fleet);
    add_text(o, "rollout", c->rollout);
    add_text(o, "release", c->release);
    add_text(o, "stage", c->stage);
    add_text(o, "subject", c->subject);
    add_text(o, "rule", c->rule);
    add_text(o, "level", c->level);
    add_text(o, "why", c->why);
    if (c->rollout[0]) {
        json_object_set_new(o, "devices", json_integer(f->devices));
        json_object_set_new(o, "done", json_integer(f->done));
        json_object_set_new(o, "failed", json_integer(f->failed));
    }
    return o;
}

void notify_write(const struct notify_facts *f, char text[NOTIFY_TEXT_MAX],
                  char body[NOTIFY_BODY_MAX])
{
    struct clean c;
    char line[2 * NOTIFY_TEXT_MAX];

    clean_all(f, &c);
    say(f, &c, line, sizeof(line));
    /* Which fleet: people watch several by one chat. */
    if (c.fleet[0] && text_format(text, NOTIFY_TEXT_MAX, "%s: %.320s", c.fleet, line))
        ;
    else
        text_format(text, NOTIFY_TEXT_MAX, "%.320s", line);
    json_t *o = object_of(f, &c, text);
    char *json = json_dumps(o, JSON_COMPACT);
    if (!json || !text_copy(body, NOTIFY_BODY_MAX, json))
        text_copy(body, NOTIFY_BODY_MAX, "{}");
    free(json);
    json_decref(o);
}

/* ---- when to try again
 * ----------------------------------------------------------------------------------------- */

int64_t notify_delay_ms(uint32_t failed, uint32_t random, uint32_t retry_after_s)
{
    int64_t whole = NOTIFY_FIRST_MS;
    int64_t asked = (int64_t)retry_after_s * 1000;

    for (uint32_t i = 1; i < failed && whole < NOTIFY_LONGEST_MS; i++)
        whole *= 2;
    if (whole > NOTIFY_LONGEST_MS)
        whole = NOTIFY_LONGEST_MS;
    int64_t delay = whole / 2 + random % (whole / 2 + 1);
    if (asked > NOTIFY_LONGEST_MS)
        asked = NOTIFY_LONGEST_MS;
    return delay > asked ? delay : asked;
}

enum notify_outcome notify_outcome_of(int status)
{
    if (status >= 200 && status < 300)
        return NOTIFY_DELIVERED;
    if (status < 300 || status >= 500 || status == 408 || status == 425 || status == 429)
        return NOTIFY_AGAIN;
    return NOTIFY_REFUSED; /* redirects too: what is sent is for one host */
}

const char *notify_give_up(enum notify_outcome outcome, uint32_t failed, int64_t age_ms)
{
    if (outcome == NOTIFY_DELIVERED)
        return NULL;
    if (outcome == NOTIFY_REFUSED && failed >= NOTIFY_REFUSALS)
        return "refused";
    if (failed >= NOTIFY_ATTEMPTS)
        return "too many attempts";
    if (age_ms >= NOTIFY_AGE_MS)
        return "three days old";
    return NULL;
}
