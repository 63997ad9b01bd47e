/*
 * Looks at the screens with the made-up fleet: not installed, for people's eyes.
 *
 *   show [--rollouts] [--ascii] [--words] [--theme FILE] [--keys KEYS] [--dump ROWS COLS]
 *
 * In a terminal it runs live (the fleet goes on speaking). With --dump it draws one picture to
 * stdout after the keys: letters are themselves, <Enter> <Esc> <Tab> <Up> <Down> … by name.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "fixture.h"
#include "fixture_rollouts.h"
#include "fleet/history.h"
#include "keys.h"
#include "term/term.h"

struct options {
    bool ascii, words, dump, down, rollouts;
    int rows, cols;
    const char *theme, *keys;
};

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char theme_text[16384];

static const char *source(void *ctx, const char *name)
{
    char path[512];
    (void)ctx;
    snprintf(path, sizeof(path), "%s/themes/%s.ini", MUSTER_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    theme_text[fread(theme_text, 1, sizeof(theme_text) - 1, file)] = '\0';
    fclose(file);
    return theme_text;
}

static void load(struct theme *out, const char *name)
{
    const char *text = source(NULL, name);
    char *copy = strdup(text ? text : "");
    theme_parse(out, name, copy ? copy : "", source, NULL, NULL);
    free(copy);
}

static void dump(struct ui *ui, const struct fixture *f, const struct options *o)
{
    char line[8192];
    struct canvas *c = canvas_new(o->rows, o->cols, o->ascii);
    ui_draw(ui, &f->model, c);
    for (int row = 0; row < c->rows; row++)
        puts(canvas_row(c, row, line, sizeof(line)));
    canvas_free(c);
}

/* Messages of some devices, so that the picture lives. */
static void speak(struct fixture *f, int64_t from_ms, int64_t to_ms)
{
    static const char *const ids[] = { "hall-b-003", "berlin-roof-001", "hall-a-001", "lab-005" };
    for (int64_t t = from_ms / 1000 + 1; t <= to_ms / 1000; t++) {
        char topic[96], body[96];
        const char *id = ids[t % 4];
        snprintf(topic, sizeof(topic), "devices/%s/telemetry/environment", id);
        snprintf(body, sizeof(body), "{\"temperature\":%.1f,\"humidity\":%d}",
                 20 + (double)(t % 40) / 4, (int)(40 + t % 13));
        fixture_message(f, topic, body, strlen(body), false);
    }
}

static bool carry_out(struct term *t, struct fixture *f, struct theme *theme,
                      const struct ui_effects *fx)
{
    for (size_t i = 0; i < fx->count; i++) {
        const struct ui_effect *e = &fx->item[i];
        if (e->kind == UI_QUIT)
            return false;
        if (e->kind == UI_SUSPEND)
            term_suspend(t);
        if (e->kind == UI_REDRAW)
            term_redraw(t);
        if (e->kind == UI_COPY)
            term_copy(t, e->text);
        if (e->kind == UI_WATCH)
            fleet_watch(f->fleet, e->id);
        if (e->kind == UI_TREND)
            fleet_set_trend(f->fleet, e->reading);
        if (e->kind == UI_THEME) {
            load(theme, e->text);
            for (size_t k = 0; k < f->model.theme_count; k++)
                f->model.theme = strcmp(f->themes[k], e->text) ? f->model.theme : f->themes[k];
        }
    }
    return true;
}

static int run(struct ui *ui, struct fixture *f, const struct options *o)
{
    struct err err;
    struct theme theme;
    const char *no_color = getenv("NO_COLOR");
    struct term_options options = { .ascii = o->ascii,
                                    .utf8 = true,
                                    .no_color = no_color && *no_color };
    struct term *t = term_open(&options, &err);
    bool on = true;
    int64_t begin = wall_ms(), start = f->model.now_ms;
    int rows, cols;

    if (!t) {
        fprintf(stderr, "show: %s\n", err.text);
        return 1;
    }
    load(&theme, o->theme ? o->theme : "default-dark");
    term_size(t, &rows, &cols);
    struct canvas *c = canvas_new(rows, cols, !term_facts(t)->utf8);
    while (on) {
        struct ui_event ev;
        struct ui_effects fx;
        int got;
        int64_t now = start + wall_ms() - begin;
        if (!o->down)
            speak(f, f->model.now_ms, now);
        if (now > f->model.now_ms)
            fixture_pass(f, now - f->model.now_ms);
        while (on && (got = term_read(t, &ev)) > 0) {
            if (ev.kind == UI_RESIZE)
                canvas_resize(c, ev.row, ev.col);
            ui_step(ui, &ev, &f->model, &fx);
            on = carry_out(t, f, &theme, &fx);
        }
        on = on && got >= 0;
        ui_draw(ui, &f->model, c);
        term_show(t, c, &theme);
        struct pollfd p[TERM_FDS];
        term_polls(t, p);
        poll(p, TERM_FDS, 250);
    }
    canvas_free(c);
    term_close(t);
    return 0;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--ascii") == 0) {
            o->ascii = true;
        } else if (strcmp(argv[i], "--words") == 0) {
            o->words = true;
        } else if (strcmp(argv[i], "--down") == 0) {
            o->down = true;
        } else if (strcmp(argv[i], "--rollouts") == 0) {
            o->rollouts = true;
        } else if (strcmp(argv[i], "--theme") == 0 && i + 1 < argc) {
            o->theme = argv[++i];
        } else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc) {
            o->keys = argv[++i];
        } else if (strcmp(argv[i], "--dump") == 0 && i + 2 < argc) {
            uint64_t rows, cols;
            if (!text_to_u64(argv[i + 1], 1, 500, &rows) ||
                !text_to_u64(argv[i + 2], 1, 1000, &cols))
                return false;
            o->dump = true;
            o->rows = (int)rows;
            o->cols = (int)cols;
            i += 2;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = { .rows = 24, .cols = 80 };
    if (!parse(argc, argv, &o)) {
        fputs("usage: show [--rollouts] [--ascii] [--words] [--down] [--theme NAME] [--keys KEYS] "
              "[--dump ROWS COLS]\n",
              stderr);
        return 2;
    }
    struct fixture *f = o.rollouts ? fixture_rollouts_new() : fixture_new();
    struct ui *ui = ui_new();
    ui_set_words(ui, o.words);
    if (o.down)
        fixture_link_down(f);
    struct canvas *c = canvas_new(o.rows, o.cols, o.ascii);
    if (o.keys)
        keys_type(ui, &f->model, c, o.keys, NULL);
    canvas_free(c);
    int rc = 0;
    if (o.dump)
        dump(ui, f, &o);
    else
        rc = run(ui, f, &o);
    ui_free(ui);
    fixture_free(f);
    return rc;
}
