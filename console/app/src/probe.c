#include "probe.h"

#include <curl/curl.h>
#include <string.h>

#include "base/text.h"

struct seen {
    int64_t date;
};

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct seen *seen = ctx;
    char line[128];
    size_t len = size * count;

    if (len > 6 && len < sizeof(line) && strncmp(data, "Date: ", 6) == 0) {
        text_copy_n(line, sizeof(line), data + 6, len - 6);
        time_t t = curl_getdate(line, NULL);
        if (t > 0)
            seen->date = t;
    }
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

static bool health_url(const char *url, char *out, size_t cap)
{
    const char *host = strstr(url, "://");
    size_t len = host ? strcspn(host + 3, "/") + 3 + (size_t)(host - url) : 0;
    return host && text_format(out, cap, "%.*s/health", (int)len, url);
}

static CURLcode fetch(const struct profile *p, const char *url, struct seen *seen, long *status)
{
    CURL *c = curl_easy_init();

    if (!c)
        return CURLE_FAILED_INIT;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_CAINFO, p->broker.ca);
    curl_easy_setopt(c, CURLOPT_SSLCERT, p->broker.cert);
    curl_easy_setopt(c, CURLOPT_SSLKEY, p->broker.key);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 5L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, seen);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(c);
    return rc;
}

int probe_gateway(const struct profile *profile, int64_t now_s, int64_t *skew_s, struct err *err)
{
    char url[PROFILE_TEXT_MAX + 16];
    struct seen seen = { 0 };
    long status = 0;

    if (!health_url(profile->gateway.url, url, sizeof(url)))
        return err_set(err, EXIT_USAGE, "[gateway] url '%s' is not https://host:port/firmware/",
                       profile->gateway.url);
    CURLcode rc = fetch(profile, url, &seen, &status);
    if (rc != CURLE_OK)
        return err_set(err, EXIT_REACH, "%s: %s", url, curl_easy_strerror(rc));
    if (status != 200)
        return err_set(err, EXIT_REACH, "%s answers %ld", url, status);
    *skew_s = seen.date ? seen.date - now_s : 0;
    return 0;
}
