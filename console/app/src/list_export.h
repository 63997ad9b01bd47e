#ifndef APP_LIST_EXPORT_H
#define APP_LIST_EXPORT_H

#include "release/store.h"
#include "screens/ui.h"
#include "store/store.h"

/*
 * What `e` writes: the rows that were shown, each as the command that is the screen's twin gives it
 * with --json. What is gone since is left out; *count: how many were written. 0, or -1 and err.
 */
struct list_export {
    const struct ui_model *model;
    struct store *store;
    const struct release_store *releases; /* may be NULL */
};
int list_export_write(const struct list_export *from, const struct ui_effect *fx, size_t *count,
                      struct err *err);

#endif
