#include "update.h"

#include <string.h>

#include <openssl/evp.h>

#include "app/app.h"

/* ---- download: http.c, by way of this context ---- */

static enum reason open_url(void *ctx, const char *url, uint32_t from, const char *etag)
{
    const struct update *u = ctx;
    return http_open(u->http, url, from, etag);
}

static enum ota_io take_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    const struct update *u = ctx;
    return http_answer(u->http, answer, why);
}

static enum ota_io take_body(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    const struct update *u = ctx;
    return http_read(u->http, data, cap, got, why);
}

static void close_url(void *ctx)
{
    const struct update *u = ctx;
    http_close(u->http);
}

/* ---- the rest ---- */

/* These can't fail but by lack of memory, and then the digest is none that was signed. */
static void sha_begin(void *ctx)
{
    const struct update *u = ctx;
    (void)EVP_DigestInit_ex(u->sha, EVP_sha256(), NULL);
}

static void sha_add(void *ctx, const uint8_t *data, size_t len)
{
    const struct update *u = ctx;
    (void)EVP_DigestUpdate(u->sha, data, len);
}

static void sha_end(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    const struct update *u = ctx;
    memset(out, 0, PROTO_SHA256_LEN);
    (void)EVP_DigestFinal_ex(u->sha, out, NULL);
}

static bool tell_report(void *ctx, const struct ota_report *r)
{
    const struct update *u = ctx;
    return app_report(u->app, r);
}

static enum reason ask(void *ctx, enum ota_gate gate)
{
    const struct update *u = ctx;
    return app_may_proceed(u->app, gate);
}

int update_init(struct update *u)
{
    u->sha = EVP_MD_CTX_new();
    update_flash_port(u);
    u->port.http_open = open_url;
    u->port.http_answer = take_answer;
    u->port.http_read = take_body;
    u->port.http_close = close_url;
    u->port.sha_begin = sha_begin;
    u->port.sha_add = sha_add;
    u->port.sha_end = sha_end;
    u->port.report = tell_report;
    u->port.may_proceed = ask;
    return u->sha ? 0 : -1;
}

void update_free(struct update *u)
{
    EVP_MD_CTX_free(u->sha);
}
