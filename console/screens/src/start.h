#ifndef SCREENS_START_H
#define SCREENS_START_H

#include "internal.h"

/* The new-rollout dialog in three files: start_plan.c makes a plan of the fields and finds out whom
 * it comes to, start_draw.c draws it, dialog_start.c takes the keys. */

#define START_DOWNLOAD_RATE 100000 /* bytes per second that one device is expected to get */

const struct ui_release *start_release(const struct start *d, const struct ui_model *m);
/* Is this row chosen with left and right instead of typed? */
bool start_is_choice(enum start_row row);

/* Fields as the plan `base` has them. */
void start_show_plan(struct start *d);
/* Work out the preview anew: problem, who, when. */
void start_resolve(struct step *s, struct start *d);

void start_draw(struct ui *ui, const struct ui_model *m, struct area screen);

#endif
