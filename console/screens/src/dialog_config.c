#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dialog.h"
#include "screens/config_fields.h"

/* config…: settings for the marked devices or the current one. The form lists whom it touches; a
 * field that is left empty stays as it is on each of them. */

static bool read_fields(struct form *f)
{
    f->set = (struct order_config){ .interval = 0 };
    bool any = false;
    for (int i = 0; i < f->rows; i++) {
        const char *value = f->row[i].field.text;
        if (!*value)
            continue;
        any = true;
        if (!config_field_set(&f->set, f->row[i].label, value, f->problem, sizeof(f->problem)))
            return false;
    }
    return any;
}

static uint32_t absent(const struct form *f, const struct ui_model *m)
{
    uint32_t count = 0;
    for (size_t i = 0; i < f->id_count; i++) {
        uint32_t index = fleet_find(m->fleet, f->ids[i]);
        const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
        count += !d || d->state == FLEET_OFFLINE || d->state == FLEET_STALE;
    }
    return count;
}

static void say_ids(struct form *f)
{
    size_t named = f->id_count < 6 ? f->id_count : 5;
    form_line(f, "Changes settings of %u device%s:", (unsigned)f->id_count,
              f->id_count == 1 ? "" : "s");
    for (size_t i = 0; i < named; i++)
        form_line(f, "  %s", f->ids[i]);
    if (named < f->id_count)
        form_line(f, "  and %u more", (unsigned)(f->id_count - named));
}

static void describe(struct form *f, const struct ui_model *m)
{
    say_ids(f);
    form_line(f, "What is left empty stays as it is; a device takes all of it or nothing.");
    uint32_t away = absent(f, m);
    if (away)
        form_line(f, "%u of them %s not there now and may never get it.", away,
                  away == 1 ? "is" : "are");
    read_fields(f);
    if (f->id_count > 1)
        snprintf(f->type, sizeof(f->type), "%u", (unsigned)f->id_count);
}

static bool effect(struct form *f, const struct ui_model *m, struct ui_effect *out)
{
    (void)m;
    if (!read_fields(f)) {
        if (!*f->problem)
            snprintf(f->refused, sizeof(f->refused), "nothing to change: all fields are empty");
        return false;
    }
    *out = (struct ui_effect){ .kind = UI_COMMAND,
                               .verb = VERB_CONFIG,
                               .reading = FLEET_NONE,
                               .ids = f->ids,
                               .id_count = f->id_count,
                               .set = &f->set };
    return true;
}

static const struct form_ops config_ops = { describe, effect };

void config_open(struct step *s)
{
    static const char *const help[CONFIG_FIELDS] = { "90, 15m, 2h", NULL, NULL, NULL };
    size_t count = fleet_screen_targets(s->ui);
    struct form f = { .ops = &config_ops,
                      .rows = CONFIG_FIELDS,
                      .keep = "Cancel",
                      .act = "Send",
                      .doing = "send it",
                      .ids = s->ui->ids,
                      .id_count = count };
    if (count == 0 || !ui_may_act(s))
        return;
    for (int i = 0; i < CONFIG_FIELDS; i++) {
        f.row[i].kind = FORM_FIELD;
        f.row[i].label = config_field_name((size_t)i);
        f.row[i].help = help[i];
    }
    if (count == 1)
        snprintf(f.title, sizeof(f.title), "configure %s", s->ui->ids[0]);
    else
        snprintf(f.title, sizeof(f.title), "configure %u devices", (unsigned)count);
    form_open(s->ui, &f);
}
