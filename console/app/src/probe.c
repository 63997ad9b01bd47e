#include "probe.h"

#include <string.h>

#include "base/text.h"
#include "web/web.h"

enum { PROBE_MS = 5000 };

struct seen {
    int64_t date_s;
    int status;
};

static void on_answer(void *ctx, const struct web_answer *a)
{
    struct seen *seen = ctx;

    seen->date_s = a->date_s;
    seen->status = a->status;
}

static bool health_url(const char *url, char *out, size_t cap)
{
    const char *host = strstr(url, "://");
    size_t len = host ? strcspn(host + 3, "/") + 3 + (size_t)(host - url) : 0;
    return host && text_format(out, cap, "%.*s/health", (int)len, url);
}

int probe_gateway(const struct profile *profile, int64_t now_s, int64_t *skew_s, struct err *err)
{
    char url[PROFILE_TEXT_MAX + 16];
    struct seen seen = { 0 };
    struct web_request request = { .method = "GET",
                                   .url = url,
                                   .ca = profile->broker.ca,
                                   .cert = profile->broker.cert,
                                   .key = profile->broker.key,
                                   .timeout_ms = PROBE_MS,
                                   .direct = true };

    if (!health_url(profile->gateway.url, url, sizeof(url)))
        return err_set(err, EXIT_USAGE, "[gateway] url '%s' is not https://host:port/firmware/",
                       profile->gateway.url);
    if (web_fetch(&request, on_answer, &seen, err) != 0)
        return err_prefix(err, "%s", url);
    if (seen.status != 200)
        return err_set(err, EXIT_REACH, "%s answers %d", url, seen.status);
    *skew_s = seen.date_s ? seen.date_s - now_s : 0;
    return 0;
}
