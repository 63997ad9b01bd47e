#include "device_draw.h"

#include <stdio.h>
#include <string.h>

/* What was asked of a device and what it answered; which updates it went through. */

static const struct ui_device_acts *acts_of(const struct ui *ui, const struct ui_model *m)
{
    return m->acts && strcmp(m->acts->id, ui->device.id) == 0 ? m->acts : NULL;
}

uint32_t device_command_count(const struct ui *ui, const struct ui_model *m)
{
    const struct ui_device_acts *acts = acts_of(ui, m);
    return acts ? (uint32_t)acts->command_count : 0;
}

/* "1.8s", "3m12s" */
static void took_text(int64_t ms, char out[FMT_MAX])
{
    if (ms < 0)
        snprintf(out, FMT_MAX, "–");
    else if (ms < 60000)
        snprintf(out, FMT_MAX, "%d.%ds", (int)(ms / 1000), (int)(ms / 100 % 10));
    else
        fmt_duration(ms / 1000, out);
}

/* "✓ ack 1.8s", "✗ expired", "⇡ sent, 1m" */
static void draw_answer(const struct ui_command *c, const struct ui_model *m, struct area a,
                        int row, int col, bool wide)
{
    char took[FMT_MAX], detail[PROTO_DETAIL_MAX];
    bool timed = c->answered_ms && c->sent_ms;

    if (!c->answered_ms) {
        fmt_age(m->now_ms - c->sent_ms, took);
        col = area_mark(a, row, col, ROLE_UPDATING, "⇡");
        area_printf(a, row, col, ROLE_DIM, wide ? "sent, no answer for %s" : "sent, %s", took);
        return;
    }
    took_text(c->answered_ms - c->sent_ms, took);
    col = area_mark(a, row, col, c->ok ? ROLE_OK : ROLE_WARN, c->ok ? "✓" : "✗");
    if (!c->ok && !wide)
        col = area_glyph(a, row, col, ROLE_TEXT, "", "refused ");
    if (c->ok || wide)
        col = area_printf(a, row, col, ROLE_TEXT, "%s %s", c->ok ? "ack" : "refused",
                          timed ? took : "") +
              1;
    if (!c->ok)
        col = area_text(a, row, col, ROLE_TEXT,
                        wide ? reason_text(c->reason) : reason_word(c->reason)) +
              1;
    if (*c->detail && wide)
        area_text(a, row, col + 1, ROLE_DIM, clean(detail, sizeof(detail), c->detail));
}

static void draw_command(const struct ui_command *c, const struct ui_model *m, struct area a,
                         int row, bool wide)
{
    char when[FMT_MAX];

    area_field(a, row, 2, 10, ROLE_DIM,
               fmt_day_hm(c->sent_ms ? c->sent_ms : c->answered_ms, m->now_ms, when), false);
    area_field(a, row, 13, 8, ROLE_TEXT, verb_word(c->verb), false);
    if (wide)
        area_printf(a, row, 22, ROLE_DIM, "seq %u", c->seq);
    draw_answer(c, m, a, row, wide ? 38 : 22, wide);
}

void draw_commands(const struct ui *ui, const struct ui_model *m, struct area a, bool with_title)
{
    const struct ui_device_acts *acts = acts_of(ui, m);
    size_t count = acts ? acts->command_count : 0;
    size_t first = with_title ? ui->device.row.row : 0;
    int row = 0;

    if (with_title)
        draw_pane_rule(a, row++, ui->device.pane == PANE_COMMANDS, "commands",
                       !count       ? NULL
                       : a.c->words ? "sent, then answer"
                                    : "sent → answer");
    if (count == 0)
        area_text(a, row, 2, ROLE_DIM, acts ? "none sent" : "–");
    if (with_title && ui->device.pane == PANE_COMMANDS && count)
        area_cursor(a, row, 2);
    for (size_t i = first; i < count && row < a.rows; i++, row++)
        draw_command(&acts->command[i], m, a, row, with_title && a.cols >= 70);
}

/* ---- updates -------------------------------------------------------------------------------- */

/* One line of the history, from the journal or from what the device reported. */
struct past_update {
    int64_t t_ms;
    const char *version, *from, *rollout, *what;
    enum reason reason;
    bool good, open;
};

static const char *part_word(enum rollout_device_state state)
{
    switch (state) {
    case RDEV_PLANNED:
        return "planned";
    case RDEV_DONE:
        return "done";
    case RDEV_FAILED:
        return "failed";
    case RDEV_EXCUSED:
        return "excused";
    case RDEV_ABORTING:
    case RDEV_ABORTED:
        return "aborted";
    case RDEV_RETURNING:
        return "going back";
    case RDEV_RETURNED:
        return "back on what it ran";
    case RDEV_RETRYING:
        return "will be tried again";
    case RDEV_RECALLING:
    case RDEV_ORDERED:
    case RDEV_CONFIRMING:
    case RDEV_SOAKING:
        break;
    }
    return "under way";
}

static bool in_journal(const struct ui_device_acts *acts, const char *rollout)
{
    for (size_t i = 0; acts && i < acts->update_count; i++) {
        if (strcmp(acts->update[i].rollout, rollout) == 0)
            return true;
    }
    return false;
}

/* What the device reported and the journal does not know first, then the journal's. */
static bool update_at(const struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      uint32_t at, struct past_update *out)
{
    const struct ui_device_acts *acts = acts_of(ui, m);
    uint32_t n = 0;

    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; d->ota && i < d->ota->update_count; i++) {
        const struct fleet_update *u = &d->ota->update[i];
        const char *rollout = fleet_word(m->fleet, u->rollout);
        if (in_journal(acts, rollout) || n++ != at)
            continue;
        *out = (struct past_update){ .t_ms = (int64_t)u->t * 1000,
                                     .version = fleet_word(m->fleet, u->to),
                                     .from = fleet_word(m->fleet, u->from),
                                     .rollout = rollout,
                                     .what = ota_report_word((enum ota_report_state)u->state),
                                     .reason = (enum reason)u->reason,
                                     .good = u->state == OTA_REPORT_DONE };
        return true;
    }
    if (!acts || at - n >= acts->update_count)
        return false;
    const struct ui_update *u = &acts->update[at - n];
    *out = (struct past_update){ .t_ms = u->t_ms,
                                 .version = u->version,
                                 .from = "",
                                 .rollout = u->rollout,
                                 .what = part_word(u->state),
                                 .reason = u->reason,
                                 .good = u->state == RDEV_DONE,
                                 .open = strcmp(part_word(u->state), "under way") == 0 ||
                                         u->state == RDEV_PLANNED };
    return true;
}

uint32_t device_update_count(const struct ui *ui, const struct ui_model *m,
                             const struct fleet_device *d)
{
    struct past_update u;
    uint32_t count = 0;
    while (d && count < UI_UPDATES + FLEET_UPDATES && update_at(ui, m, d, count, &u))
        count++;
    return count;
}

static void draw_update(const struct past_update *u, const struct ui_model *m, struct area a,
                        int row)
{
    char when[FMT_MAX];
    int col = 2;

    area_field(a, row, col, 10, ROLE_DIM, fmt_day_hm(u->t_ms, m->now_ms, when), false);
    col = area_printf(a, row, col + 11, ROLE_TEXT, "%s ", u->version);
    col = area_mark(a, row, col,
                    u->good   ? ROLE_OK
                    : u->open ? ROLE_UPDATING
                              : ROLE_WARN,
                    u->good   ? "✓"
                    : u->open ? "⇡"
                              : "✗");
    if (a.cols < 60) {
        if (a.c->words && !u->good && !u->open && u->reason != REASON_NONE)
            col = area_text(a, row, col, ROLE_TEXT, "failed ");
        const char *why = u->reason != REASON_NONE ? reason_word(u->reason) : u->what;
        area_field(a, row, col, a.cols - col, ROLE_TEXT, u->good ? "done" : why, false);
        return;
    }
    col = area_text(a, row, col, ROLE_TEXT, u->what);
    if (*u->from)
        col = area_printf(a, row, col, ROLE_DIM, "  from %s", u->from);
    col = area_printf(a, row, col, ROLE_DIM, "  %s", u->rollout);
    if (u->reason != REASON_NONE)
        area_printf(a, row, col, ROLE_TEXT, "  %s", reason_text(u->reason));
}

void draw_updates(const struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                  struct area a, bool with_title)
{
    struct past_update u;
    uint32_t at = with_title ? ui->device.row.row : 0;
    int row = 0;

    if (with_title)
        draw_pane_rule(a, row++, ui->device.pane == PANE_UPDATES, "updates", NULL);
    if (!update_at(ui, m, d, 0, &u))
        area_text(a, row, 2, ROLE_DIM, "none seen");
    if (with_title && ui->device.pane == PANE_UPDATES)
        area_cursor(a, row, 2);
    for (; row < a.rows && update_at(ui, m, d, at, &u); at++, row++)
        draw_update(&u, m, a, row);
}
