#ifndef FAKE_H
#define FAKE_H

#include "app/app.h"
#include "models/board.h"

/*
 * A board for the app's tests: chip models on its buses, a key/value store, a broker that does as
 * it is told, a clock. It asserts what the platform's header promises and demands.
 */
enum { FAKE_MESSAGES = 512, FAKE_KEYS = 24, FAKE_LINES = 128 };

struct fake_message {
    enum topic_kind kind;
    char topic[PROTO_TOPIC_MAX];
    char payload[1100];
    size_t len;
    uint8_t qos;
    bool retain;
    uint8_t correlation[APP_CORRELATION_MAX];
    size_t correlation_len;
    int mid;
    bool acked;
};

struct fake {
    struct app app;
    struct app_build build;
    struct app_platform platform;
    struct ota_port port;
    struct crypto crypto;
    struct board board;

    int64_t mono_ms, unix_s; /* unix_s and phase_ms at mono_ms 0 */
    int phase_ms;
    int64_t stall_ms; /* two TICKs of three are held up so long before their first act, and each
                         next one comes at once */
    bool trusted;

    bool broker_ok;   /* connections succeed */
    bool broker_acks; /* QoS 1 is acknowledged at the next step */
    bool connecting, connected;
    int connects;
    int64_t connected_ms[64];
    char will[256];

    struct {
        enum app_ns ns;
        char key[16];
        char value[PROTO_KEYSET_BYTES];
    } kv[FAKE_KEYS];
    int keys;
    bool nvs_fails;
    uint8_t record[OTA_RECORD_COUNT][OTA_RECORD_MAX];
    size_t record_len[OTA_RECORD_COUNT];

    struct fake_message sent[FAKE_MESSAGES];
    int sent_count;
    int next_mid;
    char line[FAKE_LINES][200];
    int lines;

    enum reset_reason reset; /* of the next fake_boot() */
    uint32_t seed;
    int reboots, feeds, identifies, rollbacks, renewals;
    uint32_t order_seq;
};

/* A board with all three sensors, factory keys and a keyset; nothing has started yet. */
void fake_init(struct fake *f);
/* BOOT. Also for a second start of the same board: keys and records stay, the rest is new. */
void fake_boot(struct fake *f);
void fake_boot_on_probation(struct fake *f);
/* Let time pass in the steps that app_wait_ms() asks for, connecting and acknowledging as told. */
void fake_run(struct fake *f, int64_t ms);
void fake_cut_link(struct fake *f);

const char *fake_get(const struct fake *f, enum app_ns ns, const char *key);
void fake_set(struct fake *f, enum app_ns ns, const char *key, const char *value);

/* Publish `body` on commands/<verb>. */
void fake_command(struct fake *f, const char *verb, const char *body, const char *correlation);
/* Sign `payload` as an order's and publish it. */
void fake_order(struct fake *f, const char *verb, const char *payload, const char *correlation);
/* Like fake_order() with fleet, dev, a fresh seq and times filled in; `more` is e.g.
 * ",\"set\":{…}". */
void fake_good_order(struct fake *f, const char *verb, const char *more, const char *correlation);
/* A keyset by the factory's root with rollout key number `rollout` (3: the one orders are signed
 * by); `out` has PROTO_KEYSET_BYTES. And a good order with one. */
void fake_keyset(struct fake *f, uint32_t version, int rollout, char *out);
void fake_keys_order(struct fake *f, const char *keyset, const char *correlation);

/* The n-th message on a topic that ends in `end` (0: first, -1: last), or NULL. */
const struct fake_message *fake_sent(const struct fake *f, const char *end, int n);
int fake_count(const struct fake *f, const char *end);
/* Is there a line in the board's log that contains `text`? */
bool fake_logged(const struct fake *f, const char *text);

#endif
