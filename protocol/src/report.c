#include "protocol/report.h"

#include <string.h>

#include "protocol/id.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 64, DEPTH = 3 };

int ota_report_encode(const struct ota_report *report, char *out, size_t cap)
{
    struct json_writer w;

    json_begin(&w, out, cap);
    json_put_text_if(&w, "rollout", report->rollout);
    json_put_u64(&w, "attempt", report->attempt);
    json_put_text(&w, "state", ota_report_word(report->state));
    json_put_text(&w, "reason", reason_word(report->reason));
    json_put_text_if(&w, "from", report->from);
    json_put_text_if(&w, "to", report->to);
    json_put_u64(&w, "got", report->got);
    json_put_u64(&w, "size", report->size);
    json_put_u64_if(&w, "slot", report->slot);
    json_put_text_if(&w, "boot", report->boot);
    json_put_text_if(&w, "image", report->image);
    json_put_u64(&w, "n", report->n);
    json_put_u64_if(&w, "ts", report->ts);
    json_put_text_if(&w, "detail", report->detail);
    return json_end(&w);
}

static int read_state(struct json *j, enum ota_report_state *out)
{
    const char *word;
    size_t len;
    int v = json_member(j, JSON_ROOT, "state");

    if (!json_string_span(j, v, &word, &len))
        return -1;
    return ota_report_from_word(word, len, out);
}

static int read_reason(struct json *j, enum reason *out)
{
    const char *word;
    size_t len;
    int v = json_member(j, JSON_ROOT, "reason");

    if (v == JSON_NONE)
        return 0;
    if (!json_string_span(j, v, &word, &len))
        return -1;
    (void)reason_from_word(word, len, out); /* a word of a newer device is INTERNAL */
    return 0;
}

int ota_report_decode(const char *json, size_t len, struct ota_report *out)
{
    struct json j;
    int bad = 0;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_REPORT_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0)
        return -1;
    bad |= json_get_text(&j, JSON_ROOT, "rollout", JSON_MAY, out->rollout, sizeof(out->rollout));
    bad |= json_get_u32(&j, JSON_ROOT, "attempt", JSON_MAY, &out->attempt);
    bad |= read_state(&j, &out->state);
    bad |= read_reason(&j, &out->reason);
    bad |= json_get_text(&j, JSON_ROOT, "from", JSON_MAY, out->from, sizeof(out->from));
    bad |= json_get_text(&j, JSON_ROOT, "to", JSON_MAY, out->to, sizeof(out->to));
    bad |= json_get_u32(&j, JSON_ROOT, "got", JSON_MAY, &out->got);
    bad |= json_get_u32(&j, JSON_ROOT, "size", JSON_MAY, &out->size);
    bad |= json_get_u64(&j, JSON_ROOT, "slot", JSON_MAY, &out->slot);
    bad |= json_get_text(&j, JSON_ROOT, "boot", JSON_MAY, out->boot, sizeof(out->boot));
    bad |= json_get_text(&j, JSON_ROOT, "image", JSON_MAY, out->image, sizeof(out->image));
    bad |= json_get_u32(&j, JSON_ROOT, "n", JSON_MAY, &out->n);
    bad |= json_get_u64(&j, JSON_ROOT, "ts", JSON_MAY, &out->ts);
    (void)json_prose(&j, json_member(&j, JSON_ROOT, "detail"), out->detail, sizeof(out->detail));
    if (out->rollout[0] != '\0' && !rollout_id_is_valid(out->rollout, strlen(out->rollout)))
        return -1;
    return bad;
}
