#include "fixture_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What the keys screen is drawn from. */

#define DAY INT64_C(86400)
#define NOW (FIXTURE_NOW_MS / 1000)

static void cert(struct ui_cert *c, const char *cn, const char *issuer, char digit, int64_t days)
{
    *c = (struct ui_cert){ .not_before = NOW - 30 * DAY,
                           .not_after = NOW + days * DAY + 3600,
                           .ca = strstr(cn, " CA") != NULL,
                           .client = strstr(cn, " CA") == NULL };
    text_copy(c->cn, sizeof(c->cn), cn);
    text_copy(c->issuer, sizeof(c->issuer), issuer);
    snprintf(c->serial, sizeof(c->serial), "48039AFA70FB961C7439E27ED07E62C%c", digit);
    snprintf(c->fingerprint, sizeof(c->fingerprint),
             "595cc78dd2c075f529614a88723cb455aa8c528103b468b4e025622da8be9fc%c", digit);
}

static void key(struct ui_trust *t, const char *kid, unsigned roles, uint32_t since)
{
    uint32_t at = t->keyset.keys.count++;
    struct trusted_key *k = &t->keyset.keys.key[at];
    text_copy(k->kid, sizeof(k->kid), kid);
    k->roles = (uint8_t)roles;
    t->since[at] = since;
    t->made_s[at] = since ? NOW - (200 - 60 * (int64_t)since) * DAY : 0;
}

void fixture_keys(struct fixture *f)
{
    struct ui_trust *t = &f->trust;

    *t = (struct ui_trust){ .fleet = "demo",
                            .named = true,
                            .cert_path = "/etc/muster/demo/pki/operator-ada.pem",
                            .key_path = "/etc/muster/demo/pki/operator-ada.key",
                            .key = UI_KEY_FILE,
                            .authority_count = 3,
                            .rollout = { .at = UI_KEY_FILE,
                                         .kid = "95f12243254d7d4e",
                                         .path = "/etc/muster/demo/pki/keys/rollout.key" },
                            .release = { .at = UI_KEY_TOKEN, .path = "pkcs11:token=build" },
                            .have_keyset = true,
                            .keyset_path = "/etc/muster/demo/pki/keys/keyset.json",
                            .keyset = { .fleet = "demo", .version = 1, .root_threshold = 1 } };
    cert(&t->cert, "operator-ada", "demo operators CA", 'd', 300);
    cert(&t->authority[0], "demo intermediate CA", "demo root CA", '1', 3600);
    cert(&t->authority[1], "demo root CA", "demo root CA", '2', 7200);
    cert(&t->authority[2], "demo operators CA", "demo operators CA", '3', 7200);
    f->device_cert = (struct ui_device_cert){ .id = "hall-b-003",
                                              .known = UI_CERT_ISSUED,
                                              .issued = 2,
                                              .status_not_after = NOW + 300 * DAY };
    cert(&f->device_cert.cert, "hall-b-003", "demo intermediate CA", 'e', 300);
    f->device_cert.cert.not_after = NOW + 300 * DAY;
    key(t, "6ab76040e63e3dbf", KEY_ROOT, 1);
    key(t, "64917ae6cd0dd67d", KEY_RELEASE, 1);
    key(t, "95f12243254d7d4e", KEY_ROLLOUT, 1);
}

static void order(struct ui_key_orders *o, const char *id, int ago_s, struct ui_key_order rest)
{
    struct ui_key_order *item = &o->item[o->count++];
    *item = rest;
    text_copy(item->id, sizeof(item->id), id);
    item->seq = 218500 + (uint32_t)o->count;
    item->sent_ms = FIXTURE_NOW_MS - ago_s * 1000;
}

void fixture_keys_behind(struct fixture *f)
{
    struct ui_trust *t = &f->trust;
    struct ui_key_orders *o = &f->key_orders;

    cert(&t->cert, "operator-ada", "demo operators CA", 'd', 12);
    t->key = UI_KEY_OPEN;
    t->keyset.version = 3;
    t->keyset.root_threshold = 2;
    t->keyset.seq_floor = 218400;
    key(t, "daea3fb47a611089", KEY_ROLLOUT, 0);
    t->keyset.keys.key[3].revoked = true;
    key(t, "0b1d4c5e6f708192", KEY_ROOT, 3);
    order(o, "hall-a-002", 4, (struct ui_key_order){ 0 });
    order(o, "hall-a-001", 9,
          (struct ui_key_order){
              .answered_ms = FIXTURE_NOW_MS - 8000, .ok = true, .detail = "version 2" });
    order(o, "lab-006", 70,
          (struct ui_key_order){ .answered_ms = FIXTURE_NOW_MS - 69000,
                                 .reason = REASON_REVOKED_KEY,
                                 .detail = "key daea3fb47a611089\x1b[31m" });
    o->open = o->taken = o->refused = 1;
    f->model.trust_seen++;
}

void fixture_keys_unread(struct fixture *f)
{
    struct ui_trust *t = &f->trust;

    memset(&t->cert, 0, sizeof(t->cert));
    text_copy(t->cert_trouble, sizeof(t->cert_trouble),
              "cannot open /etc/muster/demo/pki/operator-ada.pem: No such file or directory");
    t->key = UI_KEY_MISSING;
    text_copy(t->key_cause, sizeof(t->key_cause), "Permission denied");
    t->authority_count = 0;
    snprintf(t->authority_trouble, sizeof(t->authority_trouble),
             "/etc/muster/demo/pki/ca-bundle.pem: no certificate in it");
    t->have_keyset = false;
    memset(&t->keyset, 0, sizeof(t->keyset));
    t->keyset_path[0] = '\0';
    t->rollout = (struct ui_signing_key){ 0 };
    f->model.trust_seen++;
}
