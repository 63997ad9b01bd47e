#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the gateway counts. Plain numbers; printed as Prometheus text. */
#define METRICS_STATUSES 16
#define METRICS_TEXT_MAX 4096

struct metrics {
    struct {
        int status;
        uint64_t count;
    } requests[METRICS_STATUSES];
    uint64_t bytes; /* of images sent */
    uint32_t downloads, downloads_peak;
    uint64_t completed, aborted, stalled, rejected;
    uint32_t connections;
    uint64_t connections_refused, tls_failures;
    int64_t started; /* Unix s */
};

void metrics_request(struct metrics *m, int status);
void metrics_download_begin(struct metrics *m);
void metrics_download_end(struct metrics *m);

/* Text format 0.0.4. `releases`: in the store now. The length. */
size_t metrics_text(const struct metrics *m, size_t releases, bool ready,
                    char out[METRICS_TEXT_MAX]);

#endif
