#include "fleet_draw.h"
#include "fleet_table.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What can be done to the marked devices, or to the one that is selected or open. */

size_t fleet_screen_targets(struct ui *ui)
{
    const struct fleet_screen *f = &ui->fleet;
    bool one = ui_screen(ui) == SCREEN_DEVICE || f->mark_count == 0;
    const char *id = ui_selected(ui);
    size_t count = !one ? f->mark_count : *id ? 1 : 0;
    ui_ids_room(ui, count);
    for (size_t i = 0; i < count; i++)
        text_copy(ui->ids[i], sizeof(*ui->ids), one ? id : f->mark[i]);
    return count;
}

static void confirm_ids(const struct ui *ui, const struct ui_model *m, struct confirm *c,
                        const char *verb_text)
{
    size_t count = c->effect.id_count, named = count < 6 ? count : 5, silent = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = fleet_find(m->fleet, ui->ids[i]);
        const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
        silent += !d || d->state == FLEET_OFFLINE || d->state == FLEET_STALE;
    }
    snprintf(c->line[c->lines++], sizeof(c->line[0]), "%s %u device%s:", verb_text, (unsigned)count,
             count == 1 ? "" : "s");
    for (size_t i = 0; i < named; i++)
        snprintf(c->line[c->lines++], sizeof(c->line[0]), "  %s", ui->ids[i]);
    if (named < count)
        snprintf(c->line[c->lines++], sizeof(c->line[0]), "  and %u more",
                 (unsigned)(count - named));
    if (silent)
        snprintf(c->line[c->lines++], sizeof(c->line[0]),
                 "%u of them %s not there now and may never get it.", (unsigned)silent,
                 silent == 1 ? "is" : "are");
}

static void reboot(struct step *s)
{
    struct confirm c = { .keep = "Cancel", .act = "Reboot", .doing = "reboot" };
    size_t count = fleet_screen_targets(s->ui);
    if (count == 0 || !ui_may_act(s))
        return;
    c.effect = (struct ui_effect){ .kind = UI_COMMAND, .verb = VERB_REBOOT, .id_count = count };
    confirm_ids(s->ui, s->m, &c, "Restarts");
    if (count == 1)
        snprintf(c.title, sizeof(c.title), "reboot %s", s->ui->ids[0]);
    else
        snprintf(c.title, sizeof(c.title), "reboot %u devices", (unsigned)count);
    if (count > 1)
        snprintf(c.type, sizeof(c.type), "%u", (unsigned)count);
    confirm_open(s->ui, &c);
}

static void identify(struct step *s)
{
    size_t count = fleet_screen_targets(s->ui);
    if (count == 0 || !ui_may_act(s))
        return;
    struct ui_effect *e = ui_effect(s, UI_COMMAND);
    e->verb = VERB_IDENTIFY;
    e->ids = s->ui->ids;
    e->id_count = count;
    ui_say(s, TAIL_PLAIN, "identify: asked %s%s", count == 1 ? s->ui->ids[0] : "the marked devices",
           count == 1 ? "" : " to show themselves");
}

static void copy_ids(struct step *s)
{
    size_t count = fleet_screen_targets(s->ui);
    struct ui_effect *e = count ? ui_effect(s, UI_COPY) : NULL;
    size_t used = 0, copied = 0;
    for (size_t i = 0; e && i < count; i++) {
        size_t len = strlen(s->ui->ids[i]);
        if (used + len + 2 > sizeof(e->text))
            break;
        memcpy(e->text + used, s->ui->ids[i], len);
        used += len;
        e->text[used++] = i + 1 < count ? ' ' : '\0';
        copied++;
    }
    if (e && copied < count)
        ui_say(s, TAIL_WARN, "copied the first %u of %u ids", (unsigned)copied, (unsigned)count);
    else if (e)
        ui_say(s, TAIL_PLAIN, "copied %s", count == 1 ? s->ui->ids[0] : "the marked ids");
}

bool fleet_screen_act(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_UPDATE:
        if (ui_may_act(s))
            start_open(s, NULL, NULL);
        return true;
    case ACTION_REBOOT:
        reboot(s);
        return true;
    case ACTION_IDENTIFY:
        identify(s);
        return true;
    case ACTION_CONFIG:
        config_open(s);
        return true;
    case ACTION_COPY:
        copy_ids(s);
        return true;
    default:
        return false;
    }
}

/* The line of acts above the keys. */

static uint32_t hidden_marks(const struct fleet_screen *f)
{
    uint32_t hidden = 0;
    for (size_t i = 0; i < f->mark_count; i++)
        hidden += fleet_view_row(f->view, f->mark[i]) == FLEET_NONE;
    return hidden;
}

void fleet_acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_screen *f = &ui->fleet;
    char text[80];
    uint32_t count = fleet_view_count(f->view);
    int col = 1;
    if (f->mark_count) {
        uint32_t hidden = hidden_marks(f);
        snprintf(text, sizeof(text), hidden ? "%zu marked (%u hidden)" : "%zu marked",
                 f->mark_count, hidden);
        col = area_text(a, 0, col, ROLE_MARKED, text) + 3;
    }
    if (m->read_only) {
        col = area_text(a, 0, col, ROLE_DIM, "read-only");
    } else {
        col = draw_action(ui, a, col, ACTION_UPDATE, "update…");
        col = draw_action(ui, a, col, ACTION_REBOOT, "reboot…");
        col = draw_action(ui, a, col, ACTION_CONFIG, "config…");
        if (a.cols >= 110)
            col = draw_action(ui, a, col, ACTION_IDENTIFY, "identify");
        col = draw_action(ui, a, col, ACTION_COPY, "copy");
        if (a.cols >= 72)
            col = draw_action(ui, a, col, ACTION_EXPORT, "export");
        if (f->mark_count)
            col = draw_action(ui, a, col, ACTION_BACK, "unmark");
        else
            col = draw_action(ui, a, col, ACTION_MARK, "mark");
    }
    snprintf(text, sizeof(text), "%s%u/%u", f->follow ? "follow  " : "", count ? f->row + 1 : 0,
             count);
    draw_act_right(a, col, text);
}
