/*
 * The reducer: a message is sorted by its topic, decoded by protocol/, and put into its device.
 */
#include "fleet/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "internal.h"
#include "protocol/id.h"
#include "protocol/reply.h"

enum {
    HISTORY_BYTES = 24 << 20,
    TS_OLDEST_S = 48 * 3600,
    TS_AHEAD_S = 5,
    RECALL_AHEAD_S = 60,
    LONGEST_DS = 864000, /* a day without a word, or a clock that was set, is no interval */
    BURST_DS = 5,        /* messages nearer than half a second are one beat */
};

static const char dropped_topic[] = "$SYS/broker/publish/messages/dropped";

struct fleet *fleet_new(const struct fleet_config *config)
{
    struct fleet *fleet = mem_alloc(sizeof(*fleet));

    if (!config->root || !text_copy(fleet->root, sizeof(fleet->root), config->root))
        text_copy(fleet->root, sizeof(fleet->root), "devices");
    fleet->max_devices = config->max_devices ? config->max_devices : FLEET_MAX_DEVICES;
    fleet->history_budget = config->history_bytes ? config->history_bytes : HISTORY_BYTES;
    fleet->source_count = config->source_count < FLEET_MAX_SOURCES ? (uint32_t)config->source_count
                                                                   : FLEET_MAX_SOURCES;
    for (uint32_t i = 0; i < fleet->source_count; i++)
        fleet->source[i] = config->source[i];
    fleet->chunk = mem_array(fleet->max_devices / CHUNK + 1, sizeof(*fleet->chunk));
    fleet->reading = mem_array(FLEET_MAX_READINGS, sizeof(*fleet->reading));
    fleet->note = mem_array(FLEET_EVENTS, sizeof(*fleet->note));
    fleet->reply = mem_array(FLEET_REPLIES, sizeof(*fleet->reply));
    fleet->trend_reading = FLEET_NONE;
    for (size_t i = 0; i < PREFERRED_TRENDS; i++)
        fleet->preferred[i] = FLEET_NONE;
    fleet_words_init(&fleet->words);
    for (int i = 0; i < 2; i++)
        fleet_recent_init(&fleet->recent[i],
                          config->recent_bytes ? config->recent_bytes : FLEET_RECENT_BYTES);
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    fleet_table_free(fleet);
    for (size_t i = 0; i < FLEET_MAX_WATCHED; i++)
        free(fleet->watch[i].line);
    fleet_words_free(&fleet->words);
    for (int i = 0; i < 2; i++)
        fleet_recent_free(&fleet->recent[i]);
    free(fleet->history);
    free(fleet->reading);
    free(fleet->note);
    free(fleet->reply);
    free(fleet);
}

/* ---- time and rates ------------------------------------------------------------------------- */

static void rate_to(struct rate *rate, int64_t second)
{
    int64_t steps = second - rate->second;
    if (steps > FLEET_RATE_SECONDS + 1)
        steps = FLEET_RATE_SECONDS + 1;
    for (int64_t i = 0; i < steps; i++)
        rate->count[(second - i) % (FLEET_RATE_SECONDS + 1)] = 0;
    if (second > rate->second)
        rate->second = second;
}

void fleet_rate_history(const struct fleet *fleet, int64_t now_ms, uint32_t out[FLEET_RATE_SECONDS])
{
    int64_t now = now_ms / 1000;
    for (int64_t i = 0; i < FLEET_RATE_SECONDS; i++) {
        int64_t second = now - FLEET_RATE_SECONDS + i;
        bool kept = second <= fleet->rate.second && second >= 0 &&
                    second > fleet->rate.second - (FLEET_RATE_SECONDS + 1);
        out[i] = kept ? fleet->rate.count[second % (FLEET_RATE_SECONDS + 1)] : 0;
    }
}

void fleet_counters(const struct fleet *fleet, int64_t now_ms, struct fleet_counters *out)
{
    int64_t heard = now_ms / 1000 - fleet->link.since_ms / 1000;
    int last = !fleet->link.up || heard > FLEET_RATE_OVER ? FLEET_RATE_OVER
               : heard < 1                                ? 1
                                                          : (int)heard;
    uint32_t seconds[FLEET_RATE_SECONDS];
    double sum = 0;

    fleet_rate_history(fleet, now_ms, seconds);
    for (int i = FLEET_RATE_SECONDS - last; i < FLEET_RATE_SECONDS; i++)
        sum += seconds[i];
    *out = fleet->counters;
    out->per_second = sum / last;
}

const struct fleet_link *fleet_link(const struct fleet *fleet)
{
    return &fleet->link;
}

static void count_message(struct fleet_device *d, int64_t now_ms)
{
    uint32_t minute = (uint32_t)(now_ms / 60000);
    if (minute != d->rate_minute) {
        d->rate_before = minute == d->rate_minute + 1 ? d->rate_now : 0;
        d->rate_now = 0;
        d->rate_minute = minute;
    }
    if (d->rate_now < UINT16_MAX)
        d->rate_now++;
    d->messages++;
}

/* A live message: the device spoke. */
static void heard(struct fleet *fleet, struct fleet_device *d)
{
    d->last_ms = fleet->now_ms;
    d->online = true;
    d->offline_ms = 0;
    count_message(d, fleet->now_ms);
}

static void learn_interval(struct fleet *fleet, struct fleet_device *d)
{
    uint32_t now = (uint32_t)((fleet->now_ms - fleet->base_ms) / 100);
    uint32_t gap = now - d->spoke_ds;
    bool known = d->spoke_ds != 0;

    if (d->declared || (known && gap < BURST_DS))
        return;
    d->spoke_ds = now;
    if (!known || gap > LONGEST_DS)
        return;
    uint32_t gap_ms = gap * 100;
    if (!d->interval_ms) {
        d->interval_ms = gap_ms;
        return;
    }
    /* A long silence teaches little. */
    uint64_t most = (uint64_t)d->interval_ms * 4;
    uint64_t step = gap_ms < most ? gap_ms : most;
    d->interval_ms = (uint32_t)(((uint64_t)d->interval_ms * 7 + step) / 8);
}

static void bad_message(struct fleet *fleet, struct fleet_device *d, unsigned kind)
{
    fleet->counters.undecodable++;
    d->bad++;
    d->bad_kinds |= (uint8_t)kind;
}

/* ---- status --------------------------------------------------------------------------------- */

static void take_word(struct fleet *fleet, uint16_t *word, const char *text)
{
    if (*text)
        *word = fleet_words_add(&fleet->words, text);
}

static void take_facts(struct fleet *fleet, struct fleet_device *d, const struct device_status *s)
{
    take_word(fleet, &d->product, s->product);
    take_word(fleet, &d->hw, s->hw);
    take_word(fleet, &d->fw, s->fw);
    take_word(fleet, &d->slot, s->slot);
    take_word(fleet, &d->image, s->image);
    if (!*s->fw)
        return; /* a will, or a bare word: it says nothing of the rest */
    d->boots = s->boots;
    d->reset = (uint8_t)s->reset;
    d->release_seq = s->release_seq;
    d->security = s->security;
    d->keyset = s->keyset;
    d->agent = s->agent;
    d->cert_not_after = s->cert_not_after;
    d->group_count = (uint8_t)s->group_count;
    for (uint32_t i = 0; i < s->group_count; i++)
        d->group[i] = fleet_words_add(&fleet->words, s->groups[i]);
    if (s->interval) {
        d->declared = true;
        d->interval_ms = s->interval < UINT32_MAX / 1000 ? s->interval * 1000 : UINT32_MAX;
    }
}

static void take_boot(struct fleet *fleet, struct fleet_device *d, const struct device_status *s)
{
    if (!*s->boot || !s->online || strcmp(d->boot, s->boot) == 0)
        return;
    bool known = d->boot[0] != '\0';
    text_clean(d->boot, sizeof(d->boot), s->boot, strlen(s->boot));
    if (!known)
        return;
    fleet_note_add(fleet, d, FLEET_NOTE_BOOT, "restarted (%s), boot %u", reset_word(s->reset),
                   s->boots);
    if (s->reset == RESET_PANIC || s->reset == RESET_WATCHDOG)
        d->crashed_s = (uint32_t)(fleet->now_ms / 1000);
}

static bool on_status(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev)
{
    struct device_status s;
    if (device_status_decode(ev->body, ev->len, &s) != 0) {
        bad_message(fleet, d, BAD_STATUS);
        return false;
    }
    d->bad_kinds &= (uint8_t)~BAD_STATUS;
    d->has_status = true;
    take_boot(fleet, d, &s);
    take_facts(fleet, d, &s);
    if (s.online) {
        if (!ev->retained)
            heard(fleet, d);
        d->online = true;
        d->offline_ms = 0;
    } else {
        /* A last will is the broker's word: the device did not speak. */
        if (d->online)
            d->offline_ms = ev->retained ? 0 : fleet->now_ms;
        d->online = false;
    }
    return true;
}

/* ---- OTA report ----------------------------------------------------------------------------- */

static void push_update(const struct fleet *fleet, struct fleet_ota *ota, bool live)
{
    uint32_t t = ota->ts ? (uint32_t)ota->ts : live ? (uint32_t)(fleet->now_ms / 1000) : 0;
    struct fleet_update update = { t, ota->from, ota->to, ota->rollout, ota->state, ota->reason };

    memmove(&ota->update[1], &ota->update[0], sizeof(ota->update) - sizeof(ota->update[0]));
    ota->update[0] = update;
    if (ota->update_count < FLEET_UPDATES)
        ota->update_count++;
}

static void note_update(struct fleet *fleet, const struct fleet_device *d)
{
    const struct fleet_ota *ota = d->ota;
    const char *word = ota_report_word((enum ota_report_state)ota->state);
    const char *to = fleet_word(fleet, ota->to);

    if (ota->reason != REASON_NONE)
        fleet_note_add(fleet, d, FLEET_NOTE_UPDATE, "update %s %s: %s", word, to,
                       reason_text((enum reason)ota->reason));
    else
        fleet_note_add(fleet, d, FLEET_NOTE_UPDATE, "update %s %s", word, to);
}

static void take_report(struct fleet *fleet, struct fleet_ota *ota, const struct ota_report *r)
{
    ota->slot = r->slot;
    ota->ts = r->ts;
    ota->got = r->got;
    ota->size = r->size;
    ota->n = r->n;
    ota->attempt = r->attempt;
    ota->rollout = fleet_words_add(&fleet->words, r->rollout);
    ota->from = fleet_words_add(&fleet->words, r->from);
    ota->to = fleet_words_add(&fleet->words, r->to);
    ota->image = fleet_words_add(&fleet->words, r->image);
    ota->state = (uint8_t)r->state;
    ota->reason = (uint8_t)r->reason;
    text_clean(ota->boot, sizeof(ota->boot), r->boot, strlen(r->boot));
    if (ota->detail && strcmp(ota->detail, r->detail) == 0)
        return;
    free(ota->detail);
    ota->detail = *r->detail ? mem_strdup(r->detail) : NULL;
}

static bool on_report(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev)
{
    struct ota_report r;
    if (ota_report_decode(ev->body, ev->len, &r) != 0) {
        bad_message(fleet, d, BAD_REPORT);
        return false;
    }
    d->bad_kinds &= (uint8_t)~BAD_REPORT;
    bool first = !d->ota;
    if (first) {
        d->ota = mem_alloc(sizeof(*d->ota));
        fleet->ota_bytes += sizeof(*d->ota);
    }
    struct fleet_ota was = *d->ota;
    take_report(fleet, d->ota, &r);

    bool moved = first || was.state != d->ota->state || was.rollout != d->ota->rollout ||
                 was.attempt != d->ota->attempt;
    if (moved || !ev->retained)
        d->ota->arrived_ms = ev->retained ? 0 : fleet->now_ms;
    if (moved && ota_report_is_end(r.state))
        push_update(fleet, d->ota, !ev->retained);
    if (moved && !(first && ev->retained))
        note_update(fleet, d);
    if (!ev->retained)
        heard(fleet, d);
    return true;
}

/* ---- readings ------------------------------------------------------------------------------- */

static struct fleet_value *value_for(struct fleet *fleet, struct fleet_device *d, uint32_t reading,
                                     bool *added)
{
    for (uint32_t i = 0; i < d->value_count; i++)
        if (d->value[i].reading == reading)
            return &d->value[i];
    if (d->value_count == PROTO_READINGS)
        return NULL;
    if (d->value_count == d->value_cap) {
        uint32_t cap = d->value_cap ? d->value_cap * 2u : 4u;
        d->value = mem_grow(d->value, cap, sizeof(*d->value));
        fleet->value_bytes += (cap - d->value_cap) * sizeof(*d->value);
        d->value_cap = (uint8_t)cap;
    }
    struct fleet_value *v = &d->value[d->value_count++];
    *v = (struct fleet_value){ .reading = (uint16_t)reading };
    fleet->reading[reading].devices++;
    *added = true;
    return v;
}

/* When the values were measured, Unix ms; 0: not known. */
static int64_t measured_ms(const struct fleet *fleet, const struct readings *r, bool retained)
{
    double now = (double)fleet->now_ms / 1000.0;
    if (r->has_ts && r->ts > now - TS_OLDEST_S && r->ts < now + TS_AHEAD_S)
        return r->ts < now ? (int64_t)(r->ts * 1000.0) : fleet->now_ms;
    return retained ? 0 : fleet->now_ms;
}

static void take_value(struct fleet_value *v, double value, int64_t t_ms)
{
    if (t_ms / 1000 < v->t)
        return; /* late: a device's ring after a lost link */
    v->value = value;
    v->t = (uint32_t)(t_ms / 1000);
}

/* A device says the same names in the same order again: its `i`th reading is looked at first. */
static uint32_t reading_of(struct fleet *fleet, const struct fleet_device *d, uint32_t i,
                           const char *name)
{
    if (i < d->value_count && strcmp(fleet->reading[d->value[i].reading].name, name) == 0)
        return d->value[i].reading;
    return fleet_reading_intern(fleet, name);
}

static void take_readings(struct fleet *fleet, struct fleet_device *d, const struct readings *r,
                          bool retained)
{
    uint32_t reading[PROTO_READINGS];
    int64_t t_ms = measured_ms(fleet, r, retained);
    bool added = false;

    fleet->counters.dropped += r->dropped;
    for (uint32_t i = 0; i < r->count; i++) {
        reading[i] = reading_of(fleet, d, i, r->item[i].name);
        struct fleet_value *v =
            reading[i] == FLEET_NONE ? NULL : value_for(fleet, d, reading[i], &added);
        if (v) {
            take_value(v, r->item[i].value, t_ms);
        } else {
            fleet->counters.dropped++;
            reading[i] = FLEET_NONE;
        }
    }
    if (added)
        fleet_trend_choose(fleet, d);
    for (uint32_t i = 0; t_ms && i < r->count; i++)
        if (reading[i] != FLEET_NONE)
            fleet_history_add(fleet, d, reading[i], t_ms, r->item[i].value);
}

static bool on_telemetry(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev)
{
    struct readings r;
    if (!ev->retained)
        heard(fleet, d);
    if (readings_decode(ev->body, ev->len, &r) != 0) {
        bad_message(fleet, d, BAD_TELEMETRY);
        return false;
    }
    d->bad_kinds &= (uint8_t)~BAD_TELEMETRY;
    if (!ev->retained)
        learn_interval(fleet, d);
    if (!d->has_status)
        take_word(fleet, &d->fw, r.firmware);
    take_readings(fleet, d, &r, ev->retained);
    return true;
}

/* ---- the other topics ----------------------------------------------------------------------- */

static void on_log(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev)
{
    static const char *const loud[] = { "warn ", "error ", "crit " };
    const char *text = ev->body;

    if (!ev->retained)
        heard(fleet, d);
    for (size_t i = 0; i < sizeof(loud) / sizeof(loud[0]); i++) {
        size_t len = strlen(loud[i]);
        if (ev->len > len && memcmp(text, loud[i], len) == 0)
            fleet_note_add(fleet, d, FLEET_NOTE_LOG, "%.*s", ev->len < 200 ? (int)ev->len : 200,
                           text);
    }
}

static bool on_reply(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev)
{
    struct reply r;
    if (!ev->retained)
        heard(fleet, d);
    if (reply_decode(ev->body, ev->len, &r) != 0) {
        fleet->counters.undecodable++;
        d->bad++;
        return false;
    }
    if (!ev->retained)
        fleet_reply_add(fleet, d->id, &r);
    if (r.ok)
        fleet_note_add(fleet, d, FLEET_NOTE_REPLY, "%s done%s%s", verb_word(r.verb),
                       *r.detail ? ": " : "", r.detail);
    else
        fleet_note_add(fleet, d, FLEET_NOTE_REPLY, "%s refused: %s", verb_word(r.verb),
                       reason_text(r.reason));
    return true;
}

static void on_broker_dropped(struct fleet *fleet, const struct fleet_event *ev)
{
    char digits[24];
    uint64_t total;
    if (!text_copy_n(digits, sizeof(digits), ev->body, ev->len) ||
        !text_to_u64(digits, 0, UINT64_MAX, &total))
        return;
    if (!fleet->has_dropped_base || total < fleet->dropped_base) {
        fleet->has_dropped_base = true;
        fleet->dropped_base = total;
    }
    fleet->counters.broker_dropped = total - fleet->dropped_base;
}

/* ---- who a message is about ----------------------------------------------------------------- */

static uint32_t find_or_add(struct fleet *fleet, const struct fleet_event *ev, const char *id)
{
    uint32_t device = fleet_find(fleet, id);
    if (device != FLEET_NONE)
        return device;
    device = fleet_table_add(fleet, id);
    if (device == FLEET_NONE) {
        fleet->counters.refused++;
        return device;
    }
    struct fleet_device *d = fleet_at(fleet, device);
    d->met_ms = fleet->now_ms;
    if (!ev->retained && fleet->link.up && fleet->now_ms - fleet->link.since_ms > SETTLE_MS)
        fleet_note_add(fleet, d, FLEET_NOTE_NEW, "seen for the first time");
    return device;
}

/* What any message about a device ends with. */
static void finish(struct fleet *fleet, struct fleet_device *d, const struct fleet_event *ev,
                   const struct topic *topic, bool bad)
{
    fleet_evaluate(fleet, d);
    fleet_mark(fleet, d);
    fleet_recent_add(fleet, d, ev, topic, bad);
    struct watch *watch = fleet_watch_of(fleet, d->id);
    if (watch)
        fleet_tail_add(fleet, watch, ev, topic, bad);
}

static uint32_t on_device(struct fleet *fleet, const struct fleet_event *ev,
                          const struct topic *topic)
{
    bool ok = true;
    if (topic->kind == TOPIC_STATUS && ev->len == 0) {
        fleet_forget(fleet, fleet_find(fleet, topic->id)); /* its retained status was cleared */
        return FLEET_NONE;
    }
    if (ev->len == 0)
        return FLEET_NONE; /* a retained report or command was cleared */
    uint32_t device = find_or_add(fleet, ev, topic->id);
    if (device == FLEET_NONE)
        return FLEET_NONE;
    struct fleet_device *d = fleet_at(fleet, device);

    d->source = 0;
    switch (topic->kind) {
    case TOPIC_STATUS:
        ok = on_status(fleet, d, ev);
        break;
    case TOPIC_REPORT:
        ok = on_report(fleet, d, ev);
        break;
    case TOPIC_TELEMETRY:
        ok = on_telemetry(fleet, d, ev);
        break;
    case TOPIC_LOG:
        on_log(fleet, d, ev);
        break;
    case TOPIC_REPLY:
        ok = on_reply(fleet, d, ev);
        break;
    case TOPIC_COMMAND: /* an operator's: shown in the tail, no sign of life */
    case TOPIC_OTHER:
    case TOPIC_ROLLOUT:
    case TOPIC_RELEASE:
        break;
    }
    finish(fleet, d, ev, topic, !ok);
    return device;
}

/* An id such as people's firmware writes it, made one that a device may have. */
static bool make_id(char *id)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (char *c = id; *c; c++)
        if (!strchr(allowed, *c))
            *c = '-';
    return id_is_valid(id, strlen(id));
}

static bool topic_level(const char *topic, uint32_t level, char id[PROTO_ID_MAX])
{
    for (; level > 1; level--) {
        topic += strcspn(topic, "/");
        if (!*topic)
            return false;
        topic++;
    }
    return text_copy_n(id, PROTO_ID_MAX, topic, strcspn(topic, "/"));
}

static bool source_id(const struct fleet_source *source, const struct fleet_event *ev,
                      char id[PROTO_ID_MAX])
{
    bool found = false;
    switch (source->from) {
    case FLEET_ID_TOPIC:
        found = topic_level(ev->topic, source->level, id);
        break;
    case FLEET_ID_JSON:
        found = readings_field(ev->body, ev->len, source->key, id, PROTO_ID_MAX) == 0;
        break;
    case FLEET_ID_TAG:
        /* The field's firmware sends the same thing as a tag or as JSON (protocol/reading.h). */
        found = readings_tag(ev->body, ev->len, source->key, id, PROTO_ID_MAX) == 0 ||
                readings_field(ev->body, ev->len, source->key, id, PROTO_ID_MAX) == 0;
        break;
    }
    return found && make_id(id);
}

static uint32_t on_foreign(struct fleet *fleet, const struct fleet_event *ev,
                           const struct topic *topic)
{
    char id[PROTO_ID_MAX];
    uint32_t i = 0;

    while (i < fleet->source_count && !fleet_topic_matches(fleet->source[i].topic, ev->topic))
        i++;
    if (i == fleet->source_count) {
        fleet->counters.foreign++;
        return FLEET_NONE;
    }
    if (!source_id(&fleet->source[i], ev, id)) {
        fleet->counters.undecodable++;
        return FLEET_NONE;
    }
    uint32_t device = find_or_add(fleet, ev, id);
    if (device == FLEET_NONE)
        return FLEET_NONE;
    struct fleet_device *d = fleet_at(fleet, device);
    if (d->source == 0 && d->changed) {
        fleet->counters.conflicts++; /* anyone may write there: it must not speak for a device */
        return FLEET_NONE;
    }
    d->source = (uint8_t)(i + 1);
    bool ok = on_telemetry(fleet, d, ev);
    finish(fleet, d, ev, topic, !ok);
    return device;
}

static uint32_t on_message(struct fleet *fleet, const struct fleet_event *ev)
{
    struct topic topic;

    fleet->counters.messages++;
    fleet->counters.retained += ev->retained;
    fleet->counters.bytes += ev->len;
    if (strcmp(ev->topic, dropped_topic) == 0) {
        on_broker_dropped(fleet, ev);
        return FLEET_NONE;
    }
    if (!ev->retained) /* the picture at the start is no traffic */
        fleet->rate.count[fleet->rate.second % (FLEET_RATE_SECONDS + 1)]++;
    topic_parse(fleet->root, ev->topic, &topic);
    switch (topic.kind) {
    case TOPIC_OTHER:
        return on_foreign(fleet, ev, &topic);
    case TOPIC_ROLLOUT:
    case TOPIC_RELEASE:
        return FLEET_NONE; /* not about a device */
    case TOPIC_STATUS:
    case TOPIC_TELEMETRY:
    case TOPIC_LOG:
    case TOPIC_REPORT:
    case TOPIC_COMMAND:
    case TOPIC_REPLY:
        break;
    }
    return on_device(fleet, ev, &topic);
}

/* ---- events --------------------------------------------------------------------------------- */

void fleet_vouch(struct fleet *fleet, int64_t since_ms)
{
    fleet->vouched_ms = since_ms;
}

/* A clock that ran ahead wrote it down: believed, nothing that is said until then would be newer.
 */
static int64_t not_ahead(const struct fleet *fleet, int64_t t_ms)
{
    return t_ms > fleet->now_ms + (int64_t)RECALL_AHEAD_S * 1000 ? 0 : t_ms;
}

void fleet_recall(struct fleet *fleet, const char *id, int64_t last_ms, uint32_t interval_ms,
                  const struct device_status *facts, const struct reading *item, const uint32_t *t,
                  uint32_t count)
{
    struct fleet_event ev = { .kind = FLEET_EV_MESSAGE, .retained = true };
    bool added = false;

    if (!id_is_valid(id, strlen(id)))
        return;
    uint32_t device = find_or_add(fleet, &ev, id);
    if (device == FLEET_NONE)
        return;
    struct fleet_device *d = fleet_at(fleet, device);
    last_ms = not_ahead(fleet, last_ms);
    if (last_ms > d->last_ms)
        d->last_ms = d->met_ms = last_ms;
    if (!d->interval_ms)
        d->interval_ms = interval_ms;
    if (facts && !d->fw)
        take_facts(fleet, d, facts);
    if (facts && !d->boot[0])
        text_clean(d->boot, sizeof(d->boot), facts->boot, strlen(facts->boot));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t reading = fleet_reading_intern(fleet, item[i].name);
        struct fleet_value *v = reading == FLEET_NONE ? NULL : value_for(fleet, d, reading, &added);
        if (v)
            take_value(v, item[i].value, not_ahead(fleet, (int64_t)t[i] * 1000));
    }
    if (added)
        fleet_trend_choose(fleet, d);
    fleet_evaluate(fleet, d);
    fleet_mark(fleet, d);
}

void fleet_listen(struct fleet *fleet, fleet_value_fn *value, void *ctx)
{
    fleet->ear.value = value;
    fleet->ear.ctx = ctx;
}

static void link_change(struct fleet *fleet, bool up, const char *text)
{
    char span[16];
    if (fleet->link.up == up && fleet->link.since_ms)
        return;
    int64_t was_since = fleet->link.since_ms;
    fleet->link.up = up;
    fleet->link.since_ms = fleet->now_ms;
    text_clean(fleet->link.reason, sizeof(fleet->link.reason), text ? text : "",
               text ? strlen(text) : 0);
    fleet->has_dropped_base = false;
    fleet->counters.broker_dropped = 0;
    if (!up)
        fleet->vouched_ms = 0;
    fleet->changes++;
    fleet_span_text(fleet->now_ms - was_since, span);
    if (!up)
        fleet_note_add(fleet, NULL, FLEET_NOTE_LINK, "broker lost: %s", text ? text : "no reason");
    else if (was_since)
        fleet_note_add(fleet, NULL, FLEET_NOTE_LINK, "broker back after %s", span);
    else
        fleet_note_add(fleet, NULL, FLEET_NOTE_LINK, "connected");
}

uint32_t fleet_apply(struct fleet *fleet, const struct fleet_event *event, int64_t now_ms)
{
    if (now_ms > fleet->now_ms)
        fleet->now_ms = now_ms;
    else if (now_ms < fleet->now_ms - FLEET_CLOCK_BACK_MS)
        fleet_clock_back(fleet, now_ms);
    if (!fleet->base_ms)
        fleet->base_ms = fleet->now_ms - (int64_t)BASE_BEFORE_S * 1000;
    rate_to(&fleet->rate, fleet->now_ms / 1000);

    switch (event->kind) {
    case FLEET_EV_MESSAGE:
        return on_message(fleet, event);
    case FLEET_EV_LINK_UP:
    case FLEET_EV_LINK_DOWN:
        link_change(fleet, event->kind == FLEET_EV_LINK_UP, event->text);
        break;
    case FLEET_EV_TICK:
        if (fleet->link.up)
            fleet_scan(fleet, SCAN_PER_TICK);
        break;
    }
    return FLEET_NONE;
}

/* ---- protocol structs out ------------------------------------------------------------------- */

void fleet_status(const struct fleet *fleet, const struct fleet_device *d,
                  struct device_status *out)
{
    memset(out, 0, sizeof(*out));
    out->online = d->online;
    text_copy(out->product, sizeof(out->product), fleet_word(fleet, d->product));
    text_copy(out->hw, sizeof(out->hw), fleet_word(fleet, d->hw));
    text_copy(out->fw, sizeof(out->fw), fleet_word(fleet, d->fw));
    text_copy(out->slot, sizeof(out->slot), fleet_word(fleet, d->slot));
    text_copy(out->image, sizeof(out->image), fleet_word(fleet, d->image));
    text_copy(out->boot, sizeof(out->boot), d->boot);
    out->boots = d->boots;
    out->reset = (enum reset_reason)d->reset;
    out->release_seq = d->release_seq;
    out->security = d->security;
    out->keyset = d->keyset;
    out->agent = d->agent;
    out->cert_not_after = d->cert_not_after;
    out->group_count = d->group_count;
    for (uint32_t i = 0; i < d->group_count; i++)
        text_copy(out->groups[i], sizeof(out->groups[i]), fleet_word(fleet, d->group[i]));
    out->interval = d->declared ? d->interval_ms / 1000 : 0;
}

bool fleet_report(const struct fleet *fleet, const struct fleet_device *d, struct ota_report *out)
{
    const struct fleet_ota *ota = d->ota;
    memset(out, 0, sizeof(*out));
    if (!ota)
        return false;
    text_copy(out->rollout, sizeof(out->rollout), fleet_word(fleet, ota->rollout));
    out->attempt = ota->attempt;
    out->state = (enum ota_report_state)ota->state;
    out->reason = (enum reason)ota->reason;
    text_copy(out->from, sizeof(out->from), fleet_word(fleet, ota->from));
    text_copy(out->to, sizeof(out->to), fleet_word(fleet, ota->to));
    out->got = ota->got;
    out->size = ota->size;
    out->slot = ota->slot;
    text_copy(out->boot, sizeof(out->boot), ota->boot);
    text_copy(out->image, sizeof(out->image), fleet_word(fleet, ota->image));
    out->n = ota->n;
    out->ts = ota->ts;
    text_copy(out->detail, sizeof(out->detail), ota->detail ? ota->detail : "");
    return true;
}

const char *fleet_target(const struct fleet *fleet, const struct fleet_device *d)
{
    return d->ota ? fleet_word(fleet, d->ota->to) : "";
}
