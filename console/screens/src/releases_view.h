#ifndef SCREENS_RELEASES_VIEW_H
#define SCREENS_RELEASES_VIEW_H

#include "internal.h"

/* Who runs what is in the store, and the selected release closely; screen_releases.c is the list.
 */
#define RELEASE_DETAIL_ROWS 6 /* with its rule */

/* Count anew when a second has passed, or the store or the fleet is another one. */
void releases_count(struct releases_screen *l, const struct ui_model *m);
void releases_detail(const struct releases_screen *l, const struct ui_model *m, uint32_t at,
                     struct area a);

#endif
