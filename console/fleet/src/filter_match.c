#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "filter.h"
#include "protocol/id.h"

enum { MEMO_UNKNOWN, MEMO_NO, MEMO_YES };

/* ---- texts ---------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_folded(const char *text, const char *small)
{
    for (; *text && *small; text++, small++)
        if (lower(*text) != *small)
            return false;
    return *text == *small;
}

static bool contains(const char *text, const struct filter_value *v)
{
    if (!v->fold)
        return strstr(text, v->text) != NULL;
    char first = v->text[0];
    if (!first)
        return true;
    for (; *text; text++) {
        if (lower(*text) != first)
            continue;
        size_t i = 1;
        while (v->text[i] && lower(text[i]) == v->text[i])
            i++;
        if (!v->text[i])
            return true;
    }
    return false;
}

static bool equal(const char *text, const struct filter_value *v)
{
    return v->fold ? equal_folded(text, v->text) : strcmp(text, v->text) == 0;
}

/* "1.9" has 1.9.0, 1.9.3 and 1.9, not 1.90. */
static bool version_has(const char *text, const struct filter_value *v)
{
    if (strncmp(text, v->text, v->len) != 0)
        return false;
    char after = text[v->len];
    return !after || after == '.' || after == '-' || after == '+';
}

/* "1" and "1.9" stand for 1.0.0 and 1.9.0. */
static int version_compare(const char *text, const char *wanted)
{
    char full[VALUE_MAX + 8];
    unsigned dots = 0;
    for (const char *c = wanted; *c && *c != '-' && *c != '+'; c++)
        dots += *c == '.';
    bool digits = strspn(wanted, "0123456789.") == strlen(wanted);
    snprintf(full, sizeof(full), "%s%s", wanted, !digits || dots >= 2 ? "" : dots ? ".0" : ".0.0");
    return semver_compare(text, full);
}

static bool holds(enum compare compare, int order)
{
    switch (compare) {
    case CMP_LT:
        return order < 0;
    case CMP_LE:
        return order <= 0;
    case CMP_GT:
        return order > 0;
    case CMP_GE:
        return order >= 0;
    case CMP_HAS:
    case CMP_EQ:
    case CMP_NE:
    case CMP_LIKE:
    case CMP_UNLIKE:
        break;
    }
    return order == 0;
}

/* One value against one text, without the negation of != and !~. */
static bool text_matches(const struct term *t, const struct filter_value *v, const char *text)
{
    if (v->regex)
        return regexec(&v->re, text, 0, NULL, 0) == 0;
    switch (t->compare) {
    case CMP_HAS:
        if (t->type == TYPE_VERSION)
            return version_has(text, v);
        return t->field == FIELD_ID || t->field == FIELD_ROW ? contains(text, v) : equal(text, v);
    case CMP_EQ:
    case CMP_NE:
        return equal(text, v);
    case CMP_LIKE:
    case CMP_UNLIKE:
        return contains(text, v);
    case CMP_LT:
    case CMP_LE:
    case CMP_GT:
    case CMP_GE:
        break;
    }
    return *text && holds(t->compare, version_compare(text, v->text));
}

static bool any_matches(const struct filter *f, const struct term *t, const char *text)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (text_matches(t, &f->value[t->first + i], text))
            return true;
    return false;
}

/* Behind "site:" in "site:berlin-7"; NULL when it is no such label. */
static const char *label_value(const struct term *t, const char *group)
{
    size_t len = strlen(t->reading);
    return strncmp(group, t->reading, len) == 0 && group[len] == ':' ? group + len + 1 : NULL;
}

static bool word_is(const struct filter *f, const struct term *t, const char *text)
{
    if (t->field == FIELD_LABEL || t->field == FIELD_READING)
        text = label_value(t, text);
    return text && any_matches(f, t, text);
}

/* Texts that many devices share are compared once. */
static bool word_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                         uint16_t word)
{
    if (word >= t->memo_count) {
        uint32_t count = fleet->words.cap; /* grows by doubling, so this is rare */
        t->memo = mem_grow(t->memo, count, 1);
        memset(t->memo + t->memo_count, MEMO_UNKNOWN, count - t->memo_count);
        t->memo_count = count;
    }
    if (t->memo[word] == MEMO_UNKNOWN)
        t->memo[word] = word_is(f, t, fleet->words.text[word]) ? MEMO_YES : MEMO_NO;
    return t->memo[word] == MEMO_YES;
}

static bool group_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                          const struct fleet_device *d)
{
    for (uint32_t i = 0; i < d->group_count; i++)
        if (word_matches(f, t, fleet, d->group[i]))
            return true;
    return false;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static bool number_matches(const struct filter *f, const struct term *t, double have, double scale,
                           double step)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct filter_value *v = &f->value[t->first + i];
        double mine = v->shown ? have * scale : have;
        double off = mine - v->number;
        bool unit = fabs(v->factor * scale - 1) < 1e-9; /* it says the unit that is shown */
        double half = v->shown ? step / 2 : unit ? step / scale / 2 : 0;
        bool ordering = t->compare == CMP_LT || t->compare == CMP_LE || t->compare == CMP_GT ||
                        t->compare == CMP_GE;
        if (ordering ? holds(t->compare, (off > 0) - (off < 0)) : off <= half && off >= -half)
            return true;
    }
    return false;
}

/* A reading equals what it is shown as: 21.53 is shown, and found, as 21.5. */
static double shown_step(const struct fleet_reading *r)
{
    double step = 1;
    for (int i = 0; i < r->decimals && i < 6; i++)
        step /= 10;
    return step;
}

static bool reading_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                            const struct fleet_device *d)
{
    if (t->reading_at == FLEET_NONE) /* "floor:3" may be a group */
        return t->compare <= CMP_NE && group_matches(f, t, fleet, d);
    const struct fleet_value *value = fleet_value(d, t->reading_at);
    if (!value)
        return false;
    const struct fleet_reading *r = &fleet->reading[t->reading_at];
    return number_matches(f, t, value->value, r->scale, shown_step(r));
}

static bool seen_matches(const struct filter *f, const struct term *t, const struct fleet *fleet,
                         const struct fleet_device *d, int64_t now_ms)
{
    int64_t age = fleet_age_ms(fleet, d, now_ms);
    for (uint32_t i = 0; i < t->count; i++)
        if (f->value[t->first + i].never)
            return age < 0;
    return age >= 0 && number_matches(f, t, (double)age / 1000.0, 1, 1);
}

static bool cert_matches(const struct filter *f, const struct term *t, const struct fleet_device *d,
                         int64_t now_ms)
{
    return d->cert_not_after &&
           number_matches(f, t, (double)d->cert_not_after - (double)(now_ms / 1000), 1, 1);
}

/* Severity: crit is the greatest, although its number is the least. */
static bool state_matches(const struct filter *f, const struct term *t, enum fleet_state state)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct filter_value *v = &f->value[t->first + i];
        if (v->regex) {
            if (regexec(&v->re, fleet_state_word(state), 0, NULL, 0) == 0)
                return true;
        } else if (holds(t->compare, (int)v->number - (int)state)) {
            return true;
        }
    }
    return false;
}

/* ---- rows of other lists -------------------------------------------------------------------- */

static bool level_matches(const struct filter *f, const struct term *t, int level)
{
    const char *word = f->rows->field[t->row_field].words[level];
    for (uint32_t i = 0; i < t->count; i++) {
        const struct filter_value *v = &f->value[t->first + i];
        if (v->regex ? regexec(&v->re, word, 0, NULL, 0) == 0
                     : holds(t->compare, level - (int)v->number))
            return true;
    }
    return false;
}

static bool cell_matches(const struct filter *f, const struct term *t, int64_t now_ms)
{
    struct filter_cell c = { .text = "" };
    f->rows->cell(f->row, t->row_field, now_ms, &c);
    if (c.none)
        return false;
    switch (t->type) {
    case TYPE_NUMBER:
        return number_matches(f, t, c.number, 1, c.step);
    case TYPE_DURATION:
        return number_matches(f, t, c.number, 1, 1);
    case TYPE_LEVEL:
        return level_matches(f, t, (int)c.number);
    case TYPE_STRING:
    case TYPE_WORD:
    case TYPE_VERSION:
    case TYPE_STATE:
        break;
    }
    return any_matches(f, t, c.text);
}

/* A bare word: in the fields that say so. */
static bool row_has_text(const struct filter *f, const struct term *t, int64_t now_ms)
{
    for (size_t i = 0; i < f->rows->count; i++) {
        struct filter_cell c = { .text = "" };
        if (!f->rows->field[i].bare)
            continue;
        f->rows->cell(f->row, i, now_ms, &c);
        if (!c.none && any_matches(f, t, c.text))
            return true;
    }
    return false;
}

static bool row_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                        const struct fleet_device *d, int64_t now_ms)
{
    if (t->field == FIELD_ROW)
        return cell_matches(f, t, now_ms);
    return t->field == FIELD_TEXT &&
           (row_has_text(f, t, now_ms) || (d && group_matches(f, t, fleet, d)));
}

/* ---- terms ---------------------------------------------------------------------------------- */

static bool field_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                          const struct fleet_device *d, int64_t now_ms)
{
    switch (t->field) {
    case FIELD_TEXT:
        return any_matches(f, t, d->id) || group_matches(f, t, fleet, d);
    case FIELD_ID:
        return any_matches(f, t, d->id);
    case FIELD_STATE:
        return state_matches(f, t, (enum fleet_state)d->state);
    case FIELD_PRODUCT:
        return word_matches(f, t, fleet, d->product);
    case FIELD_HW:
        return word_matches(f, t, fleet, d->hw);
    case FIELD_FW:
        return word_matches(f, t, fleet, d->fw);
    case FIELD_TARGET:
        return word_matches(f, t, fleet, d->ota ? d->ota->to : 0);
    case FIELD_SLOT:
        return word_matches(f, t, fleet, d->slot);
    case FIELD_GROUPS:
    case FIELD_LABEL:
        return group_matches(f, t, fleet, d);
    case FIELD_SEEN:
        return seen_matches(f, t, fleet, d, now_ms);
    case FIELD_BOOTS:
        return d->boots && number_matches(f, t, d->boots, 1, 0);
    case FIELD_RESET:
        return any_matches(f, t, reset_word((enum reset_reason)d->reset));
    case FIELD_ALERTS:
        return number_matches(f, t, fleet_alerts(d), 1, 0);
    case FIELD_CERT:
        return cert_matches(f, t, d, now_ms);
    case FIELD_KEYSET:
        return d->keyset && number_matches(f, t, d->keyset, 1, 0);
    case FIELD_OTA:
        return any_matches(f, t,
                           d->ota ? ota_report_word((enum ota_report_state)d->ota->state) : "");
    case FIELD_REASON:
        return any_matches(f, t, d->ota ? reason_word((enum reason)d->ota->reason) : "");
    case FIELD_ROLLOUT:
        return word_matches(f, t, fleet, d->ota ? d->ota->rollout : 0);
    case FIELD_SOURCE:
        return any_matches(f, t, fleet_source_name(fleet, d));
    case FIELD_RATE: /* as it is shown: whole messages a minute */
        return number_matches(f, t, fleet_rate(d, now_ms), 1, 1);
    case FIELD_UPTIME:
    case FIELD_READING:
    case FIELD_ROW:
        break;
    }
    return reading_matches(f, t, fleet, d);
}

static bool term_matches(const struct filter *f, struct term *t, const struct fleet *fleet,
                         const struct fleet_device *d, int64_t now_ms)
{
    bool negated = t->compare == CMP_NE || t->compare == CMP_UNLIKE;
    bool of_row = f->rows && (t->field == FIELD_ROW || t->field == FIELD_TEXT || !d);
    bool yes = of_row ? row_matches(f, t, fleet, d, now_ms) : field_matches(f, t, fleet, d, now_ms);
    return yes != negated;
}

/* Names of readings become numbers as soon as somebody sends them. */
static void resolve(struct filter *f, const struct fleet *fleet)
{
    for (uint32_t i = 0; i < f->term_count; i++)
        if (*f->term[i].reading && f->term[i].reading_at == FLEET_NONE &&
            f->term[i].field != FIELD_LABEL)
            f->term[i].reading_at = fleet_reading_find(fleet, f->term[i].reading);
    f->readings_seen = fleet->reading_count;
}

static bool run(struct filter *filter, const struct fleet *fleet, const struct fleet_device *d,
                int64_t now_ms)
{
    bool yes = true;
    if (fleet && filter->readings_seen != fleet->reading_count)
        resolve(filter, fleet);
    for (uint32_t at = 0; at < filter->instr_count; at++) {
        const struct instr *in = &filter->instr[at];
        switch ((enum op)in->op) {
        case OP_TERM:
            yes = term_matches(filter, &filter->term[in->arg], fleet, d, now_ms);
            break;
        case OP_NOT:
            yes = !yes;
            break;
        case OP_SKIP_FALSE:
            if (!yes)
                at = in->arg - 1u;
            break;
        case OP_SKIP_TRUE:
            if (yes)
                at = in->arg - 1u;
            break;
        }
    }
    return yes;
}

bool filter_match(struct filter *filter, const struct fleet *fleet, const struct fleet_device *d,
                  int64_t now_ms)
{
    return !filter || run(filter, fleet, d, now_ms);
}

bool filter_match_row(struct filter *filter, const void *row, const struct fleet *fleet,
                      int64_t now_ms)
{
    if (!filter)
        return true;
    uint32_t device = fleet && filter->rows->device ? filter->rows->device(row) : FLEET_NONE;
    filter->row = row;
    return run(filter, fleet, device == FLEET_NONE ? NULL : fleet_device(fleet, device), now_ms);
}

/*
 * What a device has behind pointers is fetched some devices ahead: a filter over a large fleet
 * waits for memory and little else (bench/fleet_bench: temp>30 over 100,000 devices takes a third
 * of the time).
 */
struct filter_wants filter_wants(const struct filter *f)
{
    struct filter_wants w = { false, false, false };
    for (uint32_t i = 0; f && i < f->term_count; i++) {
        enum field field = f->term[i].field;
        w.id = w.id || field == FIELD_ID || field == FIELD_TEXT;
        w.value = w.value || field == FIELD_READING || field == FIELD_UPTIME;
        w.ota = w.ota || field == FIELD_OTA || field == FIELD_TARGET || field == FIELD_ROLLOUT ||
                field == FIELD_REASON;
    }
    return w;
}

void filter_fetch(const struct fleet *fleet, uint32_t far, uint32_t near, struct filter_wants w)
{
    if (far < fleet->span)
        __builtin_prefetch(fleet_at(fleet, far));
    if (near >= fleet->span)
        return;
    const struct fleet_device *d = fleet_at(fleet, near);
    if (w.id)
        __builtin_prefetch(d->id);
    if (w.value) {
        __builtin_prefetch(d->value);
        __builtin_prefetch(d->value + 4); /* the next line: some readings further */
    }
    if (w.ota)
        __builtin_prefetch(d->ota);
}

uint32_t filter_select(struct filter *filter, const struct fleet *fleet, int64_t now_ms,
                       uint32_t *out)
{
    struct filter_wants w = filter_wants(filter);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        filter_fetch(fleet, i + 2 * FILTER_AHEAD, i + FILTER_AHEAD, w);
        if (d->used && filter_match(filter, fleet, d, now_ms))
            out[count++] = i;
    }
    return count;
}

uint32_t filter_count(struct filter *filter, const struct fleet *fleet, int64_t now_ms)
{
    struct filter_wants w = filter_wants(filter);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        filter_fetch(fleet, i + 2 * FILTER_AHEAD, i + FILTER_AHEAD, w);
        count += d->used && filter_match(filter, fleet, d, now_ms);
    }
    return count;
}

static bool is_label(const struct fleet *fleet, const struct term *t)
{
    for (uint32_t i = 0; i < fleet->words.count; i++) {
        if (label_value(t, fleet->words.text[i]))
            return true;
    }
    return false;
}

const char *filter_unknown(const struct filter *filter, const struct fleet *fleet)
{
    for (uint32_t i = 0; filter && i < filter->term_count; i++) {
        const struct term *t = &filter->term[i];
        bool named = t->field == FIELD_LABEL || t->field == FIELD_READING;
        bool reading =
            t->field == FIELD_READING && fleet_reading_find(fleet, t->reading) != FLEET_NONE;
        if (named && !reading && !is_label(fleet, t))
            return t->reading;
    }
    return NULL;
}

bool filter_uses_time(const struct filter *filter)
{
    for (uint32_t i = 0; filter && i < filter->term_count; i++) {
        enum field field = filter->term[i].field;
        if (field == FIELD_SEEN || field == FIELD_CERT || field == FIELD_RATE)
            return true;
    }
    return false;
}
