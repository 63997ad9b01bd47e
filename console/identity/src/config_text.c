#include "config_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A text that grows; memory that can't be had ends the program as everywhere in the console. */
struct builder {
    FILE *out;
    char *text;
    size_t len;
};

static void begin(struct builder *b)
{
    *b = (struct builder){ 0 };
    b->out = open_memstream(&b->text, &b->len);
    if (!b->out)
        abort();
}

static char *end(struct builder *b)
{
    if (fclose(b->out) != 0)
        abort();
    return b->text;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

/*
 * Each line that looks odd was found by trying Mosquitto 2.0.11:
 *   user             without it a broker started by root drops to the user `mosquitto` and can't
 *                    read 0600 keys; when it is not root the line has no effect
 *   max_queued…      the default of 1,000 loses QoS 1 messages silently
 *   autosave…        the default of 30 minutes loses what was retained since, when it is killed
 *   ciphers          without it CBC is accepted under TLS 1.2
 *   use_username_as_clientid  without it one device can throw another off by its client id. Not for
 *                    operators: there it would make `muster ls` throw off `muster serve`
 */
static void put_listener(FILE *out, const struct fleet_file *f, const char *dir, uint16_t port,
                         const char *ca)
{
    fprintf(out,
            "\nlistener %u%s%s\n"
            "cafile %s/pki/%s\n"
            "certfile %s/pki/broker.pem\n"
            "keyfile %s/pki/broker.key\n"
            "crlfile %s/pki/crls.pem\n"
            "require_certificate true\n"
            "use_identity_as_username true\n"
            "tls_version tlsv1.2\n"
            "ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
            "ECDHE-ECDSA-AES256-GCM-SHA384\n",
            (unsigned)port, is_loopback(f->broker_host) ? " " : "",
            is_loopback(f->broker_host) ? f->broker_host : "", dir, ca, dir, dir, dir);
}

char *config_mosquitto(const struct fleet_file *f, const char *dir, const char *user)
{
    struct builder b;
    begin(&b);
    fprintf(b.out,
            "# Made by muster for fleet %s. After moving the folder: muster pki config --force\n"
            "per_listener_settings false\n"
            "allow_anonymous false\n"
            "acl_file %s/mosquitto/acl\n"
            "max_queued_messages 200000\n"
            "set_tcp_nodelay true\n"
            "autosave_interval 30\n"
            "persistence true\n"
            "persistence_location %s/mosquitto/\n"
            "persistent_client_expiration 14d\n"
            "max_packet_size 300000\n"
            "connection_messages true\n"
            "log_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%S\n",
            f->fleet, dir, dir);
    if (user && user[0])
        fprintf(b.out, "user %s\n", user);
    fprintf(b.out, "\n# Devices: the certificate's name is user name and client id.");
    put_listener(b.out, f, dir, f->broker_port, "ca-bundle.pem");
    fprintf(b.out,
            "use_username_as_clientid true\n"
            "\n# Operators: an authority of their own, and as many connections as they like.");
    put_listener(b.out, f, dir, f->operator_port, "operators.pem");
    return end(&b);
}

static void put_operator(FILE *out, const struct fleet_file *f, const char *name)
{
    fprintf(out,
            "\nuser operator-%s\n"
            "topic read %s/#\n"
            "topic write %s/+/commands/#\n"
            "topic readwrite fleet/#\n"
            "topic read $SYS/#\n",
            name, f->root, f->root);
    for (size_t i = 0; i < f->source_count; i++)
        fprintf(out, "topic read %s\n", f->source[i]);
}

char *config_acl_operator(const struct fleet_file *f, const char *name)
{
    struct builder b;
    begin(&b);
    put_operator(b.out, f, name);
    return end(&b);
}

char *config_acl(const struct fleet_file *f, const char *const *operators, size_t count)
{
    struct builder b;
    begin(&b);
    fprintf(b.out,
            "# Made by muster. %%u is the CN of the client's certificate.\n"
            "# Without this file, or with a broken one, a SIGHUP opens every topic to everyone: "
            "replace it by renaming.\n"
            "pattern write %s/%%u/status\n"
            "pattern write %s/%%u/telemetry/#\n"
            "pattern write %s/%%u/log\n"
            "pattern write %s/%%u/ota/#\n"
            "pattern write %s/%%u/reply/#\n"
            "pattern read %s/%%u/commands/#\n",
            f->root, f->root, f->root, f->root, f->root, f->root);
    if (f->source_count)
        fprintf(b.out, "# Foreign topics: any device may write here, under any name.\n");
    for (size_t i = 0; i < f->source_count; i++)
        fprintf(b.out, "pattern write %s\n", f->source[i]);
    for (size_t i = 0; i < count; i++)
        put_operator(b.out, f, operators[i]);
    return end(&b);
}

char *config_profile(const struct fleet_file *f)
{
    char url[PROTO_URL_MAX];
    if (fleet_file_url(f, url, NULL) != 0)
        url[0] = '\0';
    struct builder b;
    begin(&b);
    fprintf(b.out,
            "; Made by muster pki init. Relative paths count from this file's folder.\n"
            "[fleet]\nname = %s\nroot = %s\n\n"
            "[broker]\nhost = %s\nport = %u\nca = pki/ca-bundle.pem\n"
            "cert = pki/operator-admin.pem\nkey = pki/operator-admin.key\n\n",
            f->fleet, f->root, f->broker_host, (unsigned)f->operator_port);
    fprintf(b.out,
            "[gateway]\nurl = %s\nlisten = %s:%u\ncert = pki/gateway.pem\nkey = pki/gateway.key\n"
            "ca = pki/clients.pem\nmax_downloads = 8\n",
            url, is_loopback(f->gateway_host) ? "127.0.0.1" : "0.0.0.0", (unsigned)f->gateway_port);
    if (f->metrics_port)
        fprintf(b.out, "metrics = 127.0.0.1:%u\n", (unsigned)f->metrics_port);
    fprintf(b.out,
            "\n[store]\ndir = store\n\n[journal]\npath = muster.db\n\n"
            "[trust]\nrollout_key = pki/keys/rollout.key\nrelease_key = pki/keys/release.key\n"
            "keyset = pki/keys/keyset.json\n\n[pki]\ndir = pki\n\n"
            "[ui]\ntheme = default-dark\nread_only = false\n");
    for (size_t i = 0; i < f->source_count; i++)
        fprintf(b.out, "\n[source source%zu]\ntopic = %s\nid = tag:location\n", i + 1,
                f->source[i]);
    return end(&b);
}
