/*
 * What may stand where the cursor is in a half-typed filter: names of fields, or values of the one
 * before the operator, from what this fleet really has.
 */
#include <string.h>

#include "base/text.h"
#include "filter.h"
#include "protocol/report.h"

/* ---- where the cursor is -------------------------------------------------------------------- */

struct place {
    size_t word;  /* where the word under the cursor begins */
    size_t op;    /* the operator in it; == at when there is none */
    bool literal; /* inside "…" or /…/: nothing to complete */
};

static size_t skip_literal(const char *text, size_t from, size_t at)
{
    char quote = text[from++];
    while (from < at && text[from] != quote)
        from += text[from] == '\\' && from + 1 < at ? 2 : 1;
    return from;
}

static bool is_op(const char *text)
{
    return *text &&
           (strchr(":=<>~", *text) || (*text == '!' && (text[1] == '=' || text[1] == '~')));
}

/* Blanks around an operator and behind a comma are inside a term: where it goes on, or `from`. */
static size_t skip_inner(const char *text, size_t from, size_t at, bool value, bool op)
{
    size_t i = from;
    while (i < at && (text[i] == ' ' || text[i] == '\t'))
        i++;
    return (value && op) || (!op && i < at && is_op(text + i)) ? i : from;
}

/* One word, from `from`: where it ends, at most `at`. */
static size_t walk_word(const char *text, size_t from, size_t at, struct place *p)
{
    size_t i = from;
    bool value = true; /* a literal may begin: at the start, after an operator or a comma */
    *p = (struct place){ .word = from, .op = at };
    for (; i < at; i++) {
        i = skip_inner(text, i, at, value, p->op < at);
        if (i == at || strchr(" \t()", text[i]))
            break;
        if (value && (text[i] == '"' || text[i] == '/')) {
            i = skip_literal(text, i, at);
            p->literal = i >= at;
            if (p->literal)
                return at;
        }
        bool op = strchr(":=!<>~", text[i]) != NULL;
        if (op && p->op == at && i > from)
            p->op = i;
        value = op || text[i] == ',';
    }
    return i < at ? i : at;
}

static struct place place_of(const char *text, size_t at)
{
    struct place p = { .word = at, .op = at };
    for (size_t i = 0; i < at;) {
        if (strchr(" \t()", text[i]) ||
            (text[i] == '!' && i + 1 <= at && text[i + 1] != '=' && text[i + 1] != '~')) {
            i++;
            p = (struct place){ .word = at, .op = at };
            continue;
        }
        size_t end = walk_word(text, i, at, &p);
        i = end;
    }
    return p;
}

/* ---- collecting ----------------------------------------------------------------------------- */

static bool begins(const char *word, const char *prefix, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = word[i], p = prefix[i];
        bool upper = p >= 'A' && p <= 'Z';
        if (!upper && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != p)
            return false;
    }
    return true;
}

struct search {
    struct filter_hints *out;
    const struct filter_list *list; /* NULL: of devices */
    const char *prefix;
    size_t len;
    bool sorted;
};

/* In order of the alphabet where that says something; what does not fit is said in `more`. */
static void offer(struct search *s, const char *word, size_t len)
{
    struct filter_hints *h = s->out;
    char text[FILTER_HINT_MAX];
    size_t at = h->count;
    if (!len || len < s->len || !text_copy_n(text, sizeof(text), word, len) ||
        !begins(text, s->prefix, s->len))
        return;
    for (size_t i = 0; i < h->count; i++) {
        if (strcmp(h->word[i], text) == 0)
            return;
    }
    while (s->sorted && at > 0 && strcmp(text, h->word[at - 1]) < 0)
        at--;
    h->more = h->more || h->count == FILTER_HINTS;
    if (at == FILTER_HINTS)
        return;
    size_t last = h->count < FILTER_HINTS ? h->count : FILTER_HINTS - 1;
    memmove(h->word[at + 1], h->word[at], (last - at) * sizeof(*h->word));
    text_copy(h->word[at], sizeof(*h->word), text);
    h->count = last + 1;
}

static void offer_all(struct search *s, const char *word)
{
    offer(s, word, strlen(word));
}

/* Words that many devices share are looked at once. */
struct met {
    uint8_t bit[FLEET_MAX_WORDS / 8];
};

static bool meet(struct met *m, uint16_t word)
{
    uint8_t bit = (uint8_t)(1u << word % 8);
    if (word == 0 || word >= FLEET_MAX_WORDS || m->bit[word / 8] & bit)
        return false;
    m->bit[word / 8] |= bit;
    return true;
}

static uint16_t word_of(const struct fleet_device *d, enum field field)
{
    switch ((int)field) {
    case FIELD_PRODUCT:
        return d->product;
    case FIELD_HW:
        return d->hw;
    case FIELD_FW:
        return d->fw;
    case FIELD_SLOT:
        return d->slot;
    case FIELD_TARGET:
        return d->ota ? d->ota->to : 0;
    case FIELD_ROLLOUT:
        return d->ota ? d->ota->rollout : 0;
    default:
        return 0;
    }
}

static void offer_words(struct search *s, const struct fleet *fleet, enum field field)
{
    struct met met = { { 0 } };
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        uint16_t word = d->used ? word_of(d, field) : 0;
        if (meet(&met, word))
            offer_all(s, fleet->words.text[word]);
    }
}

/* Whole groups; or of labels their keys, or the values of one key. */
static void offer_groups(struct search *s, const struct fleet *fleet, bool keys, const char *key)
{
    struct met met = { { 0 } };
    size_t len = key ? strlen(key) : 0;
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        for (uint32_t g = 0; d->used && g < d->group_count; g++) {
            const char *text = fleet->words.text[d->group[g]];
            const char *colon = strchr(text, ':');
            if (!meet(&met, d->group[g]))
                continue;
            if (keys && colon)
                offer(s, text, (size_t)(colon - text));
            else if (key && strncmp(text, key, len) == 0 && text[len] == ':')
                offer_all(s, text + len + 1);
            else if (!keys && !key)
                offer_all(s, text);
        }
    }
}

static void offer_ids(struct search *s, const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        if (d->used)
            offer_all(s, d->id);
    }
}

/* Of a row's field: its words, or the texts that rows have. */
static void offer_cells(struct search *s, size_t field)
{
    const struct filter_list *l = s->list;
    const struct filter_field *f = &l->rows->field[field];
    const void *row;

    for (size_t i = 0; f->kind == FILTER_LEVEL && f->words[i]; i++)
        offer_all(s, f->words[i]);
    if (f->kind != FILTER_TEXT && f->kind != FILTER_VERSION)
        return;
    for (size_t n = 0; (row = l->row(l->ctx, n)) != NULL; n++) {
        struct filter_cell c = { .text = "" };
        l->rows->cell(row, field, l->now_ms, &c);
        if (!c.none && !strpbrk(c.text, " ,()\"")) /* texts in words are nothing to choose */
            offer_all(s, c.text);
    }
}

static void offer_fields(struct search *s, const struct fleet *fleet)
{
    const char *name;
    for (size_t i = 0; s->list && i < s->list->rows->count; i++)
        offer_all(s, s->list->rows->field[i].name);
    if (!fleet || (s->list && !s->list->rows->device))
        return;
    for (size_t i = 0; (name = filter_field_name(i)) != NULL; i++)
        offer_all(s, name);
    for (uint32_t i = 0; i < fleet->reading_count; i++) {
        if (fleet->reading[i].devices)
            offer_all(s, fleet->reading[i].name);
    }
    offer_groups(s, fleet, true, NULL);
}

static void offer_values(struct search *s, const struct fleet *fleet, const char *name)
{
    size_t of_row = s->list ? filter_row_field(s->list->rows, name) : 0;
    if (s->list && of_row < s->list->rows->count) {
        offer_cells(s, of_row);
        return;
    }
    if (!fleet || (s->list && !s->list->rows->device))
        return;
    switch ((int)filter_field_named(name)) {
    case FIELD_ID:
        offer_ids(s, fleet);
        break;
    case FIELD_STATE:
        for (int i = 0; i < FLEET_STATES; i++)
            offer_all(s, fleet_state_word((enum fleet_state)i));
        break;
    case FIELD_GROUPS:
        offer_groups(s, fleet, false, NULL);
        break;
    case FIELD_RESET:
        for (int i = 0; i < RESET_COUNT; i++)
            offer_all(s, reset_word((enum reset_reason)i));
        break;
    case FIELD_OTA:
        for (int i = 0; i < OTA_REPORT_STATES; i++)
            offer_all(s, ota_report_word((enum ota_report_state)i));
        break;
    case FIELD_REASON:
        for (uint32_t i = 0; i < fleet->span; i++) {
            const struct fleet_device *d = fleet_at(fleet, i);
            if (d->used && d->ota)
                offer_all(s, reason_word((enum reason)d->ota->reason));
        }
        break;
    case FIELD_SOURCE:
        for (size_t i = 0; i < fleet->source_count; i++)
            offer_all(s, fleet->source[i].name);
        break;
    case FIELD_SEEN:
        offer_all(s, "never");
        break;
    case FIELD_READING:
        offer_groups(s, fleet, false, name);
        break;
    default:
        offer_words(s, fleet, filter_field_named(name));
        break;
    }
}

static bool has_order(const struct search *s, const char *name)
{
    size_t i = s->list ? filter_row_field(s->list->rows, name) : 0;
    if (s->list && i < s->list->rows->count)
        return s->list->rows->field[i].kind == FILTER_LEVEL;
    return strcmp(name, "state") == 0;
}

static void complete(const char *text, size_t at, const struct fleet *fleet,
                     const struct filter_list *list, struct filter_hints *out)
{
    struct place p = place_of(text, at);
    struct search s = { .out = out, .list = list };
    memset(out, 0, sizeof(*out));
    out->from = out->to = at;
    if (p.literal)
        return;
    out->value = p.op < at;
    out->from = p.word;
    if (out->value) {
        text_copy_n(out->field, sizeof(out->field), text + p.word,
                    strcspn(text + p.word, " \t:=!<>~"));
        out->from = p.op + strspn(text + p.op, ":=!<>~");
        for (size_t i = out->from; i < at; i++) {
            if (text[i] == ',')
                out->from = i + 1;
        }
        out->from += strspn(text + out->from, " \t");
    }
    if (out->from > at)
        out->from = at;
    s.prefix = text + out->from;
    s.len = at - out->from;
    s.sorted = out->value && !has_order(&s, out->field);
    if (out->value)
        offer_values(&s, fleet, out->field);
    else
        offer_fields(&s, fleet);
}

void filter_complete(const char *text, size_t at, const struct fleet *fleet,
                     struct filter_hints *out)
{
    complete(text, at, fleet, NULL, out);
}

void filter_complete_list(const char *text, size_t at, const struct filter_list *list,
                          struct filter_hints *out)
{
    complete(text, at, list->fleet, list, out);
}

/* ---- a word in another field ------------------------------------------------------------------
 */

void filter_meant(const char *text, const struct fleet *fleet, char out[FILTER_MEANT_MAX])
{
    static const char *const names[] = { "product", "hw", "fw", "target", "slot", "rollout" };
    const char *from = text + strspn(text, " \t");
    size_t len = strcspn(from, " \t()\"/:=!<>~,");
    out[0] = '\0';
    if (!len || from[len + strspn(from + len, " \t")])
        return; /* more than a word, or no bare one */
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        for (uint32_t i = 0; i < fleet->span; i++) {
            const struct fleet_device *d = fleet_at(fleet, i);
            uint16_t word = d->used ? word_of(d, filter_field_named(names[n])) : 0;
            const char *have = fleet->words.text[word];
            if (word && strlen(have) >= len && begins(have, from, len)) {
                text_format(out, FILTER_MEANT_MAX, "%s:%s", names[n], have);
                return;
            }
        }
    }
}

/* ---- half a word ---------------------------------------------------------------------------- */

static bool begins_keyword(const char *word, size_t len, bool first)
{
    static const char *const keywords[] = { "not", "and", "or" };
    for (size_t i = 0; i < (first ? 1 : 3); i++) {
        if (len <= strlen(keywords[i]) && strncmp(keywords[i], word, len) == 0)
            return true;
    }
    return false;
}

static const char *half_word(const char *text, const struct fleet *fleet,
                             const struct filter_list *list)
{
    size_t at = strlen(text);
    struct place p = place_of(text, at);
    struct filter_hints hints = { .count = 0 };
    struct search s = { .out = &hints, .list = list, .prefix = text + p.word, .len = at - p.word };
    if (p.literal || p.op < at || p.word >= at)
        return NULL;
    if (begins_keyword(s.prefix, s.len, strspn(text, " \t") == p.word))
        return s.prefix;
    offer_fields(&s, fleet);
    bool alias = fleet && (!list || list->rows->device) &&
                 fleet_reading_find(fleet, reading_canonical(s.prefix)) != FLEET_NONE;
    return hints.count || alias ? s.prefix : NULL;
}

const char *filter_half_word(const char *text, const struct fleet *fleet)
{
    return half_word(text, fleet, NULL);
}

const char *filter_half_word_list(const char *text, const struct filter_list *list)
{
    return half_word(text, list->fleet, list);
}
