#ifndef IDENTITY_PKI_H
#define IDENTITY_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "files/files.h"
#include "protocol/limits.h"

/*
 * A fleet's own certificate authority, in a folder:
 *
 *   DIR/pki/root.key root.pem                 signs the intermediate and its CRL; keep it elsewhere
 *          /intermediate.key intermediate.pem signs everything else; pathlen:0
 *          /ca-bundle.pem                     intermediate + root: what devices are verified with
 *          /operators.key operators.pem       signs consoles; the broker's second listener trusts
 *                                             it alone, so that no device can enter there
 *          /clients.pem                       all three authorities: whom the gateway lets in
 *          /crls.pem                          a CRL of each of the three
 *          /broker.key broker.pem …           servers and operators: key, and certificate + issuer
 *          /issued/CN-SERIAL.pem              a copy of every certificate made, for `show`
 *          /fleet.json                        what all devices and configurations share
 *          /keys/root.key release.key rollout.key keyset.json   what signs keysets, releases,
 * orders DIR/mosquitto/mosquitto.conf acl          loadable as they are DIR/profile.ini
 *
 * All keys are ECDSA P-256. Private files are 0600 and are never overwritten. Every function
 * returns 0, or -1 with `e` filled in. `now` is Unix seconds: certificates begin an hour before, so
 * that a device whose clock is a little behind is not locked out.
 */
#define PKI_HOSTS_MAX 8
#define PKI_CN_MAX    PROTO_ID_MAX

struct pki_endpoint {
    const char *host[PKI_HOSTS_MAX]; /* names and addresses for the certificate; [0] is what clients
                                        are told */
    size_t host_count;               /* localhost, 127.0.0.1 and ::1 are always added */
    uint16_t port;
};

struct pki_init {
    const char *dir;   /* made if missing */
    const char *fleet; /* a name_is_valid() name */
    const char *root;  /* topic root: "devices" */
    struct pki_endpoint broker, gateway;
    uint16_t operator_port;  /* the broker's second listener, for consoles; 0: the next port */
    uint16_t metrics_port;   /* of the gateway's plain listener on 127.0.0.1; 0: none */
    const char *broker_user; /* who the broker runs as, when root starts it; NULL: who runs init */
    const char *const *source; /* foreign topics that every device may write and operators read */
    size_t source_count;
};

/*
 * Make all of the above but devices. EXIT_REFUSED when DIR/pki is there already: nothing is ever
 * overwritten. The pki folder appears whole or not at all.
 */
int pki_init(const struct pki_init *init, int64_t now, struct err *e);

/*
 * Write mosquitto.conf, acl and profile.ini again from fleet.json, for a folder that was moved
 * (Mosquitto needs absolute paths) or whose pki_init() was interrupted. Without `force` only
 * those that are missing.
 */
int pki_config(const char *dir, bool force, struct err *e);

/* `muster pki operator NAME`: DIR/pki/operator-NAME.{key,pem} and a block in the ACL. */
int pki_operator(const char *dir, const char *name, int days, bool renew, int64_t now,
                 struct err *e);

/*
 * A server certificate DIR/pki/NAME.{key,pem}. `renew`: the key stays, the certificate is replaced
 * (and `hosts` are those of the new one).
 */
int pki_server(const char *dir, const char *name, const struct pki_endpoint *at, int days,
               bool renew, int64_t now, struct err *e);

/* Names that no device and no server may have: the authorities' own and those of operators. */
bool pki_name_is_reserved(const char *name);

/* KEY=VALUE that goes into a device's factory settings in place of fleet.json's. */
struct pki_setting {
    const char *key;
    const char *value;
};

/*
 * `muster pki device ID`: OUT/device.key, device.pem (chain) and nvs.csv (what
 * nvs_partition_gen.py of ESP-IDF and `muster-device --flash` read). OUT is made if missing. At
 * most 365 days. EXIT_REFUSED when OUT has an nvs.csv; what an interrupted run left is completed.
 */
int pki_device(const char *dir, const char *id, const char *out, const struct pki_setting *set,
               size_t set_count, int days, int64_t now, struct err *e);

/* One certificate, as `pki show` prints it. */
struct pki_cert {
    char cn[PKI_CN_MAX];
    char serial[48]; /* hex */
    char issuer[PKI_CN_MAX];
    char fingerprint[PROTO_SHA256_HEX]; /* SHA-256 of the DER, hex */
    int64_t not_before, not_after;      /* Unix s */
    bool ca, server, client;
    char path[FILES_PATH_MAX];
};

/*
 * All certificates of DIR/pki: the authorities, then what was issued, ordered by CN and date. Free
 * *list with free().
 */
int pki_list(const char *dir, struct pki_cert **list, size_t *count, struct err *e);

/* The first certificate of a PEM file. */
int pki_cert_read(const char *path, struct pki_cert *out, struct err *e);

/* All of a PEM file, in its order: a certificate with those above it, or a bundle of authorities.
 * At least one; more than `cap` are left out. */
int pki_certs_read(const char *path, struct pki_cert *out, size_t cap, size_t *count,
                   struct err *e);

#endif
