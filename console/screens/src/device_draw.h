#ifndef SCREENS_DEVICE_DRAW_H
#define SCREENS_DEVICE_DRAW_H

#include "internal.h"

/* How the device screen looks; screen_device.c is what it does. */
bool device_is_wide(int rows, int cols);
int device_bottom_rows(const struct ui *ui);
/* Does a line pass the filter of the tail? */
bool device_tail_passes(const struct device_screen *d, const struct fleet_tail_line *line);
void device_head(struct ui *ui, const struct ui_model *m, struct area a);
void device_body(struct ui *ui, const struct ui_model *m, struct area a);
void device_acts(struct ui *ui, const struct ui_model *m, struct area a);
bool device_bar(struct ui *ui, const struct ui_model *m, struct area a);
void device_narrow(struct ui *ui, const struct ui_model *m, struct area a);

#endif
