#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fixture.h"
#include "fixture_rollouts.h"
#include "keys.h"

/*
 * The pictures of all screens, compared with what is kept in expect/: a file per scene and
 * kind (UTF-8, ASCII, in words), all sizes in it. UPDATE_GOLDEN=1 in the environment writes them
 * anew; then look at the difference. On a mismatch the picture is left beside the build for a look
 * with diff.
 */
struct scene {
    const char *name;
    const char *keys;
    bool down, read_only, roles, alerts;
    bool behind, unread; /* what the keys screen is drawn from */
    bool pumps;          /* the larger fleet of fixture_rollouts.h */
    int pass_s;          /* after the keys */
};

static const struct scene scenes[] = {
    { .name = "fleet", .keys = "", .roles = true },
    { .name = "fleet-sorted", .keys = "s<End><Up><Up><Up><Up><Up><Up><Up><Up><Enter>" },
    { .name = "fleet-moved", .keys = "<Down><Down><Down>" },
    { .name = "fleet-marked", .keys = "<Space><Down><Space>v/state=ok<Enter>", .roles = true },
    { .name = "fleet-chip", .keys = "4" },
    { .name = "fleet-filter", .keys = "/temp>20 group:hall" },
    { .name = "fleet-filter-values", .keys = "/temp>20 and ota=<Tab><Tab><Tab>" },
    { .name = "fleet-filter-error", .keys = "/temp>20 and fw<lt><lt>1" },
    { .name = "fleet-none", .keys = "/id=nobody<Enter>" },
    { .name = "fleet-frozen", .keys = "z", .pass_s = 75 },
    { .name = "fleet-down", .keys = "", .down = true, .pass_s = 14, .roles = true },
    { .name = "fleet-read-only", .keys = "r", .read_only = true },
    { .name = "config", .keys = "<Space><Space>c90" },
    { .name = "config-wrong", .keys = "c<Down>berlin,a b" },
    { .name = "palette-sort", .keys = ":sort -temp" },
    { .name = "palette-view", .keys = "\\ahot<Enter>:ho" },
    { .name = "palette-unknown", .keys = ":rebot<Enter>" },
    { .name = "device", .keys = "/hall-b-003<Enter><Enter>", .roles = true },
    { .name = "device-updating", .keys = "/hall-b-001<Enter><Enter>" },
    { .name = "device-gap", .keys = "/roof-003<Enter><Enter><Down>" },
    { .name = "device-tail", .keys = "/hall-b-003<Enter><Enter><Tab><Up><Up>w" },
    { .name = "device-tail-whole", .keys = "/hall-b-003<Enter><Enter><Tab><Enter>" },
    { .name = "device-tail-hex", .keys = "/hall-b-003<Enter><Enter><Tab>xxw" },
    { .name = "device-tail-found",
      .keys = "/hall-b-003<Enter><Enter>/air<Enter>hco2<Enter>CN",
      .roles = true },
    { .name = "device-commands", .keys = "/hall-b-003<Enter><Enter><Tab><Tab>" },
    { .name = "device-updates", .keys = "/hall-b-003<Enter><Enter><Tab><Tab><Tab>" },
    { .name = "device-identity", .keys = "/hall-b-003<Enter><Enter><Tab><Tab><Tab><Tab>" },
    { .name = "device-one", .keys = "/hall-b-003<Enter><Enter><Down><Enter>s" },
    { .name = "device-days", .keys = "/hall-b-003<Enter><Enter>+++++++" },
    { .name = "device-earlier", .keys = "/hall-b-003<Enter><Enter>+++++++<lt><lt>" },
    { .name = "device-limits", .keys = "/hall-b-003<Enter><Enter>", .alerts = true },
    { .name = "device-zero", .keys = "/hall-b-003<Enter><Enter>sss" },
    { .name = "device-offline", .keys = "/lab-002<Enter><Enter>" },
    { .name = "rollouts", .keys = "R" },
    { .name = "rollout", .keys = "R<Down><Enter>", .roles = true },
    { .name = "rollout-stopped", .keys = "R<End><Enter>" },
    { .name = "rollout-abort", .keys = "R<Down><Enter>Xr-2026" },
    { .name = "rollout-resume", .keys = "R<End><Enter><Space><Tab>" },
    { .name = "pumps-list", .keys = "R", .pumps = true, .roles = true },
    { .name = "pumps-list-past", .keys = "R<PgDn><PgDn><Down>", .pumps = true },
    { .name = "pumps-abort", .keys = "R<Enter>Xr-2026112", .pumps = true },
    { .name = "pumps-rollback", .keys = "R<Enter>X<Up><Right>", .pumps = true },
    { .name = "pumps-resume", .keys = "R<Down><Down><Down><Space>", .pumps = true },
    { .name = "pumps-rollback-done", .keys = "R<Down><Down><Down><Down>X", .pumps = true },
    { .name = "pumps-approve", .keys = "R<Down>Alooks good<Enter>", .pumps = true },
    { .name = "pumps-retry", .keys = "R<Enter>R", .pumps = true },
    { .name = "pumps-caps", .keys = "R<Down><Enter>c<C-u>0<Tab>", .pumps = true },
    { .name = "pumps-approval", .keys = "R<Down><Enter>", .pumps = true },
    { .name = "pumps-window", .keys = "R<Down><Down><Enter>", .pumps = true },
    { .name = "pumps", .keys = "R<Enter>", .pumps = true, .roles = true },
    { .name = "pumps-furthest", .keys = "R<Enter>s<Down>", .pumps = true },
    { .name = "pumps-failed", .keys = "R<Enter><Tab>", .pumps = true },
    { .name = "pumps-cause", .keys = "R<Enter><Tab><Enter><Down>", .pumps = true },
    { .name = "pumps-stage", .keys = "R<Enter><Tab><Tab><Enter>", .pumps = true },
    { .name = "pumps-stopped", .keys = "R<Down><Down><Down><Enter>", .pumps = true },
    { .name = "pumps-done", .keys = "R<Down><Down><Down><Down><Enter>", .pumps = true },
    { .name = "pumps-done", .keys = "R<Down><Down><Down><Down><Enter>", .pumps = true },
    { .name = "pumps-down", .keys = "R<Enter>", .pumps = true, .down = true },
    { .name = "releases", .keys = "S" },
    { .name = "keys", .keys = "K" },
    { .name = "keys-behind", .keys = "K<Tab><Down>", .behind = true, .roles = true },
    { .name = "keys-late", .keys = "K<End><Up>", .behind = true },
    { .name = "keys-unread", .keys = "K", .unread = true },
    { .name = "alerts", .keys = "a<Down>", .alerts = true, .roles = true },
    { .name = "alerts-none", .keys = "a<Tab>" },
    { .name = "alerts-muted", .keys = "a<End>", .alerts = true },
    { .name = "alerts-silences", .keys = "a<Tab><Tab>", .alerts = true },
    { .name = "alerts-filter", .keys = "a/severity>=warn rule:", .alerts = true },
    { .name = "alerts-mute",
      .keys = "a<Down>m<S-Tab><S-Tab><Right><Tab><Tab>oven day",
      .alerts = true },
    { .name = "fleet-alerts", .keys = "", .alerts = true },
    { .name = "theme", .keys = "tt" },
    { .name = "log", .keys = "L" },
    { .name = "help", .keys = "?" },
    { .name = "help-search", .keys = "?mark" },
    { .name = "palette", .keys = ":re<Down>" },
    { .name = "sort", .keys = "s<Down>" },
    { .name = "sort-several", .keys = "s<Down><Down><Down><Down><Space><Down><Down><Space>I" },
    { .name = "columns", .keys = "o<Down><Down><Space><Down><Down>K++" },
    { .name = "fleet-columns",
      .keys = "o<Down><Space><End><Space>KKKKKKKKKKKKKKKKKKKKKKKK<Enter>" },
    { .name = "views-empty", .keys = "\\" },
    { .name = "views-name", .keys = "\\ahall" },
    { .name = "views",
      .keys = "/group:hall<Enter>s<End><Enter>\\awarm<Enter><Esc>2\\aworst<Enter><Esc>\\" },
    { .name = "export", .keys = "e" },
    { .name = "reboot", .keys = "<Space><Space><Space>r" },
    { .name = "start", .keys = "u<Right>" },
    { .name = "start-wrong", .keys = "u<Tab><Tab><Tab> soak" },
    { .name = "start-preview", .keys = "u<Right><PgDn>" },
    { .name = "pumps-start", .keys = "u<PgDn>", .pumps = true },
    { .name = "pumps-start-plan",
      .keys = "u<Tab><Tab><Tab><C-u>canary 10 soak 1h approve, rest<Tab>",
      .pumps = true },
    { .name = "start-armed", .keys = "u<PgDn>20" },
    { .name = "quit", .keys = "q" },
    { .name = "quit-hand-over", .keys = "q<Down>" },
};

static const struct {
    int rows, cols;
} sizes[] = { { 10, 40 }, { 15, 60 }, { 24, 80 }, { 40, 120 }, { 60, 200 } };

enum kind { UTF8, ASCII, WORDS, KINDS };
static const char *const kind_words[KINDS] = { "utf8", "ascii", "words" };

struct text {
    char *data;
    size_t len, cap;
};

static void put(struct text *t, const char *line)
{
    size_t len = strlen(line);
    while (t->len + len + 2 > t->cap) {
        t->cap = t->cap ? 2 * t->cap : 65536;
        t->data = mem_grow(t->data, t->cap, 1);
    }
    memcpy(t->data + t->len, line, len);
    t->len += len;
    t->data[t->len++] = '\n';
    t->data[t->len] = '\0';
}

static void put_picture(struct text *t, const struct canvas *c)
{
    char line[4096];
    for (int row = 0; row < c->rows; row++)
        put(t, canvas_row(c, row, line, sizeof(line)));
}

/* One character per role and layer: a letter by number, selected cells in capitals' place marked.
 */
static void put_roles(struct text *t, const struct canvas *c)
{
    static const char letters[] = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char line[4096];
    for (int row = 0; row < c->rows; row++) {
        int end = 0;
        for (int col = 0; col < c->cols; col++) {
            const struct cell *cell = canvas_at(c, row, col);
            bool plain = cell->cp == ' ' && cell->under == ROLE_TEXT;
            line[col] = plain ? ' ' : letters[cell->role];
            end = plain ? end : col + 1;
        }
        line[end] = '\0';
        put(t, line);
    }
}

static void legend(struct text *t)
{
    char line[64];
    put(t, "== roles: . text, then a b c … in the order of screens/role.h");
    snprintf(line, sizeof(line), "%d roles", ROLE_COUNT);
    put(t, line);
}

/* Letters and signs that are read aloud as they are. */
static bool is_plain(uint32_t cp)
{
    return (cp >= 0x20 && cp <= 0x7e) || cp == 0 || cp == 0xb0 || cp == 0xb2 || cp == 0xb3 ||
           cp == 0xb5 || cp == 0x3bc;
}

static void there_is_nothing_but_text(const struct scene *scene, const struct canvas *c)
{
    char line[4096];
    for (int at = 0; at < c->rows * c->cols; at++) {
        if (!is_plain(c->cell[at].cp))
            fail_msg("%s at %dx%d: U+%04x in \"%s\"", scene->name, c->cols, c->rows, c->cell[at].cp,
                     canvas_row(c, at / c->cols, line, sizeof(line)));
    }
}

/* Screens and dialogs in which nothing is chosen: their cursor is on the newest line, or where
 * typing goes. */
static bool chooses_nothing(const struct scene *scene, int rows)
{
    static const char *const names[] = { "help",           "help-search",      "log",
                                         "device-tail",    "device-tail-hex",  "device-tail-found",
                                         "fleet-none",     "alerts-none",      "device-commands",
                                         "device-updates", "device-tail-whole" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(scene->name, names[i]) == 0)
            return true;
    }
    bool one = strncmp(scene->name, "device", 6) == 0 || strncmp(scene->name, "pumps", 5) == 0 ||
               strncmp(scene->name, "rollout", 7) == 0 ||
               strcmp(scene->name, "fleet-frozen") == 0; /* whose banner lies over the first row */
    if (strcmp(scene->name, "pumps-done") == 0 && rows == 15)
        return true;         /* no stage is the one at work, and there is no room for the list */
    return rows < 15 && one; /* a device or a rollout in short is no list */
}

static void the_cursor_rests_on_what_is_chosen(const struct scene *scene, const struct canvas *c)
{
    char line[4096];
    const struct cell *cell = canvas_at(c, c->cursor_row, c->cursor_col);
    bool on = cell->under == ROLE_SELECTION || cell->role == ROLE_INPUT || cell->role == ROLE_FOCUS;
    bool nothing = chooses_nothing(scene, c->rows);
    if ((!on && !nothing) || (nothing && c->rows >= 15 && c->cursor_row == 0))
        fail_msg("%s at %dx%d: the cursor is at %d,%d, on \"%s\"", scene->name, c->cols, c->rows,
                 c->cursor_row, c->cursor_col, canvas_row(c, c->cursor_row, line, sizeof(line)));
}

static void draw_scene(struct fixture *f, const struct scene *scene, enum kind kind, struct text *t)
{
    char title[64];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ui *ui = ui_new();
        ui_set_words(ui, kind == WORDS);
        struct canvas *c = canvas_new(sizes[i].rows, sizes[i].cols, kind == ASCII);
        f->model.now_ms = FIXTURE_NOW_MS;
        keys_type(ui, &f->model, c, scene->keys, NULL);
        f->model.now_ms += scene->pass_s * 1000;
        ui_draw(ui, &f->model, c);
        if (kind == WORDS)
            there_is_nothing_but_text(scene, c);
        the_cursor_rests_on_what_is_chosen(scene, c);
        snprintf(title, sizeof(title), "== %dx%d", sizes[i].cols, sizes[i].rows);
        put(t, title);
        put_picture(t, c);
        if (scene->roles && kind == UTF8 && sizes[i].rows == 24) {
            legend(t);
            put_roles(t, c);
        }
        canvas_free(c);
        ui_free(ui);
    }
    f->model.now_ms = FIXTURE_NOW_MS;
}

static uint32_t lines_that_differ(const struct canvas *a, const struct canvas *b)
{
    char one[4096], other[4096];
    uint32_t count = 0;
    for (int row = 0; row < a->rows; row++)
        count += strcmp(canvas_row(a, row, one, sizeof(one)),
                        canvas_row(b, row, other, sizeof(other))) != 0;
    return count;
}

/* Lines that become others within a minute in which nothing happens. */
static uint32_t lines_of_a_minute(struct fixture *f, const char *keys, bool words)
{
    struct ui *ui = ui_new();
    struct canvas *c[2] = { canvas_new(40, 120, false), canvas_new(40, 120, false) };
    uint32_t count = 0;

    ui_set_words(ui, words);
    f->model.now_ms = FIXTURE_NOW_MS;
    keys_type(ui, &f->model, c[0], keys, NULL);
    ui_draw(ui, &f->model, c[0]);
    for (int second = 1; second <= 60; second++) {
        f->model.now_ms += 1000;
        ui_draw(ui, &f->model, c[second % 2]);
        count += lines_that_differ(c[0], c[1]);
    }
    f->model.now_ms = FIXTURE_NOW_MS;
    canvas_free(c[0]);
    canvas_free(c[1]);
    ui_free(ui);
    return count;
}

/* What changes would be read aloud each time. A line that counts down may do so in the last ten
 * seconds; else it changes with tens of seconds or with the minutes. */
static void in_words_no_line_changes_with_the_seconds(void **state)
{
    static const char *const keys[] = { "R<Enter>", "R<Enter><Tab><Enter>" };
    struct fixture *f = fixture_rollouts_new();
    (void)state;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        uint32_t glyphs = lines_of_a_minute(f, keys[i], false);
        uint32_t words = lines_of_a_minute(f, keys[i], true);
        if (glyphs < 60 || words * 5 > glyphs)
            fail_msg("%s: %u lines change within a minute, %u without words", keys[i], words,
                     glyphs);
    }
    fixture_link_down(f);
    if (lines_of_a_minute(f, "", true) > 20)
        fail_msg("a lost link changes %u lines within a minute", lines_of_a_minute(f, "", true));
    fixture_free(f);
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    struct text t = { NULL, 0, 0 };
    char chunk[4096];
    size_t n;
    t.data = mem_alloc(1);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        t.data = mem_grow(t.data, t.len + n + 1, 1);
        memcpy(t.data + t.len, chunk, n);
        t.len += n;
        t.data[t.len] = '\0';
    }
    fclose(file);
    return t.data;
}

static void write_whole(const char *path, const struct text *t)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(t->data, 1, t->len, file) != t->len)
        fail_msg("cannot write %s", path);
    fclose(file);
}

static void compare(const struct scene *scene, const char *kind, const struct text *t)
{
    char path[512], left[512];
    snprintf(path, sizeof(path), "%s/tests/golden/expect/%s-%s.txt", MUSTER_SOURCE_DIR, scene->name,
             kind);
    if (getenv("UPDATE_GOLDEN")) {
        write_whole(path, t);
        return;
    }
    char *kept = read_whole(path);
    bool same = kept && strcmp(kept, t->data) == 0;
    free(kept);
    if (same)
        return;
    snprintf(left, sizeof(left), "%s/golden-%s-%s.txt", MUSTER_BINARY_DIR, scene->name, kind);
    write_whole(left, t);
    fail_msg("the picture differs: diff %s %s (UPDATE_GOLDEN=1 keeps the new one)", path, left);
}

/* The fleet of a scene, as it is before the keys. */
static struct fixture *prepared(const struct scene *scene)
{
    struct fixture *f = scene->pumps ? fixture_rollouts_new() : fixture_new();
    f->model.read_only = scene->read_only;
    if (scene->down)
        fixture_link_down(f);
    if (scene->alerts)
        fixture_alerts(f);
    if (scene->behind)
        fixture_keys_behind(f);
    if (scene->unread)
        fixture_keys_unread(f);
    return f;
}

static void the_picture_is_as_kept(void **state)
{
    const struct scene *scene = *state;
    struct fixture *f = prepared(scene); /* building it takes longer than all pictures */
    for (int kind = 0; kind < KINDS; kind++) {
        struct text t = { NULL, 0, 0 };
        draw_scene(f, scene, (enum kind)kind, &t);
        compare(scene, kind_words[kind], &t);
        free(t.data);
    }
    fixture_free(f);
}

/* In ASCII nothing may depend on a glyph that has no stand-in. */
static void an_ascii_picture_has_no_unknown_glyph(void **state)
{
    struct fixture *weather = fixture_new(), *pumps = fixture_rollouts_new();
    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        struct fixture *f = scenes[i].pumps ? pumps : weather;
        struct ui *plain = ui_new(), *rich = ui_new();
        struct canvas *a = canvas_new(40, 120, true), *b = canvas_new(40, 120, false);
        keys_type(plain, &f->model, a, scenes[i].keys, NULL);
        keys_type(rich, &f->model, b, scenes[i].keys, NULL);
        int asked = 0;
        for (int row = 0; row < 40; row++) {
            for (int col = 0; col < 120; col++) {
                asked += (canvas_at(a, row, col)->cp == '?') - (canvas_at(b, row, col)->cp == '?');
                assert_in_range(canvas_at(a, row, col)->cp, 0x20, 0x7e);
            }
        }
        assert_int_equal(asked, 0);
        canvas_free(a);
        canvas_free(b);
        ui_free(plain);
        ui_free(rich);
    }
    fixture_free(weather);
    fixture_free(pumps);
}

int main(void)
{

    size_t count = sizeof(scenes) / sizeof(scenes[0]);
    struct CMUnitTest *tests = mem_array(count + 2, sizeof(*tests));
    for (size_t i = 0; i < count; i++) {
        tests[i].name = scenes[i].name;
        tests[i].test_func = the_picture_is_as_kept;
        tests[i].initial_state = mem_alloc(sizeof(scenes[i]));
        memcpy(tests[i].initial_state, &scenes[i], sizeof(scenes[i]));
    }
    tests[count].name = "an_ascii_picture_has_no_unknown_glyph";
    tests[count].test_func = an_ascii_picture_has_no_unknown_glyph;
    tests[count + 1].name = "in_words_no_line_changes_with_the_seconds";
    tests[count + 1].test_func = in_words_no_line_changes_with_the_seconds;
    int failed = _cmocka_run_group_tests("pictures", tests, count + 2, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free(tests[i].initial_state);
    free(tests);
    return failed;
}
