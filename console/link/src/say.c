#include "say.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 30000, BACKOFF_LEAST_MS = 250 };

/*
 * The peer's alerts come as "sslv3 alert certificate expired", "tlsv1 alert unknown ca" (OpenSSL 3,
 * the names of RFC 8446 section 6.2); our own refusals in OpenSSL's words.
 */
static const struct row {
    const char *part, *words;
} tls_rows[] = {
    { "alert certificate expired", "the broker says our certificate has expired" },
    { "alert certificate revoked", "the broker says our certificate is revoked" },
    { "alert unknown ca", "the broker does not know the authority that issued our certificate" },
    { "alert bad certificate", "the broker does not accept our certificate" },
    { "alert unsupported certificate", "the broker does not accept our kind of certificate" },
    { "alert certificate unknown", "the broker could not check our certificate" },
    { "certificate required", "the broker wants a client certificate and got none" },
    { "alert access denied", "the broker denies access to our certificate" },
    { "alert handshake failure", "the broker found no common ground in TLS: it may want a client "
                                 "certificate" },
    { "alert protocol version", "the broker does not speak our version of TLS" },
    { "host name verification failed", "the broker's certificate is for another host name" },
    { "certificate verify failed", "the broker's certificate is not good by our CA file: another "
                                   "authority, expired, or not yet valid (check the clock)" },
    { "wrong version number", "what answers there does not speak TLS: wrong port?" },
    { "unsupported protocol", "the broker's version of TLS is too old" },
    { "unexpected eof", "the broker closed the connection" },
    { "are inconsistent", "our key does not belong to our certificate" },
    { "load client key", "our key does not belong to our certificate, or its file is no key" },
    { "load client certificate", "our certificate file is not PEM certificates" },
    { "load CA certificates", "our CA file is not PEM certificates" },
};

const char *say_tls(const char *line)
{
    for (size_t i = 0; i < sizeof(tls_rows) / sizeof(tls_rows[0]); i++)
        if (strstr(line, tls_rows[i].part))
            return tls_rows[i].words;
    return NULL;
}

const char *say_code(int code)
{
    switch (code) {
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
        return "the broker does not speak MQTT 5";
    case MQTT_RC_CLIENTID_NOT_VALID:
        return "the broker does not accept our client id";
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
        return "the broker does not accept our identity";
    case MQTT_RC_NOT_AUTHORIZED:
        return "the broker does not authorize us";
    case MQTT_RC_SERVER_UNAVAILABLE:
        return "the broker is not available";
    case MQTT_RC_SERVER_BUSY:
        return "the broker is busy";
    case MQTT_RC_BANNED:
        return "the broker has banned us";
    case MQTT_RC_SERVER_SHUTTING_DOWN:
        return "the broker is shutting down";
    case MQTT_RC_KEEP_ALIVE_TIMEOUT:
        return "the broker heard nothing of us for too long";
    case MQTT_RC_SESSION_TAKEN_OVER:
        return "another console connected with the same certificate or client id";
    case MQTT_RC_PACKET_TOO_LARGE:
        return "a message was larger than the broker allows";
    case MQTT_RC_QUOTA_EXCEEDED:
        return "the broker's quota is used up";
    case MQTT_RC_ADMINISTRATIVE_ACTION:
        return "an administrator of the broker closed the connection";
    case MQTT_RC_MALFORMED_PACKET:
    case MQTT_RC_PROTOCOL_ERROR:
        return "the broker did not understand us";
    default:
        return NULL;
    }
}

void say_result(int rc, int errnum, char *out, size_t cap)
{
    switch (rc) {
    case MOSQ_ERR_ERRNO:
        if (errnum == ECONNRESET ||
            errnum == EPIPE) /* as MOSQ_ERR_CONN_LOST, seen a moment later */
            snprintf(out, cap, "the broker closed the connection");
        else if (errnum)
            snprintf(out, cap, "%s", strerror(errnum));
        else
            snprintf(out, cap, "the connection broke");
        break;
    case MOSQ_ERR_EAI:
        snprintf(out, cap, "the broker's name can't be resolved: %s", gai_strerror(errnum));
        break;
    case MOSQ_ERR_CONN_LOST:
        snprintf(out, cap, "the broker closed the connection");
        break;
    case MOSQ_ERR_KEEPALIVE:
        snprintf(out, cap, "keep-alive timeout");
        break;
    case MOSQ_ERR_TLS:
        snprintf(out, cap, "TLS failed");
        break;
    default:
        snprintf(out, cap, "%s", mosquitto_strerror(rc));
        break;
    }
}

uint32_t say_backoff_ms(unsigned attempt, uint32_t random)
{
    uint32_t limit = BACKOFF_MAX_MS;
    if (attempt >= 1 && attempt <= 5)
        limit = (uint32_t)BACKOFF_FIRST_MS << (attempt - 1);
    uint32_t wait = (uint32_t)((uint64_t)limit * random >> 32);
    return wait > BACKOFF_LEAST_MS ? wait : BACKOFF_LEAST_MS;
}
