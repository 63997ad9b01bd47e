#include "device_draw.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * The messages of a device. What is shown (the filter) and what is marked in it (find) are two
 * things. A message becomes a flow, its text with a role per byte and with line ends, which is then
 * laid out in as many rows as it takes.
 */

/* ---- filter and find ------------------------------------------------------------------------ */

/* Where `what` is in `text`; capitals in it make it exact. */
static const char *find_text(const char *text, const char *what)
{
    size_t len = strlen(what);
    bool exact = false;

    for (const char *p = what; *p; p++)
        exact = exact || (*p >= 'A' && *p <= 'Z');
    for (; *text; text++) {
        size_t i = 0;
        while (i < len && (exact ? text[i] == what[i] : tolower((unsigned char)text[i]) == what[i]))
            i++;
        if (i == len)
            return text;
    }
    return NULL;
}

static bool in_line(const struct fleet_tail_line *line, const char *what)
{
    return find_text(line->topic, what) || find_text(line->body, what);
}

/* "!text" hides what has it. */
static bool passes(const struct device_screen *d, const struct fleet_tail_line *line)
{
    const char *text = d->filter.text;

    if (!line)
        return false;
    if (text[0] == '!' && text[1])
        return !in_line(line, text + 1);
    return !*text || in_line(line, text);
}

bool device_tail_shows(const struct ui *ui, const struct ui_model *m, uint64_t seq)
{
    const struct device_screen *d = &ui->device;
    uint64_t around = d->filter.len ? (uint64_t)d->context : 0;

    for (uint64_t i = seq > around ? seq - around : 1; i <= seq + around; i++) {
        if (passes(d, fleet_tail(m->fleet, d->id, i)))
            return fleet_tail(m->fleet, d->id, seq) != NULL;
    }
    return false;
}

/* What n and N look for: what was typed to be marked, else the filter. */
static const char *wanted(const struct device_screen *d)
{
    if (d->find.len)
        return d->find.text;
    return d->filter.text[0] == '!' ? "" : d->filter.text;
}

bool device_tail_matches(const struct device_screen *d, const struct fleet_tail_line *line)
{
    return line && *wanted(d) && in_line(line, wanted(d));
}

/* ---- flow ----------------------------------------------------------------------------------- */

#define FLOW_MAX 4096
struct flow {
    char text[FLOW_MAX];
    uint8_t role[FLOW_MAX];
    size_t len;
};

static void flow_add(struct flow *f, enum role role, const char *text, size_t len)
{
    if (len > FLOW_MAX - 1 - f->len)
        len = FLOW_MAX - 1 - f->len;
    memcpy(f->text + f->len, text, len);
    memset(f->role + f->len, (int)role, len);
    f->len += len;
    f->text[f->len] = '\0';
}

static void flow_break(struct flow *f, int depth)
{
    static const char blanks[] = "                ";
    flow_add(f, ROLE_TEXT, "\n", 1);
    flow_add(f, ROLE_TEXT, blanks, (size_t)(depth > 8 ? 8 : depth) * 2);
}

static bool is_key(const char *after)
{
    while (*after == ' ')
        after++;
    return *after == ':';
}

/* The length of a JSON string that begins at `p`, its quotes included; to the end when it is cut.
 */
static size_t string_length(const char *p)
{
    size_t i = 1;
    while (p[i] && p[i] != '"')
        i += p[i] == '\\' && p[i + 1] ? 2 : 1;
    return p[i] ? i + 1 : i;
}

/* One mark of JSON; `rows`: a pair on a row of its own. */
static void flow_mark(struct flow *f, char c, bool rows, int *depth)
{
    bool open = c == '{' || c == '[', close = c == '}' || c == ']';

    if (close)
        *depth -= *depth > 0;
    if (close && rows)
        flow_break(f, *depth);
    flow_add(f, ROLE_DIM, &c, 1);
    if (open)
        ++*depth;
    if ((open || c == ',') && rows)
        flow_break(f, *depth);
    else if (c == ',' || c == ':')
        flow_add(f, ROLE_DIM, " ", 1);
}

/* Not a parser: a body may be cut, and what it does not know it leaves as it is. */
static void flow_json(struct flow *f, const char *p, bool rows)
{
    int depth = 0;

    while (*p) {
        size_t len = 1;
        if (*p == '"') {
            len = string_length(p);
            flow_add(f, is_key(p + len) ? ROLE_DIM : ROLE_TEXT, p, len);
        } else if (strchr("{}[],:", *p)) {
            flow_mark(f, *p, rows, &depth);
        } else if (*p != ' ') {
            len = strcspn(p, "{}[],:\" ");
            flow_add(f, ROLE_TITLE, p, len);
        }
        p += len;
    }
}

static void flow_hex(struct flow *f, const struct fleet_tail_line *line, bool rows, int width)
{
    const size_t each = width >= 6 + 16 * 4 + 2 ? 16 : 8;
    char text[8];

    for (size_t i = 0; i < line->raw_len; i++) {
        if (rows && i % each == 0) {
            int n = snprintf(text, sizeof(text), "%s%04zx ", i ? "\n" : "", i);
            flow_add(f, ROLE_DIM, text, (size_t)n);
        }
        int n = snprintf(text, sizeof(text), " %02x", line->raw[i]);
        flow_add(f, ROLE_TEXT, text, (size_t)n);
        if (rows && (i % each == each - 1 || i + 1 == line->raw_len)) {
            for (size_t k = i % each; k + 1 < each; k++)
                flow_add(f, ROLE_TEXT, "   ", 3);
            flow_add(f, ROLE_DIM, "  ", 2);
            for (size_t k = i - i % each; k <= i; k++) {
                char c = line->raw[k] >= 0x20 && line->raw[k] < 0x7f ? (char)line->raw[k] : '.';
                flow_add(f, ROLE_DIM, &c, 1);
            }
        }
    }
}

static bool is_trouble(const struct fleet_tail_line *line)
{
    return line->bad || (strcmp(line->topic, "log") == 0 && (strncmp(line->body, "warn", 4) == 0 ||
                                                             strncmp(line->body, "error", 5) == 0));
}

static void flow_mark_found(struct flow *f, const char *what)
{
    const char *at = f->text;
    size_t len = strlen(what);

    while (len && (at = find_text(at, what)) != NULL) {
        memset(f->role + (at - f->text), ROLE_MATCH, len);
        at += len;
    }
}

static void flow_of(struct flow *f, const struct device_screen *s,
                    const struct fleet_tail_line *line, int width)
{
    enum role role = is_trouble(line) ? ROLE_LOG_WARN : line->retained ? ROLE_DIM : ROLE_TEXT;
    f->len = 0;
    f->text[0] = '\0';
    if (line->size == 0)
        flow_add(f, ROLE_DIM, "(empty)", 7);
    else if (s->form == TAIL_HEX)
        flow_hex(f, line, s->wrap, width);
    else if (s->form == TAIL_JSON && (line->body[0] == '{' || line->body[0] == '['))
        flow_json(f, line->body, s->wrap);
    else
        flow_add(f, role, line->body, strlen(line->body));
    flow_mark_found(f, wanted(s));
}

/* Lays it out in `width` columns and draws the rows that lie in the area; returns how many there
 * are. Without `wrap` it is one, cut with "…". */
static int flow_draw(const struct flow *f, struct area a, int row, bool wrap)
{
    int col = 0, rows = 1;
    uint32_t cp;

    for (size_t i = 0; i < f->len;) {
        size_t n = utf8_decode(f->text + i, f->len - i, &cp);
        int width = n ? cp_width(cp) : 1;
        if (cp == '\n' || (wrap && col + width > a.cols && col > 0)) {
            rows++;
            col = 0;
        }
        if (!wrap && col + width > a.cols - 1 && i + n < f->len) {
            area_put(a, row, col, ROLE_DIM, 0x2026);
            break;
        }
        if (cp != '\n')
            col = area_put(a, row + rows - 1, col, (enum role)f->role[i], cp);
        i += n ? n : 1;
    }
    return rows;
}

/* ---- the pane ------------------------------------------------------------------------------- */

static void tail_title(const struct ui *ui, const struct ui_model *m, uint64_t last, bool words,
                       char *out, size_t cap)
{
    const struct device_screen *s = &ui->device;
    const char *glyph = words ? "" : LINK_DOWN(m) ? "✗ " : "● ";

    if (!s->paused)
        snprintf(out, cap, "tail  %s%s", glyph, LINK_DOWN(m) ? "link down" : "live");
    else
        snprintf(out, cap, "tail  paused, %llu new, G live", (unsigned long long)(last - s->seen));
}

static void tail_facts(const struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                       uint64_t kept, bool wide, char *out, size_t cap)
{
    static const char *const forms[TAIL_FORMS] = { "json", "raw", "hex" };
    const struct device_screen *s = &ui->device;
    char find[80] = "", context[24] = "";

    if (s->find.len)
        snprintf(find, sizeof(find), "  marks %.40s", s->find.text);
    if (s->context && s->filter.len)
        snprintf(context, sizeof(context), " ±%d", s->context);
    if (wide)
        snprintf(out, cap, "%s  %s%.60s%s%s  %.1f msg/s  %llu kept", forms[s->form],
                 s->filter.len ? "/" : "no filter", s->filter.text, context, find,
                 fleet_rate(d, m->now_ms) / 60, (unsigned long long)kept);
    else
        snprintf(out, cap, "%s  %s%.40s%s%s", forms[s->form], s->filter.len ? "/" : "no filter",
                 s->filter.text, context, find);
}

/* Time, topic and body. `rows`: those the body takes; its first may lie above the area. */
static void draw_line(const struct ui *ui, const struct fleet_tail_line *line,
                      const struct flow *flow, struct area a, int row)
{
    const struct device_screen *s = &ui->device;
    char clock[FMT_MAX];
    int topic = a.cols >= 110 ? 24 : 16, body = 15 + topic;
    bool beside = s->filter.len && !passes(s, line);
    const char *name = line->topic;

    if (topic < 24 && strncmp(name, "telemetry/", 10) == 0)
        name += 10; /* what most lines are */
    area_text(a, row, 1, s->match == line->seq ? ROLE_FOCUS : ROLE_DIM,
              fmt_clock_ms(line->t_ms, clock));
    if (line->retained)
        area_put(a, row, 13, ROLE_DIM, 'R');
    area_field(a, row, 14, topic, line->retained || beside ? ROLE_DIM : ROLE_TEXT, name, false);
    flow_draw(flow, area_sub(a, 0, body, -1, a.cols - body - 1), row, s->wrap);
}

static int draw_lines(struct ui *ui, const struct ui_model *m, uint64_t first, uint64_t bottom,
                      struct area a)
{
    static const int left_over = 1000; /* rows above the area are clipped */
    struct device_screen *s = &ui->device;
    struct flow flow;
    int row = a.rows, body = 15 + (a.cols >= 110 ? 24 : 16);

    for (uint64_t seq = bottom; row > 0 && seq >= first && seq > 0; seq--) {
        const struct fleet_tail_line *line = fleet_tail(m->fleet, s->id, seq);
        if (!line || !device_tail_shows(ui, m, seq))
            continue;
        flow_of(&flow, s, line, a.cols - body - 1);
        row -=
            flow_draw(&flow, area_sub(a, a.rows, body, 0, a.cols - body - 1), left_over, s->wrap);
        draw_line(ui, line, &flow, a, row);
        if (s->pane == PANE_TAIL && (seq == bottom || seq == s->match))
            area_cursor(a, row < 0 ? 0 : row, 1);
    }
    return row;
}

void draw_tail(struct ui *ui, const struct ui_model *m, const struct fleet_device *d, struct area a)
{
    struct device_screen *s = &ui->device;
    uint64_t first, last;
    char title[80], right[240];

    fleet_tail_range(m->fleet, s->id, &first, &last);
    if (!s->paused)
        s->seen = last;
    tail_title(ui, m, last, a.c->words, title, sizeof(title));
    tail_facts(ui, m, d, last ? last - first + 1 : 0, true, right, sizeof(right));
    if (area_width(a, title) + area_width(a, right) + 10 >= a.cols)
        tail_facts(ui, m, d, 0, false, right, sizeof(right));
    draw_pane_rule(a, 0, s->pane == PANE_TAIL, title, right);
    struct area lines = area_sub(a, 1, 0, -1, -1);
    s->tail_rows = lines.rows;
    if (draw_lines(ui, m, first, s->paused ? s->top : last, lines) == lines.rows)
        area_text(lines, 0, 1, ROLE_DIM,
                  s->filter.len ? "no kept message matches" : "waiting for its next message");
}
