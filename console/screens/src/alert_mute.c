#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Mute alerts for a while: which, how long, and why. Nothing happens without a reason. */

enum { MUTE_ONE, MUTE_DEVICE, MUTE_RULE };
enum { ROW_WHAT, ROW_FOR, ROW_REASON };
#define LONGEST_S (30 * 86400)

static void describe(struct form *f, const struct ui_model *m)
{
    (void)m;
    snprintf(f->title, sizeof(f->title), "mute alerts");
    form_line(f, "Muted alerts stay listed, tell nobody and change no state.");
}

static bool span_of(struct form *f, uint64_t *s)
{
    if (text_to_seconds(f->row[ROW_FOR].field.text, s) && *s > 0 && *s <= LONGEST_S)
        return true;
    snprintf(f->problem, sizeof(f->problem), "how long: 15m, 4h, at most 30d");
    f->at = ROW_FOR;
    return false;
}

/* An id may be a word of the filter language ("and"): so in quotes. */
static bool effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    const struct field *reason = &f->row[ROW_REASON].field;
    int what = f->value[f->chosen];
    uint64_t s;

    if (!span_of(f, &s))
        return false;
    if (reason->len == 0) {
        snprintf(f->problem, sizeof(f->problem), "say why: it is shown and kept");
        f->at = ROW_REASON;
        return false;
    }
    memset(&f->silence, 0, sizeof(f->silence));
    if (what != MUTE_DEVICE)
        text_copy(f->silence.rule, sizeof(f->silence.rule), f->rule);
    if (what != MUTE_RULE)
        snprintf(f->silence.target, sizeof(f->silence.target), "id=\"%s\"", f->device);
    text_clean(f->silence.reason, sizeof(f->silence.reason), reason->text, reason->len);
    f->silence.until_ms = m->now_ms + (int64_t)s * 1000;
    out->kind = UI_ALERT_SILENCE;
    out->silence = &f->silence;
    return true;
}

static const struct form_ops ops = { describe, effect };

static char *offer(struct form *f, int what)
{
    f->value[f->options] = what;
    return f->option[f->options++];
}

void alert_mute_open(struct step *s, const char *rule, const char *device)
{
    struct form f = { .ops = &ops, .keep = "Leave them on", .act = "Mute" };

    text_copy(f.rule, sizeof(f.rule), rule);
    text_copy(f.device, sizeof(f.device), device);
    if (*device) {
        snprintf(offer(&f, MUTE_ONE), sizeof(f.option[0]), "%.24s of %.34s", rule, device);
        snprintf(offer(&f, MUTE_DEVICE), sizeof(f.option[0]), "every alert of %.45s", device);
    }
    snprintf(offer(&f, MUTE_RULE), sizeof(f.option[0]), "every alert of rule %.40s", rule);
    f.row[f.rows++] = (struct form_row){ .kind = FORM_CHOICE, .label = "what" };
    f.row[f.rows++] =
        (struct form_row){ .kind = FORM_FIELD, .label = "for", .help = "15m, 4h, 7d" };
    f.row[f.rows++] = (struct form_row){ .kind = FORM_FIELD, .label = "reason" };
    field_set(&f.row[ROW_FOR].field, "1h");
    f.at = ROW_REASON;
    form_open(s->ui, &f);
}
