/*
 * Engines on several hosts at one broker, in every order in which messages can be taken: each
 * direction of each connection is a queue of its own, and what happens next is tried in all ways.
 * Connections may break at any moment. What must hold is judged at the broker, where devices hear
 * it: an order is only ever taken from the one whose claim is the oldest that stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "claiming.h"

#define HOSTS_MAX 3
#define QUEUE     24
#define SEEN_BITS 22 /* of states that were looked at; a test fails when they do not suffice */
#define SEEN_MAX  (1u << SEEN_BITS)

enum kind { SUBSCRIBE, CLAIM, CLEAR, ORDER, PICTURE_IS_WHOLE };

struct message {
    uint8_t kind, from;
    uint16_t n; /* the number on a claim */
};

struct queue {
    struct message m[QUEUE];
    uint32_t count;
};

struct engine { /* what claiming.c knows of one */
    bool leads, hears;
};

struct host {
    struct engine engine;
    struct claiming claiming;
    struct queue up, down; /* to the broker, from it */
    bool connected;        /* as the broker sees it */
    bool subscribed;
    uint16_t claim;          /* retained; 0: none */
    uint32_t since;          /* the oldest has the smallest */
    uint32_t orders, breaks; /* that it may still send, that may still happen */
};

/* Everything that there is: copied before each step, and put back. */
static struct world {
    struct host host[HOSTS_MAX];
    uint32_t hosts, claims;
    int64_t now_ms;
} w;

static struct search {
    uint64_t *seen;
    uint32_t states, ends, orders, bad;
    bool hasty;      /* an engine acts as soon as it has claimed */
    uint32_t breaks; /* of each host's connection */
    char what[160];  /* the first that must not be */
} search;

static void bad(const char *what, uint32_t i)
{
    search.bad++;
    if (!search.what[0])
        text_format(search.what, sizeof(search.what), "%s, host %u", what, i);
}

static void push(struct queue *q, enum kind kind, uint32_t from, uint32_t n)
{
    if (q->count == QUEUE) {
        bad("a queue is too short", from);
        return;
    }
    q->m[q->count++] =
        (struct message){ .kind = (uint8_t)kind, .from = (uint8_t)from, .n = (uint16_t)n };
}

static struct message pop(struct queue *q)
{
    struct message m = q->m[0];

    memmove(&q->m[0], &q->m[1], (QUEUE - 1) * sizeof(q->m[0]));
    memset(&q->m[--q->count], 0, sizeof(q->m[0]));
    return m;
}

/* ---- the engine, as claiming.c sees it
 * ------------------------------------------------------------------------- */

const char *engine_leader(const struct engine *e)
{
    return e->leads ? NULL : "another";
}

void engine_yield(struct engine *e, const char *who, int64_t until_ms)
{
    (void)who;
    (void)until_ms;
    e->leads = false;
}

void engine_lead_again(struct engine *e, int64_t now_ms)
{
    (void)now_ms;
    e->leads = true; /* nobody else is on its host */
}

void engine_broker(struct engine *e, bool up, int64_t now_ms)
{
    (void)now_ms;
    e->hears = up;
}

int store_engine_holder(struct store *s, char *holder, size_t cap, struct err *err)
{
    (void)s;
    (void)err;
    text_copy(holder, cap, "serve");
    return 1;
}

/* ---- a host
 * ----------------------------------------------------------------------------------------------------
 */

static void publish(void *ctx, const char *topic, const char *text, uint32_t expiry_s)
{
    struct host *h = ctx;
    uint32_t i = (uint32_t)(h - w.host);

    (void)topic;
    (void)expiry_s;
    if (h->connected)
        push(&h->up, *text ? CLAIM : CLEAR, i, h->claiming.claims.said);
}

/* The smaller the number, the larger the id: who is first and who is smaller is not the same. */
static void id_of(uint32_t i, char out[CLAIM_ID])
{
    snprintf(out, CLAIM_ID, "%c%c%c%c%c%c%c%c00000000", 'f' - (int)i, 'a', 'a', 'a', 'a', 'a', 'a',
             'a');
}

static void connect_host(struct host *h)
{
    h->connected = true;
    push(&h->up, SUBSCRIBE, (uint32_t)(h - w.host), 0);
}

static void begin(uint32_t hosts, uint32_t orders, uint32_t breaks)
{
    memset(&w, 0, sizeof(w));
    w.hosts = hosts;
    for (uint32_t i = 0; i < hosts; i++) {
        struct host *h = &w.host[i];
        struct claiming_config c = { .engine = &h->engine, .publish = publish, .ctx = h };
        char id[CLAIM_ID];
        id_of(i, id);
        h->engine.leads = true;
        h->orders = orders;
        h->breaks = breaks;
        claiming_init(&h->claiming, &c, id);
        connect_host(h);
    }
}

static bool host_hears(struct host *h)
{
    char id[CLAIM_ID], topic[64], body[CLAIM_BODY_MAX] = "";

    if (!h->down.count || !h->connected)
        return false;
    struct message m = pop(&h->down);
    if (m.kind == PICTURE_IS_WHOLE) {
        claiming_link(&h->claiming, true, w.now_ms, w.now_ms);
        return true;
    }
    id_of(m.from, id);
    snprintf(topic, sizeof(topic), CLAIM_PREFIX "%s", id);
    if (m.kind == CLAIM)
        snprintf(body, sizeof(body), "serve\n%u", m.n);
    claiming_message(&h->claiming, topic, body, strlen(body), w.now_ms, w.now_ms);
    if (w.hosts > 2)
        claiming_turn(&h->claiming, w.now_ms, w.now_ms);
    return true;
}

/* Of three, with each message that comes: their turns at other times are too many ways. */
static bool host_turns(struct host *h)
{
    if (w.hosts > 2)
        return false;
    claiming_turn(&h->claiming, w.now_ms, w.now_ms);
    return true;
}

static bool host_orders(struct host *h)
{
    bool acts = search.hasty ? h->claiming.up && h->claiming.claims.there : h->engine.hears;

    if (!h->engine.leads || !acts || !h->orders)
        return false;
    h->orders--;
    if (h->connected)
        push(&h->up, ORDER, (uint32_t)(h - w.host), 0);
    return true;
}

/* ---- the broker
 * ------------------------------------------------------------------------------------------------
 */

static void tell_all(enum kind kind, uint32_t from, uint32_t n)
{
    for (uint32_t i = 0; i < w.hosts; i++) {
        if (w.host[i].subscribed)
            push(&w.host[i].down, kind, from, n);
    }
}

static void take_order(uint32_t from)
{
    search.orders++;
    if (!w.host[from].claim)
        bad("an order without a claim", from);
    for (uint32_t i = 0; i < w.hosts; i++) {
        if (i != from && w.host[i].claim && w.host[i].since < w.host[from].since)
            bad("an order though another's claim is older", from);
    }
}

static void clear(struct host *h)
{
    h->claim = 0;
    h->since = 0;
    tell_all(CLEAR, (uint32_t)(h - w.host), 0);
}

static bool broker_takes(struct host *h)
{
    uint32_t i = (uint32_t)(h - w.host);

    if (!h->up.count)
        return false;
    struct message m = pop(&h->up);
    switch ((enum kind)m.kind) {
    case SUBSCRIBE:
        h->subscribed = true;
        for (uint32_t j = 0; j < w.hosts; j++) {
            if (w.host[j].claim)
                push(&h->down, CLAIM, j, w.host[j].claim);
        }
        push(&h->down, PICTURE_IS_WHOLE, i, 0);
        break;
    case CLAIM:
        if (!h->claim)
            h->since = ++w.claims;
        h->claim = m.n;
        tell_all(CLAIM, i, m.n);
        break;
    case CLEAR:
        clear(h);
        break;
    case ORDER:
        take_order(i);
        break;
    case PICTURE_IS_WHOLE:
        break;
    }
    return true;
}

/* The broker finds the connection dead: what was on its way is lost, the will is heard. */
static bool connection_breaks(struct host *h)
{
    if (!h->connected || !h->subscribed || !h->breaks)
        return false;
    h->breaks--;
    h->connected = h->subscribed = false;
    memset(&h->up, 0, sizeof(h->up));
    memset(&h->down, 0, sizeof(h->down));
    if (h->claim)
        clear(h);
    return true;
}

/* At some time after that, it finds out. */
static bool host_comes_back(struct host *h)
{
    if (h->connected)
        return false;
    claiming_link(&h->claiming, false, w.now_ms, w.now_ms);
    connect_host(h);
    return true;
}

/* ---- all ways
 * --------------------------------------------------------------------------------------------------
 */

/* False: this state was looked at before. */
static bool is_new(void)
{
    uint64_t hash = 14695981039346656037u, part;

    _Static_assert(sizeof(w) % sizeof(part) == 0, "nothing may be left out");
    for (size_t i = 0; i < sizeof(w); i += sizeof(part)) {
        memcpy(&part, (const char *)&w + i, sizeof(part));
        hash = (hash ^ part) * 1099511628211u;
        hash ^= hash >> 29;
    }
    hash |= 1;
    for (uint32_t at = (uint32_t)(hash >> 20) % SEEN_MAX;; at = (at + 1) % SEEN_MAX) {
        if (search.seen[at] == hash)
            return false;
        if (!search.seen[at]) {
            search.seen[at] = hash;
            search.states++;
            return true;
        }
    }
}

static uint32_t holders(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w.hosts; i++)
        n += w.host[i].engine.leads && w.host[i].engine.hears;
    return n;
}

static bool is_quiet(void)
{
    for (uint32_t i = 0; i < w.hosts; i++) {
        if (w.host[i].up.count || w.host[i].down.count || !w.host[i].connected)
            return false;
    }
    return true;
}

/* Everything in turn, for as long as anything is under way. */
static void settle(void)
{
    for (int round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < w.hosts; i++) {
            struct host *h = &w.host[i];
            host_comes_back(h);
            while (broker_takes(h))
                ;
            while (host_hears(h))
                ;
            claiming_turn(&h->claiming, w.now_ms, w.now_ms);
        }
        if (is_quiet())
            return;
    }
    bad("it does not come to rest", 0);
}

/* Nothing is under way: at once, or when those that gave way to each other come back, one leads. */
static void judge_end(void)
{
    struct world before = w;

    search.ends++;
    settle();
    if (holders() > 1)
        bad("two lead in the end", 0);
    for (int i = 0; i < 3 && holders() == 0; i++) {
        w.now_ms += CLAIM_GRACE_MS;
        settle();
    }
    if (holders() != 1)
        bad("nobody leads in the end", 0);
    w = before;
}

typedef bool step_fn(struct host *h);

static void try_all(void)
{
    static step_fn *const steps[] = { broker_takes, host_hears,        host_turns,
                                      host_orders,  connection_breaks, host_comes_back };
    struct world before = w;

    if (search.states >= SEEN_MAX / 2) {
        bad("too many states", 0);
        return;
    }
    if (!search.breaks && !search.hasty && holders() > 1)
        bad("two act at one moment", 0);
    if (is_quiet())
        judge_end();
    for (uint32_t i = 0; i < w.hosts; i++) {
        for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            if (steps[k](&w.host[i]) && is_new())
                try_all();
            w = before;
        }
    }
}

static void explore(uint32_t hosts, uint32_t orders, uint32_t breaks, bool hasty)
{
    memset(&search, 0, sizeof(search));
    search.hasty = hasty;
    search.breaks = breaks;
    search.seen = calloc(SEEN_MAX, sizeof(search.seen[0]));
    assert_non_null(search.seen);
    begin(hosts, orders, breaks);
    try_all();
    free(search.seen);
    print_message("%u hosts, %u breaks each: %u states, %u orders taken, %u at rest, %u bad%s%s\n",
                  hosts, breaks, search.states, search.orders, search.ends, search.bad,
                  search.bad ? ": " : "", search.what);
    assert_true((search.orders > 0 || !orders) && search.ends > 0);
}

static void of_two_that_come_up_at_once_one_orders(void **state)
{
    (void)state;
    explore(2, 2, 0, false);
    assert_int_equal(search.bad, 0);
}

static void also_when_their_connections_break(void **state)
{
    (void)state;
    explore(2, 1, 1, false);
    assert_int_equal(search.bad, 0);
}

static void of_three_one_acts(void **state)
{
    (void)state;
    explore(3, 0, 0, false);
    assert_int_equal(search.bad, 0);
}

static void who_does_not_wait_for_its_claim_would_be_found(void **state)
{
    (void)state;
    explore(2, 1, 0, true);
    assert_true(search.bad > 0);
    assert_non_null(strstr(search.what, "another's claim is older"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_come_up_at_once_one_orders),
        cmocka_unit_test(also_when_their_connections_break),
        cmocka_unit_test(of_three_one_acts),
        cmocka_unit_test(who_does_not_wait_for_its_claim_would_be_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
