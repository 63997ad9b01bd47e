#ifndef SCREENS_DEVICE_DRAW_H
#define SCREENS_DEVICE_DRAW_H

#include "internal.h"

/*
 * How the device screen looks; screen_device.c is what it does. A file per part: device_draw.c puts
 * them together, device_facts.c what is known of it, device_plots.c its readings, device_tail.c its
 * messages, device_acts.c commands and updates.
 */
bool device_is_wide(int rows, int cols);
int device_bottom_rows(const struct ui *ui);
void device_head(struct ui *ui, const struct ui_model *m, struct area a);
void device_body(struct ui *ui, const struct ui_model *m, struct area a);
void device_acts(struct ui *ui, const struct ui_model *m, struct area a);
bool device_bar(struct ui *ui, const struct ui_model *m, struct area a);
void device_narrow(struct ui *ui, const struct ui_model *m, struct area a);

/* NULL when it is no longer known. */
const struct fleet_device *device_of(const struct ui *ui, const struct ui_model *m);

#define FACTS_MAX 32
struct fact {
    const char *name;
    char text[96];
    enum role role;
};
struct facts {
    struct fact item[FACTS_MAX];
    int count;
    int most;     /* of them belong into a summary */
    int identity; /* from there on they say who it is */
    int wide;     /* so many at the end are long: a line each */
};
void facts_collect(struct facts *f, const struct ui_model *m, const struct fleet_device *d);
void facts_draw_column(const struct facts *f, int first, int count, struct area a);
/* "  model PX-200   fw 1.8.2   …" over as many rows as there are. */
void facts_draw_lines(const struct facts *f, struct area a);
/* All of them, in as many columns as fit. */
void draw_identity(struct ui *ui, const struct facts *f, struct area a);

/* Its readings that have a curve, in the order of columns; how many. */
int device_readings(const struct ui_model *m, const struct fleet_device *d,
                    uint32_t out[PROTO_READINGS]);
/* "temperature °C  33.5": a line each, as many as there is room for; how many. */
int draw_values(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                struct area a);
void draw_plots(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                struct area a);

/* Is a line shown: does it pass the filter, or stand near one that does? */
bool device_tail_shows(const struct ui *ui, const struct ui_model *m, uint64_t seq);
/* Does it hold what is looked for? */
bool device_tail_matches(const struct device_screen *d, const struct fleet_tail_line *line);
void draw_tail(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
               struct area a);

/* In a narrow column (`with_title` false) or in a pane of their own. */
void draw_commands(const struct ui *ui, const struct ui_model *m, struct area a, bool with_title);
void draw_updates(const struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                  struct area a, bool with_title);
/* How many rows each has. */
uint32_t device_command_count(const struct ui *ui, const struct ui_model *m);
uint32_t device_update_count(const struct ui *ui, const struct ui_model *m,
                             const struct fleet_device *d);

#endif
