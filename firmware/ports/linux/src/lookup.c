#define _GNU_SOURCE /* getaddrinfo_a() */

#include "lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[256];
    bool numeric, pending;
};

struct lookup *lookup_new(void)
{
    return calloc(1, sizeof(struct lookup));
}

static bool is_running(struct lookup *l)
{
    return l->pending && gai_error(&l->request) == EAI_INPROGRESS;
}

static void forget(struct lookup *l)
{
    if (l->pending && l->request.ar_result)
        freeaddrinfo(l->request.ar_result);
    l->pending = false;
}

void lookup_free(struct lookup *l)
{
    if (!l || (is_running(l) && gai_cancel(&l->request) == EAI_NOTCANCELED))
        return; /* the resolver still writes to it */
    forget(l);
    free(l);
}

int lookup_begin(struct lookup *l, const char *host)
{
    uint8_t raw[16];
    bool running = is_running(l);
    if (running && strcmp(l->host, host) == 0)
        return 0;
    if (running || strlen(host) >= sizeof(l->host))
        return -1;
    forget(l);
    memcpy(l->host, host, strlen(host) + 1);
    l->numeric = inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
    if (l->numeric)
        return 0;
    l->hints = (struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    l->request = (struct gaicb){ .ar_name = l->host, .ar_request = &l->hints };
    struct gaicb *list[] = { &l->request };
    l->pending = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
    return l->pending ? 0 : -1;
}

int lookup_end(struct lookup *l, uint32_t turn, char out[LOOKUP_ADDR_MAX], const char **why)
{
    if (l->numeric) {
        snprintf(out, LOOKUP_ADDR_MAX, "%.45s", l->host); /* it was parsed: it fits */
        return 1;
    }
    *why = "name lookup could not be started";
    if (!l->pending)
        return -1;
    int rc = gai_error(&l->request);
    if (rc == EAI_INPROGRESS)
        return 0;
    *why = gai_strerror(rc);
    if (rc != 0)
        return -1;
    uint32_t count = 0;
    for (const struct addrinfo *a = l->request.ar_result; a; a = a->ai_next)
        count++;
    const struct addrinfo *a = l->request.ar_result;
    for (uint32_t i = count ? turn % count : 0; a && i > 0; i--)
        a = a->ai_next;
    *why = "name has no address";
    if (!a || getnameinfo(a->ai_addr, a->ai_addrlen, out, LOOKUP_ADDR_MAX, NULL, 0, NI_NUMERICHOST))
        return -1;
    return 1;
}
