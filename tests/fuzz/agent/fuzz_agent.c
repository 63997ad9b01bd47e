#include <assert.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "board.h"

/*
 * Bytes to events: whatever comes, in whatever order, the board's asserts hold (the port is used as
 * its header says, nothing but whole signed images boot, counters never go back), and once the
 * world is well again every update ends.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static enum manner manner_of(uint8_t byte)
{
    return (enum manner)(byte % (MANNER_POWER_CUTS + 1));
}

/* ---- what can happen --------------------------------------------------------------------------
 */

static void pass(struct board *b, uint32_t ms)
{
    b->mono_ms += ms;
    b->unix_s += ms / 1000;
    b->http_budget = b->server.bytes_per_tick;
}

static struct offer some_offer(struct board *b, struct input *in)
{
    uint8_t what = take(in);
    struct offer f = board_offer(b, what % b->images, 1 + take(in));
    f.order.jitter = what >> 4;
    f.spoil_order = what % 16 == 9;
    f.spoil_release = what % 16 == 10;
    f.other_release = what % 16 == 11;
    f.order_kid = what % 16 == 12 ? board_revoked_kid : NULL;
    if (what % 16 == 13)
        f.order.exp = f.order.nbf + 1 + take(in);
    return f;
}

static void order(struct board *b, struct input *in)
{
    struct offer f = some_offer(b, in);
    board_order(b, &f);
}

/* A good body with a few bytes changed, or the input itself. */
static void damaged_order(struct board *b, struct input *in)
{
    char body[BOARD_BODY];
    struct offer f = some_offer(b, in);
    size_t len = board_body(&f, body, sizeof(body));
    for (uint8_t n = take(in) % 4; n > 0; n--) {
        size_t at = ((size_t)take(in) << 8 | take(in)) % len;
        body[at] = (char)take(in);
    }
    board_command(b, take(in) % 2 ? VERB_UPDATE : VERB_ABORT, body, len);
}

static void raw_order(struct board *b, struct input *in)
{
    size_t len = take(in);
    if (len > in->left)
        len = in->left;
    board_command(b, VERB_UPDATE, (const char *)in->data, len);
    in->data += len;
    in->left -= len;
}

static void abort_some(struct board *b, struct input *in)
{
    char rollout[PROTO_ROLLOUT_MAX];
    snprintf(rollout, sizeof(rollout), "r-%u", 1u + take(in));
    board_abort(b, rollout, 1u + take(in));
}

static void other_verb(struct board *b, struct input *in)
{
    char body[BOARD_BODY];
    const struct order *out = NULL;
    struct offer f = board_offer(b, 0, 1 + take(in));
    f.order.verb = (enum verb)(take(in) % VERB_COUNT);
    if (f.order.verb == VERB_CONFIG)
        f.order.set = (struct order_config){ .has_interval = true, .interval = 1 };
    size_t len = board_body(&f, body, sizeof(body));
    struct ota_event ev = { .kind = OTA_EV_COMMAND, .command = { f.order.verb, body, len } };
    ev.now = (struct ota_time){ b->mono_ms, b->unix_s, b->trusted };
    enum reason r = ota_agent_check_order(&b->agent, &ev, &out);
    assert((r == REASON_NONE) == (out != NULL));
}

/* The board's fake of the rest of the firmware keeps its own count of what was proved. */
static void acknowledge(struct board *b, uint32_t n)
{
    bool before = false, after = false;
    for (uint32_t i = 0; i < b->reports && i < BOARD_REPORTS; i++) {
        const struct ota_report *r = &b->report[i];
        bool here = r->state == OTA_REPORT_TRIAL && strcmp(r->boot, b->agent.boot_id) == 0;
        before = before || (here && r->n <= n);
        after = after || (here && r->n >= n);
    }
    b->acked_trial = b->acked_trial || (before && after);
    board_event(b, (struct ota_event){ .kind = OTA_EV_REPORT_ACKED, .acked_n = n });
}

static void link_changes(struct board *b, uint8_t what)
{
    static const enum ota_event_kind kinds[] = { OTA_EV_BROKER_UP, OTA_EV_BROKER_DOWN,
                                                 OTA_EV_NETWORK_UP, OTA_EV_NETWORK_DOWN };
    enum ota_event_kind kind = kinds[what % 4];
    b->told_up = kind == OTA_EV_BROKER_UP || (b->told_up && kind == OTA_EV_NETWORK_UP);
    board_event(b, (struct ota_event){ .kind = kind });
}

static void self_test(struct board *b, uint8_t what)
{
    bool ok = what % 4 != 0;
    b->self_tested = b->self_tested || ok;
    board_event(b, (struct ota_event){ .kind = OTA_EV_SELF_TEST, .self_test = { ok, "sensor" } });
}

static void server_changes(struct board *b, struct input *in)
{
    struct server *s = &b->server;
    static const char *const etags[] = { NULL, "\"a\"", "\"b\"", "" };
    static const int statuses[] = { 200, 206, 404, 416, 429, 500, 503, 302 };
    uint8_t what = take(in);
    memset(s, 0, sizeof(*s));
    s->etag = etags[what % 4];
    s->no_total = what & 4;
    s->no_ranges = what & 8;
    s->wrong_from = what & 16;
    s->drop_clean = what & 32;
    s->drop_after = take(in) * 64u;
    s->drop_times = what & 64 ? 2 : 0;
    s->status = statuses[take(in) % 8];
    s->status_times = what & 128 ? take(in) % 4 : 0;
    s->retry_after_s = take(in);
    s->bytes_per_tick = take(in) * 16u;
    s->lie_total = what % 32 == 31 ? 5000 : 0;
}

static void fault(struct board *b, struct input *in)
{
    uint8_t what = take(in);
    if (what % 2) {
        b->fail_at = b->calls + 1 + what / 8;
    } else {
        b->cut_at = b->writes + 1 + what / 8;
        b->cut = (enum cut)(what / 2 % CUT_KINDS);
    }
}

static void happen(struct board *b, struct input *in)
{
    switch (take(in) % 14) {
    case 0:
        board_tick(b);
        break;
    case 1:
        pass(b, take(in) * 40u);
        board_tick(b);
        break;
    case 2:
        order(b, in);
        break;
    case 3:
        damaged_order(b, in);
        break;
    case 4:
        raw_order(b, in);
        break;
    case 5:
        abort_some(b, in);
        break;
    case 6:
        other_verb(b, in);
        break;
    case 7:
        link_changes(b, take(in));
        break;
    case 8:
        acknowledge(b, take(in) % 2 ? b->last_n : take(in));
        break;
    case 9:
        self_test(b, take(in));
        break;
    case 10:
        board_power_off(b);
        b->reset = (enum reset_reason)(take(in) % RESET_COUNT);
        break;
    case 11:
        server_changes(b, in);
        break;
    case 12:
        fault(b, in);
        break;
    default:
        b->trusted = take(in) % 2;
        b->gate[take(in) % 3] = take(in) % 2 ? REASON_NONE : REASON_DEFERRED;
        break;
    }
}

/* ---- one input --------------------------------------------------------------------------------
 */

static void check(const struct board *b)
{
    const struct ota_agent *a = &b->agent;
    enum ota_state s = ota_agent_state(a);
    bool works = s >= OTA_OPEN && s <= OTA_INSTALL && s != OTA_PAUSED;
    assert(s < OTA_STATE_COUNT && s != OTA_CHECK);
    assert(!b->slot_open || works);
    assert(!b->http_open || s == OTA_CONNECT || s == OTA_DOWNLOAD);
    assert(a->fill <= OTA_BLOCK && a->offset <= BOARD_SLOT);
    assert(!b->on_probation || s == OTA_TRIAL || s == OTA_REBOOT || s == OTA_FAILED);
    (void)ota_agent_wants(a, b->mono_ms);
}

static void heal(struct board *b)
{
    memset(&b->server, 0, sizeof(b->server));
    memset(b->gate, 0, sizeof(b->gate));
    b->fail_at = 0;
    b->cut_at = 0;
    b->retained_len = 0;
    b->trusted = true;
    b->told_up = false;
    if (b->alive)
        board_power_off(b);
    assert(board_run(b, OTA_STATE_COUNT, 2 * 86400));
    assert(!ota_agent_is_active(&b->agent) && !b->on_probation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in; /* static: kept over the jump */
    struct board *volatile b = board_new();
    jmp_buf jump;

    in = (struct input){ data, size < 2000 ? size : 2000 };
    board_image(b, "1.4.0", 9000, manner_of(take(&in)));
    board_image(b, "1.5.0", 70000, manner_of(take(&in)));
    if (setjmp(jump) != 0)
        b->alive = false;
    b->jump = &jump;
    while (in.left > 0) {
        if (b->alive)
            happen(b, &in);
        else
            board_boot(b);
        if (b->alive)
            check(b);
    }
    heal(b);
    board_free(b);
    return 0;
}
