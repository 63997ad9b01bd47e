#include "keys_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Who acts here, which keys devices trust, and how far the newest keyset has come. The selection is
 * what a line is about, not its number. keys_draw.c is what it looks like. */

enum { COUNT_MS = 1000 }; /* the fleet is gone through no more often */

static uint32_t version_of(const struct ui_model *m)
{
    return m->trust && m->trust->have_keyset ? m->trust->keyset.version : 0;
}

/* One pass over the fleet, and what follows from it. */
static void count(struct ui *ui, const struct ui_model *m)
{
    struct keys_screen *k = &ui->trust;
    uint32_t version = version_of(m);
    struct trust_finding all[TRUST_FINDINGS_MAX];

    k->counted_ms = m->now_ms;
    k->of = m->fleet;
    k->facts = m->trust_seen;
    adoption_count(m->fleet, NULL, version, m->now_ms, &k->adoption);
    k->behind_count =
        version ? adoption_behind(m->fleet, NULL, version, m->now_ms, k->behind, KEYS_BEHIND) : 0;
    k->finding_count = 0;
    size_t n = m->trust ? trust_findings(m->trust, &k->adoption, m->now_ms, all) : 0;
    for (int worst = TRUST_BROKEN; worst > TRUST_FINE; worst--)
        for (size_t i = 0; i < n; i++)
            if ((int)all[i].severity == worst)
                k->finding[k->finding_count++] = all[i];
}

/* The line that the cursor was on may have another number now; when it is gone, the cursor stays
 * where it was, or goes to the next line that says something. */
static void find_chosen(struct keys_screen *k, const struct ui_model *m)
{
    char name[KEYS_NAME_MAX];

    for (int i = 0; i < k->count && *k->chosen; i++) {
        keys_line_name(k, m, i, name, sizeof(name));
        if (keys_line_stops(&k->line[i]) && strcmp(name, k->chosen) == 0) {
            k->at = i;
            return;
        }
    }
    k->at = k->at < k->count ? k->at : k->count - 1;
    k->at = k->at < 0 ? 0 : k->at;
    while (k->at + 1 < k->count && !keys_line_stops(&k->line[k->at]))
        k->at++;
}

static void refresh(struct ui *ui, const struct ui_model *m)
{
    struct keys_screen *k = &ui->trust;

    if (k->of != m->fleet || k->facts != m->trust_seen || m->now_ms - k->counted_ms >= COUNT_MS ||
        m->now_ms < k->counted_ms)
        count(ui, m);
    keys_lines(ui, m);
    find_chosen(k, m);
    keys_line_name(k, m, k->at, k->chosen, sizeof(k->chosen));
}

/* ------------------------------------------------------------------------------------ moving */

static void go(struct keys_screen *k, const struct ui_model *m, int line)
{
    k->at = line;
    keys_line_name(k, m, line, k->chosen, sizeof(k->chosen));
}

static void move(struct keys_screen *k, const struct ui_model *m, int by)
{
    int at = k->at, step = by < 0 ? -1 : 1;

    for (int left = by * step; left > 0; left--) {
        int next = at + step;
        while (next >= 0 && next < k->count && !keys_line_stops(&k->line[next]))
            next += step;
        if (next < 0 || next >= k->count)
            break;
        at = next;
    }
    go(k, m, at);
}

/* The first line of the next heading or the one before, round and round. */
static void next_section(struct keys_screen *k, const struct ui_model *m, int by)
{
    int first[KEYS_SECTIONS], count = 0, here = 0;

    for (int n = 0; n < k->count; n++) {
        const struct keys_line *l = &k->line[n];
        if (!keys_line_stops(l) || (count && k->line[first[count - 1]].section == l->section))
            continue;
        if (l->section == k->line[k->at].section)
            here = count;
        first[count++] = n;
    }
    if (count)
        go(k, m, first[(here + by + count) % count]);
}

static bool moving(struct step *s, enum action action)
{
    struct keys_screen *k = &s->ui->trust;
    int page = k->page < 2 ? 1 : k->page - 1;

    switch ((int)action) {
    case ACTION_UP:
        move(k, s->m, -1);
        return true;
    case ACTION_DOWN:
        move(k, s->m, 1);
        return true;
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
        move(k, s->m, action == ACTION_PAGE_UP ? -page : page);
        return true;
    case ACTION_HALF_UP:
    case ACTION_HALF_DOWN:
        move(k, s->m, (action == ACTION_HALF_UP ? -1 : 1) * (page / 2 + 1));
        return true;
    case ACTION_FIRST:
    case ACTION_LAST:
        move(k, s->m, action == ACTION_FIRST ? -KEYS_LINES : KEYS_LINES);
        return true;
    case ACTION_PANE_NEXT:
    case ACTION_PANE_PREV:
        next_section(k, s->m, action == ACTION_PANE_NEXT ? 1 : -1);
        return true;
    default:
        return false;
    }
}

/* -------------------------------------------------------------------------------------- acts */

static void show_fleet(struct step *s, const char *filter)
{
    ui_push(s, SCREEN_FLEET);
    fleet_screen_show(s, filter, 0);
}

static void show_share(struct step *s, enum keys_share share)
{
    char filter[64];
    uint32_t version = version_of(s->m);

    switch (share) {
    case SHARE_HAVE:
        snprintf(filter, sizeof(filter), "keyset>=%u", version);
        break;
    case SHARE_BEFORE:
        snprintf(filter, sizeof(filter), "keyset=%u", version - 1);
        break;
    case SHARE_OLDER:
        snprintf(filter, sizeof(filter), "keyset<%u", version - 1);
        break;
    case SHARE_UNKNOWN:
        snprintf(filter, sizeof(filter), "not keyset>0");
        break;
    case SHARE_BEHIND:
        snprintf(filter, sizeof(filter), "keyset<%u", version);
        break;
    }
    show_fleet(s, filter);
}

static void show_behind(struct step *s)
{
    if (!version_of(s->m))
        ui_say(s, TAIL_WARN, "no keyset is known here: nobody can say who is behind");
    else
        show_share(s, SHARE_BEHIND);
}

static void open_device(struct step *s)
{
    const char *id = strchr(s->ui->trust.chosen, ' ');

    if (!id || fleet_find(s->m->fleet, id + 1) == FLEET_NONE) {
        ui_say(s, TAIL_WARN, "the device is no longer known");
        return;
    }
    text_copy(s->ui->fleet.selected, sizeof(s->ui->fleet.selected), id + 1);
    s->ui->fleet.touched = true;
    ui_push(s, SCREEN_DEVICE);
}

static void open_finding(struct step *s, const struct trust_finding *f)
{
    if (strcmp(f->what, "adoption") == 0)
        show_share(s, f->severity == TRUST_NOTE ? SHARE_UNKNOWN : SHARE_BEHIND);
    else if (strcmp(f->what, "device certs") == 0)
        show_fleet(s, "cert<30d");
    else
        ui_say(s, TAIL_PLAIN, *f->todo ? "y copies what to do" : "nothing is to be opened here");
}

static void open_line(struct step *s)
{
    const struct keys_screen *k = &s->ui->trust;
    const struct keys_line *line = k->at < k->count ? &k->line[k->at] : NULL;

    switch (line ? line->kind : KEYS_NOTE) {
    case KEYS_FINDING:
        open_finding(s, &k->finding[line->index]);
        break;
    case KEYS_SHARE:
        show_share(s, (enum keys_share)line->index);
        break;
    case KEYS_CERTS:
        show_fleet(s, "cert<30d");
        break;
    case KEYS_MORE:
        show_behind(s);
        break;
    case KEYS_LATE:
    case KEYS_ORDER:
        open_device(s);
        break;
    default:
        ui_say(s, TAIL_PLAIN, "y copies it; Enter opens devices and their counts");
    }
}

static void copy(struct step *s)
{
    const struct keys_screen *k = &s->ui->trust;
    const struct keys_line *line = k->at < k->count ? &k->line[k->at] : NULL;
    const struct ui_trust *t = s->m->trust;
    const char *text = "", *id = strchr(k->chosen, ' ');

    if (!line || !t)
        return;
    if (line->kind == KEYS_FINDING)
        text = k->finding[line->index].todo;
    else if (line->kind == KEYS_HASH)
        text = t->cert.fingerprint;
    else if (line->kind == KEYS_SERIAL)
        text = t->cert.serial;
    else if (line->kind == KEYS_NAME)
        text = t->cert.cn;
    else if (line->kind == KEYS_AUTHORITY && line->index < t->authority_count)
        text = t->authority[line->index].fingerprint;
    else if (id)
        text = id + 1; /* a key's kid, a device's id */
    if (!*text) {
        ui_say(s, TAIL_PLAIN, "nothing is to be copied here");
        return;
    }
    text_copy(ui_effect(s, UI_COPY)->text, 256, text);
    ui_say(s, TAIL_PLAIN, "copied %s", text);
}

static bool action_taken(struct step *s, enum action action)
{
    if (moving(s, action))
        return true;
    switch ((int)action) {
    case ACTION_OPEN:
        open_line(s);
        return true;
    case ACTION_FILTER:
        show_behind(s);
        return true;
    case ACTION_COPY:
        copy(s);
        return true;
    default:
        return false;
    }
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    struct keys_screen *k = &s->ui->trust;

    if (ev->mouse == UI_WHEEL_UP || ev->mouse == UI_WHEEL_DOWN) {
        move(k, s->m, ev->mouse == UI_WHEEL_UP ? -3 : 3);
        return;
    }
    int column = k->split && ev->col >= k->split;
    int row = ev->row - k->list_row;
    int line = row < 0 || row >= k->page ? -1 : keys_column_line(k, column, k->top[column] + row);
    if (line < 0 || !keys_line_stops(&k->line[line]))
        return;
    go(k, s->m, line);
    if (ev->mouse == UI_DOUBLE_CLICK)
        open_line(s);
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    static const char *const said[] = {
        "muster keys push brings them what they lack",
        "muster keys rotate, retire, revoke change what is trusted"
    };
    const struct keys_screen *k = &ui->trust;

    (void)m;
    int col = draw_action(ui, a, 1, ACTION_FILTER, "those behind");
    col = draw_action(ui, a, col, ACTION_COPY, "copy");
    draw_act_right(a, col, said[k->behind_count == 0]);
}

const struct screen_ops screen_keys = {
    .refresh = refresh,
    .action = action_taken,
    .mouse = mouse,
    .head = keys_head,
    .body = keys_body,
    .acts = acts,
    .narrow = keys_body,
};
