#include <string.h>

#include "protocol/json_read.h"
#include "protocol/json_write.h"
#include "protocol/order.h"

/* A keyset travels inside as an object: signatures of three texts each, four containers deep. */
enum { TOKENS = 96, DEPTH = 5 };

/* A JWS needs no escape in JSON, so its text is the raw bytes between the quotes. */
static bool jws_text(struct json *j, const char *key, size_t max, const char **text, size_t *len)
{
    int value = json_member(j, JSON_ROOT, key);

    if (!json_string_span(j, value, text, len))
        return false;
    return *len > 0 && *len <= max && !memchr(*text, '\\', *len);
}

enum reason command_body_split(const char *json, size_t len, struct command_body *out)
{
    struct json j;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_UPDATE_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0)
        return REASON_BAD_ORDER;
    if (!jws_text(&j, "order", PROTO_ORDER_BYTES, &out->order, &out->order_len))
        return REASON_BAD_ORDER;
    if (json_member(&j, JSON_ROOT, "release") != JSON_NONE &&
        !jws_text(&j, "release", PROTO_RELEASE_BYTES, &out->release, &out->release_len))
        return REASON_BAD_RELEASE;

    int keyset = json_member(&j, JSON_ROOT, "keyset");
    if (keyset == JSON_NONE)
        return REASON_NONE;
    json_span(&j, keyset, &out->keyset, &out->keyset_len);
    if (!json_is_object(&j, keyset) || out->keyset_len > PROTO_KEYSET_BYTES)
        return REASON_BAD_KEYSET;
    return REASON_NONE;
}

int command_body_encode(const char *order_jws, const char *release_jws, char *out, size_t cap)
{
    struct json_writer w;

    json_begin(&w, out, cap);
    json_put_text(&w, "order", order_jws);
    if (release_jws)
        json_put_text(&w, "release", release_jws);
    return json_end(&w);
}

int command_keys_encode(const char *order_jws, const char *keyset_json, char *out, size_t cap)
{
    static const char head[] = "{\"order\":\"", middle[] = "\",\"keyset\":";
    size_t order = strlen(order_jws), keyset = strlen(keyset_json), at = 0;
    size_t len = sizeof(head) - 1 + order + sizeof(middle) - 1 + keyset + 1;

    if (len > PROTO_UPDATE_BYTES || len >= cap)
        return -1;
    memcpy(out, head, sizeof(head) - 1);
    at += sizeof(head) - 1;
    memcpy(out + at, order_jws, order);
    at += order;
    memcpy(out + at, middle, sizeof(middle) - 1);
    at += sizeof(middle) - 1;
    memcpy(out + at, keyset_json, keyset);
    at += keyset;
    memcpy(out + at, "}", 2);
    return (int)len;
}
