#include "protocol/reply.h"

#include <string.h>

#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 48, DEPTH = 3 };

int reply_encode(const struct reply *reply, char *out, size_t cap)
{
    struct json_writer w;

    json_begin(&w, out, cap);
    json_put_text(&w, "verb", verb_word(reply->verb));
    json_put_u64(&w, "seq", reply->seq);
    json_put_bool(&w, "ok", reply->ok);
    json_put_text(&w, "reason", reason_word(reply->reason));
    json_put_text_if(&w, "detail", reply->detail);
    json_put_u64_if(&w, "ts", reply->ts);
    return json_end(&w);
}

int reply_decode(const char *json, size_t len, struct reply *out)
{
    struct json j;
    char word[PROTO_VERB_MAX], reason[32];
    int bad = 0;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_REPLY_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0)
        return -1;
    bad |= json_get_text(&j, JSON_ROOT, "verb", JSON_MUST, word, sizeof(word));
    bad |= json_get_u32(&j, JSON_ROOT, "seq", JSON_MAY, &out->seq);
    bad |= json_get_bool(&j, JSON_ROOT, "ok", JSON_MUST, &out->ok);
    bad |= json_get_text(&j, JSON_ROOT, "reason", JSON_MAY, reason, sizeof(reason));
    bad |= json_get_u64(&j, JSON_ROOT, "ts", JSON_MAY, &out->ts);
    (void)json_prose(&j, json_member(&j, JSON_ROOT, "detail"), out->detail, sizeof(out->detail));
    if (bad || verb_from_word(word, strlen(word), &out->verb) != 0)
        return -1;
    if (reason[0] != '\0')
        (void)reason_from_word(reason, strlen(reason), &out->reason);
    return 0;
}
