#include "identity/cmd.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "identity/pki.h"
#include "protocol/id.h"

#define DEVICE_DAYS   365
#define OPERATOR_DAYS 365
#define SERVER_DAYS   825
#define BATCH_MAX     100000
#define SETTINGS_MAX  16

/* The clock is read here and nowhere below. */
static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

/* The folder that holds pki/: --dir, else that of the profile, else here. */
static int fleet_dir(struct cmd_context *ctx, const struct cmd_args *args, char dir[FILES_PATH_MAX])
{
    const char *given = cmd_get(args, "dir", NULL);
    if (given || !ctx->profile || !ctx->profile->pki_dir[0])
        return text_copy(dir, FILES_PATH_MAX, given ? given : ".")
                   ? 0
                   : err_set(&ctx->err, EXIT_USAGE, "--dir is too long");
    if (files_dir(dir, ctx->profile->pki_dir, &ctx->err) != 0)
        return -1;
    const char *name = strrchr(ctx->profile->pki_dir, '/');
    if (strcmp(name ? name + 1 : ctx->profile->pki_dir, "pki") != 0)
        return err_set(&ctx->err, EXIT_USAGE, "[pki] dir must be a folder named pki, not %s",
                       ctx->profile->pki_dir);
    return 0;
}

static int print_json(struct cmd_context *ctx, json_t *doc)
{
    int rc = doc ? json_dumpf(doc, ctx->out, JSON_INDENT(2)) : -1;
    json_decref(doc);
    if (rc != 0)
        return err_set(&ctx->err, EXIT_USAGE, "cannot print the answer"), EXIT_USAGE;
    fputc('\n', ctx->out);
    return EXIT_DONE;
}

static int one_path(struct cmd_context *ctx, const char *key, const char *path, const char *text)
{
    if (ctx->json)
        return print_json(ctx, json_pack("{s:s}", key, path));
    if (!ctx->quiet)
        fprintf(ctx->out, "%s %s\n", text, path);
    return EXIT_DONE;
}

static size_t hosts(const struct cmd_args *args, const char *option, const char **out)
{
    size_t n = 0;
    while (n < PKI_HOSTS_MAX && (out[n] = cmd_nth(args, option, n)))
        n++;
    return n;
}

static int cmd_init(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct pki_init init = { .dir = cmd_get(args, "dir", "."),
                             .fleet = cmd_get(args, "fleet", NULL),
                             .root = cmd_get(args, "root", "devices"),
                             .broker_user = cmd_get(args, "broker-user", NULL) };
    const char *source[8];
    uint32_t broker, operators, gateway, metrics;
    if (!init.fleet) {
        err_set(&ctx->err, EXIT_USAGE,
                "--fleet NAME is needed: devices obey orders of their own "
                "fleet only");
        return EXIT_USAGE;
    }
    if (cmd_u32(args, "broker-port", 1, 65535, 8883, &broker, &ctx->err) != 0 ||
        cmd_u32(args, "operator-port", 1, 65535, broker < 65535 ? broker + 1 : 8884, &operators,
                &ctx->err) != 0 ||
        cmd_u32(args, "gateway-port", 1, 65535, 8443, &gateway, &ctx->err) != 0 ||
        cmd_u32(args, "metrics-port", 0, 65535, 0, &metrics, &ctx->err) != 0)
        return (int)ctx->err.code;
    init.broker.port = (uint16_t)broker;
    init.operator_port = (uint16_t)operators;
    init.gateway.port = (uint16_t)gateway;
    init.metrics_port = (uint16_t)metrics;
    init.broker.host_count = hosts(args, "broker-host", init.broker.host);
    init.gateway.host_count = hosts(args, "gateway-host", init.gateway.host);
    if (init.broker.host_count == 0)
        init.broker.host[init.broker.host_count++] = "127.0.0.1";
    if (init.gateway.host_count == 0)
        init.gateway.host[init.gateway.host_count++] = init.broker.host[0];
    while (init.source_count < 8 &&
           (source[init.source_count] = cmd_nth(args, "source", init.source_count)))
        init.source_count++;
    init.source = source;

    if (pki_init(&init, now_s(), &ctx->err) != 0)
        return (int)ctx->err.code;
    if (ctx->json)
        return print_json(ctx, json_pack("{s:s, s:s}", "dir", init.dir, "fleet", init.fleet));
    if (!ctx->quiet)
        fprintf(ctx->out,
                "Made the authority of fleet %s in %s.\n"
                "  broker:   mosquitto -c %s/mosquitto/mosquitto.conf\n"
                "  console:  muster --profile %s/profile.ini\n"
                "Keep pki/root.key and pki/keys/root.key somewhere else: nothing here needs them "
                "from day to day.\n",
                init.fleet, init.dir, init.dir, init.dir);
    return EXIT_DONE;
}

static int cmd_config(struct cmd_context *ctx, const struct cmd_args *args)
{
    char dir[FILES_PATH_MAX];
    if (fleet_dir(ctx, args, dir) != 0 || pki_config(dir, cmd_has(args, "force"), &ctx->err) != 0)
        return (int)ctx->err.code;
    return one_path(ctx, "dir", dir, "Configuration is complete in");
}

static int cmd_operator(struct cmd_context *ctx, const struct cmd_args *args)
{
    char dir[FILES_PATH_MAX], path[FILES_PATH_MAX];
    uint32_t days;
    if (args->word_count != 1)
        return err_set(&ctx->err, EXIT_USAGE, "say one operator's NAME"), EXIT_USAGE;
    const char *name = args->word[0];
    if (fleet_dir(ctx, args, dir) != 0 ||
        cmd_u32(args, "days", 1, 825, OPERATOR_DAYS, &days, &ctx->err) != 0 ||
        pki_operator(dir, name, (int)days, cmd_has(args, "renew"), now_s(), &ctx->err) != 0)
        return (int)ctx->err.code;
    if (!text_format(path, sizeof(path), "%s/pki/operator-%s.pem", dir, name))
        return EXIT_DONE;
    int rc = one_path(ctx, "certificate", path, "Certificate:");
    if (!ctx->json && !ctx->quiet)
        fputs("Send Mosquitto a SIGHUP, so that it reads the ACL again.\n", ctx->out);
    return rc;
}

static int cmd_server(struct cmd_context *ctx, const struct cmd_args *args)
{
    char dir[FILES_PATH_MAX], path[FILES_PATH_MAX];
    struct pki_endpoint at = { 0 };
    uint32_t days;
    if (args->word_count != 1)
        return err_set(&ctx->err, EXIT_USAGE, "say one server's NAME"), EXIT_USAGE;
    at.host_count = hosts(args, "host", at.host);
    if (fleet_dir(ctx, args, dir) != 0 ||
        cmd_u32(args, "days", 1, 825, SERVER_DAYS, &days, &ctx->err) != 0 ||
        pki_server(dir, args->word[0], &at, (int)days, cmd_has(args, "renew"), now_s(),
                   &ctx->err) != 0)
        return (int)ctx->err.code;
    if (!text_format(path, sizeof(path), "%s/pki/%s.pem", dir, args->word[0]))
        return EXIT_DONE;
    return one_path(ctx, "certificate", path, "Certificate:");
}

/* --- devices -------------------------------------------------------------------------------- */

struct device_run {
    char dir[FILES_PATH_MAX];
    const char *out; /* --out, or NULL: DIR/devices */
    struct pki_setting set[SETTINGS_MAX];
    size_t set_count;
    char text[SETTINGS_MAX][256]; /* what `set` points into */
    uint32_t days;
    json_t *done; /* with --json */
};

static int read_settings(struct device_run *r, const struct cmd_args *args, struct err *e)
{
    const char *given;
    for (size_t i = 0; (given = cmd_nth(args, "set", i)); i++) {
        if (i == SETTINGS_MAX)
            return err_set(e, EXIT_USAGE, "--set can be given %d times", SETTINGS_MAX);
        if (!text_copy(r->text[i], sizeof(r->text[i]), given))
            return err_set(e, EXIT_USAGE, "--set %.40s…: too long", given);
        char *equals = strchr(r->text[i], '=');
        if (!equals)
            return err_set(e, EXIT_USAGE, "--set %.60s: wants KEY=VALUE", given);
        *equals = '\0';
        r->set[r->set_count++] = (struct pki_setting){ r->text[i], equals + 1 };
    }
    return 0;
}

static bool is_made(const char *out)
{
    char path[FILES_PATH_MAX];
    return files_join(path, out, "nvs.csv", NULL) == 0 && files_exists(path);
}

/* A batch that was interrupted goes on where it was.
 * `alone`: --out is the device's own folder; in a batch each gets OUT/ID. */
static int one_device(struct cmd_context *ctx, struct device_run *r, const char *id, bool alone)
{
    char out[FILES_PATH_MAX];
    bool fits = r->out ? text_format(out, sizeof(out), alone ? "%s" : "%s/%s", r->out, id)
                       : text_format(out, sizeof(out), "%s/devices/%s", r->dir, id);
    if (!fits)
        return err_set(&ctx->err, EXIT_USAGE, "path is too long");
    if (!alone && is_made(out)) {
        log_say(ctx->log, LOG_INFO, "%s is there already and stays as it is", id);
        return 0;
    }
    if (pki_device(r->dir, id, out, r->set, r->set_count, (int)r->days, now_s(), &ctx->err) != 0)
        return -1;
    if (r->done)
        json_array_append_new(r->done, json_pack("{s:s, s:s}", "id", id, "dir", out));
    else if (!ctx->quiet)
        fprintf(ctx->out, "%s: %s/nvs.csv\n", id, out);
    return 0;
}

static int counted_devices(struct cmd_context *ctx, struct device_run *r,
                           const struct cmd_args *args)
{
    const char *prefix = cmd_get(args, "prefix", "sensor-");
    uint32_t count, from;
    if (cmd_u32(args, "count", 1, BATCH_MAX, 1, &count, &ctx->err) != 0 ||
        cmd_u32(args, "from", 0, 1000000000, 1, &from, &ctx->err) != 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        char id[PROTO_ID_MAX];
        if (!text_format(id, sizeof(id), "%s%03" PRIu32, prefix, from + i))
            return err_set(&ctx->err, EXIT_USAGE, "--prefix is too long");
        if (one_device(ctx, r, id, false) != 0)
            return -1;
    }
    return 0;
}

/* An id per line; empty lines and those that begin with # are skipped. */
static int listed_devices(struct cmd_context *ctx, struct device_run *r, const char *path)
{
    char *text;
    if (files_read(path, 16 << 20, &text, NULL, &ctx->err) != 0)
        return -1;
    int rc = 0;
    for (char *line = text; rc == 0 && *line;) {
        size_t len = strcspn(line, "\r\n");
        char *next = line + len + (line[len] != '\0');
        line[len] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            rc = one_device(ctx, r, line, false);
        line = next;
    }
    free(text);
    return rc;
}

static int run_devices(struct cmd_context *ctx, struct device_run *r, const struct cmd_args *args)
{
    const char *list = cmd_get(args, "list", NULL);
    if (cmd_has(args, "count"))
        return counted_devices(ctx, r, args);
    if (list)
        return listed_devices(ctx, r, list);
    if (args->word_count == 0)
        return err_set(&ctx->err, EXIT_USAGE, "say an ID, or --count N, or --list FILE");
    for (size_t i = 0; i < args->word_count; i++)
        if (one_device(ctx, r, args->word[i], args->word_count == 1) != 0)
            return -1;
    return 0;
}

static int cmd_device(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct device_run r = { .out = cmd_get(args, "out", NULL) };
    if (fleet_dir(ctx, args, r.dir) != 0 || read_settings(&r, args, &ctx->err) != 0 ||
        cmd_u32(args, "days", 1, DEVICE_DAYS, DEVICE_DAYS, &r.days, &ctx->err) != 0)
        return (int)ctx->err.code;
    if (ctx->json)
        r.done = json_array();
    if (run_devices(ctx, &r, args) != 0) {
        json_decref(r.done);
        return (int)ctx->err.code;
    }
    return r.done ? print_json(ctx, r.done) : EXIT_DONE;
}

/* --- show ----------------------------------------------------------------------------------- */

static const char *use_word(const struct pki_cert *c)
{
    if (c->ca)
        return "authority";
    if (c->server)
        return "server";
    return strncmp(c->cn, "operator-", 9) == 0 ? "operator" : "device";
}

static json_t *cert_json(const struct pki_cert *c, int64_t now)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "cn", c->cn, "use",
                     use_word(c), "serial", c->serial, "fingerprint", c->fingerprint, "issuer",
                     c->issuer, "not_before", (json_int_t)c->not_before, "not_after",
                     (json_int_t)c->not_after, "days_left",
                     (json_int_t)((c->not_after - now) / 86400), "path", c->path);
}

static bool wanted(const struct pki_cert *c, const struct cmd_args *args)
{
    for (size_t i = 0; i < args->word_count; i++)
        if (strcmp(args->word[i], c->cn) == 0)
            return true;
    return args->word_count == 0;
}

static int cmd_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    char dir[FILES_PATH_MAX];
    struct pki_cert *list;
    size_t count, shown = 0;
    if (fleet_dir(ctx, args, dir) != 0 || pki_list(dir, &list, &count, &ctx->err) != 0)
        return (int)ctx->err.code;

    int64_t now = now_s();
    json_t *doc = ctx->json ? json_array() : NULL;
    if (!doc)
        fprintf(ctx->out, "%-24s %-9s %6s  %s\n", "NAME", "USE", "DAYS", "SERIAL");
    for (size_t i = 0; i < count; i++) {
        if (!wanted(&list[i], args))
            continue;
        shown++;
        if (doc)
            json_array_append_new(doc, cert_json(&list[i], now));
        else
            fprintf(ctx->out, "%-24s %-9s %6" PRId64 "  %s\n", list[i].cn, use_word(&list[i]),
                    (list[i].not_after - now) / 86400, list[i].serial);
    }
    free(list);
    int rc = doc ? print_json(ctx, doc) : EXIT_DONE;
    if (shown == 0 && args->word_count > 0) {
        err_set(&ctx->err, EXIT_NO, "no certificate was issued to %.64s", args->word[0]);
        return EXIT_NO;
    }
    return rc;
}

/* --- the table ------------------------------------------------------------------------------ */

#define DIR_OPTION                                                                                 \
    {                                                                                              \
        "dir", 'd', "DIR", "the folder that holds pki/ (default: the profile's, else this one)"    \
    }

static const struct option init_options[] = {
    { "dir", 'd', "DIR", "the folder to make it in (default: this one)" },
    { "fleet", 0, "NAME", "the fleet's name; orders are signed for it" },
    { "broker-host", 0, "HOST",
      "name or address of the broker; again for more (the first is used)" },
    { "broker-port", 0, "PORT", "default 8883" },
    { "operator-port", 0, "PORT", "the broker\'s listener for consoles (default: the next one)" },
    { "gateway-host", 0, "HOST", "name or address of the gateway (default: the broker's)" },
    { "gateway-port", 0, "PORT", "default 8443" },
    { "metrics-port", 0, "PORT", "plain metrics of the gateway, on 127.0.0.1 (default: none)" },
    { "root", 0, "TOPIC", "topic root (default: devices)" },
    { "broker-user", 0, "USER", "system user that Mosquitto runs as (default: who runs this)" },
    { "source", 0, "TOPIC", "foreign topic that devices may write, as sensors/#; may be repeated" },
    { 0 },
};

static const struct option config_options[] = {
    DIR_OPTION,
    { "force", 'f', NULL, "also replace files that are there" },
    { 0 },
};

static const struct option operator_options[] = {
    DIR_OPTION,
    { "days", 0, "N", "valid for so long (default 365)" },
    { "renew", 0, NULL, "keep the key, replace the certificate" },
    { 0 },
};

static const struct option server_options[] = {
    DIR_OPTION,
    { "host", 0, "HOST", "name or address it answers to; may be repeated" },
    { "days", 0, "N", "valid for so long (default 825)" },
    { "renew", 0, NULL, "keep the key, replace the certificate" },
    { 0 },
};

static const struct option device_options[] = {
    DIR_OPTION,
    { "out", 'o', "DIR", "where its files go (default DIR/devices/ID; in a batch OUT/ID)" },
    { "set", 's', "KEY=VALUE",
      "product, hw, broker_host, broker_port, url, groups, interval, sensors, ntp, release_seq, "
      "clock, hosts, spread" },
    { "days", 0, "N", "valid for so long, at most 365" },
    { "count", 0, "N", "make N devices, named by --prefix and a number" },
    { "prefix", 0, "TEXT", "with --count (default sensor-)" },
    { "from", 0, "N", "with --count: the first number (default 1)" },
    { "list", 0, "FILE", "a file with an id per line" },
    { 0 },
};

static const struct option show_options[] = { DIR_OPTION, { 0 } };

const struct command identity_commands[] = {
    { "pki init", "", "make a certificate authority, signing keys and a broker configuration",
      init_options, cmd_init, COMMAND_NO_PROFILE,
      "Makes root and intermediate authority, certificates for broker, gateway and one operator, "
      "the "
      "keys that sign releases and orders, a Mosquitto configuration with mutual TLS and ACL, and "
      "a "
      "profile. Nothing that exists is overwritten." },
    { "pki config", "", "write mosquitto.conf, acl and profile.ini again", config_options,
      cmd_config, COMMAND_MAYBE_PROFILE,
      "Writes those that are missing. Mosquitto needs absolute paths: after moving the folder use "
      "--force." },
    { "pki device", "ID…", "make key, certificate and factory settings for devices", device_options,
      cmd_device, COMMAND_MAYBE_PROFILE,
      "Writes device.key, device.pem and nvs.csv, as nvs_partition_gen.py of ESP-IDF and "
      "muster-device --flash read it." },
    { "pki operator", "NAME", "make a certificate for a person or a console", operator_options,
      cmd_operator, COMMAND_MAYBE_PROFILE, NULL },
    { "pki server", "NAME", "make or renew a server's certificate", server_options, cmd_server,
      COMMAND_MAYBE_PROFILE, NULL },
    { "pki show", "[NAME]…", "list what was issued, and how long it lasts", show_options, cmd_show,
      COMMAND_MAYBE_PROFILE, NULL },
    { 0 },
};
