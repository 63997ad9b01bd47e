#ifndef APP_ROLLOUT_ROWS_H
#define APP_ROLLOUT_ROWS_H

#include "screens/ui.h"
#include "store/store.h"

/*
 * The journal's rollouts for the console's list: all of them in short, and the one that was opened
 * though the engine does not keep it in memory.
 */
struct rollout_rows;
struct rollout_rows *rollout_rows_new(void);
void rollout_rows_free(struct rollout_rows *rows); /* NULL is fine */

/* Read the list again; what cannot be read stays as it was. */
void rollout_rows_refresh(struct rollout_rows *rows, struct store *store);
/* Have this one whole from now on. 0, or -1 and *err. */
int rollout_rows_load(struct rollout_rows *rows, struct store *store, const char *id,
                      struct err *err);
/* Fill m->rows and m->rollouts: the `count` rollouts of the engine and the one opened, unless it is
 * among them. Valid until the next call. */
void rollout_rows_model(struct rollout_rows *rows, const struct rollout *const *engine,
                        size_t count, struct ui_model *m);

#endif
