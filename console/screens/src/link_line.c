#include "frame.h"

#include <stdio.h>
#include <string.h>

/* The first row of every screen: who acts here, and how the link to the broker is. */

/* The rate of messages, four seconds to a bar so that it moves rarely. */
static int draw_rate(struct area a, const struct ui_model *m, int col)
{
    uint32_t history[FLEET_RATE_SECONDS];
    struct fleet_point point[FLEET_RATE_SECONDS / 4];
    double most = 0;
    fleet_rate_history(m->fleet, m->now_ms - m->now_ms % 4000, history);
    for (int i = 0; i < FLEET_RATE_SECONDS / 4; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++)
            sum += (float)history[4 * i + k];
        point[i] = (struct fleet_point){ FLEET_POINT_SAMPLE, sum, sum, sum };
        most = (double)sum > most ? (double)sum : most;
    }
    plot_spark(a, 0, col, FLEET_RATE_SECONDS / 4, point, FLEET_RATE_SECONDS / 4, 0,
               most > 0 ? most * 1.01 : 1, ROLE_PLOT);
    return col + FLEET_RATE_SECONDS / 4;
}

/* One more part of the header if it fits; the column after it. */
static int part(struct area a, int col, enum role role, const char *text)
{
    if (col + area_width(a, text) > a.cols)
        return a.cols;
    return area_text(a, 0, col, role, text) + 2;
}

static int draw_pace(const struct ui_model *m, double per_second, struct area a, int col)
{
    char text[40], rate[FMT_MAX];
    if (m->link->rtt_ms >= 0) {
        snprintf(text, sizeof(text), "rtt %dms", m->link->rtt_ms);
        col = part(a, col, ROLE_DIM, text);
    }
    snprintf(text, sizeof(text), "%s msg/s", fmt_rate(per_second, rate));
    col = part(a, col, ROLE_DIM, text) - 1;
    return col + FLEET_RATE_SECONDS / 4 + 1 < a.cols ? draw_rate(a, m, col) + 2 : col;
}

static void head_up(const struct ui_model *m, struct area a, int col)
{
    const struct ui_link *l = m->link;
    struct fleet_counters counters;
    char text[160];
    bool wide = a.cols >= 100;

    fleet_counters(m->fleet, m->now_ms, &counters);
    col = area_glyph(a, 0, col, ROLE_OK, "● ", wide ? "" : "link up ");
    if (wide)
        col = part(a, col, ROLE_TEXT, "connected");
    snprintf(text, sizeof(text), "%s%s", !wide ? "" : l->tls ? "mqtts://" : "mqtt://", l->host);
    col = part(a, col, ROLE_TEXT, text);
    snprintf(text, sizeof(text), "tls%s%s", wide && *l->tls_text ? " " : "",
             wide ? l->tls_text : "");
    col = part(a, col, l->tls ? ROLE_DIM : ROLE_WARN, l->tls ? text : "no tls");
    if (!a.c->words) /* what changes each second would be read each second */
        col = draw_pace(m, counters.per_second, a, col);
    if (counters.broker_dropped || wide) {
        snprintf(text, sizeof(text), "%llu drops", (unsigned long long)counters.broker_dropped);
        part(a, col, counters.broker_dropped ? ROLE_WARN : ROLE_DIM, text);
    }
}

static void head_down(const struct ui_model *m, struct area a, int col)
{
    const struct fleet_link *link = fleet_link(m->fleet);
    const struct ui_link *l = m->link;
    char text[200], age[FMT_MAX];
    const char *glyph = a.c->words ? "" : "✗ ";
    if (link->since_ms)
        snprintf(text, sizeof(text), " %sdisconnected %s ", glyph,
                 fmt_passed((m->now_ms - link->since_ms) / 1000, a.c->words, age));
    else
        snprintf(text, sizeof(text), " %snot connected to %s ", glyph, l->host);
    col = area_text(a, 0, col, ROLE_DISCONNECTED, text) + 1;
    if (*link->reason)
        col = part(a, col, ROLE_TEXT, link->reason);
    if (l->retry_at_ms > m->now_ms)
        snprintf(text, sizeof(text), "retry %u in %s", l->attempt,
                 fmt_left((l->retry_at_ms - m->now_ms + 999) / 1000, a.c->words, age));
    else
        snprintf(text, sizeof(text), "trying");
    col = part(a, col, ROLE_TEXT, text);
    part(a, col, ROLE_KEY, "^R now");
}

/* "serve" of "serve, pid 4711 on host gw1, since …"; the whole stands on the rollout screens. */
static int short_engine(const char *engine)
{
    size_t len = strcspn(engine, ",:");
    return len < 24 ? (int)len : 24;
}

void draw_link_line(const struct ui_model *m, struct area a)
{
    char text[80], clock[FMT_MAX];
    snprintf(text, sizeof(text), "%sZ ",
             a.c->words ? fmt_hm(m->now_ms, clock) : fmt_clock(m->now_ms, clock));
    int end = area_right(a, 0, a.cols, ROLE_TEXT, text); /* ticks: a colour costs 22 B/s */
    struct area room = area_sub(a, 0, 0, 1, end - 1);
    int col = area_printf(room, 0, 1, ROLE_TITLE, "%s", m->profile ? m->profile : "muster") + 1;
    if (m->prod)
        col = area_text(room, 0, col, ROLE_BADGE_PROD, " PROD ") + 1;
    if (m->read_only)
        col = area_text(room, 0, col, ROLE_BADGE_READONLY, " READ-ONLY ") + 1;
    else if (m->write_until_ms > m->now_ms)
        col = area_printf(room, 0, col, ROLE_BADGE_PROD, " WRITE %dm ",
                          (int)((m->write_until_ms - m->now_ms + 59999) / 60000)) +
              1;
    if (m->engine && a.cols >= 80 && (!LINK_DOWN(m) || a.cols >= 120)) /* the link first */
        col = area_printf(room, 0, col + 1, ROLE_WARN, "engine: %.*s", short_engine(m->engine),
                          m->engine);
    if (LINK_DOWN(m))
        head_down(m, room, col + 1);
    else
        head_up(m, room, col + 1);
}
