#include "tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/text.h"
#include "protocol/id.h"

static int fail(struct err *e, const char *path, const char *what)
{
    char why[160] = "malformed";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
    return err_set(e, EXIT_USAGE, "%s %s: %s", what, path, why);
}

static int load_own(SSL_CTX *ctx, const struct tls *t, struct err *e)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, t->path[TLS_CERT]) != 1)
        return fail(e, t->path[TLS_CERT], "certificate");
    if (SSL_CTX_use_PrivateKey_file(ctx, t->path[TLS_KEY], SSL_FILETYPE_PEM) != 1)
        return fail(e, t->path[TLS_KEY], "key");
    return 0;
}

static int load_authority(SSL_CTX *ctx, const struct tls *t, struct err *e)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(t->path[TLS_CA]);
    if (!names || SSL_CTX_load_verify_locations(ctx, t->path[TLS_CA], NULL) != 1)
        return fail(e, t->path[TLS_CA], "authority");
    SSL_CTX_set_client_CA_list(ctx, names);
    if (!t->path[TLS_CRL])
        return 0;

    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, t->path[TLS_CRL], X509_FILETYPE_PEM) < 1)
        return fail(e, t->path[TLS_CRL], "revocation lists");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

/*
 * TLS 1.2 with AEAD or 1.3. No tickets and no cache: a resumed session would not be checked against
 * the CRL. A certificate is asked for, and what a client shows must hold; that a path needs one is
 * decided per request, since a health check has none.
 */
static int build(const struct tls *t, SSL_CTX **out, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1) {
        SSL_CTX_free(ctx);
        return fail(e, "settings", "TLS");
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (load_own(ctx, t, e) != 0 || load_authority(ctx, t, e) != 0) {
        SSL_CTX_free(ctx);
        return -1;
    }
    *out = ctx;
    return 0;
}

/* What the files are now; false when one is missing. */
static bool look(const struct tls *t, struct stat seen[TLS_FILES])
{
    memset(seen, 0, TLS_FILES * sizeof(*seen));
    for (int i = 0; i < TLS_FILES; i++)
        if (t->path[i] && stat(t->path[i], &seen[i]) != 0)
            return false;
    return true;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int tls_open(struct tls *t, struct err *e)
{
    look(t, t->seen);
    return build(t, &t->ctx, e);
}

void tls_close(struct tls *t)
{
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
}

void tls_refresh(struct tls *t, const struct log *log)
{
    struct stat now[TLS_FILES];
    bool changed = false;
    if (!look(t, now))
        return; /* in the middle of being replaced */
    for (int i = 0; i < TLS_FILES; i++)
        changed = changed || !same(&now[i], &t->seen[i]);
    if (!changed)
        return;

    SSL_CTX *ctx;
    struct err e = { 0 };
    memcpy(t->seen, now, sizeof(now)); /* also when it fails: say so once per change */
    if (build(t, &ctx, &e) != 0) {
        log_say(log, LOG_ERROR, "going on with the old certificates: %s", e.text);
        return;
    }
    SSL_CTX_free(t->ctx);
    t->ctx = ctx;
    log_say(log, LOG_INFO, "certificates read again");
}

bool tls_peer(const SSL *ssl, char cn[PROTO_ID_MAX])
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    cn[0] = '\0';
    if (!cert)
        return false;
    const X509_NAME *name = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    bool ok = SSL_get_verify_result(ssl) == X509_V_OK && at >= 0;
    if (ok) {
        const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        const char *data = (const char *)ASN1_STRING_get0_data(text);
        size_t len = (size_t)ASN1_STRING_length(text);
        ok = id_is_valid(data, len) && text_copy_n(cn, PROTO_ID_MAX, data, len);
    }
    X509_free(cert);
    return ok;
}
