#include "device_acts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/device.h"
#include "store/history.h"

enum { PERIOD_MS = 2000 };

struct device_acts {
    const char *journal;
    const struct log *log;
    struct ui_device_acts picture, next;
    int64_t read_ms;
    uint64_t replies; /* of the fleet, when it was read */
    bool said;
};

struct device_acts *device_acts_new(const char *journal, const struct log *log)
{
    struct device_acts *a = mem_alloc(sizeof(*a));
    a->journal = journal;
    a->log = log;
    return a;
}

void device_acts_free(struct device_acts *a)
{
    free(a);
}

const struct ui_device_acts *device_acts_picture(const struct device_acts *a)
{
    return &a->picture;
}

/* An answer finds its order by verb and number; one without an order stands for itself. */
static void answer(struct ui_device_acts *acts, const struct reply *r, int64_t t_ms)
{
    struct ui_command *c = NULL;

    for (size_t i = 0; i < acts->command_count; i++) {
        if (acts->command[i].seq == r->seq && acts->command[i].verb == r->verb)
            c = &acts->command[i];
    }
    if (c && c->answered_ms)
        return;
    if (!c) {
        if (acts->command_count == UI_COMMANDS || r->verb == VERB_UPDATE)
            return;
        c = &acts->command[acts->command_count++];
        *c = (struct ui_command){ .verb = r->verb, .seq = r->seq };
    }
    c->answered_ms = t_ms;
    c->ok = r->ok;
    c->reason = r->reason;
    text_copy(c->detail, sizeof(c->detail), r->detail);
}

static int read_orders(struct device_acts *a, struct store *store, struct err *err)
{
    struct store_device_order order[UI_COMMANDS];
    struct store_device_update update[UI_UPDATES];
    struct ui_device_acts *n = &a->next;

    int count = store_device_orders(store, n->id, order, UI_COMMANDS, err);
    for (int i = 0; i < count; i++)
        n->command[n->command_count++] = (struct ui_command){ .sent_ms = order[i].t_ms,
                                                              .verb = order[i].verb,
                                                              .seq = order[i].seq };
    if (count < 0)
        return -1;
    count = store_device_updates(store, n->id, update, UI_UPDATES, err);
    for (int i = 0; i < count; i++) {
        struct ui_update *u = &n->update[n->update_count++];
        *u = (struct ui_update){ .t_ms = update[i].t_ms,
                                 .state = update[i].state,
                                 .reason = update[i].reason,
                                 .attempt = update[i].attempt };
        text_copy(u->rollout, sizeof(u->rollout), update[i].rollout);
        text_copy(u->version, sizeof(u->version), update[i].version);
    }
    return count < 0 ? -1 : 0;
}

static void read_answers(struct device_acts *a, const struct fleet *fleet)
{
    struct history_reply kept[UI_COMMANDS];
    uint64_t first, last;
    struct history *h = history_open_reader(a->journal, NULL);
    int count = h ? history_replies(h, a->next.id, kept, UI_COMMANDS, NULL) : 0;

    for (int i = 0; i < count; i++)
        answer(&a->next, &kept[i].reply, kept[i].t_ms);
    history_close(h);
    fleet_reply_range(fleet, &first, &last);
    for (uint64_t seq = first; last && seq <= last; seq++) {
        const struct fleet_reply *r = fleet_reply(fleet, seq);
        if (strcmp(r->id, a->next.id) == 0)
            answer(&a->next, &r->reply, r->t_ms);
    }
    a->replies = last;
}

static int64_t when(const struct ui_command *c)
{
    return c->sent_ms ? c->sent_ms : c->answered_ms;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = when(a), y = when(b);
    return x < y ? 1 : x > y ? -1 : 0;
}

bool device_acts_work(struct device_acts *a, struct store *store, const struct fleet *fleet,
                      const char *id, int64_t now_ms)
{
    struct err err;
    uint64_t first, last;

    fleet_reply_range(fleet, &first, &last);
    bool same = strcmp(a->picture.id, id) == 0 && a->replies == last;
    if (!*id || !store || (same && now_ms - a->read_ms < PERIOD_MS && now_ms >= a->read_ms))
        return false;
    a->read_ms = now_ms;
    memset(&a->next, 0, sizeof(a->next));
    text_copy(a->next.id, sizeof(a->next.id), id);
    bool failed = read_orders(a, store, &err) != 0;
    if (failed && !a->said)
        log_say(a->log, LOG_WARN, "%s", err.text);
    a->said = failed;
    read_answers(a, fleet);
    qsort(a->next.command, a->next.command_count, sizeof(a->next.command[0]), newest_first);
    if (memcmp(&a->next, &a->picture, sizeof(a->next)) == 0)
        return false;
    memcpy(&a->picture, &a->next, sizeof(a->next));
    return true;
}
