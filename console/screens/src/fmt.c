#include "fmt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

char *fmt_age(int64_t ms, char out[FMT_MAX])
{
    int64_t s = ms / 1000;
    if (ms < 0)
        snprintf(out, FMT_MAX, "–");
    else if (s < 5)
        snprintf(out, FMT_MAX, "now");
    else if (s < 60)
        snprintf(out, FMT_MAX, "%ds", s < 10 ? 5 : (int)(s - s % 10));
    else if (s < 3600)
        snprintf(out, FMT_MAX, "%dm", (int)(s / 60));
    else if (s < 48 * 3600)
        snprintf(out, FMT_MAX, "%dh", (int)(s / 3600));
    else
        snprintf(out, FMT_MAX, "%lldd", (long long)(s / 86400));
    return out;
}

/* Seconds of the day, also before 1970. */
static int day_second(int64_t ms)
{
    int64_t s = ms / 1000 % 86400;
    return (int)(s < 0 ? s + 86400 : s);
}

char *fmt_clock(int64_t ms, char out[FMT_MAX])
{
    int s = day_second(ms);
    snprintf(out, FMT_MAX, "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    return out;
}

char *fmt_clock_ms(int64_t ms, char out[FMT_MAX])
{
    int s = day_second(ms), part = (int)(ms % 1000);
    snprintf(out, FMT_MAX, "%02d:%02d:%02d.%03d", s / 3600, s / 60 % 60, s % 60,
             part < 0 ? 0 : part);
    return out;
}

char *fmt_hm(int64_t ms, char out[FMT_MAX])
{
    int s = day_second(ms);
    snprintf(out, FMT_MAX, "%02d:%02d", s / 3600, s / 60 % 60);
    return out;
}

struct civil {
    int year, month, day;
};

/* Gregorian date of a day number (1970-01-01 is 0), counted in years that begin in March. */
static struct civil civil_of(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct civil){ .year = (int)(yoe + era * 400 + (month <= 2)),
                           .month = month,
                           .day = (int)(doy - (153 * mp + 2) / 5 + 1) };
}

char *fmt_date(int64_t ms, char out[FMT_MAX])
{
    struct civil c = civil_of(ms / 86400000);
    snprintf(out, FMT_MAX, "%04d-%02d-%02d", c.year % 10000, c.month % 100, c.day % 100);
    return out;
}

char *fmt_day_hm(int64_t ms, int64_t now_ms, char out[FMT_MAX])
{
    static const char *const weekday[7] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    int64_t day = ms / 86400000, today = now_ms / 86400000;
    char hm[FMT_MAX];
    if (ms <= 0)
        snprintf(out, FMT_MAX, "–");
    else if (day == today)
        fmt_hm(ms, out);
    else if (day < today && today - day < 7)
        snprintf(out, FMT_MAX, "%s %.5s", weekday[day % 7], fmt_hm(ms, hm));
    else
        fmt_date(ms, out);
    return out;
}

char *fmt_axis_time(int64_t ms, int64_t span_ms, char out[FMT_MAX])
{
    static const char *const weekday[7] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    static const char *const month[12] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    char hm[FMT_MAX];
    struct civil c = civil_of(ms / 86400000);

    if (span_ms <= 86400000 || ms < 0)
        return fmt_hm(ms, out);
    if (span_ms <= INT64_C(8) * 86400000)
        snprintf(out, FMT_MAX, "%s %.5s", weekday[ms / 86400000 % 7], fmt_hm(ms, hm));
    else
        snprintf(out, FMT_MAX, "%d %s", c.day, month[c.month - 1]);
    return out;
}

char *fmt_duration(int64_t s, char out[FMT_MAX])
{
    if (s < 0)
        s = 0;
    if (s < 60)
        snprintf(out, FMT_MAX, "%ds", (int)s);
    else if (s < 3600 && s % 60 == 0)
        snprintf(out, FMT_MAX, "%dm", (int)(s / 60));
    else if (s < 3600)
        snprintf(out, FMT_MAX, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400 && s % 3600 < 60)
        snprintf(out, FMT_MAX, "%dh", (int)(s / 3600));
    else if (s < 86400)
        snprintf(out, FMT_MAX, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(out, FMT_MAX, "%lldd %02dh", (long long)(s / 86400), (int)(s / 3600 % 24));
    return out;
}

char *fmt_left(int64_t s, bool words, char out[FMT_MAX])
{
    if (words && s > 50)
        s = (s + 59) / 60 * 60;
    else if (words && s >= 10)
        s = (s + 9) / 10 * 10;
    return fmt_duration(s, out);
}

char *fmt_passed(int64_t s, bool words, char out[FMT_MAX])
{
    if (words && s > 0)
        s -= s % (s < 60 ? 10 : 60);
    return fmt_duration(s, out);
}

char *fmt_size(uint64_t bytes, char out[FMT_MAX])
{
    if (bytes < 1000)
        snprintf(out, FMT_MAX, "%u B", (unsigned)bytes);
    else if (bytes < 1000000)
        snprintf(out, FMT_MAX, "%.0f kB", (double)bytes / 1e3);
    else if (bytes < 1000000000)
        snprintf(out, FMT_MAX, "%.1f MB", (double)bytes / 1e6);
    else
        snprintf(out, FMT_MAX, "%.1f GB", (double)bytes / 1e9);
    return out;
}

char *fmt_rate(double r, char out[FMT_MAX])
{
    if (!(r >= 0.05))
        snprintf(out, FMT_MAX, "0");
    else if (r < 10)
        snprintf(out, FMT_MAX, "%.1f", r);
    else if (r < 1000)
        snprintf(out, FMT_MAX, "%.0f", r);
    else
        snprintf(out, FMT_MAX, "%.2fk", r / 1000);
    return out;
}

char *fmt_number(double value, int decimals, char out[FMT_MAX])
{
    if (decimals < 0 || decimals > 6)
        decimals = decimals < 0 ? 0 : 6;
    if (!isfinite(value)) {
        snprintf(out, FMT_MAX, "–");
        return out;
    }
    if (fabs(value) >= 1e9) {
        snprintf(out, FMT_MAX, "%.2e", value);
        return out;
    }
    snprintf(out, FMT_MAX, "%.*f", decimals, value);
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
        memmove(out, out + 1, strlen(out));
    return out;
}

char *fmt_reading(double canonical, double scale, int decimals, char out[FMT_MAX])
{
    return fmt_number(canonical * scale, decimals, out);
}

bool bytes_read(const char *text, uint64_t *out)
{
    char digits[FMT_MAX];
    size_t len = strspn(text, "0123456789");
    uint64_t unit = text[len] == 'k' ? 1000 : text[len] == 'M' ? 1000000 : 1;
    if (text[len + (unit > 1)] != '\0' || !text_copy_n(digits, sizeof(digits), text, len) ||
        !text_to_u64(digits, 0, UINT64_MAX / 1000000, out))
        return false;
    *out *= unit;
    return true;
}

char *bytes_text(uint64_t bytes, char out[FMT_MAX])
{
    bool mega = bytes && bytes % 1000000 == 0, kilo = bytes && bytes % 1000 == 0;
    snprintf(out, FMT_MAX, "%llu%s",
             (unsigned long long)(mega   ? bytes / 1000000
                                  : kilo ? bytes / 1000
                                         : bytes),
             mega   ? "M"
             : kilo ? "k"
                    : "");
    return out;
}
