#ifndef SCREENS_TRUST_H
#define SCREENS_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/adoption.h"
#include "protocol/keyset.h"
#include "protocol/limits.h"
#include "protocol/order.h"

/*
 * What this host knows of whom it trusts and who it is: facts that the app reads from files
 * (app/trust.h), and, pure, what is wrong with them and what to do about it. The keys screen,
 * `muster keys status` and `muster doctor` say the same because they ask the same function.
 */
#define UI_PATH_MAX      256 /* of a file, as shown; longer ones are cut at their beginning */
#define UI_AUTHORITY_MAX 8
#define UI_TROUBLE_MAX   200
#define UI_CAUSE_MAX     80 /* "No such file or directory" */

/* A certificate. All texts are clean. */
struct ui_cert {
    char cn[PROTO_ID_MAX], issuer[PROTO_ID_MAX];
    char serial[48];                    /* hex */
    char fingerprint[PROTO_SHA256_HEX]; /* SHA-256 of its DER, hex */
    int64_t not_before, not_after;      /* Unix s */
    bool ca, client;
};
/* Days until it ends, rounded down; negative when it is over. */
int64_t ui_cert_days(const struct ui_cert *cert, int64_t now_ms);

/* Where a private key is. */
enum ui_key_at {
    UI_KEY_UNSAID, /* the profile names none */
    UI_KEY_FILE,
    UI_KEY_OPEN,   /* a file that others on this host can read */
    UI_KEY_TOKEN,  /* PKCS#11 */
    UI_KEY_MISSING /* named, but not there, not readable, or no key */
};
const char *ui_key_at_text(enum ui_key_at at); /* "in a file", "on a PKCS#11 token" … */

/* A signing key that the profile names. */
struct ui_signing_key {
    enum ui_key_at at;
    char cause[UI_CAUSE_MAX]; /* MISSING: why */
    char kid[PROTO_KID_MAX];  /* "": not known here, as of a key on a token */
    char path[UI_PATH_MAX];
};

struct ui_trust {
    char fleet[PROTO_FLEET_MAX]; /* as the profile says */

    /* Who this console is to the broker. */
    bool named;                        /* the profile names a certificate */
    char cert_trouble[UI_TROUBLE_MAX]; /* why it can't be read; "": it could be */
    struct ui_cert cert;               /* zero with trouble */
    char cert_path[UI_PATH_MAX], key_path[UI_PATH_MAX];
    enum ui_key_at key;
    char key_cause[UI_CAUSE_MAX]; /* MISSING: why */
    bool key_differs;             /* the key does not belong to the certificate */

    /* Of the broker's ca file, and those above the certificate. */
    struct ui_cert authority[UI_AUTHORITY_MAX];
    size_t authority_count;
    char authority_trouble[UI_TROUBLE_MAX];

    struct ui_signing_key rollout, release;

    bool have_keyset;
    char keyset_trouble[UI_TROUBLE_MAX]; /* why not; "": the profile names none */
    char keyset_path[UI_PATH_MAX];
    struct keyset keyset;
    uint32_t since[KEYRING_MAX]; /* the keyset that named it first; 0: not known */
    int64_t made_s[KEYRING_MAX]; /* when that one was written here; 0: not known */
};

/* "root release": what a key is for. Returns out. */
char *trust_roles_text(const struct trusted_key *key, char *out, size_t cap);
/* "operator", "device", "authority", "server": by name and use. */
const char *ui_cert_role(const struct ui_cert *cert);
/* Is it named for this role, and not revoked? */
bool ui_trusts(const struct ui_trust *t, const char *kid, enum key_role role);

/* ---- the certificate of a device --------------------------------------------------------------
 */

enum ui_cert_known {
    UI_CERT_NO_AUTHORITY, /* this host has none: nothing is known of what was issued */
    UI_CERT_NONE,         /* the authority here made none for it */
    UI_CERT_ISSUED
};
struct ui_device_cert {
    char id[PROTO_ID_MAX]; /* whose; of another device: not yet read */
    enum ui_cert_known known;
    uint32_t issued; /* certificates that were made here for it */
    struct ui_cert cert;
    int64_t status_not_after; /* what its status says; 0: nothing */
};
/* Its status names the end of this one; or says nothing. */
bool ui_device_cert_agrees(const struct ui_device_cert *c);
/* Where the knowledge comes from: "issued here", "not known here: …". Returns out. */
char *ui_device_cert_source(const struct ui_device_cert *c, char *out, size_t cap);

/* ---- orders that bring keysets ----------------------------------------------------------------
 */

#define UI_KEY_ORDERS 256 /* the newest */
struct ui_key_order {
    char id[PROTO_ID_MAX];
    uint32_t seq;
    int64_t sent_ms;
    int64_t answered_ms; /* 0: no answer was heard */
    bool has;            /* its status tells the newest keyset: it took it, whatever was heard */
    bool ok;
    enum reason reason;
    char detail[PROTO_DETAIL_MAX]; /* raw: clean it before showing */
};
/* The last one to each device within the last hour (then the broker drops it): newest first. */
struct ui_key_orders {
    struct ui_key_order item[UI_KEY_ORDERS];
    size_t count;
    uint32_t taken, refused, open; /* of them */
};

/* ---- what is wrong, and what to do ------------------------------------------------------------
 */

enum trust_severity { TRUST_FINE, TRUST_NOTE, TRUST_WARNING, TRUST_BROKEN };
const char *trust_severity_word(enum trust_severity s); /* "ok" "note" "warning" "broken" */

struct trust_finding {
    enum trust_severity severity;
    char what[16]; /* "operator", "keyset" … */
    char text[UI_TROUBLE_MAX + UI_PATH_MAX];
    char todo[UI_PATH_MAX + 64]; /* "": nothing */
};

#define UI_CERT_SOON_DAYS      30
#define UI_AUTHORITY_SOON_DAYS 90 /* every device must learn of a new authority before */
#define TRUST_FINDINGS_MAX     24

/*
 * What there is to say of the certificate, the keys and the keyset, and, with `adoption` (not
 * NULL), of the fleet; also what is fine, so that `doctor` can say that it looked. In a fixed
 * order; how many.
 */
size_t trust_findings(const struct ui_trust *t, const struct adoption *adoption, int64_t now_ms,
                      struct trust_finding out[TRUST_FINDINGS_MAX]);

/* The finding about one certificate, which may be another than the operator's: "gateway cert". */
void trust_cert_finding(const char *what, const struct ui_cert *cert, const char *renew,
                        int soon_days, int64_t now_ms, struct trust_finding *out);

#endif
