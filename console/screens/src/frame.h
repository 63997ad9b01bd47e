#ifndef SCREENS_FRAME_H
#define SCREENS_FRAME_H

#include "internal.h"

/* What stands around the body of every screen. */

/* Of the screen that is open; of the dialog over it, NULL when there is none. */
const struct screen_ops *ui_screen_ops(const struct ui *ui);
const struct dialog_ops *ui_dialog_ops(const struct ui *ui);

/* Profile, badges, the link's state or why there is none, and the clock, in row 0 of `a`. */
void draw_link_line(const struct ui_model *m, struct area a);

/* Message, acts and keys, with a rule above: what of them has room in two to four rows. */
void draw_foot(struct ui *ui, const struct ui_model *m, struct area a);
/* The one row of them that says what happened. */
void draw_message(const struct ui *ui, const struct ui_model *m, struct area a);

/* From now on this picture is shown. */
void freeze_keep(struct ui *ui, const struct canvas *c);
/* It, below row 0, as far as `c` has room, with a banner that says of when it is. */
void freeze_draw(struct ui *ui, const struct ui_model *m, struct canvas *c);

#endif
