#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

void output_json(struct cmd_context *ctx, json_t *value)
{
    json_dumpf(value, ctx->out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    fputc('\n', ctx->out);
    fflush(ctx->out);
    json_decref(value);
}

void output_age(char *out, size_t cap, int64_t age_ms)
{
    static const struct {
        int64_t below_s, divide;
        char unit;
    } steps[] = {
        { 60, 1, 's' }, { 3600, 60, 'm' }, { 86400, 3600, 'h' }, { INT64_MAX, 86400, 'd' }
    };
    int64_t s = age_ms / 1000;

    if (age_ms < 0) {
        text_copy(out, cap, "-");
    } else if (s < 2) {
        text_copy(out, cap, "now");
    } else {
        size_t i = 0;
        while (s >= steps[i].below_s)
            i++;
        text_format(out, cap, "%lld%c", (long long)(s / steps[i].divide), steps[i].unit);
    }
}

bool output_join(const struct cmd_args *args, size_t from, char *out, size_t cap)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = from; i < args->word_count; i++) {
        size_t len = strlen(args->word[i]);
        if (used + len + 2 > cap)
            return false;
        if (used)
            out[used++] = ' ';
        memcpy(out + used, args->word[i], len + 1);
        used += len;
    }
    return true;
}

void output_time(char *out, size_t cap, int64_t unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (unix_s <= 0 || !gmtime_r(&t, &tm) || strftime(out, cap, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
        text_copy(out, cap, "-");
}
