#ifndef SCREENS_FILTER_BAR_H
#define SCREENS_FILTER_BAR_H

#include "internal.h"

/* What may stand at the cursor, anew: after each change of the text. */
void filter_bar_hints(struct fleet_screen *f);
/* Tab (+1), S-Tab (-1): what all hints share, then one after the other. True when the text
 * changed. */
bool filter_bar_complete(struct fleet_screen *f, int by);
/* Up (+1) to an older filter, Down (-1) to a newer one. True when the text changed. */
bool filter_bar_recall(struct fleet_screen *f, const struct past_filters *past, int by);

#endif
