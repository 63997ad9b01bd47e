#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/board.h"
#include "ossl/crypto.h"
#include "port/nvs.h"
#include "port/slots.h"
#include "protocol/hex.h"
#include "update.h"

enum { BOOTS_MAX = 80, END_S = 7200, QUEUE = 64, TRIAL_CUT_MS = 1000 };
/* What a life's jump brings. */
enum { JUMP_RESET = 1, JUMP_GIVE_UP };

const char *const zero_word[ZEROS] = { "unbootable", "unsigned or unproved boots",
                                       "counters gone back", "without an end" };

/* One boot of the board: everything that power takes away. */
struct device {
    struct life *life;
    struct slots slots;
    struct nvs settings, records;
    struct update update;
    struct ota_port port;
    struct app_platform platform;
    struct board models;
    struct app app;
    const struct sim_image *image; /* that runs */
    bool trial, restart, connecting, online;
    int64_t mono_ms;
    int mid, ack[QUEUE], acks;
    bool answered;
    const struct sim_image *fetching;
    uint32_t at, given;
};

/* ---- bars ------------------------------------------------------------------------------------ */

static void print_path(const struct life *l)
{
    if (l->parent)
        print_path(l->parent);
    if (l->depth > 0)
        fprintf(stderr, "    power cut in operation %u: %s 0x%06x +%u, %s of %u words, seed %u\n",
                l->parent->op, l->cut_op.erase ? "erase" : "program", l->cut_op.offset,
                l->cut_op.len, nor_tear_word[l->tear.kind], l->tear.words, l->tear.seed);
}

/* A bar is touched: say where, and give this life up. */
static _Noreturn void violate(struct life *l, enum zero zero, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static _Noreturn void violate(struct life *l, enum zero zero, const char *format, ...)
{
    va_list args;
    if (l->sim->violations[zero]++ < 5) {
        fprintf(stderr, "%s: %s%s: ", l->journey->name, zero_word[zero],
                l->next_phase ? " (next order)" : "");
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
        print_path(l);
    }
    longjmp(l->jump, JUMP_GIVE_UP);
}

static void check_counters(struct life *l)
{
    const struct ota_counters *c = &l->dev->app.agent.counters;
    struct world *w = &l->w;
    if (l->dev->app.agent.records_bad)
        violate(l, ZERO_STUCK, "records can't be read");
    /* A keyset that drops the key which had signed so far: the numbers begin anew, that once. */
    if (l->dev->app.keys.now.version > w->keyset_version && w->keyset_version > 0)
        memset(w->high.order_seq, 0, sizeof(w->high.order_seq));
    for (int i = 0; i < VERB_CLASS_COUNT; i++)
        if (c->order_seq[i] < w->high.order_seq[i])
            violate(l, ZERO_COUNTER, "order seq of class %d: %u after %u", i, c->order_seq[i],
                    w->high.order_seq[i]);
    if (c->release_seq < w->high.release_seq)
        violate(l, ZERO_COUNTER, "release_seq %u after %u", c->release_seq, w->high.release_seq);
    if (c->security < w->high.security)
        violate(l, ZERO_COUNTER, "security %u after %u", c->security, w->high.security);
    w->high = *c;
    if (l->dev->app.keys.now.version < w->keyset_version)
        violate(l, ZERO_COUNTER, "keyset %u after %u", l->dev->app.keys.now.version,
                w->keyset_version);
    w->keyset_version = l->dev->app.keys.now.version;
    if (l->dev->app.boot.security_floor < w->security_floor)
        violate(l, ZERO_COUNTER, "security floor %u after %u", l->dev->app.boot.security_floor,
                w->security_floor);
    w->security_floor = l->dev->app.boot.security_floor;
}

/* ---- power ----------------------------------------------------------------------------------- */

static void on_op(void *ctx, const struct nor_op *op);
static void live(struct life *l);

static uint32_t draw(struct life *l)
{
    l->w.seed = l->w.seed * 1664525u + 1013904223u;
    return l->w.seed >> 16 ^ l->w.seed << 13;
}

static void off(struct life *l)
{
    if (!l->dev)
        return;
    if (l->dev->update.sha)
        update_free(&l->dev->update);
    free(l->dev);
    l->dev = NULL;
}

_Noreturn void life_power_cut(struct life *l)
{
    l->w.reset = RESET_POWERON;
    longjmp(l->jump, JUMP_RESET);
}

/* Another life, in which power goes in the middle of this operation. */
static void branch(struct life *l, const struct nor_op *op, struct nor_tear tear, bool explores)
{
    struct sim *sim = l->sim;
    if (l->depth == 0 && sim->slices && sim->number++ % sim->slices != sim->slice)
        return;
    struct life *child = calloc(1, sizeof(*child));
    if (!child)
        abort();
    child->sim = l->sim;
    child->journey = l->journey;
    child->parent = l;
    child->w = l->w;
    child->w.reset = RESET_POWERON;
    child->w.dead = (struct ota_looping){ 0 };
    child->w.seed ^= tear.seed;
    child->depth = l->depth + 1;
    child->explores = explores;
    child->cut_op = *op;
    child->tear = tear;
    nor_copy(&child->nor, &l->nor);
    nor_apply_torn(&child->nor, op, &tear);
    child->nor.hook = on_op;
    child->nor.ctx = child;
    l->sim->cuts[child->depth][tear.kind]++;
    l->sim->lives++;
    live(child);
    nor_free(&child->nor);
    free(child);
}

static bool is_data(const struct nor_op *op)
{
    return op->len >= 1024;
}

/* Of many first cuts one gets second ones, at each operation of the life that follows it. */
static bool is_chosen(struct life *l)
{
    struct sim *s = l->sim;
    uint32_t every = l->journey->second_every;
    if (!s->full)
        every = every * 32 < s->second_every ? every * 32 : s->second_every;
    return l->depth + 1 < s->depth && s->firsts++ % every == 0;
}

static void cut_erase(struct life *l, const struct nor_op *op, uint32_t rounds)
{
    branch(l, op, (struct nor_tear){ TEAR_PREFIX, 0, draw(l) }, is_chosen(l));
    l->sim->before++;
    for (uint32_t i = 0; i < rounds; i++)
        branch(l, op, (struct nor_tear){ TEAR_ERASE, 0, draw(l) }, is_chosen(l));
    branch(l, op, (struct nor_tear){ TEAR_PREFIX, 1, draw(l) }, is_chosen(l));
    l->sim->after++;
}

static void cut_program(struct life *l, const struct nor_op *op, uint32_t most, uint32_t rounds)
{
    uint32_t words = nor_words(op);
    uint32_t step = most && words > most ? (words + most - 1) / most : 1;
    uint32_t k = 0;
    for (;;) {
        branch(l, op, (struct nor_tear){ TEAR_PREFIX, k, draw(l) }, is_chosen(l));
        l->sim->before += k == 0;
        l->sim->after += k == words;
        if (k == words)
            break;
        for (uint32_t i = 0; i < (rounds + 1) / 2; i++)
            branch(l, op, (struct nor_tear){ TEAR_MIX, k, draw(l) }, is_chosen(l));
        uint32_t next = k + (step > 1 ? 1 + draw(l) % (2 * step - 1) : 1);
        k = next < words || k + 1 >= words ? next : words - 1;
        if (k > words)
            k = words;
    }
    for (uint32_t i = 0; i < rounds; i++)
        branch(l, op, (struct nor_tear){ TEAR_SCATTER, 0, draw(l) }, is_chosen(l));
}

static void on_op(void *ctx, const struct nor_op *op)
{
    struct life *l = ctx;
    const struct sim *s = l->sim;
    l->op++;
    if (!l->explores || l->next_phase)
        return;
    bool second = l->depth > 0;
    uint32_t most = is_data(op) ? s->data_words_most : s->words_most;
    uint32_t seed = l->w.seed; /* the life itself must not depend on how often it was cut */
    if (second)
        most = s->full && !is_data(op) ? 6 : 2;
    if (op->erase)
        cut_erase(l, op, second ? 2 : 3 * s->rounds);
    else
        cut_program(l, op, most, second ? 1 : s->rounds);
    l->w.seed = seed;
}

/* ---- the board's platform -------------------------------------------------------------------- */

static void broker_connect(void *ctx, const struct app_broker *broker)
{
    struct device *d = ctx;
    (void)broker;
    d->connecting = true;
}

static int publish(void *ctx, const struct app_publish *message)
{
    struct device *d = ctx;
    if (!d->online)
        return -1;
    if (message->qos == 0)
        return 0;
    if (d->acks == QUEUE)
        return -1;
    d->ack[d->acks++] = ++d->mid;
    return d->mid;
}

static int get_str(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap)
{
    struct device *d = ctx;
    int n = nvs_get_str(&d->settings, app_ns_word(ns), key, out, cap);
    return n < 0 ? -1 : n;
}

static int get_u32(void *ctx, enum app_ns ns, const char *key, uint32_t *out)
{
    struct device *d = ctx;
    return nvs_get_u32(&d->settings, app_ns_word(ns), key, out) == NVS_OK ? 0 : -1;
}

static int set_str(void *ctx, enum app_ns ns, const char *key, const char *value)
{
    struct device *d = ctx;
    return nvs_set_str(&d->settings, app_ns_word(ns), key, value) == NVS_OK ? 0 : -1;
}

static int set_u32(void *ctx, enum app_ns ns, const char *key, uint32_t value)
{
    struct device *d = ctx;
    return nvs_set_u32(&d->settings, app_ns_word(ns), key, value) == NVS_OK ? 0 : -1;
}

static void take_random(void *ctx, void *out, size_t len)
{
    struct device *d = ctx;
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)draw(d->life);
}

static void take_log(void *ctx, enum app_log_level level, const char *text)
{
    (void)level;
    const struct device *d = ctx;
    if (d->life->sim->log)
        fprintf(stderr, "    %*s %8" PRId64 " %s\n", (int)d->life->depth * 4, "", d->mono_ms, text);
}

static void reboot(void *ctx)
{
    struct device *d = ctx;
    d->restart = true;
}

static enum reason renew(void *ctx)
{
    struct device *d = ctx;
    d->life->w.renewals++;
    return REASON_NONE;
}

static void feed(void *ctx)
{
    (void)ctx;
}

static uint32_t memory(void *ctx)
{
    (void)ctx;
    return 0;
}

/* ---- download server and reports: in the place of http.c ------------------------------------- */

static struct device *device_of(void *update)
{
    return (struct device *)(void *)((char *)update - offsetof(struct device, update));
}

static uint32_t port_random(void *ctx)
{
    return draw(device_of(ctx)->life);
}

static bool port_report(void *ctx, const struct ota_report *r)
{
    struct device *d = device_of(ctx);
    struct life *l = d->life;
    if (!app_report(&d->app, r))
        return false;
    if (r->n <= l->w.last_n)
        violate(l, ZERO_COUNTER, "report n %u after %u", r->n, l->w.last_n);
    l->w.last_n = r->n;
    return true;
}

static enum reason http_begin(void *ctx, const char *url, uint32_t from, const char *etag)
{
    struct device *d = device_of(ctx);
    char hex[PROTO_SHA256_HEX];
    size_t len = strlen(url);
    (void)etag;
    d->fetching = NULL;
    for (int i = 0; i < SIM_IMAGES && len > 64; i++) {
        const struct sim_image *im = &d->life->sim->factory->image[i];
        hex_encode(im->digest, PROTO_SHA256_LEN, hex);
        if (strcmp(url + len - 64, hex) == 0)
            d->fetching = im;
    }
    if (!d->fetching || from > d->fetching->size)
        return REASON_CONNECT;
    if (strncmp(url, d->app.config.url, strlen(d->app.config.url)) != 0)
        violate(d->life, ZERO_STUCK, "asks at %.40s, settings say %s", url, d->app.config.url);
    d->at = from;
    d->given = 0;
    d->life->w.requests++;
    return REASON_NONE;
}

static enum ota_io http_head(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    const struct device *d = device_of(ctx);
    (void)why;
    answer->status = d->at > 0 ? 206 : 200;
    answer->from = d->at;
    answer->has_total = true;
    answer->total = (uint32_t)d->fetching->size;
    snprintf(answer->etag, sizeof(answer->etag), "\"%02x%02x\"", d->fetching->digest[0],
             d->fetching->digest[1]);
    return OTA_OK;
}

static enum ota_io http_body(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    struct device *d = device_of(ctx);
    struct world *w = &d->life->w;
    if (w->drop_times > 0 && d->given >= w->drop_after) {
        w->drop_times--;
        *why = REASON_CONNECT;
        return OTA_FAIL;
    }
    size_t n = d->fetching->size - d->at;
    *got = n < cap ? n : cap;
    if (*got > 0)
        memcpy(data, d->fetching->data + d->at, *got);
    d->at += (uint32_t)*got;
    d->given += (uint32_t)*got;
    return OTA_OK;
}

static void http_end(void *ctx)
{
    device_of(ctx)->fetching = NULL;
}

/* ---- a boot ---------------------------------------------------------------------------------- */

static void tell(struct device *d, struct app_event *event)
{
    struct life *l = d->life;
    event->time = (struct app_time){ .mono_ms = d->mono_ms,
                                     .unix_s = (int64_t)(l->w.unix_ms / 1000),
                                     .trusted = true };
    board_set_time(&d->models, d->mono_ms, event->time.unix_s);
    app_handle(&d->app, event);
    check_counters(l);
    if (l->nor.bad_write)
        violate(l, ZERO_STUCK, "a write that would set bits");
}

static const struct sim_image *find_image(const struct sim_factory *f, const struct slots_boot *b)
{
    for (int i = 0; i < SIM_IMAGES; i++)
        if (memcmp(f->image[i].digest, b->digest, PROTO_SHA256_LEN) == 0 &&
            b->image.size == f->image[i].size)
            return &f->image[i];
    return NULL;
}

/* The bootloader's part, judged. */
static void choose(struct device *d, struct slots_boot *b)
{
    struct life *l = d->life;
    struct esp_partition_table table;
    enum esp_fault fault;
    if (flash_read_table(&l->nor.flash, &table, &fault) ||
        slots_init(&d->slots, &l->nor.flash, &table))
        violate(l, ZERO_UNBOOTABLE, "partition table: %s", esp_fault_text(fault));
    if (slots_boot(&d->slots, b))
        violate(l, ZERO_UNBOOTABLE, "ota_0 %s, ota_1 %s", esp_fault_text(b->fault[0]),
                esp_fault_text(b->fault[1]));
    d->image = find_image(l->sim->factory, b);
    d->trial = b->trial;
    if (!d->image)
        violate(l, ZERO_UNSIGNED, "ota_%u holds what nobody signed", b->slot);
    if (d->image == &l->sim->factory->image[IMG_BAD] && !b->trial)
        violate(l, ZERO_UNSIGNED, "the bad image boots without probation");
    const struct esp_partition *nvs = esp_partition_by_label(&table, "nvs");
    const struct esp_partition *own = esp_partition_by_label(&table, "muster");
    if (nvs_mount(&d->settings, &l->nor.flash, nvs->offset, nvs->size) ||
        nvs_mount(&d->records, &l->nor.flash, own->offset, own->size))
        violate(l, ZERO_STUCK, "a key/value store can't be mounted");
    /* Written long ago and never since: the oldest page of the log holds it. */
    uint32_t keep = 0;
    if (nvs_get_u32(&d->records, "old", "keep", &keep) || keep != SIM_KEEP)
        violate(l, ZERO_COUNTER, "an old record is lost");
}

static void connect_parts(struct device *d)
{
    const struct board_config chips = { .seed = 7, .bme280 = true };
    board_init(&d->models, &chips);
    d->platform = (struct app_platform){
        .ctx = d,
        .broker_connect = broker_connect,
        .publish = publish,
        .nvs_get_str = get_str,
        .nvs_get_u32 = get_u32,
        .nvs_set_str = set_str,
        .nvs_set_u32 = set_u32,
        .random = take_random,
        .log = take_log,
        .reboot = reboot,
        .watchdog_feed = feed,
        .memory = memory,
        .renew = renew,
        .crypto = ossl_crypto(),
        .i2c = board_i2c(&d->models),
        .uart = board_uart(&d->models),
    };
    d->update.slots = &d->slots;
    d->update.records = &d->records;
    d->update.app = &d->app;
    d->update.restart = &d->restart;
    if (update_init(&d->update))
        abort();
    struct ota_port *p = &d->update.port;
    p->random = port_random;
    p->report = port_report;
    p->http_open = http_begin;
    p->http_answer = http_head;
    p->http_read = http_body;
    p->http_close = http_end;
}

/* As process.c counts boots and keeps the security floor. */
static void keep_books(struct device *d, const struct slots_boot *b, struct app_boot *facts)
{
    uint32_t boots = 0, floor = 0;
    (void)nvs_get_u32(&d->records, "boot", "count", &boots);
    facts->boots = boots + 1;
    (void)nvs_set_u32(&d->records, "boot", "count", boots + 1);
    (void)nvs_get_u32(&d->records, "boot", "security", &floor);
    facts->security_floor = floor;
    if (b->trial || b->image.desc.secure_version <= floor)
        return;
    facts->security_floor = b->image.desc.secure_version;
    (void)nvs_set_u32(&d->records, "boot", "security", facts->security_floor);
}

/* Dies before its agent has heard of the start; the bootloader counts, as supervise.c does. */
static _Noreturn void die_early(struct life *l, const struct slots_boot *b)
{
    struct device *d = l->dev;
    l->w.reset = RESET_PANIC;
    l->w.unix_ms += 30000;
    if (ota_looping_count(&l->w.dead, RESET_PANIC, false, false)) {
        struct ota_boot facts = { .reset = RESET_PANIC,
                                  .passive = update_passive(&d->slots, b->slot),
                                  .version = d->image->build.version,
                                  .boot_id = "" };
        memcpy(facts.image, b->digest, sizeof(facts.image));
        enum reason r = ota_agent_leave(&d->app.agent, &d->update.port, &facts);
        if (r != REASON_NONE)
            violate(l, ZERO_STUCK, "a dead image is not left: %s", reason_word(r));
    }
    longjmp(l->jump, JUMP_RESET);
}

static void power_on(struct life *l)
{
    struct device *d = calloc(1, sizeof(*d));
    struct slots_boot b;
    if (!d)
        abort();
    l->dev = d;
    d->life = l;
    l->sim->rebirths++;
    if (++l->w.boots > BOOTS_MAX)
        violate(l, ZERO_STUCK, "boots for ever");
    choose(d, &b);
    d->update.running = b.slot;
    connect_parts(d);
    if (l->journey->late && !b.trial && d->image == &l->sim->factory->image[IMG_GOOD] &&
        l->w.step > 0)
        die_early(l, &b);
    app_init(&d->app, &d->image->build, &d->platform, &d->update.port);
    struct app_boot facts = { .reset = l->w.reset,
                              .on_probation = b.trial,
                              .passive = update_passive(&d->slots, b.slot) };
    struct app_event event = { .kind = APP_EV_BOOT, .boot = &facts };
    keep_books(d, &b, &facts);
    snprintf(facts.boot, sizeof(facts.boot), "%016x", l->w.boots);
    snprintf(facts.slot, sizeof(facts.slot), "ota_%u", b.slot % 2);
    memcpy(facts.image, b.digest, sizeof(facts.image));
    tell(d, &event);
}

/* ---- the world's turn ------------------------------------------------------------------------ */

static void deliver(struct device *d, int message)
{
    const struct sim_message *m = &d->life->sim->factory->message[message];
    enum ota_state state = ota_agent_state(&d->app.agent);
    if (m->verb == VERB_ABORT && (state == OTA_REBOOT || state == OTA_TRIAL || state == OTA_DONE))
        d->life->w.too_late = true;
    struct app_event event = {
        .kind = APP_EV_MESSAGE, .verb = verb_word(m->verb), .body = m->body, .len = m->len
    };
    tell(d, &event);
}

/* Retained first, then what the session has kept; a message is the broker's until it is handled. */
static void take_messages(struct device *d, bool fresh)
{
    struct world *w = &d->life->w;
    if (fresh && w->retained >= 0)
        deliver(d, w->retained);
    while (w->pending_count > 0) {
        deliver(d, w->pending[0]);
        w->pending_count--;
        memmove(&w->pending[0], &w->pending[1], sizeof(w->pending) - sizeof(w->pending[0]));
    }
}

static void exchange(struct device *d)
{
    bool fresh = d->connecting;
    if (fresh) {
        struct app_event up = { .kind = APP_EV_BROKER_UP };
        d->connecting = false;
        d->online = true;
        tell(d, &up);
    }
    if (d->online)
        take_messages(d, fresh);
    for (int guard = 0; d->acks > 0 && guard < QUEUE; guard++) {
        struct app_event done = { .kind = APP_EV_PUBLISHED, .mid = d->ack[0] };
        d->acks--;
        memmove(&d->ack[0], &d->ack[1], sizeof(d->ack) - sizeof(d->ack[0]));
        tell(d, &done);
    }
}

void life_send(struct life *l, enum sim_message_name message)
{
    if (l->w.pending_count < SIM_PENDING)
        l->w.pending[l->w.pending_count++] = (int)message;
}

void life_retain(struct life *l, enum sim_message_name message)
{
    l->w.retained = (int)message;
    if (l->dev && l->dev->online)
        deliver(l->dev, (int)message);
}

void life_restart(struct life *l)
{
    l->dev->restart = true;
}

enum ota_state life_state(const struct life *l)
{
    return ota_agent_state(&l->dev->app.agent);
}

const struct ota_agent *life_agent(const struct life *l)
{
    return &l->dev->app.agent;
}

const struct app *life_app(const struct life *l)
{
    return &l->dev->app;
}

bool life_is_at_rest(const struct life *l)
{
    const struct device *d = l->dev;
    return d->online && !d->restart && l->w.pending_count == 0 && d->acks == 0 &&
           !d->app.rebooting && !ota_agent_is_active(&d->app.agent) &&
           ota_agent_wants(&d->app.agent, (uint64_t)d->mono_ms) == UINT32_MAX;
}

static void pass_time(struct device *d)
{
    uint32_t wait = app_wait_ms(&d->app, d->mono_ms);
    d->mono_ms += wait;
    d->life->w.unix_ms += wait;
}

/* Until all is quiet, or the board restarts. */
static bool run(struct life *l, uint64_t until_ms)
{
    struct device *d = l->dev;
    while (!d->restart) {
        struct app_event tick = { .kind = APP_EV_TICK };
        exchange(d);
        if (l->journey->step && !l->next_phase)
            l->journey->step(l);
        if (d->trial && l->w.cut_trial > 0 && d->mono_ms >= TRIAL_CUT_MS) {
            l->w.cut_trial--;
            life_power_cut(l);
        }
        if (life_is_at_rest(l))
            return true;
        tell(d, &tick);
        pass_time(d);
        if (l->w.unix_ms > until_ms)
            violate(l, ZERO_STUCK, "still %s after %d s", ota_state_word(life_state(l)), END_S);
        l->turns++;
    }
    l->w.reset = RESET_SOFTWARE;
    return false;
}

/* Boot and run, over and over, until all is quiet. */
static void settle(struct life *l)
{
    uint64_t until = l->w.unix_ms + (uint64_t)END_S * 1000;
    do {
        off(l);
        power_on(l);
    } while (!run(l, until));
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void check_end(struct life *l)
{
    const struct journey *j = l->journey;
    const struct sim_image *image = l->sim->factory->image;
    enum ota_state state = life_state(l);
    bool done = state == OTA_DONE;
    if (!(j->ends[l->depth > 1] & 1u << state))
        violate(l, ZERO_STUCK, "ends %s (%s)", ota_state_word(state),
                reason_word((enum reason)life_agent(l)->job.reason));
    if (l->dev->trial && life_agent(l)->on_probation)
        violate(l, ZERO_STUCK, "ends on probation");
    /* FAILED is the end of a way back whose trial lost its power twice: what it left runs on. */
    bool stays = done || state == OTA_FAILED;
    if (l->dev->image != &image[stays ? j->target : IMG_FACTORY])
        violate(l, ZERO_STUCK, "ends %s but runs %s", ota_state_word(state),
                l->dev->image->build.version);
    if (j->settled && !j->settled(l))
        violate(l, ZERO_STUCK, "ends %s, but not as it should", ota_state_word(state));
}

static void check_next(struct life *l)
{
    if (life_state(l) != OTA_DONE || l->dev->image != &l->sim->factory->image[IMG_NEXT])
        violate(l, ZERO_STUCK, "ends %s (%s), runs %s", ota_state_word(life_state(l)),
                reason_word((enum reason)life_agent(l)->job.reason), l->dev->image->build.version);
}

static void live(struct life *l)
{
    switch (setjmp(l->jump)) {
    case JUMP_GIVE_UP:
        off(l);
        return;
    default:
        break; /* the first time, or a reset */
    }
    if (!l->next_phase) {
        settle(l);
        check_end(l);
        l->next_phase = true;
        l->w.drop_times = 0;
        l->w.cut_trial = 0;
        bool rotated = l->dev->app.keys.now.version > 1;
        life_retain(l, rotated ? MSG_NEXT_KEYS : MSG_NEXT);
        if (run(l, l->w.unix_ms + (uint64_t)END_S * 1000)) {
            check_next(l);
            off(l);
            return;
        }
    }
    settle(l);
    check_next(l);
    off(l);
}

/* ---- from outside ---------------------------------------------------------------------------- */

static struct life *begin(struct sim *sim, const struct journey *j)
{
    struct life *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->sim = sim;
    l->journey = j;
    nor_copy(&l->nor, &sim->factory->flash);
    l->w = (struct world){ .unix_ms = UINT64_C(1790000000000),
                           .seed = 1,
                           .retained = (int)j->order,
                           .drop_after = j->drop_after,
                           .drop_times = j->drop_times,
                           .cut_trial = j->cut_trial,
                           .reset = RESET_POWERON };
    if (sim->factory->message[j->order].verb != VERB_UPDATE) {
        l->w.retained = -1;
        life_send(l, j->order);
    }
    l->nor.hook = on_op;
    l->nor.ctx = l;
    return l;
}

static void finish(struct life *l)
{
    off(l);
    nor_free(&l->nor);
    free(l);
}

static uint64_t touched(const struct sim *sim)
{
    uint64_t n = 0;
    for (int i = 0; i < ZEROS; i++)
        n += sim->violations[i];
    return n;
}

bool sim_journey(struct sim *sim, const struct journey *j)
{
    uint64_t before = touched(sim);
    struct life *l = begin(sim, j);
    l->explores = true;
    live(l);
    finish(l);
    return touched(sim) == before;
}

void sim_wear(struct sim *sim, const struct journey *j, struct nor_wear *wear)
{
    struct life *l = begin(sim, j);
    struct world w = l->w;
    l->w.retained = -1;
    l->w.pending_count = 0;
    if (setjmp(l->jump) != JUMP_GIVE_UP) {
        if (!l->nor.wear) { /* the first boot, which fills in otadata, is not part of it */
            settle(l);
            l->nor.wear = wear;
            l->w.retained = w.retained;
            l->w.pending_count = w.pending_count;
            memcpy(l->w.pending, w.pending, sizeof(w.pending));
            l->dev->connecting = true; /* a new connection brings what the broker has */
            if (!run(l, l->w.unix_ms + (uint64_t)END_S * 1000))
                settle(l);
        } else {
            settle(l);
        }
    }
    finish(l);
}

void sim_idle(struct sim *sim, uint32_t seconds, struct nor_wear *wear)
{
    static const struct journey idle = { .name = "idle" };
    struct life *l = begin(sim, &idle);
    l->w.retained = -1;
    if (setjmp(l->jump) == 0) {
        settle(l); /* the first boot fills in otadata */
        off(l);
        l->nor.wear = wear;
        settle(l);
        for (uint64_t end = l->w.unix_ms + (uint64_t)seconds * 1000; l->w.unix_ms < end;) {
            struct app_event tick = { .kind = APP_EV_TICK };
            exchange(l->dev);
            tell(l->dev, &tick);
            pass_time(l->dev);
        }
    }
    finish(l);
}
