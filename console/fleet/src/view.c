#include "fleet/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "filter.h"
#include "internal.h"
#include "protocol/id.h"

/*
 * Rows carry their sort keys as integers, so that comparing touches no device. Natural merge sort:
 * runs that are in order are found, then merged pairwise; a list that is nearly in order costs
 * little more than one pass.
 */
struct row {
    uint64_t key[FLEET_SORT_KEYS];
    uint32_t rank; /* of the id */
    uint32_t device;
};

struct fleet_view {
    const struct fleet *fleet;
    struct filter *filter;
    struct fleet_sort_key key[FLEET_SORT_KEYS];
    size_t key_count;
    uint32_t states; /* mask */
    bool stale;      /* sort, filter or states were set */
    bool ever;
    uint64_t changes; /* of the fleet, at the last refresh */
    int64_t refreshed_ms;

    struct row *row, *spare;
    uint32_t count, cap;
    uint32_t *place; /* by device: 1 + row; 0 not shown */
    uint32_t place_cap;
    uint32_t matched, matched_state[FLEET_STATES];

    uint64_t ids_at; /* fleet->id_changes when ranked */
    uint32_t *rank;  /* by device */
    uint32_t *by_id; /* devices in order of id */
    uint32_t rank_cap, by_id_count;

    uint16_t *version_rank, *text_rank; /* by word */
    uint32_t words_ranked;
};

struct fleet_view *fleet_view_new(const struct fleet *fleet)
{
    struct fleet_view *view = mem_alloc(sizeof(*view));
    view->fleet = fleet;
    fleet_view_sort(view, NULL, 0);
    return view;
}

void fleet_view_free(struct fleet_view *view)
{
    if (!view)
        return;
    filter_free(view->filter);
    free(view->row);
    free(view->spare);
    free(view->place);
    free(view->rank);
    free(view->by_id);
    free(view->version_rank);
    free(view->text_rank);
    free(view);
}

void fleet_view_sort(struct fleet_view *view, const struct fleet_sort_key *key, size_t count)
{
    static const struct fleet_sort_key worst_first = { .column = FLEET_COL_STATE };
    if (count == 0) {
        key = &worst_first;
        count = 1;
    }
    view->key_count = count < FLEET_SORT_KEYS ? count : FLEET_SORT_KEYS;
    memcpy(view->key, key, view->key_count * sizeof(*key));
    view->stale = true;
}

void fleet_view_filter(struct fleet_view *view, struct filter *filter)
{
    filter_free(view->filter);
    view->filter = filter;
    view->stale = true;
}

void fleet_view_states(struct fleet_view *view, uint32_t mask)
{
    view->states = mask;
    view->stale = true;
}

/* Twice what there was, or what is asked; never nothing. */
static uint32_t grown(uint32_t cap, uint32_t want)
{
    uint32_t least = want > 64 ? want : 64;
    return cap * 2 > least ? cap * 2 : least;
}

/* ---- merge sort ----------------------------------------------------------------------------- */

/* Is b strictly before a? `ctx` is the fleet for ids, unused for rows. */
typedef bool before_fn(const void *ctx, const void *a, const void *b);

/*
 * Stable, adaptive: `items` of `size` bytes, `spare` of the same length. Returns where the result
 * is: one of the two.
 */
static size_t run_end(const char *items, size_t size, size_t from, size_t count, const void *ctx,
                      before_fn *before)
{
    size_t end = from + 1;
    while (end < count && !before(ctx, items + (end - 1) * size, items + end * size))
        end++;
    return end;
}

static void merge(const char *from, char *to, size_t size, size_t a, size_t b, size_t end,
                  const void *ctx, before_fn *before)
{
    size_t left = a, right = b, out = a;
    while (left < b && right < end) {
        bool take_right = before(ctx, from + left * size, from + right * size);
        memcpy(to + out++ * size, from + (take_right ? right++ : left++) * size, size);
    }
    memcpy(to + out * size, from + left * size, (b - left) * size);
    out += b - left;
    memcpy(to + out * size, from + right * size, (end - right) * size);
}

static void *sort_runs(void *items, void *spare, size_t size, size_t count, const void *ctx,
                       before_fn *before)
{
    char *from = items, *to = spare;
    for (;;) {
        size_t first = run_end(from, size, 0, count ? count : 1, ctx, before);
        if (first >= count)
            return from;
        for (size_t a = 0; a < count;) {
            size_t b = a == 0 ? first : run_end(from, size, a, count, ctx, before);
            size_t end = b < count ? run_end(from, size, b, count, ctx, before) : b;
            merge(from, to, size, a, b, end, ctx, before);
            a = end;
        }
        char *swap = from;
        from = to;
        to = swap;
    }
}

/* ---- ids in natural order ------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Runs of digits compare as numbers: pump-2 before pump-10. Total: equal only for equal ids. */
static int natural_compare(const char *a, const char *b)
{
    const char *a0 = a, *b0 = b;
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
            int order = na != nb ? (na < nb ? -1 : 1) : memcmp(a, b, na);
            if (order)
                return order;
            a += na;
            b += nb;
        } else {
            if (*a != *b)
                return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
        }
    }
    if (*a || *b)
        return *a ? 1 : -1;
    return strcmp(a0, b0);
}

static bool id_before(const void *ctx, const void *a, const void *b)
{
    const struct fleet *fleet = ctx;
    return natural_compare(fleet_at(fleet, *(const uint32_t *)b)->id,
                           fleet_at(fleet, *(const uint32_t *)a)->id) < 0;
}

/* Known ones keep their order, new ones follow, and the sort merges the two. */
static void collect_ids(struct fleet_view *view)
{
    const struct fleet *fleet = view->fleet;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < view->by_id_count; i++) {
        uint32_t device = view->by_id[i];
        if (!fleet_at(fleet, device)->used)
            continue;
        view->rank[device] = 1; /* has been collected */
        view->by_id[kept++] = device;
    }
    for (uint32_t i = 0; i < fleet->span; i++)
        if (fleet_at(fleet, i)->used && !view->rank[i])
            view->by_id[kept++] = i;
    view->by_id_count = kept;
}

static void rank_ids(struct fleet_view *view)
{
    const struct fleet *fleet = view->fleet;
    if (view->ids_at == fleet->id_changes)
        return;
    view->ids_at = fleet->id_changes;
    if (fleet->span > view->rank_cap) {
        uint32_t cap = grown(view->rank_cap, fleet->span);
        view->rank = mem_grow(view->rank, cap, sizeof(*view->rank));
        view->by_id = mem_grow(view->by_id, cap, sizeof(*view->by_id));
        view->rank_cap = cap;
    }
    memset(view->rank, 0, view->rank_cap * sizeof(*view->rank));
    collect_ids(view);
    uint32_t *spare = mem_array(view->rank_cap, sizeof(*spare));
    uint32_t *sorted =
        sort_runs(view->by_id, spare, sizeof(*spare), view->by_id_count, fleet, id_before);
    if (sorted != view->by_id) {
        spare = view->by_id;
        view->by_id = sorted;
    }
    free(spare);
    for (uint32_t i = 0; i < view->by_id_count; i++)
        view->rank[view->by_id[i]] = i;
}

/* ---- words in order ------------------------------------------------------------------------- */

static bool version_before(const void *ctx, const void *a, const void *b)
{
    const struct fleet *fleet = ctx;
    return semver_compare(fleet->words.text[*(const uint16_t *)b],
                          fleet->words.text[*(const uint16_t *)a]) < 0;
}

static bool text_before(const void *ctx, const void *a, const void *b)
{
    const struct fleet *fleet = ctx;
    return strcmp(fleet->words.text[*(const uint16_t *)b],
                  fleet->words.text[*(const uint16_t *)a]) < 0;
}

static void rank_words(const struct fleet *fleet, uint16_t **rank, before_fn *before)
{
    uint32_t count = fleet->words.count;
    uint16_t *order = mem_array(count, sizeof(*order));
    uint16_t *spare = mem_array(count, sizeof(*spare));
    *rank = mem_grow(*rank, count, sizeof(**rank));
    for (uint32_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    const uint16_t *sorted = sort_runs(order, spare, sizeof(*order), count, fleet, before);
    for (uint32_t i = 0; i < count; i++)
        (*rank)[sorted[i]] = (uint16_t)i;
    free(order);
    free(spare);
}

static bool sorts_by_words(const struct fleet_view *view)
{
    for (size_t i = 0; i < view->key_count; i++) {
        enum fleet_column c = view->key[i].column;
        if (c == FLEET_COL_PRODUCT || c == FLEET_COL_HW || c == FLEET_COL_FW ||
            c == FLEET_COL_TARGET || c == FLEET_COL_GROUPS || c == FLEET_COL_SLOT ||
            c == FLEET_COL_ROLLOUT)
            return true;
    }
    return false;
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* Doubles in the order of unsigned integers. */
static uint64_t number_key(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static uint64_t ota_key(const struct fleet_device *d)
{
    if (!d->ota || d->ota->state == OTA_REPORT_IDLE)
        return 99;
    return d->ota->state + (ota_report_is_end((enum ota_report_state)d->ota->state) ? 50u : 0u);
}

static uint64_t key_of(const struct fleet_view *view, const struct fleet_sort_key *key,
                       const struct fleet_device *d, int64_t now_ms)
{
    const struct fleet_value *value;
    uint64_t k = 0;

    switch (key->column) {
    case FLEET_COL_STATE:
        k = d->state;
        break;
    case FLEET_COL_ID:
        k = view->rank[d->index];
        break;
    case FLEET_COL_PRODUCT:
        k = view->text_rank[d->product];
        break;
    case FLEET_COL_HW:
        k = view->text_rank[d->hw];
        break;
    case FLEET_COL_FW:
        k = view->version_rank[d->fw];
        break;
    case FLEET_COL_TARGET:
        k = view->version_rank[d->ota ? d->ota->to : 0];
        break;
    case FLEET_COL_OTA:
        k = ota_key(d);
        break;
    case FLEET_COL_GROUPS:
        k = view->text_rank[d->group_count ? d->group[0] : 0];
        break;
    case FLEET_COL_SEEN:
        k = d->last_ms > 0 ? (uint64_t)d->last_ms : 0;
        break;
    case FLEET_COL_RATE:
        k = number_key(fleet_rate(d, now_ms));
        break;
    case FLEET_COL_BOOTS:
        k = d->boots;
        break;
    case FLEET_COL_CERT:
        k = d->cert_not_after ? d->cert_not_after : INT64_MAX;
        break;
    case FLEET_COL_SLOT:
        k = view->text_rank[d->slot];
        break;
    case FLEET_COL_RESET:
        k = d->reset;
        break;
    case FLEET_COL_ALERTS:
        k = fleet_alerts(d);
        break;
    case FLEET_COL_KEYSET:
        k = d->keyset;
        break;
    case FLEET_COL_REASON:
        k = d->ota ? d->ota->reason : 0;
        break;
    case FLEET_COL_ROLLOUT:
        k = view->text_rank[d->ota ? d->ota->rollout : 0];
        break;
    case FLEET_COL_SOURCE:
        k = d->source;
        break;
    case FLEET_COL_READING:
        value = fleet_value(d, key->reading);
        if (!value)
            return UINT64_MAX; /* last either way */
        k = number_key(value->value);
        break;
    }
    return key->invert ? UINT64_MAX - 1 - k : k;
}

static bool row_before(const void *ctx, const void *va, const void *vb)
{
    const struct row *a = va, *b = vb;
    (void)ctx;
    for (size_t i = 0; i < FLEET_SORT_KEYS; i++)
        if (a->key[i] != b->key[i])
            return b->key[i] < a->key[i];
    return b->rank < a->rank;
}

/* ---- refresh -------------------------------------------------------------------------------- */

static void make_room(struct fleet_view *view)
{
    uint32_t span = view->fleet->span;
    if (span > view->cap || !view->cap) {
        uint32_t cap = grown(view->cap, span);
        view->row = mem_grow(view->row, cap, sizeof(*view->row));
        view->spare = mem_grow(view->spare, cap, sizeof(*view->spare));
        view->place = mem_grow(view->place, cap, sizeof(*view->place));
        memset(view->place + view->cap, 0, (cap - view->cap) * sizeof(*view->place));
        view->cap = cap;
    }
}

/* Does it pass? Counts what passes the filter, whatever the chips say. */
static bool admit(struct fleet_view *view, const struct fleet_device *d, int64_t now_ms)
{
    if (!d->used || !filter_match(view->filter, view->fleet, d, now_ms))
        return false;
    view->matched++;
    view->matched_state[d->state]++;
    return !view->states || (view->states >> d->state & 1u);
}

static void add_row(struct fleet_view *view, struct row *row, const struct fleet_device *d,
                    int64_t now_ms)
{
    memset(row, 0, sizeof(*row));
    for (size_t i = 0; i < view->key_count; i++)
        row->key[i] = key_of(view, &view->key[i], d, now_ms);
    row->rank = view->rank[d->index];
    row->device = d->index;
}

static uint32_t device_of_row(const struct fleet_view *view, uint32_t row, uint32_t count)
{
    return row < count ? view->row[row].device : FLEET_NONE;
}

static struct filter_wants view_wants(const struct fleet_view *view)
{
    struct filter_wants w = filter_wants(view->filter);
    for (size_t i = 0; i < view->key_count; i++)
        w.value = w.value || view->key[i].column == FLEET_COL_READING;
    return w;
}

/* Rows as they stood first, so that what did not move is already in order; then the new ones. */
static void collect(struct fleet_view *view, int64_t now_ms)
{
    const struct fleet *fleet = view->fleet;
    struct filter_wants w = view_wants(view);
    uint32_t was = view->count;
    uint32_t count = 0;

    view->matched = 0;
    memset(view->matched_state, 0, sizeof(view->matched_state));
    for (uint32_t i = 0; i < was; i++) {
        const struct fleet_device *d = fleet_at(fleet, view->row[i].device);
        filter_fetch(fleet, device_of_row(view, i + 2 * FILTER_AHEAD, was),
                     device_of_row(view, i + FILTER_AHEAD, was), w);
        if (admit(view, d, now_ms))
            add_row(view, &view->row[count++], d, now_ms);
    }
    for (uint32_t i = 0; i < fleet->span; i++) {
        const struct fleet_device *d = fleet_at(fleet, i);
        if (!view->place[i])
            filter_fetch(fleet, i + 2 * FILTER_AHEAD, i + FILTER_AHEAD, w);
        if (!view->place[i] && admit(view, d, now_ms))
            add_row(view, &view->row[count++], d, now_ms);
    }
    view->count = count;
}

static void set_places(struct fleet_view *view)
{
    memset(view->place, 0, view->cap * sizeof(*view->place));
    for (uint32_t i = 0; i < view->count; i++)
        view->place[view->row[i].device] = i + 1;
}

bool fleet_view_refresh(struct fleet_view *view, int64_t now_ms)
{
    const struct fleet *fleet = view->fleet;
    bool by_time = filter_uses_time(view->filter) && now_ms / 1000 != view->refreshed_ms / 1000;
    if (view->ever && !view->stale && view->changes == fleet->changes && !by_time)
        return false;
    view->ever = true;
    view->stale = false;
    view->changes = fleet->changes;
    view->refreshed_ms = now_ms;

    make_room(view);
    rank_ids(view);
    if (sorts_by_words(view) && view->words_ranked != fleet->words.count) {
        rank_words(fleet, &view->version_rank, version_before);
        rank_words(fleet, &view->text_rank, text_before);
        view->words_ranked = fleet->words.count;
    }
    collect(view, now_ms);
    struct row *sorted =
        sort_runs(view->row, view->spare, sizeof(*sorted), view->count, NULL, row_before);
    if (sorted != view->row) {
        view->spare = view->row;
        view->row = sorted;
    }
    set_places(view);
    return true;
}

uint32_t fleet_view_count(const struct fleet_view *view)
{
    return view->count;
}

uint32_t fleet_view_at(const struct fleet_view *view, uint32_t row)
{
    return row < view->count ? view->row[row].device : FLEET_NONE;
}

uint32_t fleet_view_row(const struct fleet_view *view, const char *id)
{
    uint32_t device = fleet_find(view->fleet, id);
    if (device == FLEET_NONE || device >= view->cap || !view->place[device])
        return FLEET_NONE;
    return view->place[device] - 1;
}

uint32_t fleet_view_matched(const struct fleet_view *view)
{
    return view->matched;
}

uint32_t fleet_view_matched_state(const struct fleet_view *view, enum fleet_state state)
{
    return state < FLEET_STATES ? view->matched_state[state] : 0;
}
