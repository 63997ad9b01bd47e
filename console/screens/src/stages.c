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

/* "5%" as millionths; false when it is none. */
static bool take_share(const char *word, uint32_t *ppm)
{
    char digits[16];
    size_t len = strspn(word, "0123456789.");
    double percent;

    if (len == 0 || strcmp(word + len, "%") != 0 ||
        !text_copy_n(digits, sizeof(digits), word, len) || !text_to_double(digits, &percent) ||
        percent > 100)
        return false;
    *ppm = (uint32_t)(percent * 10000 + 0.5);
    return true;
}

/* The word whose value comes next. */
enum want { WANT_NOTHING, WANT_SOAK, WANT_FAIL };

static int take_value(struct plan_stage *s, const char *word, enum want want, char *problem,
                      size_t cap)
{
    uint64_t n;
    uint32_t ppm;

    if (want == WANT_SOAK) {
        if (!text_to_seconds(word, &n) || n > UINT32_MAX)
            return wrong(problem, cap, word, "a time is wanted: 90s 15m 2h");
        s->soak_s = (uint32_t)n;
    } else {
        if (!take_share(word, &ppm))
            return wrong(problem, cap, word, "which share may fail? 0% to 100%");
        s->allowed_failure = ppm / 1e6;
    }
    return 0;
}

/* One word of a stage. */
static int take_word(struct plan_stage *s, const char *word, enum want *want, char *problem,
                     size_t cap)
{
    uint64_t n;
    enum want before = *want;

    *want = WANT_NOTHING;
    if (before != WANT_NOTHING)
        return take_value(s, word, before, problem, cap);
    if (strcmp(word, "soak") == 0) {
        *want = WANT_SOAK;
    } else if (strcmp(word, "fail") == 0) {
        *want = WANT_FAIL;
    } else if (strcmp(word, "approve") == 0) {
        s->approval = true;
    } else if (word[strspn(word, "0123456789.")] == '%') {
        if (!take_share(word, &s->share_ppm) || s->share_ppm == 0)
            return wrong(problem, cap, word, "a share is more than 0 and at most 100%");
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
    enum want want = WANT_NOTHING;
    s->allowed_failure = -1;
    while (*text) {
        size_t len = strcspn(text, " ");
        char *next = text + len + (text[len] == ' ');
        text[len] = '\0';
        if (len && take_word(s, text, &want, problem, cap) != 0)
            return -1;
        text = next;
    }
    if (want == WANT_SOAK)
        return wrong(problem, cap, "soak", "for how long?");
    if (want == WANT_FAIL)
        return wrong(problem, cap, "fail", "which share may fail? 2%");
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

/* A time as people write it, exactly: "1h", "90s". */
static void put_time(char *out, size_t cap, uint32_t s)
{
    if (s && s % 3600 == 0)
        snprintf(out, cap, "%uh", s / 3600);
    else if (s && s % 60 == 0)
        snprintf(out, cap, "%um", s / 60);
    else
        snprintf(out, cap, "%us", s);
}

static int put_stage(const struct plan_stage *s, char *out, size_t cap)
{
    char size[24], soak[24] = "", fail[24] = "", time[16];

    if (s->share_ppm)
        snprintf(size, sizeof(size), "%.6g%%", s->share_ppm / 1e4);
    else
        snprintf(size, sizeof(size), "%u", s->count ? s->count : s->named_count);
    put_time(time, sizeof(time), s->soak_s);
    if (s->soak_s)
        snprintf(soak, sizeof(soak), " soak %s", time);
    if (s->allowed_failure >= 0)
        snprintf(fail, sizeof(fail), " fail %.6g%%", s->allowed_failure * 100);
    return snprintf(out, cap, "%s %s%s%s%s", s->name, size, soak, fail,
                    s->approval ? " approve" : "");
}

bool stages_text(const struct rollout_plan *plan, char *out, size_t cap)
{
    size_t used = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        if (i)
            used += (size_t)snprintf(out + used, cap - used, ", ");
        if (used >= cap)
            return false;
        used += (size_t)put_stage(&plan->stage[i], out + used, cap - used);
        if (used >= cap)
            return false;
    }
    return true;
}
