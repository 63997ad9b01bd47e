#include "keys_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The keys screen: a line of it as cells. */

/* ------------------------------------------------------------------------------------- texts */

static enum role severity_role(enum trust_severity s)
{
    static const enum role roles[] = { ROLE_OK, ROLE_DIM, ROLE_WARN, ROLE_CRIT };
    return roles[s];
}

static enum role days_role(int64_t days, int soon)
{
    return days < 0 ? ROLE_CRIT : days < soon ? ROLE_WARN : ROLE_OK;
}

static void days_text(const struct ui_cert *c, int64_t now_ms, char *out, size_t cap)
{
    int64_t days = ui_cert_days(c, now_ms);
    if (days < 0)
        snprintf(out, cap, "ended");
    else
        snprintf(out, cap, "%lld day%s left", (long long)days, days == 1 ? "" : "s");
}

/* ------------------------------------------------------------------------------- lines: who */

/* A name, then how long it still lasts, then until when, as far as there is room. */
static void draw_cert(const struct ui_cert *c, const char *role, int soon, const struct ui_model *m,
                      struct area a)
{
    char text[64], date[FMT_MAX];
    int name = a.cols >= 72 ? 26 : a.cols >= 56 ? 22 : 18;
    int col = area_field(a, 0, KEYS_INDENT, name, ROLE_TITLE, c->cn, false) + 1;

    if (a.cols >= 72 && *role)
        col = area_field(a, 0, col, 10, ROLE_TEXT, role, false) + 1;
    days_text(c, m->now_ms, text, sizeof(text));
    col = area_text(a, 0, col, days_role(ui_cert_days(c, m->now_ms), soon), text) + 2;
    if (a.cols >= 50)
        area_printf(a, 0, col, ROLE_DIM, "until %s", fmt_date(c->not_after * 1000, date));
}

static void draw_name(const struct ui_trust *t, const struct ui_model *m, struct area a)
{
    if (!t->named)
        area_text(a, 0, KEYS_INDENT, ROLE_DIM, "the profile names no certificate");
    else if (*t->cert_trouble)
        area_text(a, 0, KEYS_INDENT, ROLE_CRIT, "the certificate can't be read");
    else
        draw_cert(&t->cert, ui_cert_role(&t->cert), UI_CERT_SOON_DAYS, m, a);
}

/* "SHA-256  1c9e0d6a…" */
static void draw_labelled(struct area a, const char *label, enum role role, const char *text)
{
    int col = area_field(a, 0, KEYS_INDENT, KEYS_HASH_LABEL - 1, ROLE_DIM, label, false) + 1;
    area_field(a, 0, col, a.cols - col - 1, role, text, false);
}

static void draw_hash(const struct ui_trust *t, int index, int part, struct area a)
{
    char text[KEYS_HASH_LEN + 1];
    snprintf(text, sizeof(text), "%.*s", part, t->cert.fingerprint + index * part);
    draw_labelled(a, index ? "" : "SHA-256", ROLE_TEXT, text);
}

static void draw_serial(const struct ui_trust *t, struct area a)
{
    char text[160];
    snprintf(text, sizeof(text), "%s  by %s", t->cert.serial, t->cert.issuer);
    draw_labelled(a, "serial", ROLE_TEXT, text);
}

static void draw_key_at(const struct ui_trust *t, struct area a)
{
    bool bad = t->key == UI_KEY_OPEN || t->key == UI_KEY_MISSING || t->key_differs;
    char text[UI_PATH_MAX + 64];

    /* The file's name says enough where there is little room. */
    const char *name = strrchr(t->key_path, '/');
    name = name && a.cols < 100 ? name + 1 : t->key_path;
    if (t->key == UI_KEY_TOKEN || !*name)
        snprintf(text, sizeof(text), "%s", ui_key_at_text(t->key));
    else
        snprintf(text, sizeof(text), "%s  %s", ui_key_at_text(t->key), name);
    draw_labelled(a, "key", bad ? ROLE_WARN : ROLE_TEXT, text);
}

/* ----------------------------------------------------------------------------- lines: keyset */

static void draw_key(const struct ui_trust *t, uint32_t i, struct area a)
{
    const struct trusted_key *key = &t->keyset.keys.key[i];
    char role[48], date[FMT_MAX];
    bool ours = strcmp(key->kid, t->rollout.kid) == 0 || strcmp(key->kid, t->release.kid) == 0;

    trust_roles_text(key, role, sizeof(role));
    int col = area_field(a, 0, KEYS_INDENT, PROTO_KID_MAX, ROLE_TEXT, key->kid, false) + 1;
    col = area_field(a, 0, col, a.cols >= 72 ? 12 : 8, key->revoked ? ROLE_CRIT : ROLE_TEXT,
                     key->revoked ? "revoked" : role, false) +
          1;
    if (a.cols < 50)
        return;
    if (!t->since[i])
        col = area_text(a, 0, col, ROLE_DIM, "of old") + 2;
    else if (a.cols >= 72 && t->made_s[i])
        col = area_printf(a, 0, col, ROLE_DIM, "since keyset %u, %s", t->since[i],
                          fmt_date(t->made_s[i] * 1000, date)) +
              2;
    else
        col = area_printf(a, 0, col, ROLE_DIM, "since %s%u", a.cols >= 56 ? "keyset " : "",
                          t->since[i]) +
              2;
    if (ours && !key->revoked)
        area_text(a, 0, col, ROLE_HINT, a.cols >= 56 ? "signs here" : "here");
}

static void draw_floors(const struct ui_trust *t, const struct adoption *a, struct area line)
{
    int col = area_printf(line, 0, KEYS_INDENT, ROLE_DIM, "seq_floor %u", t->keyset.seq_floor);

    if (a->security_most == 0)
        return;
    col = area_text(line, 0, col + 2, ROLE_DIM, "devices' security floor ");
    if (a->security_least == a->security_most)
        area_printf(line, 0, col, ROLE_DIM, "%u", a->security_most);
    else
        area_printf(line, 0, col, ROLE_DIM, "%u to %u", a->security_least, a->security_most);
}

/* --------------------------------------------------------------------------- lines: adoption */

static void draw_share(const struct adoption *a, enum keys_share share, struct area line)
{
    static const enum role roles[] = { ROLE_OK, ROLE_WARN, ROLE_WARN, ROLE_DIM };
    const uint32_t n[] = { a->have, a->before, a->older, a->unknown };
    char name[32], count[16];
    uint32_t of = a->devices ? a->devices : 1;
    int bar = line.cols - 34 > 40 ? 40 : line.cols - 34;

    if (share == SHARE_UNKNOWN)
        snprintf(name, sizeof(name), "not said");
    else if (share == SHARE_OLDER)
        snprintf(name, sizeof(name), "older");
    else
        snprintf(name, sizeof(name), "keyset %u", a->version - (share == SHARE_BEFORE));
    snprintf(count, sizeof(count), "%u", n[share]);
    int col = area_field(line, 0, KEYS_INDENT, 13, ROLE_TEXT, name, false) + 1;
    if (bar >= 6) {
        area_bar(line, 0, col, bar, n[share], 0, of);
        col += bar + 1;
    }
    col = area_field(line, 0, col, 7, n[share] ? roles[share] : ROLE_DIM, count, true);
    if (!line.c->words) /* there the bar says it */
        area_printf(line, 0, col, ROLE_DIM, " %3u%%", (unsigned)((uint64_t)n[share] * 100 / of));
}

static void draw_certs(const struct adoption *a, const struct ui_model *m, struct area line)
{
    int64_t left = ((int64_t)a->cert_first - m->now_ms / 1000) / 86400;
    int col = area_text(line, 0, KEYS_INDENT, ROLE_DIM, "certs  ");

    if (a->cert_ended)
        col = area_printf(line, 0, col, ROLE_CRIT, "%u ended  ", a->cert_ended);
    if (a->cert_soon)
        col = area_printf(line, 0, col, ROLE_WARN, "%u end%s within %d days  ", a->cert_soon,
                          a->cert_soon == 1 ? "s" : "", UI_CERT_SOON_DAYS);
    if (a->cert_first)
        col = area_printf(line, 0, col, ROLE_TEXT, "first %s in %lld days  ", a->cert_of,
                          (long long)left);
    if (a->cert_unknown)
        area_printf(line, 0, col, ROLE_DIM, "%u not said", a->cert_unknown);
}

static void draw_late(const char *id, const struct ui_model *m, struct area a)
{
    uint32_t at = fleet_find(m->fleet, id);
    const struct fleet_device *d = at == FLEET_NONE ? NULL : fleet_device(m->fleet, at);
    char age[FMT_MAX], keyset[24];

    if (!d)
        return;
    int col = draw_state(a, 0, KEYS_INDENT, (enum fleet_state)d->state) + 1;
    col = area_field(a, 0, col, a.cols >= 56 ? 28 : 18, ROLE_TEXT, d->id, false) + 1;
    snprintf(keyset, sizeof(keyset), "keyset %u", d->keyset);
    col = area_field(a, 0, col, 11, ROLE_WARN, keyset, false) + 1;
    if (a.cols >= 50)
        area_printf(a, 0, col, ROLE_DIM, "seen %s",
                    fmt_age(fleet_age_ms(m->fleet, d, m->now_ms), age));
}

static void draw_order(const struct ui_key_order *o, const struct ui_model *m, struct area a)
{
    char when[FMT_MAX], detail[PROTO_DETAIL_MAX * 3], text[PROTO_DETAIL_MAX * 3 + 64];
    bool good = o->answered_ms ? o->ok : o->has;

    int col = area_field(a, 0, KEYS_INDENT, 6, ROLE_DIM, fmt_hm(o->sent_ms, when), false);
    col = area_field(a, 0, col, a.cols >= 56 ? 22 : 14, ROLE_TEXT, o->id, false) + 1;
    if (!o->answered_ms && !o->has) {
        col = area_mark(a, 0, col, ROLE_UPDATING, "⇡") + 1;
        snprintf(text, sizeof(text), "sent, no answer for %s",
                 fmt_age(m->now_ms - o->sent_ms, when));
    } else {
        col = area_mark(a, 0, col, good ? ROLE_OK : ROLE_WARN, good ? "✓" : "✗") + 1;
        clean(detail, sizeof(detail), o->detail);
        if (good)
            snprintf(text, sizeof(text), "%s", *detail ? detail : "has it");
        else
            snprintf(text, sizeof(text), "refused: %s  %s", reason_word(o->reason), detail);
    }
    area_field(a, 0, col, a.cols - col, ROLE_TEXT, text, false);
}

/* ---------------------------------------------------------------------------------- headings */

static void head_texts(const struct keys_screen *k, const struct ui_model *m,
                       enum keys_section section, char title[96], char right[64])
{
    const struct ui_trust *t = m->trust;
    const struct adoption *a = &k->adoption;
    uint32_t roots = 0;

    for (uint32_t i = 0; i < t->keyset.keys.count; i++)
        roots += (t->keyset.keys.key[i].roles & KEY_ROOT) && !t->keyset.keys.key[i].revoked;
    right[0] = '\0';
    switch (section) {
    case KEYS_TO_DO:
        snprintf(title, 96, "to do");
        break;
    case KEYS_WHO:
        snprintf(title, 96, "who acts here");
        break;
    case KEYS_SET:
        snprintf(title, 96, t->have_keyset ? "keyset %u" : "keyset", t->keyset.version);
        if (t->have_keyset)
            snprintf(right, 64, "%u of %u roots sign the next", t->keyset.root_threshold, roots);
        break;
    case KEYS_OF_FLEET:
        snprintf(title, 96, "adoption");
        if (t->have_keyset)
            snprintf(right, 64, "%u of %u have keyset %u", a->have, a->devices, a->version);
        break;
    case KEYS_BEHIND_LIST:
        snprintf(title, 96, "behind: %u", a->before + a->older);
        break;
    case KEYS_SENT:
        snprintf(title, 96, "orders: %zu", m->key_orders->count);
        snprintf(right, 64, "last hour: %u taken, %u refused, %u open", m->key_orders->taken,
                 m->key_orders->refused, m->key_orders->open);
        break;
    case KEYS_SECTIONS:
        break;
    }
}

static void draw_heading(const struct keys_screen *k, const struct ui_model *m,
                         const struct keys_line *l, struct area a)
{
    char title[96] = "", right[64];

    head_texts(k, m, (enum keys_section)l->section, title, right);
    draw_pane_rule(a, 0, k->line[k->at].section == l->section, title, right);
}

/* ------------------------------------------------------------------------------------- a line */

static void draw_finding(const struct keys_screen *k, const struct keys_line *l, struct area a)
{
    const struct trust_finding *f = &k->finding[l->index];
    static const char *const glyphs[] = { "✓", "·", "▲", "✗" };
    bool todo = l->kind == KEYS_TODO || l->kind == KEYS_TODO_MORE;
    int col = KEYS_INDENT;

    if (l->kind == KEYS_FINDING)
        col = area_glyph(a, 0, col, severity_role(f->severity), glyphs[f->severity],
                         trust_severity_word(f->severity)) +
              1;
    else if (l->kind == KEYS_TODO)
        col = area_glyph(a, 0, KEYS_INDENT + 2, ROLE_KEY, "→", "do:") + 1;
    else
        col = KEYS_INDENT + (todo ? 4 : 2);
    area_printf(a, 0, col, todo ? ROLE_HINT : ROLE_TEXT, "%.*s", (int)l->len,
                (todo ? f->todo : f->text) + l->from);
}

static void draw_note(const struct ui_trust *t, struct area a)
{
    area_field(a, 0, KEYS_INDENT, a.cols - KEYS_INDENT - 1, ROLE_DIM,
               *t->keyset_trouble ? "the keyset can't be read" : "none is known here", false);
}

static void draw_line(struct ui *ui, const struct ui_model *m, const struct keys_line *l,
                      struct area a)
{
    const struct keys_screen *k = &ui->trust;
    const struct ui_trust *t = m->trust;

    switch ((enum keys_line_kind)l->kind) {
    case KEYS_HEAD:
        draw_heading(k, m, l, a);
        break;
    case KEYS_NOTE:
        draw_note(t, a);
        break;
    case KEYS_FINDING:
    case KEYS_FINDING_MORE:
    case KEYS_TODO:
    case KEYS_TODO_MORE:
        draw_finding(k, l, a);
        break;
    case KEYS_NAME:
        draw_name(t, m, a);
        break;
    case KEYS_KEY_AT:
        draw_key_at(t, a);
        break;
    case KEYS_SERIAL:
        draw_serial(t, a);
        break;
    case KEYS_HASH:
    case KEYS_HASH_MORE:
        draw_hash(t, l->index, keys_hash_part(k, ui->cols), a);
        break;
    case KEYS_AUTHORITY:
        draw_cert(&t->authority[l->index], "authority", UI_AUTHORITY_SOON_DAYS, m, a);
        break;
    case KEYS_KEY:
        draw_key(t, l->index, a);
        break;
    case KEYS_FLOORS:
        draw_floors(t, &k->adoption, a);
        break;
    case KEYS_SHARE:
        draw_share(&k->adoption, (enum keys_share)l->index, a);
        break;
    case KEYS_CERTS:
        draw_certs(&k->adoption, m, a);
        break;
    case KEYS_LATE:
        draw_late(k->behind[l->index], m, a);
        break;
    case KEYS_MORE:
        area_printf(a, 0, KEYS_INDENT, ROLE_DIM, "%u more: / shows all of them in the fleet",
                    k->adoption.before + k->adoption.older - k->behind_count);
        break;
    case KEYS_ORDER:
        draw_order(&m->key_orders->item[l->index], m, a);
        break;
    }
}

/* --------------------------------------------------------------------------------- a column */

/* So that the chosen line, and a heading right above it, are on the screen. */
static void scroll(struct keys_screen *k, int column, int rows)
{
    int count = keys_column_count(k, column), at = -1;

    for (int n = 0; n < count; n++)
        if (keys_column_line(k, column, n) == k->at)
            at = n;
    if (at >= 0) {
        int first = at > 0 && k->line[k->at - 1].kind == KEYS_HEAD ? at - 1 : at;
        if (k->top[column] > first)
            k->top[column] = first;
        if (at >= k->top[column] + rows)
            k->top[column] = at - rows + 1;
    }
    if (k->top[column] > count - rows)
        k->top[column] = count - rows;
    if (k->top[column] < 0)
        k->top[column] = 0;
}

static void draw_column(struct ui *ui, const struct ui_model *m, int column, struct area a)
{
    struct keys_screen *k = &ui->trust;

    scroll(k, column, a.rows);
    for (int row = 0; row < a.rows; row++) {
        int at = keys_column_line(k, column, k->top[column] + row);
        if (at < 0)
            break;
        struct area line = area_sub(a, row, 0, 1, -1);
        if (at == k->at) {
            line = area_over(line, ROLE_SELECTION);
            area_pointer(line, 1);
        }
        draw_line(ui, m, &k->line[at], line);
    }
}

void keys_body(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct keys_screen *k = &ui->trust;

    k->page = a.rows;
    k->list_row = a.row;
    if (!m->trust) {
        area_text(a, 0, KEYS_INDENT, ROLE_DIM, "reading certificates and keys");
        return;
    }
    if (!k->split) {
        draw_column(ui, m, 0, a);
        return;
    }
    draw_column(ui, m, 0, area_sub(a, 0, 0, -1, k->split - 1));
    area_vline(area_sub(a, 0, 0, -1, -1), k->split - 1, ROLE_RULE);
    draw_column(ui, m, 1, area_sub(a, 0, k->split, -1, -1));
}

void keys_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct keys_screen *k = &ui->trust;
    int col = area_text(a, 0, 1, ROLE_CRUMB, "keys");
    uint32_t n[TRUST_BROKEN + 1] = { 0 };
    char text[96];

    if (!m->trust)
        return;
    area_printf(a, 0, col + 3, ROLE_DIM, "fleet %s", m->trust->fleet);
    for (size_t i = 0; i < k->finding_count; i++)
        n[k->finding[i].severity]++;
    if (n[TRUST_BROKEN])
        snprintf(text, sizeof(text), "✗ %u broken  %u to do ", n[TRUST_BROKEN], n[TRUST_WARNING]);
    else if (n[TRUST_WARNING])
        snprintf(text, sizeof(text), "▲ %u to do ", n[TRUST_WARNING]);
    else
        snprintf(text, sizeof(text), "● nothing to do ");
    area_right(a, 0, a.cols,
               n[TRUST_BROKEN]    ? ROLE_CRIT
               : n[TRUST_WARNING] ? ROLE_WARN
                                  : ROLE_OK,
               text);
}
