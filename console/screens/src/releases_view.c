#include "releases_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"

enum { COUNT_MS = 1000, ELSEWHERE = UI_RELEASES, UNASKED = UI_RELEASES + 1 };

/* ------------------------------------------------------------------------------------ who runs */

/* The release whose image has this word of the fleet; ELSEWHERE: none. */
static uint16_t release_of_image(const struct ui_model *m, const char *image)
{
    char hex[PROTO_SHA256_HEX];

    for (size_t i = 0; i < m->release_count && i < UI_RELEASES; i++) {
        hex_encode(m->releases[i].release.sha256, PROTO_SHA256_LEN, hex);
        if (strcmp(hex, image) == 0)
            return (uint16_t)i;
    }
    return ELSEWHERE;
}

/* Of a device that does not say its image: by product and version. */
static uint16_t release_of_version(const struct ui_model *m, const struct fleet_device *d)
{
    for (size_t i = 0; i < m->release_count && i < UI_RELEASES; i++) {
        const struct release *r = &m->releases[i].release;
        if (strcmp(fleet_word(m->fleet, d->fw), r->version) == 0 &&
            strcmp(fleet_word(m->fleet, d->product), r->product) == 0)
            return (uint16_t)i;
    }
    return ELSEWHERE;
}

/* One pass; each different image is looked for once. */
static void count(struct releases_screen *l, const struct ui_model *m)
{
    uint16_t *of_word = mem_array(FLEET_MAX_WORDS, sizeof(*of_word));

    memset(l->running, 0, sizeof(l->running));
    l->elsewhere = l->said = 0;
    for (size_t i = 0; i < FLEET_MAX_WORDS; i++)
        of_word[i] = UNASKED;
    for (uint32_t i = 0; i < fleet_span(m->fleet); i++) {
        const struct fleet_device *d = fleet_device(m->fleet, i);
        if (!d || !d->fw)
            continue; /* a source's, or one that never said what it runs */
        uint16_t at;
        if (!d->image || d->image >= FLEET_MAX_WORDS)
            at = release_of_version(m, d);
        else if (of_word[d->image] != UNASKED)
            at = of_word[d->image];
        else
            at = of_word[d->image] = release_of_image(m, fleet_word(m->fleet, d->image));
        l->said++;
        if (at == ELSEWHERE)
            l->elsewhere++;
        else
            l->running[at]++;
    }
    free(of_word);
}

void releases_count(struct releases_screen *l, const struct ui_model *m)
{
    if (l->of == m->fleet && l->of_store == m->releases && l->of_count == m->release_count &&
        m->now_ms - l->counted_ms < COUNT_MS && m->now_ms >= l->counted_ms)
        return;
    l->of = m->fleet;
    l->of_store = m->releases;
    l->of_count = m->release_count;
    l->counted_ms = m->now_ms;
    count(l, m);
}

/* -------------------------------------------------------------------------------------- detail */

static int labelled(struct area a, int row, const char *label)
{
    return area_field(a, row, 2, 10, ROLE_DIM, label, false) + 1;
}

static void draw_image(const struct release *r, struct area a, int row)
{
    char hex[PROTO_SHA256_HEX];

    hex_encode(r->sha256, PROTO_SHA256_LEN, hex);
    int col = labelled(a, row, "image");
    area_field(a, row, col, a.cols - col - 1, ROLE_TEXT, hex, false);
}

static void draw_signature(const struct ui_release *r, struct area a, int row)
{
    int col = labelled(a, row, "signature");

    if (r->signed_ok)
        area_printf(a, row, col, ROLE_OK, "ES256, holds under release key %s", r->kid);
    else
        area_printf(a, row, col, ROLE_CRIT, "devices would refuse it: %s (%s, key %s)",
                    reason_text(r->why), reason_word(r->why), *r->kid ? r->kid : "not named");
}

/* From which versions, and with which agent, a device may jump to it. */
static void draw_from(const struct release *r, struct area a, int row)
{
    char date[FMT_MAX];
    int col = labelled(a, row, "made");

    col = area_text(a, row, col, ROLE_TEXT,
                    r->created ? fmt_date((int64_t)r->created * 1000, date) : "not said") +
          3;
    if (*r->min_from)
        col = area_printf(a, row, col, ROLE_TEXT, "from %s on", r->min_from) + 3;
    else
        col = area_text(a, row, col, ROLE_TEXT, "from any version") + 3;
    if (r->min_agent)
        area_printf(a, row, col, ROLE_TEXT, "agent %u or later", r->min_agent);
}

static void draw_size(const struct release *r, struct area a, int row)
{
    char text[PROTO_HW_COUNT * PROTO_HW_MAX + 8] = "";
    size_t used = 0;
    int col = labelled(a, row, "size");

    for (uint32_t i = 0; i < r->hw_count && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", r->hw[i]);
    area_printf(a, row, col, ROLE_TEXT, "%u bytes   seq %u   security %u   for %s", r->size, r->seq,
                r->security, text);
}

/* How many, and the first of them by the fleet's order. */
static void draw_runs(const struct releases_screen *l, const struct ui_model *m, uint32_t at,
                      struct area a, int row)
{
    const struct release *r = &m->releases[at].release;
    char hex[PROTO_SHA256_HEX];
    uint32_t left = l->running[at];
    int col = labelled(a, row, "runs on");

    hex_encode(r->sha256, PROTO_SHA256_LEN, hex);
    col = area_printf(a, row, col, left ? ROLE_TEXT : ROLE_DIM, "%u of %u  ", left, l->said);
    for (uint32_t i = 0; i < fleet_span(m->fleet) && left > 0; i++) {
        const struct fleet_device *d = fleet_device(m->fleet, i);
        if (!d || !d->fw)
            continue;
        bool runs = d->image ? strcmp(fleet_word(m->fleet, d->image), hex) == 0
                             : release_of_version(m, d) == at;
        if (!runs)
            continue;
        if (col + (int)strlen(d->id) + 8 > a.cols) {
            area_printf(a, row, col, ROLE_DIM, "+%u", left);
            return;
        }
        col = area_printf(a, row, col, ROLE_DIM, "%s  ", d->id);
        left--;
    }
}

void releases_detail(const struct releases_screen *l, const struct ui_model *m, uint32_t at,
                     struct area a)
{
    const struct ui_release *r =
        at < m->release_count && at < UI_RELEASES ? &m->releases[at] : NULL;
    char title[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];

    if (!r) {
        area_rule(a, 0, NULL, NULL);
        return;
    }
    snprintf(title, sizeof(title), "%s %s", r->release.product, r->release.version);
    area_rule(a, 0, title, NULL);
    draw_image(&r->release, a, 1);
    draw_signature(r, a, 2);
    draw_size(&r->release, a, 3);
    draw_from(&r->release, a, 4);
    draw_runs(l, m, at, a, 5);
}
