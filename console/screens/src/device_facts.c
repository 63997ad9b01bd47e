#include "device_draw.h"
#include "columns.h"

#include <stdio.h>
#include <string.h>

/* What is known of a device, a line each. */

static void fact(struct facts *f, const char *name, enum role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void fact(struct facts *f, const char *name, enum role role, const char *format, ...)
{
    va_list ap;
    if (f->count == FACTS_MAX)
        return;
    struct fact *item = &f->item[f->count++];
    item->name = name;
    item->role = role;
    va_start(ap, format);
    vsnprintf(item->text, sizeof(item->text), format, ap);
    va_end(ap);
}

/* How far an update is: "downloading 42 %", "waiting, starts 14:09:10". */
static void ota_text(const struct ota_report *r, int64_t now_ms, char *out, size_t cap)
{
    char clock[FMT_MAX];
    if (r->state == OTA_REPORT_DOWNLOADING && r->size)
        snprintf(out, cap, "downloading %u%%", (unsigned)((uint64_t)r->got * 100 / r->size));
    else if (r->state == OTA_REPORT_WAITING && r->slot && (int64_t)r->slot * 1000 > now_ms)
        snprintf(out, cap, "starts at %s", fmt_clock((int64_t)r->slot * 1000, clock));
    else if (r->reason != REASON_NONE)
        snprintf(out, cap, "%s: %s", ota_report_word(r->state), reason_word(r->reason));
    else
        snprintf(out, cap, "%s", ota_report_word(r->state));
}

static void ota_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    struct ota_report r;
    char text[64];
    if (!fleet_report(m->fleet, d, &r) || r.state == OTA_REPORT_IDLE)
        return;
    ota_text(&r, m->now_ms, text, sizeof(text));
    bool bad = ota_report_is_end(r.state) && r.state != OTA_REPORT_DONE;
    enum role role = bad ? ROLE_WARN : ota_report_is_end(r.state) ? ROLE_TEXT : ROLE_UPDATING;
    fact(f, "target", role, "%.20s  %s", r.to, text);
    fact(f, "rollout", ROLE_TEXT, "%s", r.rollout);
}

static void group_facts(struct facts *f, const struct device_status *s)
{
    char text[80] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", s->groups[i]);
        if (n < 0 || used + (size_t)n >= sizeof(text))
            break;
        used += (size_t)n;
    }
    if (*text)
        fact(f, "groups", ROLE_TEXT, "%s", text);
}

static const struct ui_device_cert *cert_of(const struct ui_model *m, const struct fleet_device *d)
{
    return m->device_cert && strcmp(m->device_cert->id, d->id) == 0 ? m->device_cert : NULL;
}

/* How long it lasts: by its status, else by what was issued here. */
static void cert_fact(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    const struct ui_device_cert *c = cert_of(m, d);
    int64_t end = (int64_t)d->cert_not_after;
    char text[FMT_MAX];

    if (!end && c && c->known == UI_CERT_ISSUED)
        end = c->cert.not_after;
    int64_t left = end - m->now_ms / 1000;
    enum role role = left <= 0 ? ROLE_CRIT : left < 14 * 86400 ? ROLE_WARN : ROLE_TEXT;
    if (!end)
        return;
    fmt_date(end * 1000, text);
    if (left <= 0)
        fact(f, "certificate", role, "ended %s", text);
    else
        fact(f, "certificate", role, "%lld days left", (long long)(left / 86400));
}

/* What can truly be known of it, and from where. */
static void cert_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    const struct ui_device_cert *c = cert_of(m, d);
    bool issued = c && c->known == UI_CERT_ISSUED;
    char from[FMT_MAX], until[FMT_MAX], source[96] = "";

    if (issued)
        fact(f, "valid", ROLE_TEXT, "%s to %s", fmt_date(c->cert.not_before * 1000, from),
             fmt_date(c->cert.not_after * 1000, until));
    else if (d->cert_not_after)
        fact(f, "valid", ROLE_TEXT, "until %s, it says",
             fmt_date((int64_t)d->cert_not_after * 1000, until));
    if (*fleet_source_name(m->fleet, d))
        return; /* other people's: no certificate of ours */
    if (c)
        ui_device_cert_source(c, source, sizeof(source));
    if (issued) {
        fact(f, "serial", ui_device_cert_agrees(c) ? ROLE_TEXT : ROLE_WARN, "%s  %s",
             c->cert.serial, source);
        fact(f, "SHA-256", ROLE_TEXT, "%s", c->cert.fingerprint);
        f->wide = 2;
    } else if (c) {
        fact(f, "serial", ROLE_DIM, "%s", source);
        f->wide = 1;
    }
}

static void identity_facts(struct facts *f, const struct ui_model *m, const struct fleet_device *d,
                           const struct device_status *s)
{
    const char *source = fleet_source_name(m->fleet, d);
    f->identity = f->count;
    group_facts(f, s);
    if (*s->slot)
        fact(f, "slot", ROLE_TEXT, "%s", s->slot);
    if (*s->image)
        fact(f, "image", ROLE_TEXT, "%.12s", s->image);
    cert_fact(f, m, d);
    if (d->keyset || d->security)
        fact(f, "keyset", ROLE_TEXT, "%u   security %u", d->keyset, d->security);
    if (d->agent)
        fact(f, "agent", ROLE_TEXT, "%u   release seq %u", d->agent, d->release_seq);
    if (*source)
        fact(f, "source", ROLE_TEXT, "%s", source);
    if (d->bad)
        fact(f, "unreadable", ROLE_WARN, "%u messages", d->bad);
    f->most = f->count;
    if (*s->boot)
        fact(f, "boot id", ROLE_TEXT, "%s", s->boot);
    cert_facts(f, m, d);
    if (*s->image) {
        fact(f, "image hash", ROLE_TEXT, "%s", s->image);
        f->wide++;
    }
}

void facts_collect(struct facts *f, const struct ui_model *m, const struct fleet_device *d)
{
    struct device_status s;
    char text[FMT_MAX];
    int64_t age = fleet_age_ms(m->fleet, d, m->now_ms);
    f->count = f->wide = 0;
    fleet_status(m->fleet, d, &s);
    if (*s.product || *s.hw)
        fact(f, "model", ROLE_TEXT, "%s %s", s.product, s.hw);
    fact(f, "firmware", ROLE_TEXT, "%s", *s.fw ? s.fw : "not said");
    ota_facts(f, m, d);
    fact(f, "seen", age < 0 || LINK_DOWN(m) ? ROLE_DIM : ROLE_TEXT, "%s%s",
         age < 0 ? "not since this console looks" : fmt_age(age, text),
         age >= 5000 && age >= 0 ? " ago" : "");
    fact(f, "rate", ROLE_TEXT, "%s msg/min", rate_text(m, d, text, sizeof(text)));
    if (d->interval_ms)
        fact(f, "interval", ROLE_TEXT, "%s%s", fmt_duration(d->interval_ms / 1000, text),
             d->declared ? "" : " (learned)");
    uint32_t uptime = fleet_reading_find(m->fleet, "uptime");
    const struct fleet_value *up = uptime == FLEET_NONE ? NULL : fleet_value(d, uptime);
    if (up && d->state != FLEET_OFFLINE)
        fact(f, "uptime", ROLE_TEXT, "%s", fmt_duration((int64_t)up->value, text));
    if (d->has_status && *s.boot)
        fact(f, "boot", s.reset == RESET_PANIC || s.reset == RESET_WATCHDOG ? ROLE_WARN : ROLE_TEXT,
             "%u  %s", s.boots, reset_word(s.reset));
    identity_facts(f, m, d, &s);
}

void facts_draw_column(const struct facts *f, int first, int count, struct area a)
{
    for (int i = first; i < first + count && i < f->count && i - first < a.rows; i++) {
        area_field(a, i - first, 2, 11, ROLE_DIM, f->item[i].name, false);
        area_field(a, i - first, 14, a.cols - 15, f->item[i].role, f->item[i].text, false);
    }
}

void facts_draw_lines(const struct facts *f, struct area a)
{
    int row = 0, col = 2;
    for (int i = 0; i < f->most; i++) {
        int width = area_width(a, f->item[i].name) + 1 + area_width(a, f->item[i].text);
        if (col + width > a.cols - 1 && col > 2) {
            row++;
            col = 2;
        }
        if (row >= a.rows)
            return;
        col = area_printf(a, row, col, ROLE_DIM, "%s ", f->item[i].name);
        col = area_text(a, row, col, f->item[i].role, f->item[i].text) + 3;
    }
}

/* The identity first, what the summary shows anyhow last. */
static const struct fact *fact_at(const struct facts *f, int i)
{
    int own = f->count - f->wide - f->identity; /* what is long has lines of its own */
    return i < own ? &f->item[f->identity + i] : &f->item[i - own];
}

static void draw_fact(const struct fact *fact, struct area a, int row)
{
    area_field(a, row, 2, 11, ROLE_DIM, fact->name, false);
    area_field(a, row, 14, a.cols - 15, fact->role, fact->text, false);
}

void draw_identity(struct ui *ui, const struct facts *f, struct area a)
{
    struct area in = area_sub(a, 1, 0, -1, -1);
    int columns = a.cols >= 140 ? 3 : a.cols >= 76 ? 2 : 1;
    int width = a.cols / columns, count = f->count - f->wide;
    int wide = f->wide < in.rows ? f->wide : in.rows > 1 ? in.rows - 1 : in.rows;
    int each = (count + columns - 1) / columns;

    draw_pane_rule(a, 0, ui->device.pane == PANE_IDENTITY, "identity", NULL);
    if (each > in.rows - wide)
        each = in.rows - wide;
    for (int i = 0; i < count && i < each * columns; i++)
        draw_fact(fact_at(f, i), area_sub(in, 0, i / each * width, -1, width), i % each);
    for (int i = 0; i < wide; i++)
        draw_fact(&f->item[count + f->wide - wide + i], in, each + i);
}
