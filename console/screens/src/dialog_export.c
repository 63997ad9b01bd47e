#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"

/* The lists that have rows to export: how many ids say which row it is, and the ids shown. */
static size_t device_rows(struct ui *ui, const struct ui_model *m)
{
    (void)m;
    /* As every other act: the marked ones, if there are. */
    return ui->fleet.mark_count ? fleet_screen_targets(ui) : fleet_screen_rows(ui);
}

static const struct {
    const char *word;
    size_t ids;
    size_t (*rows)(struct ui *ui, const struct ui_model *m);
} lists[] = {
    [UI_ROWS_DEVICES] = { "devices", 1, device_rows },
    [UI_ROWS_ALERTS] = { "alerts", 2, alerts_screen_rows },
    [UI_ROWS_PAST] = { "alerts-past", 3, alerts_screen_rows },
    [UI_ROWS_SILENCES] = { "silences", 1, alerts_screen_rows },
    [UI_ROWS_ROLLOUTS] = { "rollouts", 1, rollouts_screen_rows },
    [UI_ROWS_RELEASES] = { "releases", 2, releases_screen_rows },
};

/* Export: the rows shown, as CSV or JSON, to a file whose name is shown before it is written. */

static void default_name(struct export_dialog *d, int64_t now_ms)
{
    char name[64], date[FMT_MAX], clock[FMT_MAX];
    fmt_date(now_ms, date);
    fmt_clock(now_ms, clock);
    bool devices = d->what == UI_ROWS_DEVICES;
    snprintf(name, sizeof(name), "muster-%s%s%.10s-%.2s%.2s%.2s.%s",
             devices ? "" : lists[d->what].word, devices ? "" : "-", date, clock, clock + 3,
             clock + 6, d->csv ? "csv" : "json");
    field_set(&d->name, name);
}

void export_open(struct step *s, enum ui_rows what)
{
    s->ui->exporting.what = what;
    if (lists[what].rows(s->ui, s->m) == 0) {
        ui_say(s, TAIL_WARN, "no row is shown");
        return;
    }
    s->ui->exporting.csv = true;
    default_name(&s->ui->exporting, s->m->now_ms);
    s->ui->dialog = DIALOG_EXPORT;
}

/* The ending says the format; changing one changes the other. */
static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len > n && strcmp(text + len - n, end) == 0;
}

static void change_format(struct export_dialog *d)
{
    const char *was = d->csv ? ".csv" : ".json";
    char name[FIELD_MAX];
    d->csv = !d->csv;
    size_t len = strlen(d->name.text);
    if (!ends_with(d->name.text, was))
        return;
    snprintf(name, sizeof(name), "%.*s%s", (int)(len - strlen(was)), d->name.text,
             d->csv ? ".csv" : ".json");
    field_set(&d->name, name);
}

static void export_event(struct step *s, const struct ui_event *ev)
{
    struct export_dialog *d = &s->ui->exporting;
    bool taken;
    if (is_cancel(ev)) {
        dialog_close(s->ui);
    } else if (is_key(ev, K_ENTER) && d->name.len) {
        dialog_close(s->ui);
        size_t count = lists[d->what].rows(s->ui, s->m);
        struct ui_effect *e = ui_effect(s, UI_EXPORT);
        e->ids = s->ui->ids;
        e->id_count = count;
        e->csv = d->csv;
        e->rows = d->what;
        if (!text_copy(e->text, sizeof(e->text), d->name.text))
            ui_say(s, TAIL_WARN, "the name is longer than %zu bytes", sizeof(e->text) - 1);
    } else if (is_key(ev, K_TAB) || is_key(ev, K_BACKTAB)) {
        change_format(d);
    } else if (field_event(&d->name, ev, &taken) &&
               ends_with(d->name.text, d->csv ? ".json" : ".csv")) {
        d->csv = !d->csv;
    }
}

static void export_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    struct export_dialog *d = &ui->exporting;
    struct area box = dialog_centred(screen, 8, 66);
    char title[64];
    size_t marked = d->what == UI_ROWS_DEVICES ? ui->fleet.mark_count : 0;
    if (marked)
        snprintf(title, sizeof(title), "export %zu marked rows", marked);
    else
        snprintf(title, sizeof(title), "export %zu rows",
                 d->what == UI_ROWS_DEVICES ? fleet_view_count(ui->fleet.view)
                                            : lists[d->what].rows(ui, m) / lists[d->what].ids);
    area_box(box, ROLE_FOCUS, title, "Enter writes   Tab other format   Esc cancels");
    struct area in = area_sub(box, 1, 3, box.rows - 2, box.cols - 5);
    area_text(in, 1, 0, ROLE_TEXT, "Format");
    int col = dialog_button(in, 1, 8, "CSV", d->csv, d->csv ? K_NONE : K_TAB);
    dialog_button(in, 1, col, "JSON", !d->csv, d->csv ? K_TAB : K_NONE);
    area_text(in, 3, 0, ROLE_TEXT, "File");
    field_draw(&d->name, in, 3, 8, in.cols - 8);
    area_text(in, 4, 8, ROLE_DIM, "A file that is there already stays as it is.");
}

const struct dialog_ops dialog_export = { export_event, export_draw };
