#include "internal.h"

#include <string.h>

/* Which servers an image may come from. TLS says that a server is who it says it is, the digest
 * that the image is the signed one; this list says who is asked at all. */

static const char scheme[] = "https://";
enum { SCHEME = sizeof(scheme) - 1 };

/* Of a base URL: bytes of its host, the brackets of an IPv6 address included. */
static size_t host_length(const char *host)
{
    bool bracket = host[0] == '[';
    size_t n = 0;

    while (host[n] && host[n] != '/' && (host[n] != ':' || bracket)) {
        bracket = bracket && host[n] != ']';
        n++;
    }
    return n;
}

/* `entry` is a host, with or without a port. */
static bool is_at(const char *entry, size_t len, const char *host)
{
    return len > 0 && strncmp(host, entry, len) == 0 && (host[len] == '/' || host[len] == ':');
}

bool ota_host_is_allowed(const char *hosts, const char *base, const char *url)
{
    const char *host = url + SCHEME;

    if (!hosts || !hosts[0])
        return !base || !base[0] || is_at(base + SCHEME, host_length(base + SCHEME), host);
    for (;;) {
        const char *comma = strchr(hosts, ',');
        if (is_at(hosts, comma ? (size_t)(comma - hosts) : strlen(hosts), host))
            return true;
        if (!comma)
            return false;
        hosts = comma + 1;
    }
}

enum reason address(struct ota_agent *a, const char *url)
{
    const char *base = a->cfg->url ? a->cfg->url : "";
    bool whole = strncmp(url, scheme, SCHEME) == 0;
    size_t front = whole ? 0 : strlen(base);

    if ((!whole && front == 0) || front + strlen(url) >= PROTO_URL_MAX)
        return REASON_HOST_NOT_ALLOWED;
    memcpy(a->tmp.url, base, front);
    copy_text(a->tmp.url + front, PROTO_URL_MAX - front, url);
    return ota_host_is_allowed(a->cfg->hosts, base, a->tmp.url) ? REASON_NONE
                                                                : REASON_HOST_NOT_ALLOWED;
}
