#include "monkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fixture.h"
#include "fixture_rollouts.h"

#define TRAIL     24 /* events that a failure tells */
#define BACK_HOME 40 /* so many times Esc leads back from anywhere */

struct monkey {
    struct fixture *f;
    struct ui *ui;
    struct canvas *c;
    struct ui_effects fx;
    uint64_t random;
    bool drawn;  /* the picture is of after the last event */
    int extra;   /* devices made so far */
    jmp_buf out; /* what does not hold ends the run */
    char why[400], trail[TRAIL][48];
    unsigned events;
};

/* ------------------------------------------------------------------------------------ chance */

/* SplitMix64: any seed is a good one. */
static uint64_t next(struct monkey *k)
{
    uint64_t x = (k->random += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* 0 … below - 1 */
static int pick(struct monkey *k, int below)
{
    return (int)(next(k) % (uint64_t)below);
}

static bool once_in(struct monkey *k, int times)
{
    return pick(k, times) == 0;
}

static void note(struct monkey *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct monkey *k, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(k->trail[k->events++ % TRAIL], sizeof(k->trail[0]), format, ap);
    va_end(ap);
}

static void wrong(struct monkey *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct monkey *k, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(k->why, sizeof(k->why), format, ap);
    va_end(ap);
    longjmp(k->out, 1);
}

/* ------------------------------------------------------------------------ what must hold: cells */

static void check_cell(struct monkey *k, int row, int col)
{
    const struct cell *cell = canvas_at(k->c, row, col);
    const struct cell *left = canvas_at(k->c, row, col - 1);
    bool half = left && left->width == 2;
    if (half != (cell->cp == 0) || (cell->cp == 0) != (cell->width == 0))
        wrong(k, "half a wide character at %d,%d", row, col);
    if (cell->cp && (!cp_is_drawable(cell->cp) || cp_width(cell->cp) != cell->width))
        wrong(k, "U+%04X in a cell at %d,%d", (unsigned)cell->cp, row, col);
    if (cell->width == 2 && col + 1 == k->c->cols)
        wrong(k, "a wide character over the edge in row %d", row);
    if (k->c->ascii && cell->cp > 0x7e)
        wrong(k, "U+%04X on an ASCII canvas", (unsigned)cell->cp);
    if (cell->role >= ROLE_COUNT || cell->under >= ROLE_COUNT || cell->spare)
        wrong(k, "a role that is none at %d,%d", row, col);
}

static bool shown(const struct monkey *k, const char *text)
{
    char line[CANVAS_COLS_MAX * 4 + 1];
    for (int row = 0; row < k->c->rows; row++) {
        if (strstr(canvas_row(k->c, row, line, sizeof(line)), text))
            return true;
    }
    return false;
}

static void check_picture(struct monkey *k)
{
    const struct canvas *c = k->c;
    for (int row = 0; row < c->rows; row++)
        for (int col = 0; col < c->cols; col++)
            check_cell(k, row, col);
    if (c->cursor_row < 0 || c->cursor_row >= c->rows || c->cursor_col < 0 ||
        c->cursor_col >= c->cols)
        wrong(k, "the cursor is at %d,%d", c->cursor_row, c->cursor_col);
    for (int i = 0; i < c->hot_count; i++) {
        const struct canvas_hot *h = &c->hot[i];
        if (h->row < 0 || h->row >= c->rows || h->col < 0 || h->key == K_NONE)
            wrong(k, "a place to click on at %d,%d", h->row, h->col);
    }
}

/* ----------------------------------------------------------------- what must hold: ui and effects
 */

static bool known(const struct monkey *k, const char *id)
{
    return fleet_find(k->f->fleet, id) != FLEET_NONE;
}

static void check_ui(struct monkey *k)
{
    const struct ui_model *m = &k->f->model;
    struct ui_past_want want;
    const char *id = ui_selected(k->ui);
    if ((unsigned)ui_screen(k->ui) >= SCREEN_COUNT)
        wrong(k, "screen %d", (int)ui_screen(k->ui));
    if (memchr(id, '\0', PROTO_ID_MAX) == NULL)
        wrong(k, "an id without end");
    if (k->drawn && ui_screen(k->ui) == SCREEN_FLEET && !ui_frozen(k->ui) && *id && !known(k, id))
        wrong(k, "%s is selected and gone", id);
    if (ui_next_ms(k->ui, m) < m->now_ms + 100)
        wrong(k, "the next picture is too soon");
    if (ui_wants_past(k->ui, m, &want) && (!*want.id || want.from_ms >= want.to_ms))
        wrong(k, "a past of nothing");
}

static bool is_act(enum ui_effect_kind kind)
{
    return kind == UI_COMMAND || kind == UI_START_ROLLOUT ||
           (kind >= UI_PAUSE_ROLLOUT && kind <= UI_SET_ROLLOUT);
}

/* `before`: the picture that the event came upon was of then. */
static void check_act(struct monkey *k, const struct ui_effect *e, bool before)
{
    bool large = k->c->rows >= 24 && k->c->cols >= 80;
    if (k->f->model.read_only)
        wrong(k, "act %d in spite of read-only", (int)e->kind);
    if (e->kind == UI_START_ROLLOUT && (!e->plan || !*e->id))
        wrong(k, "a rollout without a plan");
    if (e->kind == UI_COMMAND && e->id_count == 0)
        wrong(k, "a command to nobody");
    for (size_t i = 0; i < e->id_count; i++) {
        if (!*e->ids[i] || !memchr(e->ids[i], '\0', PROTO_ID_MAX))
            wrong(k, "an act on no id");
    }
    char begin[5]; /* a column may have been made that narrow */
    snprintf(begin, sizeof(begin), "%.4s", e->id_count ? e->ids[0] : "");
    if (e->kind == UI_COMMAND && e->id_count == 1 && before && large && !shown(k, begin) &&
        !shown(k, "marked"))
        wrong(k, "an act on %s, which was not on the screen", e->ids[0]);
}

/* As the app would. */
static void carry_out(struct monkey *k, const struct ui_effect *e)
{
    struct ui_model *m = &k->f->model;
    switch ((int)e->kind) {
    case UI_WATCH:
        fleet_watch(k->f->fleet, e->id);
        break;
    case UI_UNWATCH:
        fleet_unwatch(k->f->fleet, e->id);
        break;
    case UI_TREND:
        fleet_set_trend(k->f->fleet, e->reading);
        break;
    case UI_THEME:
        for (size_t i = 0; i < m->theme_count; i++) {
            if (strcmp(m->themes[i], e->text) == 0)
                m->theme = m->themes[i];
        }
        break;
    case UI_ALERT_ACK:
        if (k->f->alerts)
            alerts_ack(k->f->alerts, e->text, e->id, "ada", m->now_ms);
        break;
    default:
        break;
    }
}

static void draw(struct monkey *k)
{
    ui_draw(k->ui, &k->f->model, k->c);
    k->drawn = true;
    check_picture(k);
    check_ui(k);
}

static void send(struct monkey *k, const struct ui_event *ev)
{
    bool before = k->drawn;
    ui_step(k->ui, ev, &k->f->model, &k->fx);
    if (k->fx.count > UI_EFFECTS)
        wrong(k, "%zu effects", k->fx.count);
    for (size_t i = 0; i < k->fx.count; i++) {
        const struct ui_effect *e = &k->fx.item[i];
        if (!memchr(e->id, '\0', sizeof(e->id)) || !memchr(e->text, '\0', sizeof(e->text)))
            wrong(k, "effect %d has a text without end", (int)e->kind);
        if (is_act(e->kind))
            check_act(k, e, before);
    }
    for (size_t i = 0; i < k->fx.count; i++)
        carry_out(k, &k->fx.item[i]);
    k->drawn = false;
    check_ui(k);
}

/* ------------------------------------------------------------------------------ what it does */

static void key(struct monkey *k, int code)
{
    struct ui_event ev = { .kind = UI_KEY, .key = code };
    char name[16];
    note(k, "<%s>", key_text(code, true, name, sizeof(name)));
    send(k, &ev);
}

static void some_key(struct monkey *k)
{
    size_t count;
    const struct key_binding *b = keymap_table(&count);
    if (once_in(k, 4)) {
        key(k, once_in(k, 3) ? K_FIRST_SPECIAL + pick(k, K_F12 - K_FIRST_SPECIAL + 1)
                             : 1 + pick(k, 127));
        return;
    }
    const int *keys = b[pick(k, (int)count)].key;
    int i = pick(k, KEYS_PER_ACTION);
    key(k, keys[i] ? keys[i] : keys[0]);
}

static void some_word(struct monkey *k)
{
    static const char *const words[] = {
        "temp>20",
        "state=offline",
        "hall",
        "not (a or b",
        "group:lab and ",
        "sort -temp",
        "theme mono",
        "view a",
        "device lab-1",
        "filter fw=1.4.0",
        "rollout r-2",
        "help",
        "keys",
        "1",
        "2",
        "3",
        "r-20261120-3",
        "10%",
        "3, 10%, rest",
        "Mo-Fr 08:00-16:30",
        "Europe/Berlin",
        "interval=60",
        "\"\"\"",
        "99999999999",
        "out.csv",
        "temp hum fw",
        "jour fixe",
        "-5",
        "+1h",
        "hall-b-003",
    };
    const char *word = words[pick(k, (int)(sizeof(words) / sizeof(words[0])))];
    while (*word)
        key(k, *word++);
}

static void some_paste(struct monkey *k)
{
    static const char *const parts[] = { "a",  "東京",    "é", "e\xcc\x81",        "\xe2\x80\xae",
                                         "\n", "\x1b[2J", " ", "\xf0\x9f\x98\x80", "hall-",
                                         "\t" };
    struct ui_event ev = { .kind = UI_PASTE };
    size_t used = 0;
    for (int n = pick(k, 200); n > 0; n--) {
        const char *part = parts[pick(k, (int)(sizeof(parts) / sizeof(parts[0])))];
        size_t len = strlen(part);
        if (used + len >= sizeof(ev.paste))
            break;
        memcpy(ev.paste + used, part, len);
        used += len;
    }
    note(k, "paste %zu", used);
    send(k, &ev);
}

static void some_click(struct monkey *k)
{
    struct ui_event ev = { .kind = UI_MOUSE, .mouse = (enum ui_mouse)pick(k, 4) };
    if (k->c->hot_count && once_in(k, 2)) {
        const struct canvas_hot *h = &k->c->hot[pick(k, k->c->hot_count)];
        ev.row = h->row;
        ev.col = h->col;
    } else {
        ev.row = pick(k, k->c->rows);
        ev.col = pick(k, k->c->cols);
    }
    note(k, "mouse %d at %d,%d", (int)ev.mouse, ev.row, ev.col);
    send(k, &ev);
}

static void resize(struct monkey *k, int rows, int cols)
{
    struct ui_event ev = { .kind = UI_RESIZE, .row = rows, .col = cols };
    note(k, "%dx%d", rows, cols);
    canvas_resize(k->c, rows, cols);
    send(k, &ev);
}

static void some_size(struct monkey *k)
{
    static const int sizes[][2] = { { 24, 80 }, { 40, 120 }, { 50, 160 }, { 15, 60 }, { 1, 1 } };
    int usual = pick(k, 10);
    if (usual < 5)
        resize(k, sizes[usual][0], sizes[usual][1]);
    else
        resize(k, 1 + pick(k, usual < 7 ? 20 : 100), 1 + pick(k, usual < 7 ? 80 : 300));
}

/* -------------------------------------------------------------------------- what happens to it */

/* The nth device there is, or "". */
static const char *some_device(struct monkey *k)
{
    uint32_t span = fleet_span(k->f->fleet);
    for (int tries = 0; tries < 20 && span; tries++) {
        const struct fleet_device *d = fleet_device(k->f->fleet, (uint32_t)pick(k, (int)span));
        if (d)
            return d->id;
    }
    return "";
}

static void message(struct monkey *k, const char *id, const char *what, const char *body)
{
    char topic[128];
    snprintf(topic, sizeof(topic), "devices/%s/%s", id, what);
    fixture_message(k->f, topic, body, strlen(body), once_in(k, 4));
}

static void some_message(struct monkey *k)
{
    static const char *const said[][2] = {
        { "telemetry/environment", "{\"temperature\":1e300,\"humidity\":-1e300}" },
        { "telemetry/environment", "{\"temperature\":21.5,\"humidity\":99,\"pressure\":1e5}" },
        { "telemetry/x", "{\"strange_reading_of_a_long_name\":0.000001,\"b\":1}" },
        { "telemetry/x", "{\"temperature\":" },
        { "status", "{\"state\":\"offline\"}" },
        { "status", "" },
        { "status", "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\",\"fw\":"
                    "\"1.4.0\",\"slot\":\"ota_0\",\"groups\":[\"lab\",\"site:東京\"],"
                    "\"interval\":1}" },
        { "log", "{\"level\":\"error\",\"text\":\"\\u001b[2J 東京 \\u202e\"}" },
        { "log", "\xff\xfe\x01" },
    };
    const char *const *s = said[pick(k, (int)(sizeof(said) / sizeof(said[0])))];
    char id[PROTO_ID_MAX];
    if (once_in(k, 6) && k->extra < 400)
        snprintf(id, sizeof(id), "new-%03d", k->extra++);
    else
        text_copy(id, sizeof(id), some_device(k));
    note(k, "%s of %s", s[0], id);
    if (*id)
        message(k, id, s[0], s[1]);
}

static void some_loss(struct monkey *k)
{
    uint32_t span = fleet_span(k->f->fleet);
    int many = once_in(k, 10) ? 60 : 1 + pick(k, 3);
    for (int i = 0; i < many && span; i++) {
        const char *id = some_device(k);
        if (*id)
            fleet_forget(k->f->fleet, fleet_find(k->f->fleet, id));
    }
    note(k, "%d forgotten", many);
}

static void some_link(struct monkey *k)
{
    struct fleet_event up = { .kind = FLEET_EV_LINK_UP };
    if (fleet_link(k->f->fleet)->up)
        fixture_link_down(k->f);
    else
        fleet_apply(k->f->fleet, &up, k->f->model.now_ms);
    note(k, "link %s", fleet_link(k->f->fleet)->up ? "up" : "down");
}

static void some_time(struct monkey *k)
{
    static const int64_t ms[] = { 100, 900, 3100, 9000, 61000, 3600000 };
    struct fleet_event tick = { .kind = FLEET_EV_TICK };
    struct ui_event ev = { .kind = UI_TICK };
    int64_t by = ms[pick(k, once_in(k, 10) ? 6 : 4)];
    k->f->model.now_ms += by;
    for (int i = 0; i < 10; i++)
        fleet_apply(k->f->fleet, &tick, k->f->model.now_ms);
    if (k->f->alerts)
        alerts_tick(k->f->alerts, k->f->model.now_ms);
    note(k, "%lld ms later", (long long)by);
    send(k, &ev);
}

/* What the app read anew, or lost. */
static void some_facts(struct monkey *k)
{
    static const char line[] = "the broker says \x1b]0;x\x07 東京東京東京 \xc3";
    struct fixture *f = k->f;
    struct ui_model *m = &f->model;
    int what = pick(k, 12);
    note(k, "facts %d", what);
    if (what == 0)
        m->read_only = !m->read_only;
    else if (what == 1)
        m->release_count = (size_t)pick(k, 2) * m->release_count;
    else if (what == 2)
        m->rollout_count = (size_t)pick(k, (int)m->rollout_count + 1);
    else if (what == 3)
        m->trust = m->trust ? NULL : &f->trust;
    else if (what == 4)
        m->key_orders = m->key_orders ? NULL : &f->key_orders;
    else if (what == 5)
        m->past = m->past ? NULL : &f->past;
    else if (what == 6)
        m->acts = m->acts ? NULL : &f->acts;
    else if (what == 7)
        m->log = m->log ? NULL : f->log;
    else if (what == 8)
        m->row_count = m->row_count / 2;
    else if (what == 9 && f->log)
        tail_push(f->log, m->now_ms, TAIL_WARN, false, "", line, sizeof(line) - 1);
    else if (what == 10)
        m->engine = m->engine ? NULL : "serve, pid 4711 on host gw1";
    else if (what == 11)
        ui_notify(k->ui, m, TAIL_ERROR, line);
    m->trust_seen++;
}

static void something(struct monkey *k)
{
    int what = pick(k, 100);
    if (what < 62)
        some_key(k);
    else if (what < 67)
        some_word(k);
    else if (what < 70)
        some_paste(k);
    else if (what < 78)
        some_click(k);
    else if (what < 82)
        some_size(k);
    else if (what < 88)
        some_message(k);
    else if (what < 90)
        some_loss(k);
    else if (what < 92)
        some_link(k);
    else if (what < 96)
        some_time(k);
    else
        some_facts(k);
    k->drawn = k->drawn && what < 82; /* what happened is not in the picture yet */
    if (pick(k, 4))
        draw(k);
}

/* ------------------------------------------------------------------------------------- homing */

/* From wherever it is, Esc leads to a fleet screen with nothing left to undo. */
static void go_home(struct monkey *k)
{
    resize(k, 24, 80);
    for (int i = 0; i < BACK_HOME; i++) {
        key(k, K_ESC);
        draw(k);
        if (ui_screen(k->ui) == SCREEN_FLEET && shown(k, "q quits"))
            return;
    }
    wrong(k, "Esc %d times leads to screen %s", BACK_HOME, screen_word(ui_screen(k->ui)));
}

/* Help tells a key of the screen that it is asked on. */
static void ask_help(struct monkey *k)
{
    static const char open[] = "?RSLaK";
    size_t count;
    const struct key_binding *table = keymap_table(&count);
    int screen = pick(k, (int)sizeof(open) - 1);
    char name[16], phrase[80];
    if (screen)
        key(k, open[screen]);
    const struct key_binding *b = &table[pick(k, (int)count)];
    if (!(b->screens & 1u << ui_screen(k->ui)))
        return;
    key(k, '?');
    text_copy_n(phrase, sizeof(phrase), b->help, strcspn(b->help, "…"));
    for (const char *c = phrase; *c; c++)
        key(k, *c);
    draw(k);
    bool plain = k->c->ascii || k->c->words; /* arrows by name */
    if (!shown(k, phrase) || !shown(k, key_text(b->key[0], plain, name, sizeof(name))))
        wrong(k, "help on %s does not tell %s", screen_word(ui_screen(k->ui)), b->help);
}

/* What it wrote down is read again as it was written. */
static void check_state(struct monkey *k)
{
    char *once = mem_alloc(UI_STATE_MAX), *twice = mem_alloc(UI_STATE_MAX);
    struct ui *other = ui_new();
    ui_state_write(k->ui, once, UI_STATE_MAX);
    ui_state_read(other, once);
    ui_state_write(other, twice, UI_STATE_MAX);
    bool same = strcmp(once, twice) == 0;
    ui_free(other);
    free(once);
    free(twice);
    if (!same)
        wrong(k, "the state file does not read as written");
}

static void tell(const struct monkey *k, char *why, size_t cap)
{
    size_t used =
        (size_t)snprintf(why, cap, "%s, after %u events, the last of them:", k->why, k->events);
    unsigned from = k->events > TRAIL ? k->events - TRAIL : 0;
    for (unsigned i = from; i < k->events && used < cap; i++)
        used += (size_t)snprintf(why + used, cap - used, " %s", k->trail[i % TRAIL]);
}

static void play(struct monkey *k, unsigned events)
{
    while (k->events < events) {
        something(k);
        if (once_in(k, 150)) {
            go_home(k);
            ask_help(k);
        }
    }
    go_home(k);
    check_state(k);
}

int monkey_run(uint64_t seed, unsigned events, char *why, size_t cap)
{
    struct monkey *k = mem_alloc(sizeof(*k));
    int rc = 0;
    k->random = seed;
    k->f = once_in(k, 3) ? fixture_rollouts_new() : fixture_new();
    k->ui = ui_new();
    k->c = canvas_new(24, 80, once_in(k, 4));
    ui_set_words(k->ui, once_in(k, 4));
    if (!k->f->alerts && k->f->rollout[2] && once_in(k, 2))
        fixture_alerts(k->f);
    if (once_in(k, 4))
        fixture_keys_behind(k->f);
    if (setjmp(k->out) == 0) {
        play(k, events);
    } else {
        rc = -1;
        tell(k, why, cap);
    }
    ui_free(k->ui);
    canvas_free(k->c);
    fixture_free(k->f);
    free(k);
    return rc;
}
