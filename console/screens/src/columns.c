#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "protocol/report.h"
#include "protocol/status.h"

/* clang-format off */
static const struct column_def defs[COLUMN_DEFS] = {
    { "state",   "S",         COLUMN_STATE,   FLEET_COL_STATE,   1,  8, false, false, "severity",    "worst first" },
    { "id",      "DEVICE",    COLUMN_ID,      FLEET_COL_ID,     10, 24, false, false, "id",          NULL },
    { "product", "PRODUCT",   COLUMN_PRODUCT, FLEET_COL_PRODUCT, 7, 12, false, false, "product",     NULL },
    { "hw",      "HW",        COLUMN_HW,      FLEET_COL_HW,      8,  8, false, false, "hardware",    NULL },
    { "fw",      "FW",        COLUMN_FW,      FLEET_COL_FW,      6, 12, false, false, "firmware",    "oldest first" },
    { "target",  "TARGET",    COLUMN_TARGET,  FLEET_COL_TARGET,  6, 12, false, false, "target",      "oldest first" },
    { "ota",     "UPDATE",    COLUMN_OTA,     FLEET_COL_OTA,     8, 11, false, false, "update",      "under way first" },
    { "reason",  "REASON",    COLUMN_REASON,  FLEET_COL_REASON,  8, 18, false, false, "reason",      NULL },
    { "rollout", "ROLLOUT",   COLUMN_ROLLOUT, FLEET_COL_ROLLOUT, 8, 16, false, false, "rollout",     NULL },
    { "groups",  "GROUPS",    COLUMN_GROUPS,  FLEET_COL_GROUPS,  6, 24, false, false, "group",       NULL },
    { "seen",    "SEEN",      COLUMN_SEEN,    FLEET_COL_SEEN,    4,  4, true,  false, "last seen",   "longest silent first" },
    { "rate",    "MSG/m",     COLUMN_RATE,    FLEET_COL_RATE,    5,  5, true,  true,  "messages",    "most first" },
    { "alerts",  "ALERTS",    COLUMN_ALERTS,  FLEET_COL_ALERTS,  6,  6, true,  true,  "alerts",      "most first" },
    { "boots",   "BOOTS",     COLUMN_BOOTS,   FLEET_COL_BOOTS,   5,  7, true,  true,  "boots",       "most first" },
    { "reset",   "RESET",     COLUMN_RESET,   FLEET_COL_RESET,   7,  9, false, false, "last reset",  NULL },
    { "slot",    "SLOT",      COLUMN_SLOT,    FLEET_COL_SLOT,    5,  8, false, false, "slot",        NULL },
    { "cert",    "CERT",      COLUMN_CERT,    FLEET_COL_CERT,    5,  5, true,  false, "certificate", "soonest to end first" },
    { "keyset",  "KEYSET",    COLUMN_KEYSET,  FLEET_COL_KEYSET,  6,  6, true,  false, "keyset",      "oldest first" },
    { "source",  "SOURCE",    COLUMN_SOURCE,  FLEET_COL_SOURCE,  6, 12, false, false, "source",      NULL },
    { "trend",   "TREND 30m", COLUMN_TREND,   FLEET_COL_STATE,   8, 60, false, false, "trend",       NULL },
};
/* clang-format on */

const struct column_def *column_def(size_t n)
{
    return n < COLUMN_DEFS ? &defs[n] : NULL;
}

const struct column_def *column_find(const char *word)
{
    for (size_t i = 0; i < COLUMN_DEFS; i++) {
        if (strcmp(defs[i].word, word) == 0)
            return &defs[i];
    }
    return NULL;
}

const char *column_label(const struct fleet *fleet, const char *word)
{
    const struct column_def *def = column_find(word);
    uint32_t reading = def ? FLEET_NONE : fleet_reading_find(fleet, word);
    if (def)
        return def->label;
    return reading == FLEET_NONE ? word : fleet_reading(fleet, reading)->label;
}

bool column_inverts(const char *word)
{
    const struct column_def *def = column_find(word);
    return !def || def->invert;
}

bool column_sort_key(const struct fleet *fleet, const struct sort_choice *by,
                     struct fleet_sort_key *out)
{
    const struct column_def *def = column_find(by->word);
    *out = (struct fleet_sort_key){ .reading = FLEET_NONE, .invert = by->invert };
    if (def) {
        out->column = def->sort;
        return def->kind != COLUMN_TREND;
    }
    out->column = FLEET_COL_READING;
    out->reading = fleet_reading_find(fleet, by->word);
    return out->reading != FLEET_NONE;
}

/* --------------------------------------------------------------------------------- readings */

/* The order in which known readings appear; others follow by how many devices send them. */
int reading_place(const char *name)
{
    static const char *const order[] = { "temperature", "humidity",  "pressure", "co2",  "pm2_5",
                                         "pm10",        "dew_point", "battery",  "rssi", "heap" };
    for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++) {
        if (strcmp(order[i], name) == 0)
            return i;
    }
    return reading_is_count(name) ? 1000 : 100;
}

bool reading_is_count(const char *name)
{
    return strcmp(name, "uptime") == 0 || strcmp(name, "boots") == 0;
}

/* Is `a` to stand before `b`? What few devices send comes after what most do. */
static bool reading_before(const struct fleet *fleet, uint32_t most, uint32_t a, uint32_t b)
{
    const struct fleet_reading *x = fleet_reading(fleet, a), *y = fleet_reading(fleet, b);
    bool rare_x = x->devices * 4 < most, rare_y = y->devices * 4 < most;
    int px = reading_place(x->name), py = reading_place(y->name);
    if (rare_x != rare_y)
        return rare_y;
    if (px != py)
        return px < py;
    return x->devices != y->devices ? x->devices > y->devices : strcmp(x->name, y->name) < 0;
}

/* The first readings in that order, at most `cap`. */
static size_t common_readings(const struct fleet *fleet, uint32_t *out, size_t cap)
{
    size_t count = 0;
    uint32_t most = 0;
    for (uint32_t i = 0; i < fleet_reading_count(fleet); i++)
        most = fleet_reading(fleet, i)->devices > most ? fleet_reading(fleet, i)->devices : most;
    for (uint32_t i = 0; i < fleet_reading_count(fleet); i++) {
        if (fleet_reading(fleet, i)->devices == 0)
            continue;
        size_t at = count;
        while (at > 0 && reading_before(fleet, most, i, out[at - 1]))
            at--;
        if (at >= cap)
            continue;
        size_t move = (count < cap ? count : cap - 1) - at;
        memmove(&out[at + 1], &out[at], move * sizeof(*out));
        out[at] = i;
        if (count < cap)
            count++;
    }
    return count;
}

size_t column_words(const struct fleet *fleet, const char *out[COLUMN_WORDS])
{
    uint32_t reading[COLUMN_WORDS - COLUMN_DEFS];
    size_t count = common_readings(fleet, reading, COLUMN_WORDS - COLUMN_DEFS), used = 0;
    for (size_t i = 0; i < COLUMN_DEFS; i++)
        out[used++] = defs[i].word;
    for (size_t i = 0; i < count; i++) {
        const char *name = fleet_reading(fleet, reading[i])->name;
        if (!column_find(name)) /* a field of that name hides it */
            out[used++] = name;
    }
    return used;
}

/* ------------------------------------------------------------------------------------- texts */

static void groups_text(const struct fleet *fleet, const struct fleet_device *d, char *out,
                        size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < d->group_count && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? "," : "",
                                 fleet_word(fleet, d->group[i]));
}

static void number_text(uint32_t n, char *out, size_t cap)
{
    if (n)
        snprintf(out, cap, "%u", n);
}

static void cert_text(const struct ui_model *m, const struct fleet_device *d, char *out, size_t cap)
{
    int64_t left = (int64_t)d->cert_not_after - m->now_ms / 1000;
    char age[FMT_MAX];
    if (d->cert_not_after)
        snprintf(out, cap, "%s", left <= 0 ? "ended" : fmt_age(left * 1000, age));
}

static const char *word_of(const struct fleet *fleet, const struct fleet_device *d,
                           enum column_kind kind)
{
    switch ((int)kind) {
    case COLUMN_ID:
        return d->id;
    case COLUMN_PRODUCT:
        return fleet_word(fleet, d->product);
    case COLUMN_HW:
        return fleet_word(fleet, d->hw);
    case COLUMN_FW:
        return fleet_word(fleet, d->fw);
    case COLUMN_TARGET:
        return d->ota ? fleet_word(fleet, d->ota->to) : "";
    case COLUMN_SLOT:
        return fleet_word(fleet, d->slot);
    case COLUMN_ROLLOUT:
        return d->ota ? fleet_word(fleet, d->ota->rollout) : "";
    case COLUMN_OTA:
        return d->ota ? ota_report_word((enum ota_report_state)d->ota->state) : "";
    case COLUMN_REASON:
        return d->ota && d->ota->reason ? reason_word((enum reason)d->ota->reason) : "";
    case COLUMN_RESET:
        return d->has_status ? reset_word((enum reset_reason)d->reset) : "";
    case COLUMN_SOURCE:
        return fleet_source_name(fleet, d);
    default:
        return "";
    }
}

char *rate_text(const struct ui_model *m, const struct fleet_device *d, char *out, size_t cap)
{
    double rate = fleet_rate_heard(m->fleet, d, m->now_ms);
    snprintf(out, cap, "%.0f", rate);
    if (rate < 0)
        snprintf(out, cap, "–");
    return out;
}

void column_text(const struct ui_model *m, const struct fleet_device *d, enum column_kind kind,
                 char *out, size_t cap)
{
    char text[FMT_MAX];
    out[0] = '\0';
    switch ((int)kind) {
    case COLUMN_GROUPS:
        groups_text(m->fleet, d, out, cap);
        break;
    case COLUMN_SEEN:
        snprintf(out, cap, "%s", fmt_age(fleet_age_ms(m->fleet, d, m->now_ms), text));
        break;
    case COLUMN_RATE:
        rate_text(m, d, out, cap);
        break;
    case COLUMN_BOOTS:
        number_text(d->boots, out, cap);
        break;
    case COLUMN_ALERTS:
        number_text(fleet_alerts(d), out, cap);
        break;
    case COLUMN_KEYSET:
        number_text(d->keyset, out, cap);
        break;
    case COLUMN_CERT:
        cert_text(m, d, out, cap);
        break;
    default:
        snprintf(out, cap, "%s", word_of(m->fleet, d, kind));
        break;
    }
    if (!*out)
        snprintf(out, cap, "–");
}

/* ------------------------------------------------------------------------------------ layout */

static void upper(char *text)
{
    for (; *text; text++) {
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
    }
}

/* Columns of a text: code points, which is enough for what may be in one. */
static int length(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* A title says what an arrow would, and its column is as wide as that. */
static void title_in_words(const struct fleet_screen *f, struct column *c)
{
    char title[24];
    const char *sorted = "";
    for (size_t i = 0; i < f->sort_count && c->kind != COLUMN_TREND; i++) {
        if (strcmp(f->sort[i].word, c->word) == 0)
            sorted = f->sort[i].invert ? " down" : " up";
    }
    text_copy(title, sizeof(title), c->kind == COLUMN_STATE ? "STATE" : c->title);
    text_format(c->title, sizeof(c->title), "%s%s", title, sorted);
    int need = *sorted ? length(c->title) : 0;
    c->width = c->width < need ? need : c->width;
}

static struct column *add(struct fleet_screen *f, const struct column_def *def, uint32_t reading,
                          int col, int width)
{
    struct column *c = &f->column[f->column_count++];
    const struct fleet_reading *r = def ? NULL : fleet_reading(f->of, reading);
    *c = (struct column){ .kind = def ? def->kind : COLUMN_READING,
                          .reading = reading,
                          .col = col,
                          .width = width,
                          .right = !def || def->right };
    text_copy(c->word, sizeof(c->word), def ? def->word : r->name);
    const char *title = def ? def->title : r->label;
    text_clean(c->title, sizeof(c->title), title, strlen(title));
    if (!def)
        upper(c->title);
    if (f->words)
        title_in_words(f, c);
    return c;
}

bool columns_have(const struct fleet_screen *f, enum column_kind kind)
{
    for (size_t i = 0; i < f->column_count; i++) {
        if (f->column[i].kind == kind)
            return true;
    }
    return false;
}

/* What the rows on the screen need of it. */
static int text_width(const struct fleet_screen *f, const struct ui_model *m,
                      const struct column_def *def, int most)
{
    int width = def->least;
    for (int i = 0; i < f->page; i++) {
        char text[128];
        uint32_t index = fleet_view_at(f->view, f->top + (uint32_t)i);
        const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(f->of, index);
        if (!d)
            break;
        column_text(m, d, def->kind, text, sizeof(text));
        bool updating = def->kind == COLUMN_FW && d->state == FLEET_UPDATING;
        int len = length(text);
        if (updating) /* "1.4.0…", "to 1.4.0" */
            len = length(fleet_target(f->of, d)) + (f->words ? 3 : 1);
        width = len > width ? len : width;
    }
    return width > most ? most : width;
}

static int reading_width(const struct fleet *fleet, uint32_t reading)
{
    int width = length(fleet_reading(fleet, reading)->label);
    return width < 6 ? 6 : width > 10 ? 10 : width;
}

static int end_of(const struct column *c)
{
    return c->col + c->width;
}

static int first_column(struct fleet_screen *f)
{
    int col = f->words && f->mark_count ? 11 : 4; /* behind "marked" */
    int width = add(f, &defs[0], FLEET_NONE, col, f->words ? 8 : 1)->width;
    return col + width + 1;
}

/* The reading that is sorted by comes first: it is what is being looked at. */
static void lead_with(const struct fleet_screen *f, uint32_t *reading, size_t count)
{
    uint32_t by =
        f->key_count && f->key[0].column == FLEET_COL_READING ? f->key[0].reading : FLEET_NONE;
    if (by == FLEET_NONE || count == 0)
        return;
    size_t at = 0;
    while (at < count - 1 && reading[at] != by)
        at++;
    memmove(&reading[1], &reading[0], at * sizeof(*reading));
    reading[0] = by;
}

/* Without a choice: who, what it runs, what the fleet sends as far as there is room, when. */
static void lay_out_by_fleet(struct fleet_screen *f, const struct ui_model *m, int cols)
{
    uint32_t reading[16];
    size_t count = common_readings(f->of, reading, 16);
    bool wide = cols >= 110;
    int tail = 6 + 2 + (wide ? 7 : 0), col = first_column(f), width; /* SEEN, MSG/m */

    width = text_width(f, m, column_find("id"), wide ? 24 : 16);
    col = end_of(add(f, column_find("id"), FLEET_NONE, col, width)) + 2;
    if (wide)
        col = end_of(add(f, column_find("hw"), FLEET_NONE, col, 8)) + 2;
    width = text_width(f, m, column_find("fw"), 12);
    col = end_of(add(f, column_find("fw"), FLEET_NONE, col, width)) + 2;
    lead_with(f, reading, count);
    int trend = wide ? 24 : f->words ? 15 : 12;
    for (size_t i = 0; i < count && col + 7 + tail + trend <= cols; i++) {
        width = reading_width(f->of, reading[i]);
        col = end_of(add(f, NULL, reading[i], col, width));
        col += i == 0 ? 2 : 1; /* behind the first, room for the arrow of its trend */
    }
    if (wide)
        col = end_of(add(f, column_find("rate"), FLEET_NONE, col, 5)) + 2;
    col = end_of(add(f, column_find("seen"), FLEET_NONE, col, 4)) + 3;
    if (cols - col > 8)
        add(f, column_find("trend"), FLEET_NONE, col, cols - col - 1 > 60 ? 60 : cols - col - 1);
}

/* Its width: chosen, or its own; 0 when nobody has sent such a reading; the trend's is what is
 * left. */
static int chosen_width(const struct fleet_screen *f, const struct ui_model *m,
                        const struct column_choice *c)
{
    const struct column_def *def = column_find(c->word);
    uint32_t reading = def ? FLEET_NONE : fleet_reading_find(f->of, c->word);
    if (def && def->kind == COLUMN_TREND)
        return -1;
    if (!def && reading == FLEET_NONE)
        return 0;
    if (c->width)
        return c->width;
    return def ? text_width(f, m, def, def->most) : reading_width(f->of, reading);
}

const struct column_choice *columns_wanted(const struct fleet_screen *f, size_t *count)
{
    *count = f->chosen_count ? f->chosen_count : f->usual_count;
    return f->chosen_count ? f->chosen : f->usual;
}

static bool holds_column(const struct column_choice *c, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(c[i].word, word) == 0)
            return true;
    }
    return false;
}

static void lay_out_chosen(struct fleet_screen *f, const struct ui_model *m, int cols)
{
    int col = first_column(f), need = col, width[FLEET_COLUMNS];
    size_t count;
    const struct column_choice *chosen = columns_wanted(f, &count);
    for (size_t i = 0; i < count; i++) {
        width[i] = chosen_width(f, m, &chosen[i]);
        need += width[i] > 0 ? width[i] + 2 : 0;
    }
    int trend = cols - 1 - need > 60 ? 60 : cols - 1 - need;
    int gap = holds_column(chosen, count, "trend") ? 2 : 6; /* behind a reading, room for "down" */
    for (size_t i = 0; i < count; i++) {
        const struct column_def *def = column_find(chosen[i].word);
        int w = width[i] < 0 ? trend : width[i];
        bool fits = w > 0 && (width[i] > 0 || w >= 8) && col + w < cols;
        if (!fits) {
            f->column_left += width[i] != 0;
            continue;
        }
        uint32_t reading = def ? FLEET_NONE : fleet_reading_find(f->of, chosen[i].word);
        col = end_of(add(f, def, reading, col, w)) + (f->words && !def ? gap : 2);
    }
}

void columns_lay_out(struct fleet_screen *f, const struct ui_model *m, int cols)
{
    f->column_count = f->column_left = 0;
    if (f->chosen_count || f->usual_count)
        lay_out_chosen(f, m, cols);
    else
        lay_out_by_fleet(f, m, cols);
    for (size_t i = 0; i < f->column_count; i++) {
        const struct sort_choice by = { .invert = false };
        struct sort_choice word = by;
        text_copy(word.word, sizeof(word.word), f->column[i].word);
        column_sort_key(f->of, &word, &f->column[i].key);
    }
}

/* ---------------------------------------------------------------------------- words and back */

void columns_write(const struct column_choice *c, size_t count, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < cap; i++) {
        const char *gap = i ? " " : "";
        int n = c[i].width ? snprintf(out + used, cap - used, "%s%s:%d", gap, c[i].word, c[i].width)
                           : snprintf(out + used, cap - used, "%s%s", gap, c[i].word);
        used += (size_t)n;
    }
}

/* The next word of a list, cleaned, empty when it is too long to be one; false at the end. */
static bool next_word(const char **text, char *out, size_t cap)
{
    *text += strspn(*text, " \t,");
    size_t len = strcspn(*text, " \t,");
    if (!len)
        return false;
    out[0] = '\0';
    if (len < cap)
        text_clean(out, cap, *text, len);
    *text += len;
    return true;
}

size_t columns_read(const char *text, struct column_choice out[FLEET_COLUMNS])
{
    size_t count = 0;
    char word[PROTO_READING_MAX + 8];
    text_copy(out[count++].word, sizeof(out[0].word), "id"); /* always there, always first */
    out[0].width = 0;
    while (next_word(&text, word, sizeof(word)) && count < FLEET_COLUMNS - 1) {
        char *colon = strchr(word, ':');
        uint64_t width = 0;
        if (colon) {
            *colon = '\0';
            text_to_u64(colon + 1, 0, COLUMN_WIDTH_MAX, &width);
        }
        const char *name = reading_canonical(word);
        if (strcmp(name, "id") == 0)
            out[0].width = (int)width;
        if (!*name || strcmp(name, "state") == 0 || holds_column(out, count, name) ||
            !text_copy(out[count].word, sizeof(out[0].word), name))
            continue;
        out[count++].width = (int)width;
    }
    return count;
}

void sort_write(const struct sort_choice *c, size_t count, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < cap; i++) {
        bool turned = c[i].invert != column_inverts(c[i].word);
        used += (size_t)snprintf(out + used, cap - used, "%s%s%s", i ? " " : "", turned ? "-" : "",
                                 c[i].word);
    }
}

size_t sort_read(const char *text, struct sort_choice out[FLEET_SORT_KEYS])
{
    size_t count = 0;
    char word[PROTO_READING_MAX + 2];
    while (count < FLEET_SORT_KEYS && next_word(&text, word, sizeof(word))) {
        bool turned = word[0] == '-';
        const char *name = reading_canonical(word + turned);
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(out[i].word, name) == 0;
        if (known || strcmp(name, "trend") == 0 ||
            !text_copy(out[count].word, sizeof(out[0].word), name) || !*name)
            continue;
        out[count].invert = column_inverts(name) != turned;
        count++;
    }
    return count;
}

/* ---------------------------------------------------------------------------- mistakes in them */

/* `word` is "fw:12" or "-fw"; what it names is cut out of it. */
static const char *named(char *word, bool sort, bool *good)
{
    char *colon = sort ? NULL : strchr(word, ':');
    uint64_t width;

    *good = !colon || text_to_u64(colon + 1, 0, COLUMN_WIDTH_MAX, &width);
    if (colon)
        *colon = '\0';
    return reading_canonical(word + (sort && word[0] == '-'));
}

bool ui_usual_mistake(const char *list, bool sort, char *out, size_t cap)
{
    struct column_choice seen[FLEET_COLUMNS];
    size_t count = 0, most = sort ? UI_SORTS_MAX : UI_COLUMNS_MAX;
    char word[PROTO_READING_MAX + 8];
    bool good = true;

    while (next_word(&list, word, sizeof(word))) {
        const char *name = named(word, sort, &good), *wrong = NULL;
        if (!good)
            wrong = "a width is a whole number up to 60";
        else if (!*name || strlen(name) >= sizeof(seen[0].word))
            wrong = "no name of a field or a reading";
        else if (strcmp(name, sort ? "trend" : "state") == 0)
            wrong = sort ? "nothing is sorted by a trend" : "the state is always shown";
        else if (holds_column(seen, count, name))
            wrong = "named twice";
        else if (count == most)
            wrong = "one more than there may be";
        if (wrong) {
            snprintf(out, cap, "'%s': %s", word, wrong);
            return true;
        }
        text_copy(seen[count++].word, sizeof(seen[0].word), name);
    }
    return false;
}
