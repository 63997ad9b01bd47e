#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/files.h"
#include "gateway/cmd.h"
#include "gateway/gateway.h"

#define MAX_DOWNLOADS   8
#define MAX_CONNECTIONS 2048
#define RETRY_AFTER_S   5
#define STALL_S         90
#define RATE_MIN        1024 /* below it a piece takes longer than a stall may */

static int numbers(const struct cmd_args *args, const struct profile *p,
                   struct gateway_config *config, struct err *e)
{
    uint32_t downloads = p && p->gateway.max_downloads ? p->gateway.max_downloads : MAX_DOWNLOADS;
    uint32_t rate = p ? p->gateway.rate : 0, fd = 0;
    if (cmd_u32(args, "max-downloads", 1, 100000, downloads, &config->max_downloads, e) != 0 ||
        cmd_u32(args, "rate", 0, UINT32_MAX, rate, &config->rate, e) != 0 ||
        cmd_u32(args, "retry-after", 1, 3600, RETRY_AFTER_S, &config->retry_after, e) != 0 ||
        cmd_u32(args, "max-connections", 1, 100000, MAX_CONNECTIONS, &config->max_connections, e) !=
            0 ||
        cmd_seconds(args, "stall", STALL_S, &config->stall_s, e) != 0 ||
        cmd_u32(args, "ready-fd", 0, 1023, 0, &fd, e) != 0)
        return -1;
    config->ready_fd = cmd_has(args, "ready-fd") ? (int)fd : -1;
    if (config->stall_s == 0)
        return err_set(e, EXIT_USAGE, "--stall must be a second at least");
    if (config->rate > 0 && config->rate < RATE_MIN)
        return err_set(e, EXIT_USAGE, "--rate must be 0 or %d bytes a second at least", RATE_MIN);
    return 0;
}

/* The option, else the profile's, else an error that names both. */
static int path(const struct cmd_args *args, const char *name, const char *in_profile,
                const char **out, struct err *e)
{
    *out = cmd_get(args, name, in_profile);
    if (!*out || !(*out)[0])
        return err_set(e, EXIT_USAGE, "say --%s, or put it into the profile's [gateway]", name);
    return 0;
}

/* crls.pem of the fleet's own authority counts without being asked for. */
static int find_crl(const struct cmd_args *args, const struct profile *p, char buf[FILES_PATH_MAX],
                    const char **out, struct err *e)
{
    *out = cmd_get(args, "crl", NULL);
    if (*out || !p || !p->pki_dir[0])
        return 0;
    if (files_join(buf, p->pki_dir, "crls.pem", e) != 0)
        return -1;
    *out = files_exists(buf) ? buf : NULL;
    return 0;
}

static int cmd_gateway(struct cmd_context *ctx, const struct cmd_args *args)
{
    const struct profile *p = ctx->profile;
    struct gateway_config config = { .out = ctx->quiet ? NULL : ctx->out,
                                     .json = ctx->json,
                                     .log = ctx->log };
    char crl[FILES_PATH_MAX];
    config.metrics = cmd_get(args, "metrics", p ? p->gateway.metrics : NULL);
    if (path(args, "listen", p ? p->gateway.listen : NULL, &config.listen, &ctx->err) != 0 ||
        path(args, "cert", p ? p->gateway.cert : NULL, &config.cert, &ctx->err) != 0 ||
        path(args, "key", p ? p->gateway.key : NULL, &config.key, &ctx->err) != 0 ||
        path(args, "ca", p ? p->gateway.ca : NULL, &config.ca, &ctx->err) != 0 ||
        path(args, "store", p ? p->store_dir : NULL, &config.store, &ctx->err) != 0 ||
        find_crl(args, p, crl, &config.crl, &ctx->err) != 0 ||
        numbers(args, p, &config, &ctx->err) != 0 || gateway_run(&config, &ctx->err) != 0)
        return (int)ctx->err.code;
    return EXIT_DONE;
}

/* clang-format off */
static const struct option gateway_options[] = {
    { "listen", 'l', "HOST:PORT", "where devices come in (default: the profile's)" },
    { "metrics", 0, "HOST:PORT", "plain listener for /health, /ready and /metrics" },
    { "store", 0, "DIR", "the release store" },
    { "cert", 0, "FILE", "certificate and issuer" },
    { "key", 0, "FILE", "its key" },
    { "ca", 0, "FILE", "authorities that clients are checked against" },
    { "crl", 0, "FILE", "revocation lists (default: crls.pem of the profile's pki folder)" },
    { "max-downloads", 0, "N", "more at the same time get 503 and Retry-After (default 8)" },
    { "retry-after", 0, "SECONDS", "what those are told (default 5)" },
    { "rate", 0, "BYTES", "per second and download; 0 is no limit" },
    { "stall", 0, "TIME", "close a download that makes no progress for so long (default 90s)" },
    { "max-connections", 0, "N", "default 2048" },
    { "ready-fd", 0, "N", "write \"ready\" there once it listens" },
    { 0 },
};

const struct command gateway_commands[] = {
    { "gateway", "", "serve firmware to devices over HTTPS", gateway_options, cmd_gateway, COMMAND_MAYBE_PROFILE,
      "Serves GET /firmware/SHA256 with client certificates, Range and ETag out of the release store, and "
      "/health, /ready and /metrics. Certificates, revocation lists and releases are read again when their "
      "files change. Prints a line per request; with --json an object per line. SIGTERM ends it: downloads "
      "under way get 3 seconds." },
    { 0 },
};
/* clang-format on */
