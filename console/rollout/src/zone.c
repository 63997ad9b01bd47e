#include "rollout/zone.h"

#include <string.h>

#define DAY_S    86400
#define HEADER   44
#define FARTHEST 93599 /* 25:59:59, the largest offset of RFC 8536 */

/* --- Days and dates: the proleptic Gregorian calendar --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of March of `year`. Years that begin in March have their leap
 * day last, so that whole years and months are sums. */
static int64_t march_day(int64_t year)
{
    return 365 * year + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400) - 719468;
}

/* Months are counted from March: 0 to 11; 153 days in five of them. */
static int64_t days_before(uint32_t from_march)
{
    return (153 * (int64_t)from_march + 2) / 5;
}

static int64_t day_of(int64_t year, uint32_t month, uint32_t day)
{
    uint32_t from_march = (month + 9) % 12;

    return march_day(year - (month < 3)) + days_before(from_march) + day - 1;
}

/* The year that begins in the March at or before the day. */
static int64_t march_year(int64_t day)
{
    int64_t year = 1970 + floor_div(day, 366);

    while (march_day(year + 1) <= day)
        year++;
    while (march_day(year) > day)
        year--;
    return year;
}

static void date_of(int64_t day, int32_t *year, uint8_t *month, uint8_t *mday)
{
    int64_t y = march_year(day);
    int64_t left = day - march_day(y);
    uint32_t m = (uint32_t)((5 * left + 2) / 153);

    *month = (uint8_t)(m < 10 ? m + 3 : m - 9);
    *mday = (uint8_t)(left - days_before(m) + 1);
    *year = (int32_t)(y + (*month < 3));
}

static uint32_t month_length(int64_t year, uint32_t month)
{
    static const uint8_t length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29u : length[month - 1];
}

/* 0 is Sunday, as in the rules. */
static uint32_t weekday_of(int64_t day)
{
    return (uint32_t)(day - 7 * floor_div(day + 4, 7) + 4);
}

/* --- The rule --- */

static int64_t rule_day(const struct zone_rule *rule, int64_t year)
{
    int64_t first = day_of(year, 1, 1);

    if (rule->kind == 'J')
        return first + rule->day - 1 + (rule->day >= 60 && is_leap(year));
    if (rule->kind == 'n')
        return first + rule->day;

    first = day_of(year, rule->month, 1);
    uint32_t day = (rule->weekday + 7 - weekday_of(first)) % 7 + 7 * (rule->week - 1u);
    while (day >= month_length(year, rule->month))
        day -= 7;
    return first + day;
}

/* Unix seconds of the change of a year; `offset` is the one before it. */
static int64_t rule_time(const struct zone_rule *rule, int64_t year, int32_t offset)
{
    return rule_day(rule, year) * DAY_S + rule->time_s - offset;
}

static int64_t rule_year(const struct zone *z, int64_t t)
{
    return march_year(floor_div(t + z->std, DAY_S));
}

/*
 * The last change at or before t decides. A change may lie a week outside its year (the time of day
 * is -167 to 167 h), so the years around are looked at too. All-year summer time is written as an
 * end at the very instant of the next start: the start wins.
 */
static int32_t rule_offset(const struct zone *z, int64_t t)
{
    int64_t last = INT64_MIN;
    int32_t offset = z->std;
    int64_t year = rule_year(z, t);

    if (!z->has_dst)
        return z->std;
    for (int64_t y = year - 1; y <= year + 2; y++) {
        int64_t end = rule_time(&z->end, y, z->dst);
        int64_t start = rule_time(&z->start, y, z->std);
        if (end <= t && end > last) {
            last = end;
            offset = z->std;
        }
        if (start <= t && start >= last) {
            last = start;
            offset = z->dst;
        }
    }
    return offset;
}

static int64_t rule_next(const struct zone *z, int64_t t)
{
    int64_t next = INT64_MAX;
    int64_t year = rule_year(z, t);

    if (!z->has_dst)
        return next;
    for (int64_t y = year - 1; y <= year + 3; y++) {
        int64_t end = rule_time(&z->end, y, z->dst);
        int64_t start = rule_time(&z->start, y, z->std);
        next = end > t && end < next ? end : next;
        next = start > t && start < next ? start : next;
    }
    return next;
}

/* --- Reading POSIX's TZ --- */

struct text {
    const char *at, *end;
    bool bad;
};

static bool take(struct text *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static void want(struct text *in, char c)
{
    if (!take(in, c))
        in->bad = true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static uint32_t number(struct text *in, uint32_t least, uint32_t most)
{
    const char *from = in->at;
    uint32_t n = 0;

    while (in->at < in->end && is_digit(*in->at) && in->at - from < 4)
        n = n * 10 + (uint32_t)(*in->at++ - '0');
    if (in->at == from || n < least || n > most)
        in->bad = true;
    return in->bad ? least : n;
}

/* CET or <+0330>; only its shape matters. */
static void zone_word(struct text *in)
{
    bool quoted = take(in, '<');
    const char *from = in->at;

    while (
        in->at < in->end &&
        (is_alpha(*in->at) || (quoted && (is_digit(*in->at) || *in->at == '+' || *in->at == '-'))))
        in->at++;
    if (in->at - from < 3)
        in->bad = true;
    if (quoted)
        want(in, '>');
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int32_t clock_time(struct text *in, uint32_t most_hours)
{
    bool minus = take(in, '-');
    uint32_t s;

    if (!minus)
        take(in, '+');
    s = number(in, 0, most_hours) * 3600;
    if (take(in, ':')) {
        s += number(in, 0, 59) * 60;
        if (take(in, ':'))
            s += number(in, 0, 59);
    }
    return minus ? -(int32_t)s : (int32_t)s;
}

static void rule_text(struct text *in, struct zone_rule *rule)
{
    *rule = (struct zone_rule){ .kind = 'n', .month = 1, .week = 1, .time_s = 7200 };
    if (take(in, 'M')) {
        rule->kind = 'M';
        rule->month = (uint8_t)number(in, 1, 12);
        want(in, '.');
        rule->week = (uint8_t)number(in, 1, 5);
        want(in, '.');
        rule->weekday = (uint8_t)number(in, 0, 6);
    } else if (take(in, 'J')) {
        rule->kind = 'J';
        rule->day = (uint16_t)number(in, 1, 365);
    } else
        rule->day = (uint16_t)number(in, 0, 365);
    if (take(in, '/'))
        rule->time_s = clock_time(in, 167);
}

/* The signs of POSIX are the other way round: west is positive. */
static bool posix_text(struct zone *z, const char *text, size_t len)
{
    struct text in = { text, text + len, false };

    zone_word(&in);
    z->std = -clock_time(&in, 24);
    z->has_rule = true;
    if (in.at == in.end)
        return !in.bad;
    zone_word(&in);
    z->dst = z->std + 3600;
    if (in.at < in.end && *in.at != ',')
        z->dst = -clock_time(&in, 24);
    want(&in, ',');
    rule_text(&in, &z->start);
    want(&in, ',');
    rule_text(&in, &z->end);
    z->has_dst = true;
    return !in.bad && in.at == in.end;
}

/* --- Reading TZif --- */

struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Two's complement without an implementation-defined conversion. */
static int64_t be_signed(const uint8_t *p, size_t width)
{
    uint64_t value = p[0] & 0x80 ? UINT64_MAX : 0;
    int64_t out;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | p[i];
    memcpy(&out, &value, sizeof(out));
    return out;
}

/* Bytes of the block after the header; each count is bounded first, so nothing wraps. */
static bool header(const uint8_t *p, size_t len, struct counts *c)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *c = (struct counts){ be32(p + 20), be32(p + 24), be32(p + 28),
                          be32(p + 32), be32(p + 36), be32(p + 40) };
    return c->isut <= 256 && c->isstd <= 256 && c->leap <= 1000 && c->time <= ZONE_TIMES &&
           c->type >= 1 && c->type <= 256 && c->chars >= 1 && c->chars <= 2048 &&
           (c->isut == 0 || c->isut == c->type) && (c->isstd == 0 || c->isstd == c->type);
}

static size_t block_size(const struct counts *c, size_t width)
{
    return c->time * (width + 1) + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd +
           c->isut;
}

static const char *read_types(const uint8_t *type, const struct counts *c, int32_t offset[256])
{
    for (uint32_t i = 0; i < c->type; i++) {
        int64_t value = be_signed(type + i * 6, 4);
        if (value < -FARTHEST || value > FARTHEST)
            return "an offset is more than 26 hours";
        if (type[i * 6 + 4] > 1 || type[i * 6 + 5] >= c->chars)
            return "a local time type is damaged";
        offset[i] = (int32_t)value;
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_block(struct zone *z, const uint8_t *p, const struct counts *c,
                              size_t width)
{
    const uint8_t *index = p + c->time * width;
    int32_t offset[256];
    const char *wrong = read_types(index + c->time, c, offset);

    if (wrong)
        return wrong;
    if (c->leap > 0)
        return "it counts leap seconds; take the zone without \"right/\"";
    z->count = c->time;
    z->offset[0] = offset[0];
    for (uint32_t i = 0; i < c->time; i++) {
        z->time[i] = be_signed(p + i * width, width);
        if (i > 0 && z->time[i] <= z->time[i - 1])
            return "its changes are not in order";
        if (index[i] >= c->type)
            return "a change to a type that is not there";
        z->offset[i + 1] = offset[index[i]];
    }
    return NULL;
}

static const char *read_footer(struct zone *z, const uint8_t *p, size_t len)
{
    if (len < 2 || p[0] != '\n')
        return "its last line is missing";
    const uint8_t *end = memchr(p + 1, '\n', len - 1);
    if (!end)
        return "its last line is cut short";
    if (end == p + 1)
        return NULL; /* no rule: the last change holds for ever */
    if (!posix_text(z, (const char *)p + 1, (size_t)(end - p) - 1))
        return "its last line is no rule of POSIX's TZ";
    return NULL;
}

static const char *read_file(struct zone *z, const uint8_t *p, size_t len)
{
    struct counts c;

    if (len > ZONE_FILE_MAX)
        return "it is too long";
    if (!header(p, len, &c))
        return "it does not begin like one";
    uint8_t version = p[4];
    size_t size = block_size(&c, 4);
    if (len - HEADER < size)
        return "it is cut short";
    if (version == 0)
        return read_block(z, p + HEADER, &c, 4);

    /* Since version 2 all of it comes again with 64-bit times, and only that counts. */
    p += HEADER + size;
    len -= HEADER + size;
    if (!header(p, len, &c))
        return "its second part does not begin like one";
    size = block_size(&c, 8);
    if (len - HEADER < size)
        return "it is cut short";
    const char *wrong = read_block(z, p + HEADER, &c, 8);
    return wrong ? wrong : read_footer(z, p + HEADER + size, len - HEADER - size);
}

/* --- The interface --- */

bool zone_name_is_valid(const char *name)
{
    size_t len = strlen(name);
    char before = '/';

    if (len == 0 || len >= ZONE_NAME_MAX || !is_alpha(name[0]) || name[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; before = name[i++]) {
        char c = name[i];
        if (!is_alpha(c) && !is_digit(c) && c != '_' && c != '+' && c != '-' && c != '/')
            return false;
        if (c == '/' && before == '/')
            return false;
    }
    return true;
}

void zone_utc(struct zone *out)
{
    memset(out, 0, sizeof(*out));
}

int zone_from_bytes(struct zone *out, const void *data, size_t len, struct err *err)
{
    zone_utc(out);
    const char *wrong = read_file(out, data, len);
    if (!wrong)
        return 0;
    zone_utc(out);
    return err_set(err, EXIT_USAGE, "not a time zone file (TZif): %s", wrong);
}

int zone_from_posix(struct zone *out, const char *text, struct err *err)
{
    zone_utc(out);
    if (posix_text(out, text, strlen(text)))
        return 0;
    zone_utc(out);
    return err_set(err, EXIT_USAGE, "\"%.60s\" is no rule like CET-1CEST,M3.5.0,M10.5.0/3", text);
}

static int64_t clamp(int64_t t)
{
    return t < ZONE_OLDEST ? ZONE_OLDEST : t > ZONE_NEWEST ? ZONE_NEWEST : t;
}

/* How many changes are at or before t. */
static uint32_t changes_before(const struct zone *z, int64_t t)
{
    uint32_t low = 0;
    uint32_t high = z->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (z->time[middle] <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t zone_offset(const struct zone *z, int64_t unix_s)
{
    int64_t t = clamp(unix_s);
    uint32_t at = changes_before(z, t);

    return at == z->count && z->has_rule ? rule_offset(z, t) : z->offset[at];
}

int64_t zone_next_change(const struct zone *z, int64_t unix_s)
{
    int64_t t = clamp(unix_s);
    uint32_t at = changes_before(z, t);
    int64_t next = INT64_MAX;

    if (at < z->count)
        next = z->time[at];
    else if (z->has_rule)
        next = rule_next(z, t);
    return next > ZONE_NEWEST || next <= unix_s ? INT64_MAX : next;
}

void zone_clock(const struct zone *z, int64_t unix_s, struct zone_clock *out)
{
    int32_t offset = zone_offset(z, unix_s);
    int64_t local = clamp(unix_s) + offset;
    int64_t day = floor_div(local, DAY_S);
    uint32_t s = (uint32_t)(local - day * DAY_S);

    *out = (struct zone_clock){ .hour = (uint8_t)(s / 3600),
                                .minute = (uint8_t)(s / 60 % 60),
                                .second = (uint8_t)(s % 60),
                                .weekday = (uint8_t)((weekday_of(day) + 6) % 7),
                                .offset = offset };
    date_of(day, &out->year, &out->month, &out->day);
}
