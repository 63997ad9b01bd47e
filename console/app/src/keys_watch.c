#include "keys_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "trust.h"

struct keys_watch {
    const struct log *log;
    struct trust *trust;
    struct ui_key_orders orders, next;
    uint64_t seen; /* 0: nothing was read yet */
    int64_t asked_ms;
    uint64_t replies; /* of the fleet, when the orders were read */
    bool said;
};

struct keys_watch *keys_watch_new(const struct profile *profile, const struct log *log)
{
    struct keys_watch *w = mem_alloc(sizeof(*w));
    w->log = log;
    w->trust = trust_new(profile);
    return w;
}

void keys_watch_free(struct keys_watch *w)
{
    if (!w)
        return;
    trust_free(w->trust);
    free(w);
}

static bool look_at_orders(struct keys_watch *w, struct store *store, const struct fleet *fleet,
                           int64_t now_ms)
{
    const struct ui_trust *t = trust_facts(w->trust);
    uint64_t first, last;
    struct err err;

    fleet_reply_range(fleet, &first, &last);
    bool late = now_ms - w->asked_ms >= TRUST_PERIOD_MS || now_ms < w->asked_ms;
    if (!store || (!late && last == w->replies))
        return false;
    w->asked_ms = now_ms;
    w->replies = last;
    bool failed = trust_orders(store, fleet, t->have_keyset ? t->keyset.version : 0, now_ms,
                               &w->next, &err) != 0;
    if (failed && !w->said)
        log_say(w->log, LOG_WARN, "%s", err.text);
    w->said = failed;
    if (memcmp(&w->next, &w->orders, sizeof(w->next)) == 0)
        return false;
    memcpy(&w->orders, &w->next, sizeof(w->next));
    return true;
}

bool keys_watch_work(struct keys_watch *w, struct store *store, const struct fleet *fleet,
                     bool shown, int64_t now_ms)
{
    if (!shown)
        return false;
    bool files = trust_look(w->trust, now_ms);
    bool orders = look_at_orders(w, store, fleet, now_ms);
    w->seen += files || orders;
    return files || orders;
}

void keys_watch_model(const struct keys_watch *w, struct ui_model *m)
{
    m->trust = w->seen ? trust_facts(w->trust) : NULL;
    m->trust_seen = w->seen;
    m->key_orders = &w->orders;
}
