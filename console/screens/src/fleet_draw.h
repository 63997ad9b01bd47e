#ifndef SCREENS_FLEET_DRAW_H
#define SCREENS_FLEET_DRAW_H

#include "internal.h"

/* How the fleet screen looks; screen_fleet.c is what it does. */
int fleet_head_rows(int rows, int cols);
int fleet_bottom_rows(const struct ui *ui);
void fleet_head(struct ui *ui, const struct ui_model *m, struct area a);
void fleet_body(struct ui *ui, const struct ui_model *m, struct area a);
void fleet_acts(struct ui *ui, const struct ui_model *m, struct area a);
bool fleet_bar(struct ui *ui, const struct ui_model *m, struct area a);
void fleet_narrow(struct ui *ui, const struct ui_model *m, struct area a);

/* In the rows below the table: see fleet_has_preview(). */
void fleet_preview(struct ui *ui, const struct ui_model *m, struct area a);

#endif
