#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void metrics_request(struct metrics *m, int status)
{
    for (size_t i = 0; i < METRICS_STATUSES; i++) {
        if (m->requests[i].count == 0)
            m->requests[i].status = status;
        if (m->requests[i].status == status) {
            m->requests[i].count++;
            return;
        }
    }
}

void metrics_download_begin(struct metrics *m)
{
    m->downloads++;
    if (m->downloads > m->downloads_peak)
        m->downloads_peak = m->downloads;
}

void metrics_download_end(struct metrics *m)
{
    m->downloads--;
}

struct text {
    char *out;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(t->out + t->len, METRICS_TEXT_MAX - t->len, format, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < METRICS_TEXT_MAX - t->len)
        t->len += (size_t)n;
    else
        t->out[t->len] = '\0';
}

static void number(struct text *t, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    add(t,
        "# HELP muster_gateway_%s %s\n# TYPE muster_gateway_%s %s\nmuster_gateway_%s %" PRIu64 "\n",
        name, help, name, type, name, value);
}

size_t metrics_text(const struct metrics *m, size_t releases, bool ready,
                    char out[METRICS_TEXT_MAX])
{
    struct text t = { out, 0 };
    out[0] = '\0';
    add(&t, "# HELP muster_gateway_requests_total Requests answered, by status.\n"
            "# TYPE muster_gateway_requests_total counter\n");
    for (size_t i = 0; i < METRICS_STATUSES && m->requests[i].count; i++)
        add(&t, "muster_gateway_requests_total{status=\"%d\"} %" PRIu64 "\n", m->requests[i].status,
            m->requests[i].count);
    number(&t, "bytes_sent_total", "counter", "Bytes of images sent.", m->bytes);
    number(&t, "downloads_active", "gauge", "Downloads under way.", m->downloads);
    number(&t, "downloads_peak", "gauge", "Most downloads at the same time since the start.",
           m->downloads_peak);
    add(&t,
        "# HELP muster_gateway_downloads_total Downloads ended, by how.\n"
        "# TYPE muster_gateway_downloads_total counter\n"
        "muster_gateway_downloads_total{result=\"complete\"} %" PRIu64 "\n"
        "muster_gateway_downloads_total{result=\"aborted\"} %" PRIu64 "\n"
        "muster_gateway_downloads_total{result=\"stalled\"} %" PRIu64 "\n",
        m->completed, m->aborted, m->stalled);
    number(&t, "downloads_rejected_total", "counter", "Answered 503: too many at the same time.",
           m->rejected);
    number(&t, "connections_active", "gauge", "Open connections.", m->connections);
    number(&t, "connections_refused_total", "counter", "Closed at once: too many connections.",
           m->connections_refused);
    number(&t, "tls_failures_total", "counter", "Handshakes that failed.", m->tls_failures);
    number(&t, "releases", "gauge", "Releases in the store.", releases);
    number(&t, "ready", "gauge", "1 when the store can be read.", ready);
    number(&t, "start_time_seconds", "gauge", "Unix time of the start.", (uint64_t)m->started);
    return t.len;
}
