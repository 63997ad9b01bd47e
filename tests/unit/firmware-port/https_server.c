#include "https_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static void take_text(BIO *bio, char *out, size_t cap)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    assert_true(len > 0 && (size_t)len < cap);
    memcpy(out, text, (size_t)len);
    out[len] = '\0';
    BIO_free(bio);
}

static void add(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

void https_identity(struct tls_texts *id)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_true(key && x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    add(x, NID_basic_constraints, "critical,CA:TRUE");
    add(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);

    BIO *cert = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(cert, x), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL), 1);
    take_text(cert, id->cert, sizeof(id->cert));
    take_text(private, id->key, sizeof(id->key));
    memcpy(id->ca, id->cert, sizeof(id->ca));
    X509_free(x);
    EVP_PKEY_free(key);
}

static void put(SSL *ssl, const char *text)
{
    SSL_write(ssl, text, (int)strlen(text));
}

/* `count` bytes; the byte at n of the whole is n % 251. */
static void put_bytes(SSL *ssl, unsigned from, unsigned count)
{
    static uint8_t piece[4096];
    while (count > 0) {
        unsigned n = count < sizeof(piece) ? count : (unsigned)sizeof(piece);
        for (unsigned i = 0; i < n; i++)
            piece[i] = (uint8_t)((from + i) % 251);
        if (SSL_write(ssl, piece, (int)n) <= 0)
            return;
        from += n;
        count -= n;
    }
}

static bool asks(const char *request, const char *path)
{
    char line[64];
    snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", path);
    return strncmp(request, line, strlen(line)) == 0;
}

static void answer(SSL *ssl, const char *request)
{
    if (asks(request, "/plain")) {
        put(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"abc\"\r\n\r\n");
        put_bytes(ssl, 0, 1000);
    } else if (asks(request, "/range")) {
        bool right = strstr(request, "\r\nRange: bytes=400-\r\n") &&
                     strstr(request, "\r\nIf-Range: \"abc\"\r\n");
        put(ssl, right ? "HTTP/1.1 206 Partial Content\r\nContent-Length: 600\r\n"
                         "Content-Range: bytes 400-999/1000\r\nETag: \"abc\"\r\n\r\n"
                       : "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        if (right)
            put_bytes(ssl, 400, 600);
    } else if (asks(request, "/cut")) {
        put(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        put_bytes(ssl, 0, 300);
    } else if (asks(request, "/busy")) {
        put(ssl, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno");
    } else if (asks(request, "/hop")) {
        put(ssl, "HTTP/1.1 302 There\r\nLocation: /plain\r\nContent-Length: 3\r\n\r\nabc");
    } else if (asks(request, "/loop")) {
        put(ssl, "HTTP/1.1 302 There\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
    } else if (asks(request, "/away")) {
        put(ssl, "HTTP/1.1 302 There\r\nLocation: https://localhost/plain\r\n"
                 "Content-Length: 0\r\n\r\n");
    } else if (asks(request, "/down")) {
        put(ssl, "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1/plain\r\n"
                 "Content-Length: 0\r\n\r\n");
    } else if (asks(request, "/flood")) {
        put(ssl, "HTTP/1.1 302 There\r\nLocation: /plain\r\nContent-Length: 900000\r\n\r\n");
        put_bytes(ssl, 0, 900000);
    } else if (asks(request, "/big")) {
        put(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        put_bytes(ssl, 0, 1000000);
    }
}

static void serve_one(SSL_CTX *ctx, int fd)
{
    char request[4096];
    int len = 0, n = 1;
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        while (n > 0 && len < (int)sizeof(request) - 1) {
            n = SSL_read(ssl, request + len, (int)sizeof(request) - 1 - len);
            len += n > 0 ? n : 0;
            request[len] = '\0';
            if (strstr(request, "\r\n\r\n"))
                break;
        }
        answer(ssl, request);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    /* Read on before closing: a reset would overtake the alert that says why. */
    shutdown(fd, SHUT_WR);
    while (read(fd, request, sizeof(request)) > 0) {
    }
    close(fd);
}

static void serve(int listener, const struct tls_texts *id)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *cert = BIO_new_mem_buf(id->cert, -1), *private = BIO_new_mem_buf(id->key, -1);
    X509 *x = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(private, NULL, NULL, NULL);
    SSL_CTX_use_certificate(ctx, x);
    SSL_CTX_use_PrivateKey(ctx, key);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    signal(SIGPIPE, SIG_IGN);
    alarm(100);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0)
            serve_one(ctx, fd);
    }
}

void https_start(struct https_server *s, const struct tls_texts *id)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        serve(fd, id);
    close(fd);
}

void https_stop(struct https_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}
