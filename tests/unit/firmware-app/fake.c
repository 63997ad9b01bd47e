#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/hex.h"
#include "protocol/status.h"

/* ---- crypto that is none: enough to tell signed from unsigned -------------------------------- */

static void fake_sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    const uint8_t *p = data;
    uint64_t h = 0xCBF29CE484222325;

    (void)ctx;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001B3;
    for (int i = 0; i < PROTO_SHA256_LEN; i++) {
        h = (h ^ (uint64_t)i) * 0x100000001B3;
        out[i] = (uint8_t)(h >> 32);
    }
}

/* "Signature" of key K over H: each byte of H, twice, xor the key's first byte of X. */
static bool fake_verify(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                        const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG])
{
    (void)ctx;
    for (int i = 0; i < PROTO_P256_SIG; i++) {
        if (sig[i] != (uint8_t)(hash[i % PROTO_SHA256_LEN] ^ pub[1]))
            return false;
    }
    return true;
}

static bool fake_sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    const struct trusted_key *key = ctx;

    for (int i = 0; i < PROTO_P256_SIG; i++)
        sig[i] = (uint8_t)(hash[i % PROTO_SHA256_LEN] ^ key->pub[1]);
    return true;
}

static struct trusted_key make_key(const struct crypto *c, uint8_t x, uint8_t role)
{
    struct trusted_key key = { .roles = role };

    key.pub[0] = 4;
    memset(key.pub + 1, x, sizeof(key.pub) - 1);
    crypto_kid(c, key.pub, key.kid);
    return key;
}

static struct crypto_signer signer_of(struct trusted_key *key)
{
    struct crypto_signer s = { .ctx = key, .sign = fake_sign };

    memcpy(s.kid, key->kid, sizeof(s.kid));
    return s;
}

void fake_keyset(struct fake *f, uint32_t version, int rollout, char *out)
{
    struct keyset keyset = { .fleet = "home", .version = version, .root_threshold = 1 };
    struct trusted_key root = make_key(&f->crypto, 1, KEY_ROOT);
    struct crypto_signer signer = signer_of(&root);
    const struct crypto_signer *signers[] = { &signer };

    keyset.keys.key[keyset.keys.count++] = root;
    keyset.keys.key[keyset.keys.count++] = make_key(&f->crypto, 2, KEY_RELEASE);
    keyset.keys.key[keyset.keys.count++] = make_key(&f->crypto, (uint8_t)rollout, KEY_ROLLOUT);
    assert_true(keyset_sign(&keyset, &f->crypto, signers, 1, out, PROTO_KEYSET_BYTES) > 0);
}

static void make_keyset(struct fake *f)
{
    char text[PROTO_KEYSET_BYTES];

    fake_keyset(f, 3, 3, text);
    fake_set(f, APP_NS_FACTORY, "keyset", text);
}

/* ---- the platform ---------------------------------------------------------------------------- */

static void broker_connect(void *ctx, const struct app_broker *broker)
{
    struct fake *f = ctx;
    struct device_status will;

    assert_false(f->connecting);
    assert_false(f->connected);
    assert_true(f->connects < 64);
    assert_string_equal(broker->id, "sensor-001");
    assert_string_equal(broker->root, "devices");
    assert_string_equal(broker->host, "broker.example");
    assert_int_equal(broker->port, 8883);
    assert_true(broker->will_len < sizeof(f->will));
    assert_int_equal(device_status_decode(broker->will, broker->will_len, &will), 0);
    assert_false(will.online);
    memcpy(f->will, broker->will, broker->will_len);
    f->will[broker->will_len] = '\0';
    f->connected_ms[f->connects++] = f->mono_ms;
    f->connecting = true;
}

static int publish(void *ctx, const struct app_publish *m)
{
    struct fake *f = ctx;
    struct fake_message *out = &f->sent[f->sent_count];

    assert_true(m->qos <= 1);
    assert_true(m->len < sizeof(out->payload));
    assert_true(m->correlation_len <= APP_CORRELATION_MAX);
    assert_int_equal(m->retain, m->kind == TOPIC_STATUS || m->kind == TOPIC_REPORT);
    if (!f->connected)
        return -1;
    assert_true(f->sent_count < FAKE_MESSAGES);
    memset(out, 0, sizeof(*out));
    out->kind = m->kind;
    assert_true(
        topic_format(out->topic, sizeof(out->topic), "devices", "sensor-001", m->kind, m->sub) > 0);
    memcpy(out->payload, m->payload, m->len);
    out->len = m->len;
    out->qos = m->qos;
    out->retain = m->retain;
    if (m->correlation_len)
        memcpy(out->correlation, m->correlation, m->correlation_len);
    out->correlation_len = m->correlation_len;
    out->mid = m->qos ? ++f->next_mid : 0;
    f->sent_count++;
    return out->mid;
}

static int find(const struct fake *f, enum app_ns ns, const char *key)
{
    for (int i = 0; i < f->keys; i++) {
        if (f->kv[i].ns == ns && strcmp(f->kv[i].key, key) == 0)
            return i;
    }
    return -1;
}

const char *fake_get(const struct fake *f, enum app_ns ns, const char *key)
{
    int i = find(f, ns, key);

    return i < 0 ? NULL : f->kv[i].value;
}

void fake_set(struct fake *f, enum app_ns ns, const char *key, const char *value)
{
    int i = find(f, ns, key);

    if (i < 0)
        i = f->keys++;
    assert_true(i < FAKE_KEYS);
    assert_true(strlen(key) < sizeof(f->kv[i].key)); /* 15, as ESP-IDF's NVS has it */
    assert_true(strlen(value) < sizeof(f->kv[i].value));
    f->kv[i].ns = ns;
    (void)snprintf(f->kv[i].key, sizeof(f->kv[i].key), "%s", key);
    (void)snprintf(f->kv[i].value, sizeof(f->kv[i].value), "%s", value);
}

static int nvs_get_str(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap)
{
    const char *value = fake_get(ctx, ns, key);

    if (!value || strlen(value) >= cap)
        return -1;
    memcpy(out, value, strlen(value) + 1);
    return (int)strlen(value);
}

static int nvs_get_u32(void *ctx, enum app_ns ns, const char *key, uint32_t *out)
{
    const char *value = fake_get(ctx, ns, key);
    unsigned v;

    if (!value || sscanf(value, "%u", &v) != 1)
        return -1;
    *out = v;
    return 0;
}

static int nvs_set_str(void *ctx, enum app_ns ns, const char *key, const char *value)
{
    struct fake *f = ctx;

    assert_int_equal(ns, APP_NS_CONFIG);
    if (f->nvs_fails)
        return -1;
    fake_set(f, ns, key, value);
    return 0;
}

static int nvs_set_u32(void *ctx, enum app_ns ns, const char *key, uint32_t value)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", (unsigned)value);
    return nvs_set_str(ctx, ns, key, text);
}

static uint32_t next_random(struct fake *f)
{
    f->seed = f->seed * 1664525 + 1013904223;
    return f->seed;
}

static void fill_random(void *ctx, void *out, size_t len)
{
    uint8_t *p = out;

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(next_random(ctx) >> 24);
}

static void keep_line(void *ctx, enum app_log_level level, const char *text)
{
    struct fake *f = ctx;

    for (const char *c = text; *c; c++)
        assert_in_range(*c, ' ', '~');
    assert_true(f->lines < FAKE_LINES);
    (void)snprintf(f->line[f->lines++], sizeof(f->line[0]), "%s %s", app_log_word(level), text);
}

static void reboot(void *ctx)
{
    ((struct fake *)ctx)->reboots++;
}

static int64_t fake_unix(const struct fake *f)
{
    return f->unix_s + (f->mono_ms + f->phase_ms) / 1000;
}

static void feed(void *ctx)
{
    struct fake *f = ctx;

    if (f->feeds++ % 3)
        f->mono_ms += f->stall_ms;
    board_set_time(&f->board, f->mono_ms, fake_unix(f));
}

static uint32_t memory(void *ctx)
{
    (void)ctx;
    return 123456;
}

static int no_radio(void *ctx, int32_t *dbm)
{
    (void)ctx;
    (void)dbm;
    return -1;
}

static void identify(void *ctx)
{
    ((struct fake *)ctx)->identifies++;
}

/* ---- the agent's port: records and reports work, an update is never downloaded here -----------
 */

static enum reason slot_open(void *ctx, uint32_t size, uint32_t keep)
{
    (void)ctx;
    (void)size;
    (void)keep;
    return REASON_NO_SPACE;
}

static enum reason slot_write(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return REASON_FLASH_WRITE;
}

static enum reason slot_read(void *ctx, uint32_t offset, uint8_t *data, size_t len)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return REASON_FLASH_READ;
}

static enum reason image_check(void *ctx, uint32_t size)
{
    (void)ctx;
    (void)size;
    return REASON_IMAGE_INVALID;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static enum reason other_image(void *ctx, struct ota_other *out)
{
    (void)ctx;
    (void)out;
    return REASON_IMAGE_INVALID;
}

static enum reason no_switch(void *ctx)
{
    (void)ctx;
    return REASON_BOOT_SWITCH;
}

static enum reason mark_valid(void *ctx)
{
    (void)ctx;
    return REASON_NONE;
}

static enum reason rollback(void *ctx)
{
    ((struct fake *)ctx)->rollbacks++;
    return REASON_NONE;
}

static enum reason record_get(void *ctx, enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    struct fake *f = ctx;

    *len = f->record_len[id];
    assert_true(*len <= cap);
    memcpy(data, f->record[id], *len);
    return REASON_NONE;
}

static enum reason record_put(void *ctx, enum ota_record id, const uint8_t *data, size_t len)
{
    struct fake *f = ctx;

    assert_true(len <= OTA_RECORD_MAX);
    memcpy(f->record[id], data, len);
    f->record_len[id] = len;
    return REASON_NONE;
}

static enum reason http_open(void *ctx, const char *url, uint32_t from, const char *etag)
{
    (void)ctx;
    (void)url;
    (void)from;
    (void)etag;
    return REASON_CONNECT;
}

static enum ota_io http_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    (void)ctx;
    (void)answer;
    *why = REASON_CONNECT;
    return OTA_FAIL;
}

static enum ota_io http_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    (void)ctx;
    (void)data;
    (void)cap;
    *got = 0;
    *why = REASON_CONNECT;
    return OTA_FAIL;
}

static void sha_add(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
}

static void sha_end(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    memset(out, 0, PROTO_SHA256_LEN);
}

static uint32_t port_random(void *ctx)
{
    return next_random(ctx);
}

static bool port_report(void *ctx, const struct ota_report *report)
{
    return app_report(&((struct fake *)ctx)->app, report);
}

static enum reason may_proceed(void *ctx, enum ota_gate gate)
{
    return app_may_proceed(&((struct fake *)ctx)->app, gate);
}

static void wire(struct fake *f)
{
    f->crypto = (struct crypto){ .sha256 = fake_sha256, .p256_verify = fake_verify };
    f->platform = (struct app_platform){
        .ctx = f,
        .broker_connect = broker_connect,
        .publish = publish,
        .nvs_get_str = nvs_get_str,
        .nvs_get_u32 = nvs_get_u32,
        .nvs_set_str = nvs_set_str,
        .nvs_set_u32 = nvs_set_u32,
        .random = fill_random,
        .log = keep_line,
        .reboot = reboot,
        .watchdog_feed = feed,
        .memory = memory,
        .rssi = no_radio,
        .identify = identify,
        .crypto = &f->crypto,
        .i2c = board_i2c(&f->board),
        .uart = board_uart(&f->board),
    };
    f->port = (struct ota_port){
        .ctx = f,
        .crypto = &f->crypto,
        .slot_size = 0x1c0000,
        .slot_open = slot_open,
        .slot_write = slot_write,
        .slot_read = slot_read,
        .image_check = image_check,
        .other_image = other_image,
        .slot_close = nothing,
        .boot_switch = no_switch,
        .mark_valid = mark_valid,
        .rollback = rollback,
        .reboot = reboot,
        .record_get = record_get,
        .record_put = record_put,
        .http_open = http_open,
        .http_answer = http_answer,
        .http_read = http_read,
        .http_close = nothing,
        .sha_begin = nothing,
        .sha_add = sha_add,
        .sha_end = sha_end,
        .random = port_random,
        .report = port_report,
        .may_proceed = may_proceed,
    };
}

/* ---- driving it ------------------------------------------------------------------------------ */

void fake_init(struct fake *f)
{
    memset(f, 0, sizeof(*f));
    f->build = (struct app_build){
        .product = "weather", .hw = "linux", .version = "1.4.0", .bme280_id = BME280_ID
    };
    f->board.config =
        (struct board_config){ .seed = 5, .bme280 = true, .scd30 = true, .sds011 = true };
    f->unix_s = 1790000000;
    f->trusted = true;
    f->broker_ok = true;
    f->broker_acks = true;
    f->seed = 42;
    wire(f);
    fake_set(f, APP_NS_FACTORY, "id", "sensor-001");
    fake_set(f, APP_NS_FACTORY, "fleet", "home");
    fake_set(f, APP_NS_FACTORY, "broker_host", "broker.example");
    fake_set(f, APP_NS_FACTORY, "broker_port", "8883");
    fake_set(f, APP_NS_FACTORY, "groups", "berlin,outdoor");
    fake_set(f, APP_NS_FACTORY, "sensors", "bme280,scd30,sds011");
    fake_set(f, APP_NS_FACTORY, "interval", "10");
    f->reset = RESET_SOFTWARE;
    make_keyset(f);
}

static struct app_event event_now(const struct fake *f, enum app_event_kind kind)
{
    return (struct app_event){
        .kind = kind,
        .time = { f->mono_ms, f->trusted ? fake_unix(f) : 0, f->trusted },
    };
}

static void give(struct fake *f, enum app_event_kind kind)
{
    struct app_event e = event_now(f, kind);

    app_handle(&f->app, &e);
}

static void boot(struct fake *f, bool on_probation)
{
    const struct app_boot facts = {
        .reset = f->reset,
        .boot = "0123456789abcdef",
        .boots = 12,
        .slot = "ota_0",
        .image = { 0xAB, 0xCD },
        .cert_not_after = 1805000000,
        .on_probation = on_probation,
    };
    const struct board_config config = f->board.config;
    struct app_event e;

    f->unix_s += (f->mono_ms + f->phase_ms) / 1000;
    f->mono_ms = 0;
    f->connecting = f->connected = false;
    board_init(&f->board, &config);
    board_set_time(&f->board, 0, f->unix_s);
    app_init(&f->app, &f->build, &f->platform, &f->port);
    e = event_now(f, APP_EV_BOOT);
    e.boot = &facts;
    app_handle(&f->app, &e);
}

void fake_boot(struct fake *f)
{
    boot(f, false);
}

void fake_boot_on_probation(struct fake *f)
{
    boot(f, true);
}

static void acknowledge(struct fake *f)
{
    int count = f->sent_count;

    for (int i = 0; i < count; i++) {
        struct app_event e = event_now(f, APP_EV_PUBLISHED);

        if (!f->sent[i].mid || f->sent[i].acked)
            continue;
        f->sent[i].acked = true;
        e.mid = f->sent[i].mid;
        app_handle(&f->app, &e);
    }
}

static void step(struct fake *f)
{
    uint32_t wait = app_wait_ms(&f->app, f->mono_ms);

    assert_true(wait <= 1000);
    f->mono_ms += wait && !f->stall_ms ? wait : 1;
    board_set_time(&f->board, f->mono_ms, fake_unix(f));
    if (f->connecting) {
        f->connecting = false;
        f->connected = f->broker_ok;
        give(f, f->connected ? APP_EV_BROKER_UP : APP_EV_BROKER_DOWN);
    }
    if (f->connected && f->broker_acks)
        acknowledge(f);
    give(f, APP_EV_TICK);
}

void fake_run(struct fake *f, int64_t ms)
{
    int64_t end = f->mono_ms + ms;

    while (f->mono_ms < end)
        step(f);
}

void fake_cut_link(struct fake *f)
{
    f->broker_ok = false;
    f->connected = false;
    give(f, APP_EV_BROKER_DOWN);
}

void fake_command(struct fake *f, const char *verb, const char *body, const char *correlation)
{
    struct app_event e = event_now(f, APP_EV_MESSAGE);

    e.verb = verb;
    e.body = body;
    e.len = strlen(body);
    if (correlation) {
        e.correlation = (const uint8_t *)correlation;
        e.correlation_len = strlen(correlation);
    }
    app_handle(&f->app, &e);
}

static void sign_order(struct fake *f, const char *payload, char *jws, size_t cap)
{
    struct trusted_key key = make_key(&f->crypto, 3, KEY_ROLLOUT);
    struct crypto_signer signer = signer_of(&key);

    assert_true(jws_sign(JWS_ORDER, payload, strlen(payload), &f->crypto, &signer, jws, cap) > 0);
}

void fake_order(struct fake *f, const char *verb, const char *payload, const char *correlation)
{
    char jws[PROTO_ORDER_BYTES], body[PROTO_UPDATE_BYTES];

    sign_order(f, payload, jws, sizeof(jws));
    assert_true(command_body_encode(jws, NULL, body, sizeof(body)) > 0);
    fake_command(f, verb, body, correlation);
}

static void good_payload(struct fake *f, const char *verb, const char *more, char *out, size_t cap)
{
    long long now = fake_unix(f);

    (void)snprintf(out, cap,
                   "{\"verb\":\"%s\",\"fleet\":\"home\",\"dev\":\"sensor-001\",\"seq\":%u,"
                   "\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld%s}",
                   verb, (unsigned)++f->order_seq, now, now, now + 3600, more);
}

void fake_good_order(struct fake *f, const char *verb, const char *more, const char *correlation)
{
    char payload[700];

    good_payload(f, verb, more, payload, sizeof(payload));
    fake_order(f, verb, payload, correlation);
}

void fake_keys_order(struct fake *f, const char *keyset, const char *correlation)
{
    char payload[700], jws[PROTO_ORDER_BYTES], body[PROTO_UPDATE_BYTES];

    good_payload(f, "keys", "", payload, sizeof(payload));
    sign_order(f, payload, jws, sizeof(jws));
    assert_true(command_keys_encode(jws, keyset, body, sizeof(body)) > 0);
    fake_command(f, "keys", body, correlation);
}

/* ---- looking at it --------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a >= b && strcmp(text + a - b, end) == 0;
}

const struct fake_message *fake_sent(const struct fake *f, const char *end, int n)
{
    const struct fake_message *last = NULL;

    for (int i = 0; i < f->sent_count; i++) {
        if (!ends_with(f->sent[i].topic, end))
            continue;
        last = &f->sent[i];
        if (n-- == 0)
            return last;
    }
    return n < 0 ? last : NULL;
}

int fake_count(const struct fake *f, const char *end)
{
    int count = 0;

    for (int i = 0; i < f->sent_count; i++)
        count += ends_with(f->sent[i].topic, end);
    return count;
}

bool fake_logged(const struct fake *f, const char *text)
{
    for (int i = 0; i < f->lines; i++) {
        if (strstr(f->line[i], text))
            return true;
    }
    return false;
}
