/* What an act is asked with, as text and back. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "protocol/id.h"
#include "rollout/rollout.h"

/* --- To text --- */

struct pen {
    char *out;
    size_t cap, len;
    bool fits;
};

static void put(struct pen *p, const char *key, const char *value)
{
    if (!p->fits)
        return;
    p->fits =
        text_format(p->out + p->len, p->cap - p->len, "%s%s=%s", p->len > 0 ? " " : "", key, value);
    p->len += strlen(p->out + p->len);
}

static void put_number(struct pen *p, const char *key, uint32_t value)
{
    char text[16];

    text_format(text, sizeof(text), "%u", value);
    put(p, key, text);
}

int rollout_ask_text(const struct rollout_ask *ask, char *out, size_t cap)
{
    struct pen p = { .out = out, .cap = cap, .fits = cap > 0 };

    if (cap > 0)
        out[0] = '\0';
    if (ask->stage[0] != '\0')
        put(&p, "stage", ask->stage);
    if (ask->reason != REASON_NONE)
        put(&p, "reason", reason_word(ask->reason));
    if (ask->cls != REASON_CLASS_NONE)
        put(&p, "class", reason_class_word(ask->cls));
    for (uint32_t i = 0; i < ask->device_count && i < ROLLOUT_ASK_DEVICES; i++)
        put(&p, "device", ask->device[i]);
    if (ask->set & ROLLOUT_SET_IN_FLIGHT)
        put_number(&p, "in_flight", ask->in_flight);
    if (ask->set & ROLLOUT_SET_JITTER)
        put_number(&p, "jitter", ask->jitter_s);
    if (ask->set & ROLLOUT_SET_PER_GROUP)
        put_number(&p, "per_group", ask->per_group);
    if (ask->set & ROLLOUT_SET_BANDWIDTH)
        put_number(&p, "bandwidth", ask->bandwidth);
    if (ask->remark[0] != '\0')
        put(&p, "remark", ask->remark);
    return p.fits ? (int)p.len : -1;
}

/* --- And back --- */

static int read_class(const char *word, enum reason_class *out)
{
    for (int i = 1; i < REASON_CLASS_COUNT; i++) {
        if (strcmp(word, reason_class_word((enum reason_class)i)) == 0) {
            *out = (enum reason_class)i;
            return 0;
        }
    }
    return -1;
}

static int read_number(const char *word, uint32_t *out, uint32_t bit, uint32_t *bits)
{
    uint64_t value;

    if (!text_to_u64(word, 0, UINT32_MAX, &value))
        return -1;
    *out = (uint32_t)value;
    *bits |= bit;
    return 0;
}

static int read_device(const char *word, struct rollout_ask *out)
{
    if (out->device_count == ROLLOUT_ASK_DEVICES || !id_is_valid(word, strlen(word)))
        return -1;
    return text_copy(out->device[out->device_count++], PROTO_ID_MAX, word) ? 0 : -1;
}

static int read_one(const char *key, const char *value, struct rollout_ask *out)
{
    if (strcmp(key, "stage") == 0)
        return text_copy(out->stage, sizeof(out->stage), value) ? 0 : -1;
    if (strcmp(key, "reason") == 0)
        return reason_from_word(value, strlen(value), &out->reason);
    if (strcmp(key, "class") == 0)
        return read_class(value, &out->cls);
    if (strcmp(key, "device") == 0)
        return read_device(value, out);
    if (strcmp(key, "in_flight") == 0)
        return read_number(value, &out->in_flight, ROLLOUT_SET_IN_FLIGHT, &out->set);
    if (strcmp(key, "jitter") == 0)
        return read_number(value, &out->jitter_s, ROLLOUT_SET_JITTER, &out->set);
    if (strcmp(key, "per_group") == 0)
        return read_number(value, &out->per_group, ROLLOUT_SET_PER_GROUP, &out->set);
    if (strcmp(key, "bandwidth") == 0)
        return read_number(value, &out->bandwidth, ROLLOUT_SET_BANDWIDTH, &out->set);
    return -1;
}

int rollout_ask_read(const char *text, struct rollout_ask *out, struct err *err)
{
    static const char remark[] = "remark=";
    char word[128], shown[64];

    memset(out, 0, sizeof(*out));
    while (*text) {
        if (strncmp(text, remark, sizeof(remark) - 1) == 0)
            return text_copy(out->remark, sizeof(out->remark), text + sizeof(remark) - 1)
                       ? 0
                       : err_set(err, EXIT_USAGE, "remark: at most %d bytes",
                                 ROLLOUT_REMARK_MAX - 1);
        size_t len = strcspn(text, " ");
        bool fits = text_copy_n(word, sizeof(word), text, len);
        char *is = fits ? strchr(word, '=') : NULL;
        if (is)
            *is = '\0';
        if (!is || read_one(word, is + 1, out) != 0) {
            text_clean(shown, sizeof(shown), text, len);
            return err_set(err, EXIT_USAGE, "'%s' can't be asked of a rollout", shown);
        }
        text += len;
        text += strspn(text, " ");
    }
    return 0;
}
