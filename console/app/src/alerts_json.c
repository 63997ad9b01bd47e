#include "alerts_json.h"

#include <string.h>

#include "base/text.h"
#include "device_json.h"

static json_t *time_json(int64_t ms)
{
    return ms ? json_real((double)ms / 1000) : json_null();
}

static json_t *under_json(const struct alert_silence *s)
{
    if (!s)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o}", "id", (json_int_t)s->id, "who", clean_json(s->who),
                     "reason", clean_json(s->reason), "until", time_json(s->until_ms));
}

json_t *alert_json(const struct store_alert *a, const struct alert_silence *silence)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rule", a->rule,
                     "subject", clean_json(a->subject), "level", a->level, "text",
                     clean_json(a->text), "since", time_json(a->since_ms), "fired",
                     time_json(a->fired_ms), "cleared", time_json(a->cleared_ms), "seen_by",
                     a->ack_ms ? clean_json(a->ack_who) : json_null(), "seen", time_json(a->ack_ms),
                     "silence", under_json(silence));
}

json_t *alert_silence_json(const struct store_silence *s)
{
    return json_pack("{s:I, s:s, s:o, s:o, s:o, s:f, s:f}", "id", (json_int_t)s->id, "rule",
                     s->rule, "target", clean_json(s->target), "who", clean_json(s->who), "reason",
                     clean_json(s->reason), "made", (double)s->made_ms / 1000, "until",
                     (double)s->until_ms / 1000);
}

void alert_row_fill(const struct alerts *alerts, const struct alert *alert, struct store_alert *out)
{
    memset(out, 0, sizeof(*out));
    out->since_ms = alert->since_ms;
    out->fired_ms = alert->fired_ms;
    out->cleared_ms = alert->cleared_ms;
    out->ack_ms = alert->acked ? alert->ack_ms : 0;
    text_copy(out->ack_who, sizeof(out->ack_who), alert->acked ? alert->ack_who : "");
    text_copy(out->rule, sizeof(out->rule), alerts_rule(alerts, alert->rule)->name);
    text_copy(out->subject, sizeof(out->subject), alert->id);
    text_copy(out->level, sizeof(out->level), alert_level_word(alert->level));
    text_copy(out->text, sizeof(out->text), alert->text);
}
