#include "rollout/window.h"

#include <string.h>

#include "base/text.h"

#define DAY_S 86400

static const char day_name[7][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* --- Texts --- */

/* HH:MM, up to 24:00; -1 otherwise. */
static int minutes_of(const char *text)
{
    int h, m;

    if (strlen(text) != 5 || text[2] != ':')
        return -1;
    for (int i = 0; i < 5; i++)
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return -1;
    h = (text[0] - '0') * 10 + text[1] - '0';
    m = (text[3] - '0') * 10 + text[4] - '0';
    return m > 59 || h > 24 || (h == 24 && m > 0) ? -1 : h * 60 + m;
}

static int parse_time(const char *field, const char *text, uint16_t *out, struct err *err)
{
    int minutes = minutes_of(text);

    if (minutes < 0)
        return err_set(err, EXIT_USAGE, "window.%s: \"%.20s\" is not a time of day like 01:00",
                       field, text);
    *out = (uint16_t)minutes;
    return 0;
}

/* 0 to 6 and *text moved on, or -1. */
static int take_day(const char **text)
{
    for (int day = 0; day < 7; day++) {
        int same = 0;
        while (same < 3 && ((*text)[same] | 0x20) == day_name[day][same])
            same++;
        if (same < 3)
            continue;
        *text += 3;
        return day;
    }
    return -1;
}

/* Bits, or 0 when it is no list of days. */
static uint8_t days_of(const char *text)
{
    uint8_t days = 0;

    for (;;) {
        int first = take_day(&text);
        int last = first;
        if (first >= 0 && *text == '-') {
            text++;
            last = take_day(&text);
        }
        if (first < 0 || last < 0)
            return 0;
        for (int day = first;; day = (day + 1) % 7) {
            days = (uint8_t)(days | 1u << day);
            if (day == last)
                break;
        }
        if (*text == '\0')
            return days;
        if (*text++ != ',')
            return 0;
        while (*text == ' ')
            text++;
    }
}

int window_check(const struct window *w, struct err *err)
{
    if (w->days == 0)
        return 0;
    if (w->days > WINDOW_ALL_DAYS)
        return err_set(err, EXIT_USAGE, "window.days: there are seven days");
    if (w->from_min >= 24 * 60 || w->to_min > 24 * 60)
        return err_set(err, EXIT_USAGE, "window.%s: later than the day is long",
                       w->to_min > 24 * 60 ? "to" : "from");
    if (w->from_min == w->to_min)
        return err_set(err, EXIT_USAGE,
                       "window.to: the same as from; the whole day is 00:00 to 24:00");
    if (!zone_name_is_valid(w->tz))
        return err_set(err, EXIT_USAGE, "window.tz: \"%.60s\" is not a zone like Europe/Berlin",
                       w->tz);
    return 0;
}

int window_parse(struct window *out, const char *from, const char *to, const char *tz,
                 const char *days, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (parse_time("from", from, &out->from_min, err) != 0 ||
        parse_time("to", to, &out->to_min, err) != 0)
        return -1;
    if (!text_copy(out->tz, sizeof(out->tz), tz ? tz : "UTC"))
        return err_set(err, EXIT_USAGE, "window.tz: longer than %d bytes", ZONE_NAME_MAX - 1);
    out->days = days && strcmp(days, "daily") != 0 ? days_of(days) : WINDOW_ALL_DAYS;
    if (out->days == 0)
        return err_set(err, EXIT_USAGE, "window.days: \"%.40s\" is not like mon-fri or sat,sun",
                       days);
    return window_check(out, err);
}

void window_time_text(uint16_t minutes, char out[WINDOW_TIME_MAX])
{
    text_format(out, WINDOW_TIME_MAX, "%02u:%02u", minutes / 60u % 100, minutes % 60u);
}

static bool has(uint8_t days, int day)
{
    return days >> day & 1;
}

/* Runs of three and more as "mon-fri"; never over the end of the week. */
void window_days_text(uint8_t days, char out[WINDOW_DAYS_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (int day = 0; day < 7; day++) {
        int last = day;
        if (!has(days, day))
            continue;
        while (last < 6 && has(days, last + 1))
            last++;
        if (last == day + 1)
            last = day;
        text_format(out + len, WINDOW_DAYS_MAX - len, "%s%s%s%s", len > 0 ? "," : "", day_name[day],
                    last > day ? "-" : "", last > day ? day_name[last] : "");
        len += strlen(out + len);
        day = last;
    }
}

void window_text(const struct window *w, char out[WINDOW_TEXT_MAX])
{
    char from[WINDOW_TIME_MAX], to[WINDOW_TIME_MAX], days[WINDOW_DAYS_MAX];

    if (w->days == 0) {
        text_copy(out, WINDOW_TEXT_MAX, "any time");
        return;
    }
    window_time_text(w->from_min, from);
    window_time_text(w->to_min, to);
    window_days_text(w->days, days);
    text_format(out, WINDOW_TEXT_MAX, "%s-%s %s, %s", from, to,
                w->days == WINDOW_ALL_DAYS ? "daily" : days, w->tz);
}

/* --- The clock on the wall --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* `local`: Unix seconds plus the offset. */
static bool open_at(const struct window *w, int64_t local)
{
    int64_t day = floor_div(local, DAY_S);
    int64_t s = local - day * DAY_S;
    int weekday = (int)(day + 3 - 7 * floor_div(day + 3, 7)); /* 1970-01-01 was a Thursday */
    int64_t from = w->from_min * 60;
    int64_t to = w->to_min * 60;

    if (from < to)
        return has(w->days, weekday) && s >= from && s < to;
    return (s >= from && has(w->days, weekday)) || (s < to && has(w->days, (weekday + 6) % 7));
}

/* The next local time at which anything can change without the offset doing so. */
static int64_t next_edge(const struct window *w, int64_t local)
{
    int64_t midnight = floor_div(local, DAY_S) * DAY_S;
    int64_t from = midnight + w->from_min * 60;
    int64_t to = midnight + w->to_min * 60;
    int64_t next = midnight + DAY_S;

    if (from > local)
        next = from;
    if (to > local && to < next)
        next = to;
    return next;
}

static int64_t clamp(int64_t t)
{
    return t < ZONE_OLDEST ? ZONE_OLDEST : t > ZONE_NEWEST ? ZONE_NEWEST : t;
}

bool window_is_open(const struct window *w, const struct zone *z, int64_t unix_s)
{
    return w->days == 0 || open_at(w, clamp(unix_s) + zone_offset(z, unix_s));
}

int64_t window_next_change(const struct window *w, const struct zone *z, int64_t unix_s)
{
    bool open = window_is_open(w, z, unix_s);
    int64_t begin = clamp(unix_s);
    int64_t t = begin;

    if (w->days == 0)
        return INT64_MAX;
    while (t - begin <= WINDOW_AHEAD_S) {
        int32_t offset = zone_offset(z, t);
        int64_t change = zone_next_change(z, t);
        t = next_edge(w, t + offset) - offset;
        t = change < t ? change : t;
        if (t > unix_s && window_is_open(w, z, t) != open)
            return t;
    }
    return INT64_MAX;
}
