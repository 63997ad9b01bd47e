#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "ossl/crypto.h"
#include "protocol/hex.h"

enum {
    LEAVE_MS = 2000,
    GOODBYE_MS = 1000,
    BUSY_MS = 10,    /* between two helpings of a download */
    MEMORY = 200000, /* bytes of free heap that a chip would have */
    WRONG_CHIP = 0x61
};

const char *device_kind_word(enum device_kind kind)
{
    static const char *const words[] = { "good", "fails", "silent", "slow", "offline" };
    return kind < DEVICE_KINDS ? words[kind] : "?";
}

/* ---- randomness ------------------------------------------------------------------------------ */

/* Of the device's number and the seed, so that a run can be repeated. */
static uint64_t draw64(struct device *d) /* splitmix64 */
{
    uint64_t z = d->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void draw(void *ctx, void *out, size_t len)
{
    uint8_t *p = out;
    while (len > 0) {
        uint64_t r = draw64(ctx);
        size_t n = len < sizeof(r) ? len : sizeof(r);
        memcpy(p, &r, n);
        p += n;
        len -= n;
    }
}

/* ---- the platform --------------------------------------------------------------------------- */

static int64_t mono_ms(const struct device *d)
{
    return d->all->now_ms - d->boot_ms;
}

static void count_tenth(const struct device_all *all, uint32_t *tenth)
{
    int64_t n = (all->now_ms - all->since_ms) / 100;
    if (n >= 0 && n < (int64_t)(sizeof(all->tried) / sizeof(all->tried[0])))
        tenth[n]++;
}

static void broker_connect(void *ctx, const struct app_broker *broker)
{
    struct device *d = ctx;
    d->all->connects++;
    count_tenth(d->all, d->all->tried);
    mqtt_connect(&d->mqtt, broker, mono_ms(d));
}

static int publish(void *ctx, const struct app_publish *message)
{
    struct device *d = ctx;
    int mid = mqtt_publish(&d->mqtt, message);
    d->all->messages += mid >= 0;
    return mid;
}

static int get_str(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap)
{
    const struct device *d = ctx;
    const struct blob *b = ram_store_get(&d->settings, app_ns_word(ns), key);
    if (!b || b->len >= cap)
        return -1;
    memcpy(out, b->data, b->len + 1u);
    return (int)b->len;
}

static int get_number(const struct ram_store *s, const char *ns, const char *key, uint32_t *out)
{
    const struct blob *b = ram_store_get(s, ns, key);
    char *end;
    if (!b || b->len == 0)
        return -1;
    unsigned long long n = strtoull((const char *)b->data, &end, 10);
    if (*end != '\0' || n > UINT32_MAX)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

static void set_number(struct ram_store *s, const char *ns, const char *key, uint32_t value)
{
    char text[12];
    int n = snprintf(text, sizeof(text), "%u", (unsigned)value);
    ram_store_set(s, ns, key, text, (size_t)n);
}

static int get_u32(void *ctx, enum app_ns ns, const char *key, uint32_t *out)
{
    const struct device *d = ctx;
    return get_number(&d->settings, app_ns_word(ns), key, out);
}

static int set_str(void *ctx, enum app_ns ns, const char *key, const char *value)
{
    struct device *d = ctx;
    ram_store_set(&d->settings, app_ns_word(ns), key, value, strlen(value));
    return 0;
}

static int set_u32(void *ctx, enum app_ns ns, const char *key, uint32_t value)
{
    struct device *d = ctx;
    set_number(&d->settings, app_ns_word(ns), key, value);
    return 0;
}

static void take_log(void *ctx, enum app_log_level level, const char *text)
{
    const struct device *d = ctx;
    if (d->all->say)
        d->all->say(d->all->ctx, d->n, level, text);
}

static void reboot(void *ctx)
{
    struct device *d = ctx;
    d->restart = true;
}

static void feed(void *ctx)
{
    (void)ctx;
}

static uint32_t memory(void *ctx)
{
    (void)ctx;
    return MEMORY;
}

/* ---- the agent's port: the Linux port's, but for records and downloads ---------------------- */

static struct device *device_of(void *ctx) /* ctx is a struct update, as update.c has it */
{
    return (struct device *)(void *)((char *)ctx - offsetof(struct device, update));
}

static void record_key(enum ota_record id, char out[8])
{
    snprintf(out, 8, "r%u", (unsigned)id % 100u);
}

static enum reason record_get(void *ctx, enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    char key[8];
    record_key(id, key);
    const struct blob *b = ram_store_get(&device_of(ctx)->records, "ota", key);
    *len = b ? b->len : 0;
    if (*len > cap)
        return REASON_RECORD_IO;
    if (b)
        memcpy(data, b->data, b->len);
    return REASON_NONE;
}

static enum reason record_put(void *ctx, enum ota_record id, const uint8_t *data, size_t len)
{
    char key[8];
    record_key(id, key);
    ram_store_set(&device_of(ctx)->records, "ota", key, data, len);
    return REASON_NONE;
}

static enum reason open_url(void *ctx, const char *url, uint32_t from, const char *etag)
{
    return fetch_open(&device_of(ctx)->fetch, url, from, etag);
}

static enum ota_io take_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    return fetch_answer(&device_of(ctx)->fetch, answer, why);
}

static enum ota_io take_body(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    return fetch_read(&device_of(ctx)->fetch, data, cap, got, why);
}

static void close_url(void *ctx)
{
    fetch_close(&device_of(ctx)->fetch);
}

static uint32_t draw_u32(void *ctx)
{
    return (uint32_t)draw64(device_of(ctx));
}

static bool tell_report(void *ctx, const struct ota_report *r)
{
    struct device *d = device_of(ctx);
    if (!app_report(&d->app, r))
        return false;
    d->has_report = true;
    d->report = r->state;
    d->reason = r->reason;
    return true;
}

static int connect_agent(struct device *d, uint32_t running)
{
    struct update *u = &d->update;
    *u = (struct update){
        .slots = &d->slots, .running = running, .app = &d->app, .restart = &d->restart
    };
    if (update_init(u))
        return -1;
    u->port.record_get = record_get;
    u->port.record_put = record_put;
    u->port.http_open = open_url;
    u->port.http_answer = take_answer;
    u->port.http_read = take_body;
    u->port.http_close = close_url;
    u->port.random = draw_u32;
    u->port.report = tell_report;
    return 0;
}

/* ---- events for the app --------------------------------------------------------------------- */

static void tell(struct device *d, struct app_event *event)
{
    int64_t now = mono_ms(d);
    event->time = (struct app_time){ .mono_ms = now,
                                     .unix_s = d->all->unix_s,
                                     .trusted = d->all->clock_right };
    board_set_time(&d->board, d->all->now_ms, d->all->unix_s); /* a restart is nothing to it */
    fetch_set_time(&d->fetch, d->all->now_ms);
    app_handle(&d->app, event);
}

static void on_up(void *ctx)
{
    struct device *d = ctx;
    struct app_event event = { .kind = APP_EV_BROKER_UP };
    d->up = true;
    d->all->online++;
    d->all->ups++;
    count_tenth(d->all, d->all->taken);
    tell(d, &event);
}

static void count_down(struct device *d)
{
    if (d->up) {
        d->all->online--;
        d->all->downs++;
    }
    d->up = false;
}

static void on_down(void *ctx, const char *why)
{
    struct device *d = ctx;
    struct app_event event = { .kind = APP_EV_BROKER_DOWN, .text = why };
    count_down(d);
    if (d->power != DEVICE_FROZEN)
        tell(d, &event);
}

static void on_message(void *ctx, const char *verb, const void *body, size_t len,
                       const uint8_t *correlation, size_t correlation_len)
{
    struct device *d = ctx;
    struct app_event event = { .kind = APP_EV_MESSAGE,
                               .verb = verb,
                               .body = body,
                               .len = len,
                               .correlation = correlation,
                               .correlation_len = correlation_len };
    if (d->power == DEVICE_FROZEN)
        return;
    if (d->kind == DEVICE_SILENT && strcmp(verb, "update") == 0 && len > 0) {
        d->power = DEVICE_FROZEN;
        return;
    }
    tell(d, &event);
}

static void on_published(void *ctx, int mid)
{
    struct device *d = ctx;
    struct app_event event = { .kind = APP_EV_PUBLISHED, .mid = mid };
    if (d->power != DEVICE_FROZEN)
        tell(d, &event);
}

static void on_news(void *ctx)
{
    const struct device *d = ctx;
    d->all->due(d->all->ctx, d->n);
}

/* ---- made ----------------------------------------------------------------------------------- */

static const char *text_of(const struct ram_store *s, const char *key)
{
    const struct blob *b = ram_store_get(s, "factory", key);
    return b && b->len > 0 ? (const char *)b->data : NULL;
}

static int take_settings(struct device *d, const char *text, size_t len, struct port_fail *why)
{
    struct csv_row *row = swarm_alloc(1, sizeof(*row));
    struct csv csv;
    const char *wrong = "";
    int more = csv_begin(&csv, text, len, &wrong) ? -1 : 1;
    while (more > 0) {
        more = csv_next(&csv, row, &wrong);
        if (more > 0 && row->type == NVS_U32)
            set_number(&d->settings, row->ns, row->key, row->number);
        else if (more > 0)
            ram_store_set(&d->settings, row->ns, row->key, row->value, row->len);
    }
    free(row);
    if (more < 0)
        return port_fail(why, "line %u: %s", (unsigned)csv.line, wrong);
    d->identity = (struct tls_identity){ .ca = text_of(&d->settings, "ca"),
                                         .cert = text_of(&d->settings, "cert"),
                                         .key = text_of(&d->settings, "key") };
    if (!d->identity.ca || !d->identity.cert || !d->identity.key)
        return port_fail(why, "factory keys `ca`, `cert` and `key` must be set");
    return 0;
}

static void solder(struct device *d, uint64_t seed)
{
    const char *list = text_of(&d->settings, "sensors");
    const struct board_config chips = { .seed = seed + d->n,
                                        .bme280 = list && strstr(list, "bme280"),
                                        .scd30 = list && strstr(list, "scd30"),
                                        .sds011 = list && strstr(list, "sds011") };
    board_init(&d->board, &chips);
}

int device_make(struct device *d, struct device_all *all, uint32_t n, uint64_t seed,
                const uint8_t *image, size_t image_len, const char *csv, size_t csv_len,
                struct port_fail *why)
{
    struct esp_partition_table table;
    memset(d, 0, sizeof(*d));
    d->all = all;
    d->n = n;
    d->heap = UINT32_MAX;
    d->fd = -1;
    d->random = seed * 0x2545f4914f6cdd1du + n;
    ram_store_init(&d->settings, &all->pool);
    ram_store_init(&d->records, &all->pool);
    ram_flash_init(&d->flash, &all->pool);
    flash_layout(&table);
    if (slots_init(&d->slots, &d->flash.flash, &table) || image_len > d->slots.slot[0].size ||
        d->flash.flash.write(d->flash.flash.ctx, d->slots.slot[0].offset, image, image_len))
        return port_fail(why, "the image does not fit a slot");
    if (take_settings(d, csv, csv_len, why))
        return -1;
    solder(d, seed);
    return 0;
}

void device_set_factory(struct device *d, const char *key, uint32_t value)
{
    set_number(&d->settings, app_ns_word(APP_NS_FACTORY), key, value);
}

/* ---- power ---------------------------------------------------------------------------------- */

static void lights_out(struct device *d)
{
    count_down(d);
    fetch_close(&d->fetch);
    mqtt_free(&d->mqtt);
    update_free(&d->update);
}

static bool has_connection(const struct device *d)
{
    return d->power != DEVICE_OFF && d->power != DEVICE_BOOTING;
}

void device_free(struct device *d)
{
    if (has_connection(d))
        lights_out(d);
    d->power = DEVICE_OFF;
    ram_flash_free(&d->flash);
    ram_store_free(&d->settings);
    ram_store_free(&d->records);
}

void device_power_on(struct device *d, int64_t at_ms)
{
    if (d->power != DEVICE_OFF || d->kind == DEVICE_OFFLINE)
        return;
    d->power = DEVICE_BOOTING;
    d->until_ms = at_ms;
    d->restart = false; /* this start is not one */
}

void device_power_off(struct device *d)
{
    if (has_connection(d))
        lights_out(d);
    d->power = DEVICE_OFF;
}

static void connect_parts(struct device *d)
{
    d->platform = (struct app_platform){
        .ctx = d,
        .broker_connect = broker_connect,
        .publish = publish,
        .nvs_get_str = get_str,
        .nvs_get_u32 = get_u32,
        .nvs_set_str = set_str,
        .nvs_set_u32 = set_u32,
        .random = draw,
        .log = take_log,
        .reboot = reboot,
        .watchdog_feed = feed,
        .memory = memory,
        .crypto = ossl_crypto(),
        .i2c = board_i2c(&d->board),
        .uart = board_uart(&d->board),
    };
    d->sink = (struct mqtt_sink){ d, on_up, on_down, on_message, on_published };
}

static uint32_t count_boot(struct device *d)
{
    uint32_t boots = 0;
    (void)get_number(&d->records, "boot", "count", &boots);
    set_number(&d->records, "boot", "count", boots + 1);
    return boots + 1;
}

/* As the Linux port keeps it: what ran outside a trial is the floor. */
static uint32_t raise_floor(struct device *d, const struct slots_boot *b)
{
    uint32_t floor = 0;
    (void)get_number(&d->records, "boot", "security", &floor);
    if (b->trial || b->image.desc.secure_version <= floor)
        return floor;
    set_number(&d->records, "boot", "security", b->image.desc.secure_version);
    return b->image.desc.secure_version;
}

/* The bootloader's work, then the program's start; false: nothing boots. */
static bool start(struct device *d, enum reset_reason reset)
{
    struct slots_boot b;
    uint32_t keepalive = 60;
    uint8_t id[8];
    if (slots_boot(&d->slots, &b) || image_look(&d->slots, &b, &d->image) ||
        connect_agent(d, b.slot))
        return false;
    if (d->kind == DEVICE_FAILS && b.trial)
        d->image.build.bme280_id = d->image.build.other_bme280_id = WRONG_CHIP;
    connect_parts(d);
    fetch_init(&d->fetch, &d->all->fetch, &d->identity, d->fetch.limit, on_news, d);
    (void)get_number(&d->settings, "factory", "keepalive", &keepalive);
    mqtt_init(&d->mqtt, &d->sink, &d->identity, (uint16_t)(keepalive <= 65535 ? keepalive : 60));
    mqtt_share_tls(&d->mqtt, d->all->tls);
    app_init(&d->app, &d->image.build, &d->platform, &d->update.port);

    struct app_boot facts = { .reset = reset,
                              .boots = count_boot(d),
                              .cert_not_after = tls_not_after(&d->identity),
                              .security_floor = raise_floor(d, &b),
                              .on_probation = b.trial,
                              .passive = update_passive(&d->slots, b.slot) };
    struct app_event event = { .kind = APP_EV_BOOT, .boot = &facts };
    draw(d, id, sizeof(id));
    hex_encode(id, sizeof(id), facts.boot);
    memcpy(facts.image, b.digest, sizeof(facts.image));
    snprintf(facts.slot, sizeof(facts.slot), "ota_%u", (unsigned)b.slot % 2u);
    d->all->boots++;
    tell(d, &event);
    return true;
}

static void boot(struct device *d)
{
    enum reset_reason reset = d->restart ? RESET_SOFTWARE : RESET_POWERON;
    d->boot_ms = d->all->now_ms;
    d->restart = false;
    d->power = start(d, reset) ? DEVICE_RUNNING : DEVICE_OFF;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void run(struct device *d, short revents)
{
    struct app_event tick = { .kind = APP_EV_TICK };
    mqtt_run(&d->mqtt, revents, mono_ms(d));
    if (d->power != DEVICE_RUNNING)
        return;
    tell(d, &tick);
    if (!d->restart)
        return;
    fetch_close(&d->fetch);
    d->power = DEVICE_LEAVING;
    d->until_ms = d->all->now_ms + LEAVE_MS;
}

static void leave(struct device *d, short revents)
{
    mqtt_run(&d->mqtt, revents, mono_ms(d));
    if (!mqtt_is_idle(&d->mqtt) && d->all->now_ms < d->until_ms)
        return;
    mqtt_good_bye(&d->mqtt);
    d->power = DEVICE_GOODBYE;
    d->until_ms = d->all->now_ms + GOODBYE_MS;
}

static void part(struct device *d, short revents)
{
    mqtt_run(&d->mqtt, revents, mono_ms(d));
    if (mqtt_fd(&d->mqtt) >= 0 && d->all->now_ms < d->until_ms)
        return;
    lights_out(d);
    d->power = DEVICE_BOOTING;
    d->until_ms = d->all->now_ms + d->all->boot_ms;
}

void device_turn(struct device *d, short revents)
{
    switch (d->power) {
    case DEVICE_OFF:
    case DEVICE_FROZEN:
        break;
    case DEVICE_BOOTING:
        if (d->all->now_ms >= d->until_ms)
            boot(d);
        break;
    case DEVICE_RUNNING:
        run(d, revents);
        break;
    case DEVICE_LEAVING:
        leave(d, revents);
        break;
    case DEVICE_GOODBYE:
        part(d, revents);
        break;
    }
}

static uint32_t running_wait_ms(const struct device *d)
{
    uint32_t wait = app_wait_ms(&d->app, mono_ms(d));
    uint32_t news = fetch_wait_ms(&d->fetch);
    if (mqtt_wait_ms(&d->mqtt) < wait)
        wait = mqtt_wait_ms(&d->mqtt);
    if (news == 0)
        news = BUSY_MS;
    return news < wait ? news : wait;
}

int64_t device_due_ms(const struct device *d)
{
    switch (d->power) {
    case DEVICE_OFF:
    case DEVICE_FROZEN:
        break;
    case DEVICE_BOOTING:
        return d->until_ms;
    case DEVICE_RUNNING:
        return d->all->now_ms + running_wait_ms(d);
    case DEVICE_LEAVING:
    case DEVICE_GOODBYE:
        return d->all->now_ms + 50;
    }
    return -1;
}
