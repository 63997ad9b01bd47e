#ifndef SCREENS_ALERTS_VIEW_H
#define SCREENS_ALERTS_VIEW_H

#include "internal.h"

/* The n-th row shown of the alerts screen's pane, or NULL: an alert, or a silence. */
const struct alert *alerts_screen_alert(const struct ui *ui, const struct ui_model *m, uint32_t n);
const struct alert_silence *alerts_screen_silence(const struct ui *ui, const struct ui_model *m,
                                                  uint32_t n);
/* The filter of the pane. */
struct list_filter *alerts_screen_filter(struct ui *ui);

/* What they look like (alerts_draw.c). */
void alerts_head(struct ui *ui, const struct ui_model *m, struct area a);
void alerts_body(struct ui *ui, const struct ui_model *m, struct area a);
void alerts_acts(struct ui *ui, const struct ui_model *m, struct area a);
bool alerts_bar(struct ui *ui, const struct ui_model *m, struct area a);
void alerts_narrow(struct ui *ui, const struct ui_model *m, struct area a);

#endif
