#ifndef APP_KEYS_WATCH_H
#define APP_KEYS_WATCH_H

#include "base/log.h"
#include "base/profile.h"
#include "screens/ui.h"
#include "store/store.h"

/*
 * What the keys screen is drawn from, kept up to date while it is on the screen: files that
 * changed, and every two seconds the journal's orders with their answers.
 */
struct keys_watch;
/* Both must outlive it. Free with keys_watch_free(). */
struct keys_watch *keys_watch_new(const struct profile *profile, const struct log *log);
void keys_watch_free(struct keys_watch *w); /* NULL is fine */
/* `shown`: the keys screen is on top; else nothing is done. True when there is something new. */
bool keys_watch_work(struct keys_watch *w, struct store *store, const struct fleet *fleet,
                     bool shown, int64_t now_ms);
/* Fill m->trust, trust_seen and key_orders; valid until the next work. */
void keys_watch_model(const struct keys_watch *w, struct ui_model *m);

#endif
