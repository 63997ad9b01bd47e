#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "server.h"

/* What there is to ask for, and who may have it. */
#define DIGEST_LEN (PROTO_SHA256_HEX - 1)

static void answer_metrics(struct conn *c)
{
    char text[METRICS_TEXT_MAX];
    struct gateway *g = c->g;
    if (!c->plain && strncmp(c->peer, "operator-", 9) != 0) {
        conn_send_status(c, 403, "metrics need an operator's certificate, or the metrics listener",
                         "");
        return;
    }
    blobs_refresh(&g->blobs, NULL);
    size_t len =
        metrics_text(&g->metrics, release_store_count(g->blobs.store), g->blobs.readable, text);
    conn_send_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", text, len, "");
}

static void answer_ready(struct conn *c)
{
    struct err e = { 0 };
    if (blobs_refresh(&c->g->blobs, &e))
        conn_send_text(c, 200, "text/plain; charset=utf-8", "ready\n", 6, "");
    else
        conn_send_status(c, 503, e.text, "Retry-After: 5\r\n");
}

static void refuse_busy(struct conn *c)
{
    char extra[40];
    c->g->metrics.rejected++;
    text_format(extra, sizeof(extra), "Retry-After: %" PRIu32 "\r\n", c->g->config->retry_after);
    conn_send_status(c, 503, "too many downloads are under way, come again", extra);
}

/* `fd` is the open image. */
static void answer_image(struct conn *c, int fd, const char *digest, uint64_t size)
{
    uint64_t first = 0, last = 0;
    char tag[DIGEST_LEN + 3], extra[320], range[96] = "";
    text_format(tag, sizeof(tag), "\"%s\"", digest);
    bool ranged = c->request.method == HTTP_GET && c->request.range[0] &&
                  (!c->request.if_range[0] || strcmp(c->request.if_range, tag) == 0);
    enum http_range how =
        ranged ? http_range(c->request.range, size, &first, &last) : HTTP_RANGE_WHOLE;

    if (how == HTTP_RANGE_NONE) {
        close(fd);
        text_format(extra, sizeof(extra), "Content-Range: bytes */%" PRIu64 "\r\n", size);
        conn_send_status(c, 416, "the image is shorter", extra);
        return;
    }
    if (how == HTTP_RANGE_PART)
        text_format(range, sizeof(range),
                    "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", first, last,
                    size);
    text_format(extra, sizeof(extra),
                "ETag: %s\r\nAccept-Ranges: bytes\r\nCache-Control: private, max-age=31536000, "
                "immutable\r\n%s",
                tag, range);
    if (how == HTTP_RANGE_PART)
        conn_send_file(c, 206, fd, first, last - first + 1, extra);
    else
        conn_send_file(c, 200, fd, 0, size, extra);
}

static void answer_firmware(struct conn *c, const char *digest)
{
    struct gateway *g = c->g;
    struct err e = { 0 };
    uint64_t size;
    if (!c->peer[0]) {
        conn_send_status(c, 403, "a client certificate of the fleet is needed", "");
        return;
    }
    if (strlen(digest) != DIGEST_LEN || strspn(digest, "0123456789abcdef") != DIGEST_LEN) {
        conn_send_status(c, 404, "a firmware is asked for by its SHA-256 in hex", "");
        return;
    }
    if (c->request.method == HTTP_GET && g->metrics.downloads >= g->config->max_downloads) {
        refuse_busy(c);
        return;
    }
    if (!blobs_refresh(&g->blobs, &e))
        log_say(g->config->log, LOG_ERROR, "%s", e.text);
    int fd = blobs_get(&g->blobs, digest, &size, &e);
    if (fd >= 0) {
        answer_image(c, fd, digest, size);
        return;
    }
    if (e.code == EXIT_NO) {
        conn_send_status(c, 404, e.text, "");
        return;
    }
    log_say(g->config->log, LOG_ERROR, "%s", e.text);
    conn_send_status(c, 500, "the image can't be read here", "");
}

void answer_request(struct conn *c)
{
    static const char firmware[] = "/firmware/";
    const char *path = c->request.path;
    if (c->request.method == HTTP_OTHER) {
        c->close_after = true;
        conn_send_status(c, 405, "GET and HEAD are served", "Allow: GET, HEAD\r\n");
    } else if (strcmp(path, "/health") == 0) {
        conn_send_text(c, 200, "text/plain; charset=utf-8", "ok\n", 3, "");
    } else if (strcmp(path, "/ready") == 0) {
        answer_ready(c);
    } else if (strcmp(path, "/metrics") == 0) {
        answer_metrics(c);
    } else if (!c->plain && strncmp(path, firmware, strlen(firmware)) == 0) {
        answer_firmware(c, path + strlen(firmware));
    } else {
        conn_send_status(c, 404, "nothing is here", "");
    }
}
