#include "device_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define FACTS_COLS 34 /* the left column of a wide screen, with its line */

bool device_is_wide(int rows, int cols)
{
    return rows >= 28 && cols >= 110;
}

int device_bottom_rows(const struct ui *ui)
{
    return device_is_wide(ui->rows, ui->cols) ? 3 : 2;
}

const struct fleet_device *device_of(const struct ui *ui, const struct ui_model *m)
{
    uint32_t index = fleet_find(m->fleet, ui->device.id);
    return index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
}

/* ---- together ------------------------------------------------------------------------------- */

/* The pane below the plots: the one that has the focus, or had it last. */
static void draw_low(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                     const struct facts *f, struct area a)
{
    struct device_screen *s = &ui->device;

    if (s->pane != PANE_PLOTS)
        s->low = s->pane;
    switch (s->low) {
    case PANE_COMMANDS:
        draw_commands(ui, m, a, true);
        break;
    case PANE_UPDATES:
        draw_updates(ui, m, d, a, true);
        break;
    case PANE_IDENTITY:
        draw_identity(ui, f, a);
        break;
    case PANE_PLOTS:
    case PANE_TAIL:
    case DEVICE_PANES:
        draw_tail(ui, m, d, a);
        break;
    }
}

/* Facts, last commands, updates, one below the other. */
static void draw_left(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      const struct facts *f, struct area left)
{
    struct area in = area_sub(left, 0, 0, -1, FACTS_COLS - 1);
    int commands = (int)device_command_count(ui, m), room = left.rows - f->most - 5;

    area_text(in, 0, 2, ROLE_TITLE, "DEVICE");
    facts_draw_column(f, 0, f->most, area_sub(in, 1, 0, -1, -1));
    int row = f->most + 2;
    commands = commands < 1 ? 1 : commands > room / 2 ? room / 2 : commands;
    if (room >= 4 && commands > 0) {
        area_text(in, row, 2, ROLE_TITLE, "LAST COMMANDS");
        draw_commands(ui, m, area_sub(in, row + 1, 0, commands, -1), false);
        row += commands + 2;
    }
    if (row + 1 < left.rows) {
        area_text(in, row, 2, ROLE_TITLE, "UPDATES");
        draw_updates(ui, m, d, area_sub(in, row + 1, 0, -1, -1), false);
    }
    area_vline(left, FACTS_COLS - 1, ROLE_RULE);
}

static void draw_wide(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      struct area a)
{
    struct facts f;
    int low = a.rows / 4 < 8 ? 8 : a.rows / 4;
    struct area top = area_sub(a, 0, 0, a.rows - low, -1);

    facts_collect(&f, m, d);
    draw_left(ui, m, d, &f, area_sub(top, 0, 0, -1, FACTS_COLS));
    draw_plots(ui, m, d, area_sub(top, 0, FACTS_COLS, -1, -1));
    draw_low(ui, m, d, &f, area_sub(a, a.rows - low, 0, -1, -1));
}

static void draw_slim(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                      struct area a)
{
    struct facts f;
    int facts = a.rows >= 14 ? 2 : 1;
    int low = a.rows < 14 ? 3 : a.rows / 4 < 5 ? 5 : a.rows / 4;

    if (ui->device.pane != PANE_PLOTS && a.rows >= 14)
        low += a.rows / 5; /* who looks at it wants to see more of it */
    facts_collect(&f, m, d);
    facts_draw_lines(&f, area_sub(a, 0, 0, facts, -1));
    draw_plots(ui, m, d, area_sub(a, facts, 0, a.rows - facts - low, -1));
    draw_low(ui, m, d, &f, area_sub(a, a.rows - low, 0, low, -1));
}

/* The lower pane that has the focus, alone. */
static void draw_whole(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                       struct area a)
{
    struct facts f;

    facts_collect(&f, m, d);
    draw_low(ui, m, d, &f, a);
}

void device_body(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);

    if (!d) {
        area_printf(a, 1, 2, ROLE_DIM, "%s is no longer known here.", ui->device.id);
        return;
    }
    if (ui->device.large && ui->device.pane == PANE_PLOTS)
        draw_plots(ui, m, d, a);
    else if (ui->device.large)
        draw_whole(ui, m, d, a);
    else if (device_is_wide(ui->rows, ui->cols))
        draw_wide(ui, m, d, a);
    else
        draw_slim(ui, m, d, a);
}

void device_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);
    char text[240], why[120], place[40] = "";
    int col = area_text(a, 0, 1, ROLE_DIM, "fleet › ");
    col = area_text(a, 0, col, ROLE_CRUMB, ui->device.id);
    if (!d)
        return;
    device_why(m, d, why, sizeof(why));
    uint32_t row = fleet_view_row(ui->fleet.view, ui->device.id);
    if (row != FLEET_NONE)
        snprintf(place, sizeof(place), "   %u/%u", row + 1, fleet_view_count(ui->fleet.view));
    snprintf(text, sizeof(text), "%s  %s%s ", fleet_state_word((enum fleet_state)d->state), why,
             place);
    struct area right = area_sub(a, 0, col + 2, 1, -1);
    int width = area_width(a, text);
    int start = width + 2 < right.cols ? right.cols - width : 2;
    if (!a.c->words) /* the text says it */
        draw_state(right, 0, start - 2, (enum fleet_state)d->state);
    area_field(right, 0, start, right.cols - start, state_role((enum fleet_state)d->state), text,
               false);
    if (row != FLEET_NONE && width + 2 < right.cols)
        area_right(right, 0, right.cols - 1, ROLE_DIM, place);
}

void device_acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    static const char *const panes[DEVICE_PANES] = { "↑↓ reading  PgUp earlier", "↑↓ messages",
                                                     "↑↓ commands", "↑↓ updates", "identity" };
    const struct device_screen *s = &ui->device;
    int col = 1;

    if (m->read_only) {
        col = area_text(a, 0, col, ROLE_DIM, "read-only   ");
    } else {
        col = draw_action(ui, a, col, ACTION_UPDATE, "update…");
        col = draw_action(ui, a, col, ACTION_REBOOT, "reboot…");
        col = draw_action(ui, a, col, ACTION_CONFIG, "config…");
        if (a.cols >= 100)
            col = draw_action(ui, a, col, ACTION_IDENTIFY, "identify");
    }
    if (s->pane == PANE_TAIL) {
        col = draw_action(ui, a, col, ACTION_FIND, "mark");
        col = draw_action(ui, a, col, ACTION_FORM, "json/raw/hex");
        col = draw_action(ui, a, col, ACTION_CONTEXT, "context");
    } else {
        col = draw_act(a, col, "+ -", "span");
        col = draw_act(a, col, "< >", "earlier, later");
        col = draw_action(ui, a, col, ACTION_SCALE, "scale");
    }
    draw_act_right(a, col, panes[s->pane]);
}

bool device_bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct device_screen *s = &ui->device;
    bool filter = s->editing == EDIT_FILTER;

    (void)m;
    if (s->editing == EDIT_NOTHING)
        return false;
    int col = area_text(a, 0, 1, ROLE_KEY, filter ? "/" : "mark");
    field_draw(filter ? &s->filter : &s->find, a, 0, col + 1, a.cols - col - 2);
    if (a.rows > 1)
        area_text(a, a.rows - 1, 3, ROLE_HINT,
                  filter ? "shows only what has it, !text hides it   Enter keeps   Esc shows all"
                         : "marks it, n N go from one to the next   Enter keeps   Esc unmarks");
    return true;
}

void device_narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct fleet_device *d = device_of(ui, m);
    struct facts f;

    if (!d)
        return;
    facts_collect(&f, m, d);
    int col = draw_state(a, 0, 0, (enum fleet_state)d->state) + 1;
    area_text(a, 0, col, ROLE_TITLE, d->id);
    int row = draw_values(ui, m, d, area_sub(a, 1, 0, (a.rows - 1) / 2, -1)) + 1;
    facts_draw_column(&f, 0, f.count, area_sub(a, row, 0, -1, -1));
}
