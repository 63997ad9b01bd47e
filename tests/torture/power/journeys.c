#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp/image.h"
#include "ossl/crypto.h"
#include "port/nvs.h"
#include "port/slots.h"
#include "protocol/keyset.h"
#include "protocol/order.h"
#include "protocol/release.h"

#define BIT(state) (1u << OTA_##state)
enum { CONFIG_INTERVAL = 7200, AGE = 130 };
#define OLD_URL "https://gw:8443/firmware/"
#define NEW_URL "https://new.example/images/"

/* ---- scripts --------------------------------------------------------------------------------- */

static bool is_in_download(const struct life *l)
{
    return life_state(l) == OTA_DOWNLOAD && life_agent(l)->offset >= 32768;
}

static void abort_waiting(struct life *l)
{
    if (l->w.step == 0 && life_state(l) == OTA_WAIT) {
        l->w.step = 1;
        life_send(l, MSG_ABORT_GOOD);
    }
}

static void abort_download(struct life *l)
{
    if (l->w.step == 0 && is_in_download(l)) {
        l->w.step = 1;
        life_send(l, MSG_ABORT_LARGE);
    }
}

/* An order that comes when the switch is made is refused as busy: whoever sent it sends it again.
 */
static void replace_in_download(struct life *l)
{
    if (l->w.step == 0 && is_in_download(l)) {
        l->w.step = 1;
        life_retain(l, MSG_NEWER);
    } else if (l->w.step == 1 && life_is_at_rest(l)) {
        l->w.step = 2;
        life_retain(l, MSG_NEWER);
    }
}

static bool has_ended(const struct life *l)
{
    return life_is_at_rest(l) && life_state(l) != OTA_IDLE;
}

static void roll_back(struct life *l)
{
    if (l->w.step == 0 && has_ended(l)) {
        l->w.step = 1;
        life_send(l, MSG_ROLLBACK);
    }
}

static void use_new_server(struct life *l)
{
    if (l->w.step == 0 && life_is_at_rest(l) && strstr(life_app(l)->config.url, "new")) {
        l->w.step = 1;
        life_retain(l, MSG_HERE);
    }
}

static void heal(struct life *l)
{
    if (l->w.step == 0 && has_ended(l)) {
        l->w.step = 1;
        life_send(l, MSG_HEAL);
    }
}

static void restart(struct life *l)
{
    if (l->w.step == 0 && has_ended(l)) {
        l->w.step = 1;
        life_restart(l);
    }
}

static bool is_renewed(const struct life *l)
{
    return l->w.renewals > 0;
}

static bool has_moved(const struct life *l)
{
    return strcmp(life_app(l)->config.url, NEW_URL) == 0;
}

/* Power that goes often enough may hold the abort back until the switch is made. */
static bool is_aborted(const struct life *l)
{
    return life_state(l) == OTA_ABORTED || (l->w.too_late && l->depth > 0);
}

static bool is_configured(const struct life *l)
{
    return life_app(l)->config.interval == CONFIG_INTERVAL && life_app(l)->config.group_count == 2;
}

static bool is_rotated(const struct life *l)
{
    return life_app(l)->keys.now.version == 2;
}

/* A further journey is one more line. */
const struct journey journeys[] = {
    { .name = "update, commit",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .ends = { BIT(DONE), BIT(DONE) | BIT(ROLLED_BACK) },
      .second_every = 61 },
    { .name = "update, resume",
      .order = MSG_LARGE,
      .target = IMG_LARGE,
      .drop_after = 67000,
      .drop_times = 2,
      .ends = { BIT(DONE), BIT(DONE) | BIT(ROLLED_BACK) },
      .second_every = 997 },
    { .name = "bad update, rollback",
      .order = MSG_BAD,
      .ends = { BIT(ROLLED_BACK), BIT(ROLLED_BACK) },
      .second_every = 61 },
    { .name = "power lost in trial",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .cut_trial = 1,
      .ends = { BIT(DONE) | BIT(ROLLED_BACK), BIT(DONE) | BIT(ROLLED_BACK) },
      .second_every = 211 },
    { .name = "power lost in each trial",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .cut_trial = 9,
      .ends = { BIT(ROLLED_BACK), BIT(ROLLED_BACK) },
      .second_every = 211 },
    { .name = "abort while waiting",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .step = abort_waiting,
      .ends = { BIT(ABORTED) | BIT(DONE), BIT(ABORTED) | BIT(DONE) | BIT(ROLLED_BACK) },
      .settled = is_aborted,
      .second_every = 7 },
    { .name = "abort in download",
      .order = MSG_LARGE,
      .target = IMG_LARGE,
      .step = abort_download,
      .ends = { BIT(ABORTED) | BIT(DONE), BIT(ABORTED) | BIT(DONE) | BIT(ROLLED_BACK) },
      .settled = is_aborted,
      .second_every = 997 },
    { .name = "replaced by a newer order",
      .order = MSG_LARGE,
      .target = IMG_NEWER,
      .step = replace_in_download,
      .ends = { BIT(DONE), BIT(DONE) | BIT(ROLLED_BACK) },
      .second_every = 997 },
    { .name = "config order",
      .order = MSG_CONFIG,
      .ends = { BIT(IDLE), BIT(IDLE) },
      .settled = is_configured,
      .second_every = 1 },
    { .name = "key rotation",
      .order = MSG_KEYS,
      .ends = { BIT(IDLE), BIT(IDLE) },
      .settled = is_rotated,
      .second_every = 1 },
    { .name = "rollback by order",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .step = roll_back,
      .ends = { BIT(ROLLED_BACK), BIT(ROLLED_BACK) | BIT(FAILED) },
      .second_every = 61 },
    { .name = "renew order",
      .order = MSG_RENEW,
      .ends = { BIT(IDLE), BIT(IDLE) },
      .settled = is_renewed,
      .second_every = 1 },
    { .name = "server moves",
      .order = MSG_MOVE,
      .target = IMG_GOOD,
      .step = use_new_server,
      .ends = { BIT(DONE), BIT(DONE) | BIT(ROLLED_BACK) },
      .settled = has_moved,
      .second_every = 61 },
    { .name = "stolen key",
      .order = MSG_THEFT,
      .target = IMG_GOOD,
      .step = heal,
      .ends = { BIT(DONE), BIT(DONE) | BIT(ROLLED_BACK) },
      .settled = is_rotated,
      .second_every = 61 },
    { .name = "good image dies later",
      .order = MSG_GOOD,
      .target = IMG_GOOD,
      .step = restart,
      .late = true,
      .ends = { BIT(ROLLED_BACK), BIT(ROLLED_BACK) },
      .second_every = 61 },
};
const unsigned journey_count = sizeof(journeys) / sizeof(journeys[0]);

/* ---- the factory ----------------------------------------------------------------------------- */

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "can't make the factory's device: %s\n", what);
    exit(2);
}

enum key { KEY_FILE_ROOT, KEY_FILE_RELEASE, KEY_FILE_ROLLOUT, KEY_FILE_ROLLOUT_2, KEY_FILES };
struct keys {
    struct crypto_signer signer[KEY_FILES];
    uint8_t pub[KEY_FILES][PROTO_P256_PUB];
};

static void make_keys(struct keys *k)
{
    char dir[] = "/tmp/torture-power-XXXXXX", path[64];
    must(mkdtemp(dir) != NULL, "a temporary folder");
    for (int i = 0; i < KEY_FILES; i++) {
        snprintf(path, sizeof(path), "%s/%d", dir, i);
        must(ossl_key_generate(path, k->pub[i]) == OSSL_OK, "a key");
        must(ossl_signer_load(path, &k->signer[i]) == OSSL_OK, "a signer");
        unlink(path);
    }
    rmdir(dir);
}

static void make_image(struct sim_image *im, const char *version, size_t len, uint32_t security,
                       uint8_t chip_id)
{
    struct esp_app_desc desc = { .secure_version = security, .project = "weather" };
    uint8_t *elf = malloc(len);
    size_t cap = esp_linux_image_size(len);
    im->data = malloc(cap);
    must(elf && im->data, "memory");
    snprintf(desc.version, sizeof(desc.version), "%s", version);
    uint32_t x = security * 7919u + (uint32_t)len;
    for (size_t i = 0; i < len; i++) {
        x = x * 1103515245u + 12345u;
        elf[i] = (uint8_t)(x >> 16);
    }
    memcpy(elf, "\177ELF", 4);
    must(esp_linux_image_build(&desc, elf, len, ossl_crypto(), im->data, cap, &im->size) ==
             ESP_FAULT_NONE,
         "an image");
    free(elf);
    ossl_crypto()->sha256(NULL, im->data, im->size, im->digest);
    im->build = (struct app_build){
        .product = "weather", .hw = "linux", .version = version, .bme280_id = chip_id
    };
}

static void add_key(struct keyset *set, const struct keys *k, enum key key, enum key_role role,
                    bool revoked)
{
    struct trusted_key *t = &set->keys.key[set->keys.count++];
    memcpy(t->kid, k->signer[key].kid, sizeof(t->kid));
    memcpy(t->pub, k->pub[key], sizeof(t->pub));
    t->roles = (uint8_t)role;
    t->revoked = revoked;
}

static void make_keyset(const struct keys *k, uint32_t version, char *out, size_t cap)
{
    struct keyset set = { .fleet = "home", .version = version, .root_threshold = 1 };
    const struct crypto_signer *by[] = { &k->signer[KEY_FILE_ROOT] };
    add_key(&set, k, KEY_FILE_ROOT, KEY_ROOT, false);
    add_key(&set, k, KEY_FILE_RELEASE, KEY_RELEASE, false);
    add_key(&set, k, KEY_FILE_ROLLOUT, KEY_ROLLOUT, version > 1);
    if (version > 1)
        add_key(&set, k, KEY_FILE_ROLLOUT_2, KEY_ROLLOUT, false);
    must(keyset_sign(&set, ossl_crypto(), by, 1, out, cap) > 0, "a keyset");
}

static struct order make_order(enum verb verb, uint32_t seq, const char *rollout)
{
    struct order o = { .verb = verb,
                       .fleet = "home",
                       .dev = "sensor-001",
                       .seq = seq,
                       .iat = 1789999000,
                       .nbf = 1789999000,
                       .exp = 1799999000,
                       .attempt = 1,
                       .jitter = 20,
                       .url = OLD_URL,
                       .trial = 4 };
    snprintf(o.rollout, sizeof(o.rollout), "%s", rollout);
    return o;
}

static void sign_order(const struct keys *k, enum key by, const struct order *o, char *jws,
                       size_t cap)
{
    char json[PROTO_ORDER_BYTES];
    int len = order_encode(o, json, sizeof(json));
    must(len > 0 &&
             jws_sign(JWS_ORDER, json, (size_t)len, ossl_crypto(), &k->signer[by], jws, cap) > 0,
         "an order");
}

static void sign_release(const struct keys *k, const struct sim_image *im, uint32_t seq,
                         uint32_t security, char *jws, size_t cap)
{
    char json[PROTO_RELEASE_BYTES];
    struct release r = { .product = "weather",
                         .hw = { "linux" },
                         .hw_count = 1,
                         .seq = seq,
                         .security = security,
                         .size = (uint32_t)im->size };
    snprintf(r.version, sizeof(r.version), "%s", im->build.version);
    memcpy(r.sha256, im->digest, sizeof(r.sha256));
    int len = release_encode(&r, json, sizeof(json));
    must(len > 0 && jws_sign(JWS_RELEASE, json, (size_t)len, ossl_crypto(),
                             &k->signer[KEY_FILE_RELEASE], jws, cap) > 0,
         "a release");
}

static void make_update(struct sim_factory *f, const struct keys *k, enum sim_message_name name,
                        enum sim_image_name image, enum key by, uint32_t seq)
{
    char rollout[16], release[PROTO_RELEASE_BYTES + 1], order[PROTO_ORDER_BYTES + 1];
    struct sim_message *m = &f->message[name];
    snprintf(rollout, sizeof(rollout), "r-%u", (unsigned)name);
    struct order o = make_order(VERB_UPDATE, seq, rollout);
    uint32_t security = image == IMG_GOOD ? 1 : 1 + (uint32_t)image;
    sign_release(k, &f->image[image], 10 + (uint32_t)image, security, release, sizeof(release));
    ossl_crypto()->sha256(NULL, release, strlen(release), o.release);
    if (name == MSG_HERE || name == MSG_NEXT || name == MSG_NEXT_KEYS)
        o.url[0] = '\0';
    sign_order(k, by, &o, order, sizeof(order));
    int n = command_body_encode(order, release, m->body, sizeof(m->body));
    must(n > 0, "a message");
    m->verb = VERB_UPDATE;
    m->len = (size_t)n;
}

static void make_abort(struct sim_factory *f, const struct keys *k, enum sim_message_name name,
                       enum sim_message_name of)
{
    char rollout[16], order[PROTO_ORDER_BYTES + 1];
    struct sim_message *m = &f->message[name];
    snprintf(rollout, sizeof(rollout), "r-%u", (unsigned)of);
    struct order o = make_order(VERB_ABORT, 150, rollout);
    sign_order(k, KEY_FILE_ROLLOUT, &o, order, sizeof(order));
    m->verb = VERB_ABORT;
    m->len = (size_t)command_body_encode(order, NULL, m->body, sizeof(m->body));
}

/* Orders that have nothing but a verb and a number, and perhaps a rollout. */
static void make_plain(struct sim_factory *f, const struct keys *k, enum sim_message_name name,
                       enum verb verb, uint32_t seq, const char *rollout)
{
    char order[PROTO_ORDER_BYTES + 1];
    struct sim_message *m = &f->message[name];
    struct order o = make_order(verb, seq, rollout);
    sign_order(k, KEY_FILE_ROLLOUT, &o, order, sizeof(order));
    m->verb = verb;
    m->len = (size_t)command_body_encode(order, NULL, m->body, sizeof(m->body));
}

static void make_move(struct sim_factory *f, const struct keys *k)
{
    char order[PROTO_ORDER_BYTES + 1];
    struct sim_message *m = &f->message[MSG_MOVE];
    struct order o = make_order(VERB_CONFIG, 161, "");
    o.set = (struct order_config){ .has_url = true, .url = NEW_URL };
    sign_order(k, KEY_FILE_ROLLOUT, &o, order, sizeof(order));
    m->verb = VERB_CONFIG;
    m->len = (size_t)command_body_encode(order, NULL, m->body, sizeof(m->body));
}

static void make_config(struct sim_factory *f, const struct keys *k)
{
    char order[PROTO_ORDER_BYTES + 1];
    struct sim_message *m = &f->message[MSG_CONFIG];
    struct order o = make_order(VERB_CONFIG, 160, "");
    o.set = (struct order_config){ .has_interval = true,
                                   .has_groups = true,
                                   .interval = CONFIG_INTERVAL,
                                   .group_count = 2,
                                   .groups = { "attic", "north-side" } };
    sign_order(k, KEY_FILE_ROLLOUT, &o, order, sizeof(order));
    m->verb = VERB_CONFIG;
    m->len = (size_t)command_body_encode(order, NULL, m->body, sizeof(m->body));
}

static void make_rotation(struct sim_factory *f, const struct keys *k, enum sim_message_name name,
                          enum key by)
{
    char order[PROTO_ORDER_BYTES + 1], keyset[PROTO_KEYSET_BYTES + 1];
    struct sim_message *m = &f->message[name];
    struct order o = make_order(VERB_KEYS, 170, "");
    make_keyset(k, 2, keyset, sizeof(keyset));
    sign_order(k, by, &o, order, sizeof(order));
    int n = command_keys_encode(order, keyset, m->body, sizeof(m->body));
    must(n > 0, "a rotation");
    m->verb = VERB_KEYS;
    m->len = (size_t)n;
}

static void set(struct nvs *nvs, const char *key, const char *value)
{
    must(nvs_set_str(nvs, "factory", key, value) == NVS_OK, key);
}

/* Flash as the factory leaves it, but with a key/value store that has been in use: the log of
 * records is about to go round, so that a journey meets every kind of its work. */
static void make_flash(struct sim_factory *f)
{
    static struct nvs nvs;
    char pem[1800];
    struct esp_partition_table table;
    const struct flash *flash = &f->flash.flash;
    struct slots slots;
    nor_blank(&f->flash);
    flash_layout(&table);
    must(flash_write_table(flash) == 0 && slots_init(&slots, flash, &table) == 0, "a flash");
    must(flash->write(flash->ctx, slots.slot[0].offset, f->image[0].data, f->image[0].size) == 0,
         "ota_0");
    const struct esp_partition *part = esp_partition_by_label(&table, "nvs");
    must(nvs_mount(&nvs, flash, part->offset, part->size) == NVS_OK, "settings");
    memset(pem, 'x', sizeof(pem));
    pem[sizeof(pem) - 1] = '\0';
    set(&nvs, "ca", pem); /* what there is no use for here takes its room all the same */
    set(&nvs, "cert", pem);
    pem[300] = '\0';
    set(&nvs, "key", pem);
    set(&nvs, "id", "sensor-001");
    set(&nvs, "fleet", "home");
    set(&nvs, "product", "weather");
    set(&nvs, "hw", "linux");
    set(&nvs, "broker_host", "broker");
    set(&nvs, "keyset", f->keyset);
    set(&nvs, "sensors", "bme280");
    set(&nvs, "url", OLD_URL);
    must(nvs_set_u32(&nvs, "factory", "interval", 3600) == NVS_OK &&
             nvs_set_u32(&nvs, "factory", "release_seq", 5) == NVS_OK,
         "settings");
    part = esp_partition_by_label(&table, "muster");
    must(nvs_mount(&nvs, flash, part->offset, part->size) == NVS_OK, "records");
    must(nvs_set_u32(&nvs, "old", "keep", SIM_KEEP) == NVS_OK, "records");
    memset(pem, 0, 464);
    for (uint32_t i = 1; i <= AGE; i++) { /* of other keys than the agent's: it is to begin anew */
        memcpy(pem, &i, sizeof(i));
        must(nvs_set(&nvs, "old", "job", NVS_BLOB, pem, 464) == NVS_OK &&
                 nvs_set_u32(&nvs, "boot", "count", i) == NVS_OK,
             "records");
    }
}

void sim_factory_make(struct sim_factory *f, size_t large)
{
    static struct keys k;
    memset(f, 0, sizeof(*f));
    make_keys(&k);
    make_image(&f->image[IMG_FACTORY], "1.3.0", 5000, 1, 0x60);
    make_image(&f->image[IMG_GOOD], "1.4.0", 11000, 1, 0x60); /* so there is a way back */
    make_image(&f->image[IMG_LARGE], "1.4.1", large, 3, 0x60);
    make_image(&f->image[IMG_BAD], "1.5.0", 9000, 4, 0x61);
    make_image(&f->image[IMG_NEWER], "1.6.0", 8000, 5, 0x60);
    make_image(&f->image[IMG_NEXT], "1.7.0", 3000, 6, 0x60);
    make_keyset(&k, 1, f->keyset, sizeof(f->keyset));
    make_update(f, &k, MSG_GOOD, IMG_GOOD, KEY_FILE_ROLLOUT, 100);
    make_update(f, &k, MSG_LARGE, IMG_LARGE, KEY_FILE_ROLLOUT, 101);
    make_update(f, &k, MSG_BAD, IMG_BAD, KEY_FILE_ROLLOUT, 102);
    make_update(f, &k, MSG_NEWER, IMG_NEWER, KEY_FILE_ROLLOUT, 120);
    make_update(f, &k, MSG_NEXT, IMG_NEXT, KEY_FILE_ROLLOUT, 900);
    make_update(f, &k, MSG_NEXT_KEYS, IMG_NEXT, KEY_FILE_ROLLOUT_2, 900);
    make_config(f, &k);
    make_rotation(f, &k, MSG_KEYS, KEY_FILE_ROLLOUT);
    make_rotation(f, &k, MSG_HEAL, KEY_FILE_ROLLOUT_2);
    make_update(f, &k, MSG_HERE, IMG_GOOD, KEY_FILE_ROLLOUT, 104);
    make_update(f, &k, MSG_THEFT, IMG_GOOD, KEY_FILE_ROLLOUT, UINT32_MAX);
    make_plain(f, &k, MSG_ROLLBACK, VERB_ROLLBACK, 140, "r-0");
    make_plain(f, &k, MSG_RENEW, VERB_RENEW, 141, "");
    make_move(f, &k);
    make_abort(f, &k, MSG_ABORT_GOOD, MSG_GOOD);
    make_abort(f, &k, MSG_ABORT_LARGE, MSG_LARGE);
    make_flash(f);
    for (int i = 0; i < KEY_FILES; i++)
        ossl_signer_free(&k.signer[i]);
}

void sim_factory_free(struct sim_factory *f)
{
    for (int i = 0; i < SIM_IMAGES; i++)
        free(f->image[i].data);
    nor_free(&f->flash);
}
