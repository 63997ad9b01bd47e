#ifndef SCREENS_FLEET_TABLE_H
#define SCREENS_FLEET_TABLE_H

#include "internal.h"

/* What the files of the fleet screen share; what other screens may call is in internal.h. */

/* Take over what changed in the fleet, unless rows are held; the selection stays with its id. */
void fleet_table_refresh(struct ui *ui, const struct ui_model *m);
/* After a key that says what is to be shown: at once, so that the next key acts on it. */
void fleet_table_show_now(struct step *s);
/* After a cursor key: rows stand still for a while. */
void fleet_table_hold(struct step *s);
const struct fleet_device *fleet_table_at(const struct fleet_screen *f, uint32_t row); /* or NULL */
/* Select what stands in a row; nothing when none does. */
void fleet_table_select(struct fleet_screen *f, uint32_t row);
/* The row of what is selected, anew. If it is no longer shown, what stands in its place becomes
 * selected; until a cursor key was pressed, the first row is. */
void fleet_table_find(struct fleet_screen *f);
/* Scroll as little as shows the selected row; a followed one, which was in row `was`, keeps its
 * place on the screen. */
void fleet_table_scroll(struct fleet_screen *f, uint32_t was);

/* Rows first … last, as far as FLEET_MARKS_MAX lets them. */
void fleet_marks_add(struct step *s, uint32_t first, uint32_t last);
/* The selected device, and go on to the next. */
void fleet_marks_toggle(struct step *s);
/* From the one marked last to the selected one. */
void fleet_marks_range(struct step *s);

/* Begin to type; what was in force comes back with Esc. */
void fleet_filter_edit(struct step *s);
/* An event while a filter is typed; true when it took it. */
bool fleet_filter_typing(struct step *s, const struct ui_event *ev);
void fleet_filter_set(struct step *s, const char *text);

#endif
