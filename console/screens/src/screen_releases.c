#include "releases_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fleet/rows.h"
#include "protocol/hex.h"

/* What is in the store: versions, signature, size, and how many devices run it. releases_view.c has
 * the selected one closely. */

enum { DETAIL_FROM = 15 }; /* rows that the list and the detail need */

static void hw_text(const struct release *r, const char *between, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < r->hw_count && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? between : "", r->hw[i]);
}

/* ------------------------------------------------------------------------------------- rows */

/* What the filter and its completion read. */
struct rows {
    const struct ui_model *m;
    char hw[160], image[PROTO_SHA256_HEX];
    struct release_row row;
};

static const void *row_nth(void *ctx, size_t n)
{
    struct rows *r = ctx;

    if (n >= r->m->release_count)
        return NULL;
    const struct ui_release *from = &r->m->releases[n];
    hw_text(&from->release, " ", r->hw, sizeof(r->hw));
    hex_encode(from->release.sha256, sizeof(from->release.sha256), r->image);
    r->row = (struct release_row){ .product = from->release.product,
                                   .version = from->release.version,
                                   .hw = r->hw,
                                   .image = r->image,
                                   .kid = from->kid,
                                   .seq = from->release.seq,
                                   .security = from->release.security,
                                   .size = from->release.size,
                                   .created_ms = (int64_t)from->release.created * 1000 };
    return &r->row;
}

static struct filter_list list_of(const struct ui_model *m, struct rows *r)
{
    r->m = m;
    return (struct filter_list){
        .rows = &release_row_fields, .row = row_nth, .ctx = r, .now_ms = m->now_ms
    };
}

/* Which of the releases pass, by their place; how many. */
static uint32_t collect(struct releases_screen *l, const struct ui_model *m,
                        uint16_t shown[UI_RELEASES])
{
    struct rows r;
    const struct filter_list list = list_of(m, &r);
    uint32_t count = 0;

    for (size_t n = 0; n < m->release_count && n < UI_RELEASES; n++)
        if (!l->filter.filter || list_filter_passes(&l->filter, &list, row_nth(&r, n)))
            shown[count++] = (uint16_t)n;
    return count;
}

static const struct ui_release *selected(struct ui *ui, const struct ui_model *m)
{
    uint16_t shown[UI_RELEASES];
    uint32_t count = collect(&ui->releases, m, shown);

    return ui->releases.cursor.row < count ? &m->releases[shown[ui->releases.cursor.row]] : NULL;
}

static void refresh(struct ui *ui, const struct ui_model *m)
{
    uint16_t shown[UI_RELEASES];

    cursor_fit(&ui->releases.cursor, collect(&ui->releases, m, shown), ui->releases.page);
    releases_count(&ui->releases, m);
}

/* ------------------------------------------------------------------------------------- acts */

static void show_devices(struct step *s, const struct ui_release *r)
{
    char filter[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX + 32];

    snprintf(filter, sizeof(filter), "product=%s fw=%s", r->release.product, r->release.version);
    ui_push(s, SCREEN_FLEET);
    fleet_screen_show(s, filter, 0);
}

static bool action_taken(struct step *s, enum action action)
{
    struct releases_screen *l = &s->ui->releases;
    const struct ui_release *r = selected(s->ui, s->m);
    uint16_t shown[UI_RELEASES];
    struct rows rows;
    const struct filter_list list = list_of(s->m, &rows);
    if (cursor_action(&l->cursor, action, collect(l, s->m, shown), l->page) ||
        list_filter_action(&l->filter, &list, action))
        return true;
    if (action == ACTION_EXPORT) {
        export_open(s, UI_ROWS_RELEASES);
        return true;
    }
    if (action == ACTION_UPDATE || action == ACTION_OPEN) {
        if (r && ui_may_act(s))
            start_open(s, r->release.product, r->release.version);
        return true;
    }
    if (action == ACTION_DEVICES) {
        if (r)
            show_devices(s, r);
        return true;
    }
    if (action == ACTION_COPY && r) {
        snprintf(ui_effect(s, UI_COPY)->text, 256, "%s:%s", r->release.product, r->release.version);
        return true;
    }
    return false;
}

static bool typing(struct step *s, const struct ui_event *ev)
{
    struct rows rows;
    const struct filter_list list = list_of(s->m, &rows);

    return list_filter_typing(&s->ui->releases.filter, &list, ev);
}

size_t releases_screen_rows(struct ui *ui, const struct ui_model *m)
{
    uint16_t shown[UI_RELEASES];
    uint32_t count = collect(&ui->releases, m, shown);

    ui_ids_room(ui, (size_t)count * 2);
    for (uint32_t i = 0; i < count; i++) {
        const struct release *r = &m->releases[shown[i]].release;
        text_copy(ui->ids[2 * i], sizeof(*ui->ids), r->product);
        text_copy(ui->ids[2 * i + 1], sizeof(*ui->ids), r->version);
    }
    return (size_t)count * 2;
}

/* ------------------------------------------------------------------------------------- list */

/* Where a word for the signature stands, product and version make room. */
struct columns {
    int product, product_width, version, version_width;
};

static struct columns columns_of(struct area a)
{
    return a.c->words ? (struct columns){ 13, 12, 26, 11 } : (struct columns){ 6, 14, 21, 16 };
}

static int draw_signed(const struct ui_release *r, struct area a, int col)
{
    return area_glyph(a, 0, col, r->signed_ok ? ROLE_OK : ROLE_CRIT, r->signed_ok ? "✓" : "✗",
                      r->signed_ok ? "signed" : "unsigned");
}

static void draw_row(const struct ui_release *r, uint32_t running, struct area a)
{
    char text[160], size[FMT_MAX];
    draw_signed(r, a, 4);
    const struct columns at = columns_of(a);
    area_field(a, 0, at.product, at.product_width, ROLE_TEXT, r->release.product, false);
    area_field(a, 0, at.version, at.version_width, ROLE_TEXT, r->release.version, false);
    snprintf(text, sizeof(text), "%u", running);
    area_field(a, 0, 37, 8, ROLE_TEXT, text, true);
    area_field(a, 0, 46, 8, ROLE_DIM, fmt_size(r->release.size, size), true);
    snprintf(text, sizeof(text), "%u", r->release.seq);
    area_field(a, 0, 55, 5, ROLE_DIM, text, true);
    snprintf(text, sizeof(text), "%u", r->release.security);
    area_field(a, 0, 61, 4, ROLE_DIM, text, true);
    hw_text(&r->release, ",", text, sizeof(text));
    area_field(a, 0, 67, a.cols >= 110 ? 20 : a.cols - 68, ROLE_DIM, text, false);
    if (a.cols < 110)
        return;
    if (r->release.created)
        area_text(a, 0, 88, ROLE_DIM, fmt_date((int64_t)r->release.created * 1000, text));
    for (int i = 0; i < 6; i++)
        area_printf(a, 0, 100 + 2 * i, ROLE_DIM, "%02x", r->release.sha256[i]);
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct releases_screen *l = &ui->releases;
    const struct columns columns = columns_of(a);
    area_text(a, 0, 4, ROLE_HEADER, a.c->words ? "SIGNED" : "");
    area_text(a, 0, columns.product, ROLE_HEADER, "PRODUCT");
    area_text(a, 0, columns.version, ROLE_HEADER, "VERSION");
    area_text(a, 0, 41, ROLE_HEADER, "RUNS");
    area_text(a, 0, 50, ROLE_HEADER, "SIZE");
    area_text(a, 0, 57, ROLE_HEADER, "SEQ");
    area_text(a, 0, 62, ROLE_HEADER, "SEC");
    area_text(a, 0, 67, ROLE_HEADER, "HARDWARE");
    if (a.cols >= 110) {
        area_text(a, 0, 88, ROLE_HEADER, "CREATED");
        area_text(a, 0, 100, ROLE_HEADER, "SHA-256");
    }
    uint16_t shown[UI_RELEASES];
    uint32_t count = collect(l, m, shown);
    int detail = a.rows >= DETAIL_FROM && count ? RELEASE_DETAIL_ROWS : 0;
    struct area list = area_sub(a, 1, 0, a.rows - 1 - detail, -1);
    l->page = list.rows;
    cursor_fit(&l->cursor, count, l->page);
    if (detail)
        releases_detail(l, m, shown[l->cursor.row], area_sub(a, a.rows - detail, 0, detail, -1));
    area_cursor(list, 1, 4); /* until a row is drawn */
    if (count == 0)
        area_text(list, 1, 4, ROLE_DIM,
                  m->release_count
                      ? "No release passes the filter. Esc clears it."
                      : "The store is empty: muster release build, sign, publish fill it.");
    for (int i = 0; i < list.rows && l->cursor.top + (uint32_t)i < count; i++) {
        uint32_t at = l->cursor.top + (uint32_t)i;
        struct area line = area_sub(list, i, 0, 1, -1);
        if (at == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_pointer(line, 1);
        }
        draw_row(&m->releases[shown[at]], l->running[shown[at]], line);
    }
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct releases_screen *l = &ui->releases;
    int col = area_text(a, 0, 1, ROLE_CRUMB, "releases");
    list_filter_head(&l->filter, a, col, a.cols - col - 50);
    char text[96], others[48] = "";
    if (l->elsewhere && m->release_count)
        snprintf(others, sizeof(others), ", %u device%s something else", l->elsewhere,
                 l->elsewhere == 1 ? " runs" : "s run");
    snprintf(text, sizeof(text), "%zu in the store%s ", m->release_count, others);
    area_right(a, 0, a.cols, ROLE_DIM, text);
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct ui_release *r = selected(ui, m);
    if (!r)
        return;
    if (!r->signed_ok)
        area_text(a, 0, 1, ROLE_LOG_ERROR,
                  "No release key of this fleet signed it: devices would refuse it.");
    else if (*r->release.min_from)
        area_printf(a, 0, 1, ROLE_DIM, "Devices may jump to it from %s on.", r->release.min_from);
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct releases_screen *l = &ui->releases;
    uint16_t shown[UI_RELEASES];
    uint32_t count = collect(l, m, shown);
    l->page = a.rows;
    cursor_fit(&l->cursor, count, l->page);
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < count; i++) {
        const struct ui_release *r = &m->releases[shown[l->cursor.top + (uint32_t)i]];
        struct area line = area_sub(a, i, 0, 1, -1);
        if (l->cursor.top + (uint32_t)i == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 0);
        }
        int col = draw_signed(r, line, 0) + 1;
        area_printf(line, 0, col, ROLE_TEXT, "%s %s", r->release.product, r->release.version);
    }
}

static bool bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    uint16_t shown[UI_RELEASES];

    return list_filter_bar(&ui->releases.filter, a, collect(&ui->releases, m, shown),
                           (uint32_t)m->release_count, "weather  version>=1.4  hw:esp32c3");
}

const struct screen_ops screen_releases = {
    .refresh = refresh,
    .typing = typing,
    .bar = bar,
    .action = action_taken,
    .head = head,
    .body = body,
    .acts = acts,
    .narrow = narrow,
};
