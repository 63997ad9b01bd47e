#include "identity/pki.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "config_text.h"
#include "protocol/id.h"
#include "signing.h"
#include "store.h"

/*
 * Lifetimes in days. A revocation list past its nextUpdate locks the whole fleet out, so it lives
 * as long as its issuer; a new one is published whenever something is revoked.
 */
#define ROOT_DAYS         (20 * 365)
#define INTERMEDIATE_DAYS (10 * 365)
#define SERVER_DAYS       825
#define OPERATOR_DAYS     365

static const char *const own_hosts[] = { "localhost", "127.0.0.1", "::1" };
#define OWN_HOSTS (sizeof(own_hosts) / sizeof(own_hosts[0]))

/* What init has in its hands while it builds the folder. */
struct maker {
    const char *pki; /* the folder being built */
    const char *fleet;
    int64_t now;
    struct ca_pair root, intermediate;
    struct ca_pair operators; /* signs consoles only: see make_authorities() */
};

bool pki_name_is_reserved(const char *name)
{
    static const char *const ours[] = { "root", "intermediate", "operators", "ca-bundle", "clients",
                                        "crls", "issued",       "keys",      "fleet" };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return strncmp(name, "operator-", 9) == 0;
}

static int path_in(const struct maker *m, char out[FILES_PATH_MAX], const char *name,
                   const char *suffix, struct err *e)
{
    char file[PKI_CN_MAX + 16];
    if (!text_format(file, sizeof(file), "%s%s", name, suffix))
        return err_set(e, EXIT_USAGE, "name is too long: %.80s", name);
    return files_join(out, m->pki, file, e);
}

static int write_pair(const struct maker *m, const char *name, EVP_PKEY *key, X509 *cert,
                      X509 *issuer, struct err *e)
{
    char path[FILES_PATH_MAX];
    if (path_in(m, path, name, ".key", e) != 0 || store_write_key(path, key, e) != 0 ||
        path_in(m, path, name, ".pem", e) != 0)
        return -1;
    return store_write_chain(path, cert, issuer, FILES_NEW, e);
}

/* An authority: kept in *out, since it goes on to sign. */
static int make_authority(const struct maker *m, const char *name, enum ca_kind kind, int days,
                          const struct ca_pair *issuer, struct ca_pair *out, struct err *e)
{
    char cn[PKI_CN_MAX];
    if (!text_format(cn, sizeof(cn), "%s %s CA", m->fleet, name))
        return err_set(e, EXIT_USAGE, "fleet name is too long");
    const struct ca_request request = { .kind = kind, .cn = cn, .now = m->now, .days = days };
    out->key = ca_key_new(e);
    out->cert = out->key ? ca_issue(&request, out->key, issuer, e) : NULL;
    if (!out->cert)
        return -1;
    return write_pair(m, name, out->key, out->cert, NULL, e);
}

/* A server or an operator: key, chain, and the record of what was issued. */
static int make_leaf(const struct maker *m, const char *name, const struct ca_request *request,
                     const struct ca_pair *issuer, struct err *e)
{
    EVP_PKEY *key = ca_key_new(e);
    X509 *cert = key ? ca_issue(request, key, issuer, e) : NULL;
    int rc = -1;
    if (cert)
        rc = write_pair(m, name, key, cert, issuer->cert, e);
    if (rc == 0)
        rc = store_record(m->pki, cert, request->cn, e);
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

/* The hosts asked for and then our own, without repeats. `out` holds PKI_HOSTS_MAX + OWN_HOSTS. */
static size_t all_hosts(const struct pki_endpoint *at, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < at->host_count && i < PKI_HOSTS_MAX; i++)
        out[n++] = at->host[i];
    for (size_t i = 0; i < OWN_HOSTS; i++) {
        bool there = false;
        for (size_t k = 0; k < at->host_count && k < PKI_HOSTS_MAX; k++)
            there = there || strcmp(at->host[k], own_hosts[i]) == 0;
        if (!there)
            out[n++] = own_hosts[i];
    }
    return n;
}

static int make_server(const struct maker *m, const char *name, const struct pki_endpoint *at,
                       int days, struct err *e)
{
    const char *host[PKI_HOSTS_MAX + OWN_HOSTS];
    size_t count = all_hosts(at, host);
    const struct ca_request request = { .kind = CA_SERVER,
                                        .cn = name,
                                        .host = host,
                                        .host_count = count,
                                        .now = m->now,
                                        .days = days };
    return make_leaf(m, name, &request, &m->intermediate, e);
}

static int make_operator(const struct maker *m, const char *name, int days, struct err *e)
{
    char cn[PKI_CN_MAX];
    if (!text_format(cn, sizeof(cn), "operator-%s", name) || !id_is_valid(cn, strlen(cn)))
        return err_set(e, EXIT_USAGE, "'%.60s' is not an operator name: A-Z a-z 0-9 . _ -", name);
    const struct ca_request request = { .kind = CA_CLIENT, .cn = cn, .now = m->now, .days = days };
    return make_leaf(m, cn, &request, &m->operators, e);
}

/* One list per authority, in one file: with a list for only some of them, Mosquitto refuses all
 * clients of the others. */
static int make_crls(const struct maker *m, struct err *e)
{
    const struct {
        const struct ca_pair *issuer;
        int days;
    } list[] = { { &m->intermediate, INTERMEDIATE_DAYS },
                 { &m->root, ROOT_DAYS },
                 { &m->operators, ROOT_DAYS } };
    char path[FILES_PATH_MAX];
    char *all = mem_strdup("");
    size_t len = 0;
    int rc = path_in(m, path, "crls", ".pem", e);

    for (size_t i = 0; rc == 0 && i < sizeof(list) / sizeof(list[0]); i++) {
        X509_CRL *crl = ca_crl_new(list[i].issuer, 1, m->now, list[i].days, e);
        char *text = crl ? ca_crl_pem(crl, e) : NULL;
        if (text) {
            size_t more = strlen(text);
            all = mem_grow(all, len + more + 1, 1);
            memcpy(all + len, text, more + 1);
            len += more;
        }
        rc = text ? 0 : -1;
        free(text);
        X509_CRL_free(crl);
    }
    if (rc == 0)
        rc = files_write(NULL, path, all, len, FILES_PUBLIC, FILES_NEW, e);
    free(all);
    return rc;
}

/* clients.pem: everybody the gateway lets in: the devices' authorities and the operators'. */
static int make_clients(const struct maker *m, struct err *e)
{
    char path[FILES_PATH_MAX], *devices = NULL, *operators = NULL;
    int rc = -1;

    if (path_in(m, path, "ca-bundle", ".pem", e) == 0 &&
        files_read(path, 65536, &devices, NULL, e) == 0 &&
        (operators = ca_cert_pem(m->operators.cert, e)) != NULL &&
        path_in(m, path, "clients", ".pem", e) == 0) {
        size_t a = strlen(devices), b = strlen(operators);
        devices = mem_grow(devices, a + b + 1, 1);
        memcpy(devices + a, operators, b + 1);
        rc = files_write(NULL, path, devices, a + b, FILES_PUBLIC, FILES_NEW, e);
    }
    free(devices);
    free(operators);
    return rc;
}

/*
 * Operators have an authority of their own, so that the broker can give them a listener of their
 * own that no device can enter: there an operator may be connected many times at once (console,
 * serve, ls …), while on the devices' listener the client id is the certificate's name, and a
 * second connection would throw off the first.
 */
static int make_authorities(struct maker *m, struct err *e)
{
    char path[FILES_PATH_MAX];
    if (make_authority(m, "root", CA_ROOT, ROOT_DAYS, NULL, &m->root, e) != 0 ||
        make_authority(m, "intermediate", CA_INTERMEDIATE, INTERMEDIATE_DAYS, &m->root,
                       &m->intermediate, e) != 0 ||
        make_authority(m, "operators", CA_ROOT, ROOT_DAYS, NULL, &m->operators, e) != 0 ||
        path_in(m, path, "ca-bundle", ".pem", e) != 0 ||
        store_write_chain(path, m->intermediate.cert, m->root.cert, FILES_NEW, e) != 0 ||
        make_clients(m, e) != 0)
        return -1;
    return make_crls(m, e);
}

static int make_fleet_file(const struct maker *m, const struct fleet_file *f, struct err *e)
{
    char path[FILES_PATH_MAX];
    char *text = fleet_file_text(f);
    int rc = -1;
    if (!text)
        err_set(e, EXIT_USAGE, "fleet.json: a name is not valid UTF-8");
    else if (path_in(m, path, "fleet", ".json", e) == 0)
        rc = files_write(NULL, path, text, strlen(text), FILES_PUBLIC, FILES_NEW, e);
    free(text);
    return rc;
}

static int make_all(struct maker *m, const struct pki_init *init, const struct fleet_file *f,
                    struct err *e)
{
    char path[FILES_PATH_MAX];
    /* The folder may be read by others (the broker runs as another user); the keys in it may not.
     */
    if (files_mkdirs(NULL, m->pki, 0755, e) != 0 || path_in(m, path, "issued", "", e) != 0 ||
        files_mkdirs(NULL, path, 0755, e) != 0 || path_in(m, path, "keys", "", e) != 0 ||
        files_mkdirs(NULL, path, 0700, e) != 0)
        return -1;
    if (make_authorities(m, e) != 0 || make_fleet_file(m, f, e) != 0)
        return -1;
    if (make_server(m, "broker", &init->broker, SERVER_DAYS, e) != 0 ||
        make_server(m, "gateway", &init->gateway, SERVER_DAYS, e) != 0 ||
        make_operator(m, "admin", OPERATOR_DAYS, e) != 0)
        return -1;
    return signing_make(path, init->fleet, e);
}

static uint16_t next_port(uint16_t port)
{
    return (uint16_t)(port < UINT16_MAX ? port + 1 : port - 1);
}

static int fleet_of(const struct pki_init *init, struct fleet_file *f, struct err *e)
{
    *f = (struct fleet_file){ .broker_port = init->broker.port,
                              .operator_port = init->operator_port ? init->operator_port
                                                                   : next_port(init->broker.port),
                              .gateway_port = init->gateway.port,
                              .metrics_port = init->metrics_port,
                              .product = "weather",
                              .hw = "linux",
                              .sensors = "bme280",
                              .interval = 60 };
    if (init->broker.host_count == 0 || init->gateway.host_count == 0)
        return err_set(e, EXIT_USAGE, "say where broker and gateway are");
    if (!text_copy(f->fleet, sizeof(f->fleet), init->fleet) ||
        !text_copy(f->root, sizeof(f->root), init->root) ||
        !text_copy(f->broker_user, sizeof(f->broker_user),
                   init->broker_user ? init->broker_user : "") ||
        !text_copy(f->broker_host, sizeof(f->broker_host), init->broker.host[0]) ||
        !text_copy(f->gateway_host, sizeof(f->gateway_host), init->gateway.host[0]))
        return err_set(e, EXIT_USAGE, "a name is too long (fleet 32, root 32, user 32, host 64)");
    for (size_t i = 0; i < init->source_count; i++) {
        if (f->source_count == FLEET_SOURCES_MAX)
            return err_set(e, EXIT_USAGE, "at most %d sources", FLEET_SOURCES_MAX);
        if (!text_copy(f->source[f->source_count++], PROTO_TOPIC_MAX, init->source[i]))
            return err_set(e, EXIT_USAGE, "a source is too long");
    }
    return fleet_file_check(f, e);
}

/* Remove what an interrupted or failed init of ours built aside: two levels, plain files. */
static void remove_aside(const char *path)
{
    static const char *const part[] = { "keys", "issued", "" };
    char dir[FILES_PATH_MAX], file[FILES_PATH_MAX];
    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        if (files_join(dir, path, part[i], NULL) != 0)
            return;
        char **names;
        size_t count;
        if (files_list(dir, &names, &count, NULL) != 0)
            continue;
        for (size_t k = 0; k < count; k++)
            if (files_join(file, dir, names[k], NULL) == 0)
                unlink(file);
        files_list_free(names, count);
        rmdir(dir);
    }
}

static int init_locked(const struct pki_init *init, const struct fleet_file *f, const char *pki,
                       int64_t now, struct err *e)
{
    char aside[FILES_PATH_MAX];
    if (files_exists(pki))
        return err_set(e, EXIT_REFUSED,
                       "%s is already there, and keys are never overwritten: move it away to start "
                       "anew; `muster pki config` writes only configuration again",
                       pki);
    if (!text_format(aside, sizeof(aside), "%s.tmp", pki))
        return err_set(e, EXIT_USAGE, "path is too long: %.160s…", pki);

    remove_aside(aside); /* of one that was interrupted: we have the lock */
    struct maker m = { .pki = aside, .fleet = f->fleet, .now = now };
    int rc = make_all(&m, init, f, e);
    ca_pair_close(&m.root);
    ca_pair_close(&m.intermediate);
    ca_pair_close(&m.operators);
    if (rc == 0 && rename(aside, pki) != 0)
        rc = err_set(e, EXIT_REFUSED, "cannot make %s: %s", pki, strerror(errno));
    if (rc != 0)
        remove_aside(aside);
    return rc;
}

int pki_init(const struct pki_init *init, int64_t now, struct err *e)
{
    struct fleet_file f;
    char pki[FILES_PATH_MAX], lock_path[FILES_PATH_MAX];
    if (fleet_of(init, &f, e) != 0 || files_mkdirs(NULL, init->dir, 0755, e) != 0 ||
        files_join(pki, init->dir, "pki", e) != 0 ||
        files_join(lock_path, init->dir, ".pki.lock", e) != 0)
        return -1;
    int lock = files_lock(lock_path, 10000, e);
    if (lock < 0)
        return -1;
    int rc = init_locked(init, &f, pki, now, e);
    if (rc == 0)
        rc = pki_config(init->dir, false, e);
    files_unlock(lock); /* the file stays: removing it would let two in */
    return rc;
}

/* --- configuration files ------------------------------------------------------------------- */

/* operator-NAME.pem in DIR/pki is what says that there is such an operator. */
static int list_operators(const char *dir, char ***names, size_t *count, struct err *e)
{
    char pki[FILES_PATH_MAX], **all;
    size_t n, kept = 0;
    if (files_join(pki, dir, "pki", e) != 0 || files_list(pki, &all, &n, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(all[i]);
        if (strncmp(all[i], "operator-", 9) == 0 && len > 13 &&
            strcmp(all[i] + len - 4, ".pem") == 0) {
            all[i][len - 4] = '\0';
            memmove(all[i], all[i] + 9, len - 4 - 9 + 1);
            char *keep = all[i];
            all[i] = all[kept];
            all[kept++] = keep;
        }
    }
    for (size_t i = kept; i < n; i++) {
        free(all[i]);
        all[i] = NULL;
    }
    *names = all;
    *count = kept;
    return 0;
}

/* Who the broker runs as when root starts it: the user asked for, else who owns the files. */
static void broker_user(const struct fleet_file *f, char *out, size_t cap)
{
    out[0] = '\0';
    if (f->broker_user[0]) {
        text_copy(out, cap, f->broker_user);
        return;
    }
    struct passwd pw, *found = NULL;
    char buf[4096];
    if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 && found)
        text_copy(out, cap, found->pw_name);
}

/* Hand what the broker must open (or write) to its user; only root can, others keep it. */
static int give_to_broker(const struct fleet_file *f, const char *dir, struct err *e)
{
    static const char *const item[] = { "pki/broker.key", "mosquitto", "mosquitto/mosquitto.conf",
                                        "mosquitto/acl" };
    if (!f->broker_user[0] || geteuid() != 0)
        return 0;
    struct passwd pw, *found = NULL;
    char buf[4096], path[FILES_PATH_MAX];
    if (getpwnam_r(f->broker_user, &pw, buf, sizeof(buf), &found) != 0 || !found)
        return err_set(e, EXIT_USAGE, "there is no user %s on this machine", f->broker_user);
    for (size_t i = 0; i < sizeof(item) / sizeof(item[0]); i++)
        if (files_join(path, dir, item[i], e) != 0 ||
            (files_exists(path) && chown(path, found->pw_uid, found->pw_gid) != 0))
            return err_set(e, EXIT_USAGE, "cannot give %s to %s: %s", item[i], f->broker_user,
                           strerror(errno));
    return 0;
}

/* Takes `text`. */
static int put_config(const char *dir, const char *name, char *text, mode_t mode, bool force,
                      struct err *e)
{
    char path[FILES_PATH_MAX];
    int rc = files_join(path, dir, name, e);
    if (rc == 0 && (force || !files_exists(path)))
        rc = files_write(NULL, path, text, strlen(text), mode, FILES_REPLACE, e);
    free(text);
    return rc;
}

int pki_config(const char *dir, bool force, struct err *e)
{
    struct fleet_file f;
    char path[FILES_PATH_MAX], user[64], **operators;
    size_t count;
    if (store_fleet(dir, &f, e) != 0 || files_join(path, dir, "mosquitto", e) != 0 ||
        files_mkdirs(NULL, path, 0700, e) != 0)
        return -1;
    char *absolute = realpath(dir, NULL);
    if (!absolute)
        return err_set(e, EXIT_USAGE, "cannot find %s: %s", dir, strerror(errno));
    if (list_operators(dir, &operators, &count, e) != 0) {
        free(absolute);
        return -1;
    }
    broker_user(&f, user, sizeof(user));
    int rc = put_config(dir, "mosquitto/mosquitto.conf", config_mosquitto(&f, absolute, user),
                        FILES_PUBLIC, force, e);
    if (rc == 0)
        rc = put_config(dir, "mosquitto/acl", config_acl(&f, (const char *const *)operators, count),
                        FILES_PRIVATE, force, e);
    if (rc == 0)
        rc = put_config(dir, "profile.ini", config_profile(&f), FILES_PUBLIC, force, e);
    if (rc == 0)
        rc = give_to_broker(&f, dir, e);
    files_list_free(operators, count);
    free(absolute);
    return rc;
}

/* --- operators and servers ------------------------------------------------------------------ */

/* The key stays, the certificate is replaced. */
static int renew_leaf(const struct maker *m, const char *dir, const char *name,
                      const struct ca_request *request, const struct ca_pair *issuer, struct err *e)
{
    struct ca_pair old;
    char path[FILES_PATH_MAX];
    if (store_load_pair(dir, name, &old, e) != 0)
        return -1;
    X509 *cert = ca_issue(request, old.key, issuer, e);
    int rc = -1;
    if (cert && path_in(m, path, name, ".pem", e) == 0)
        rc = store_write_chain(path, cert, issuer->cert, FILES_REPLACE, e);
    if (rc == 0)
        rc = store_record(m->pki, cert, request->cn, e);
    X509_free(cert);
    ca_pair_close(&old);
    return rc;
}

/* With the one authority that the caller is going to use. */
static int open_maker(const char *dir, int64_t now, const char *authority, char pki[FILES_PATH_MAX],
                      struct maker *m, struct err *e)
{
    *m = (struct maker){ .pki = pki, .now = now };
    if (files_join(pki, dir, "pki", e) != 0)
        return -1;
    bool operators = strcmp(authority, "operators") == 0;
    return store_load_pair(dir, authority, operators ? &m->operators : &m->intermediate, e);
}

static int append_acl(const char *dir, const struct fleet_file *f, const char *name, struct err *e)
{
    char path[FILES_PATH_MAX], line[PKI_CN_MAX + 32], *old;
    size_t len;
    if (files_join(path, dir, "mosquitto/acl", e) != 0)
        return -1;
    if (!files_exists(path))
        return pki_config(dir, false, e);
    if (files_read(path, 4 << 20, &old, &len, e) != 0)
        return -1;
    text_format(line, sizeof(line), "\nuser operator-%s\n", name);
    int rc = 0;
    if (!strstr(old, line)) {
        char *block = config_acl_operator(f, name);
        size_t more = strlen(block);
        old = mem_grow(old, len + more + 1, 1);
        memcpy(old + len, block, more + 1);
        rc = files_write(NULL, path, old, len + more, FILES_PRIVATE, FILES_REPLACE, e);
        free(block);
    }
    free(old);
    return rc == 0 ? give_to_broker(f, dir, e) : -1;
}

int pki_operator(const char *dir, const char *name, int days, bool renew, int64_t now,
                 struct err *e)
{
    struct fleet_file f;
    struct maker m;
    char pki[FILES_PATH_MAX], cn[PKI_CN_MAX];
    if (store_fleet(dir, &f, e) != 0 || open_maker(dir, now, "operators", pki, &m, e) != 0)
        return -1;
    int rc;
    if (renew && text_format(cn, sizeof(cn), "operator-%s", name)) {
        const struct ca_request request = { .kind = CA_CLIENT, .cn = cn, .now = now, .days = days };
        rc = renew_leaf(&m, dir, cn, &request, &m.operators, e);
    } else {
        rc = make_operator(&m, name, days, e);
    }
    ca_pair_close(&m.operators);
    return rc == 0 ? append_acl(dir, &f, name, e) : -1;
}

int pki_server(const char *dir, const char *name, const struct pki_endpoint *at, int days,
               bool renew, int64_t now, struct err *e)
{
    struct maker m;
    char pki[FILES_PATH_MAX];
    if (!id_is_valid(name, strlen(name)))
        return err_set(e, EXIT_USAGE, "'%.60s' is not a server name: A-Z a-z 0-9 . _ -", name);
    if (pki_name_is_reserved(name))
        return err_set(e, EXIT_REFUSED, "the name %s is taken: choose another", name);
    if (open_maker(dir, now, "intermediate", pki, &m, e) != 0)
        return -1;
    int rc;
    if (renew) {
        const char *host[PKI_HOSTS_MAX + OWN_HOSTS];
        size_t count = all_hosts(at, host);
        const struct ca_request request = { .kind = CA_SERVER,
                                            .cn = name,
                                            .host = host,
                                            .host_count = count,
                                            .now = now,
                                            .days = days };
        rc = renew_leaf(&m, dir, name, &request, &m.intermediate, e);
    } else {
        rc = make_server(&m, name, at, days, e);
    }
    ca_pair_close(&m.intermediate);
    return rc;
}
