#ifndef SCREENS_VIEWS_H
#define SCREENS_VIEWS_H

#include "internal.h"

/* Saved views of the fleet: a filter, columns, a sort and chips under a name; and the filters typed
 * before. Both bounded by internal.h, kept in the state file. */

/* What is shown now, as a view of that name. */
void view_take(const struct fleet_screen *f, const char *name, struct saved_view *out);
/* Show it. */
void view_apply(struct step *s, const struct saved_view *v);
void view_usual(struct step *s); /* no filter, what the fleet sends, worst first */
/* The view of that name, made (as nothing) if it is missing; NULL when the name is bad or there is
 * no room. view_find() does not make it. */
struct saved_view *view_named(struct ui *ui, const char *name);
struct saved_view *view_find(struct ui *ui, const char *name);
/* Is what is shown still what the view says? */
bool view_is_shown(const struct fleet_screen *f, const struct saved_view *v);

/* A filter that was kept: to the front, once. */
void past_add(struct past_filters *p, const char *text);
void past_add_oldest(struct past_filters *p, const char *text);

#endif
