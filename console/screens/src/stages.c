#include "screens/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *stages_usual(uint32_t devices)
{
    if (devices < 50)
        return "canary 2 soak 30s, rest 100% soak 30s";
    return "canary 10 soak 1h, early 5% soak 6h, half 50% soak 2h, rest 100% soak 1h";
}

static int wrong(char *problem, size_t cap, const char *word, const char *what)
{
    snprintf(problem, cap, "stages: \"%.40s\": %s", word, what);
    return -1;
}

static bool is_rest(const char *word)
{
    return strcmp(word, "rest") == 0 || strcmp(word, "all") == 0;
}

/* One word of a stage. *soak: the word before was "soak". */
static int take_word(struct plan_stage *s, const char *word, bool *soak, char *problem, size_t cap)
{
    uint64_t n;
    char digits[16];
    size_t len = strspn(word, "0123456789.");
    double percent;

    if (*soak) {
        *soak = false;
        if (!text_to_seconds(word, &n) || n > UINT32_MAX)
            return wrong(problem, cap, word, "a time is wanted: 90s 15m 2h");
        s->soak_s = (uint32_t)n;
    } else if (strcmp(word, "soak") == 0) {
        *soak = true;
    } else if (len > 0 && strcmp(word + len, "%") == 0) {
        if (!text_copy_n(digits, sizeof(digits), word, len) || !text_to_double(digits, &percent) ||
            percent <= 0 || percent > 100)
            return wrong(problem, cap, word, "a share is more than 0 and at most 100%");
        s->share_ppm = (uint32_t)(percent * 10000 + 0.5);
    } else if (text_to_u64(word, 1, PLAN_DEVICES, &n)) {
        s->count = (uint32_t)n;
    } else if (*s->name || !text_copy(s->name, sizeof(s->name), word)) {
        return wrong(problem, cap, word, "one name, then a number or a share");
    }
    return 0;
}

/* Words of one item. `text` is cut up. */
static int take_item(struct plan_stage *s, char *text, char *problem, size_t cap)
{
    bool soak = false;
    s->allowed_failure = -1;
    while (*text) {
        size_t len = strcspn(text, " ");
        char *next = text + len + (text[len] == ' ');
        text[len] = '\0';
        if (len && take_word(s, text, &soak, problem, cap) != 0)
            return -1;
        text = next;
    }
    if (soak)
        return wrong(problem, cap, "soak", "for how long?");
    if (!s->count && !s->share_ppm && is_rest(s->name))
        s->share_ppm = 1000000;
    if (!s->count && !s->share_ppm)
        return wrong(problem, cap, s->name, "how many? 10 or 5%");
    if (s->count && s->share_ppm)
        return wrong(problem, cap, s->name, "a number or a share, not both");
    return 0;
}

/* The short spelling for command lines, in the long one's words: "canary:2/10m" is "canary 2 soak
 * 10m". */
static bool spell_out(char *out, size_t cap, const char *text, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        const char *put = text[i] == '/' ? " soak " : text[i] == ':' ? " " : NULL;
        size_t n = put ? strlen(put) : 1;
        if (used + n >= cap)
            return false;
        memcpy(out + used, put ? put : text + i, n);
        used += n;
    }
    out[used] = '\0';
    return true;
}

int stages_parse(const char *text, struct rollout_plan *plan, char *problem, size_t cap)
{
    plan->stage_count = 0;
    while (*text) {
        char item[128];
        size_t len = strcspn(text, ",");
        if (plan->stage_count == PLAN_STAGES)
            return wrong(problem, cap, text, "too many stages");
        if (!spell_out(item, sizeof(item), text, len))
            return wrong(problem, cap, text, "too long");
        struct plan_stage *s = &plan->stage[plan->stage_count++];
        memset(s, 0, sizeof(*s));
        if (take_item(s, item, problem, cap) != 0)
            return -1;
        if (!*s->name)
            snprintf(s->name, sizeof(s->name), "stage-%u", plan->stage_count);
        text += len + (text[len] == ',');
    }
    return plan->stage_count ? 0 : wrong(problem, cap, "", "at least one: canary 2, rest");
}
