#ifndef SCREENS_ROLLOUT_VIEW_H
#define SCREENS_ROLLOUT_VIEW_H

#include "internal.h"
#include "rollout/budget.h"

/* What the rollout screens share: numbers of a rollout (rollout_facts.c), parts of its picture
 * (rollout_draw.c, rollout_plots.c, rollout_panes.c), and the dialogs of its acts (rollout_acts.c).
 * Everything is worked out from the rollout itself, so that it survives a restart. */

struct rollout_counts {
    uint32_t phase[ROLLOUT_PHASES];
    uint32_t done;    /* with those that had it already */
    uint32_t flight;  /* told, and not yet confirmed or at an end */
    uint32_t soaking; /* confirmed, watched */
    uint32_t waiting; /* never told, or offline */
    uint32_t failed, silent, aborted, returned;
};
void rollout_count(const uint32_t phase[ROLLOUT_PHASES], struct rollout_counts *out);
void rollout_count_all(const struct rollout *r, struct rollout_counts *out);
/* Told, and not confirmed, failed or recalled for good. */
bool phase_in_flight(enum rollout_phase phase);

/* Done or aborted, though the engine may still clear its topics: a person can only roll it back. */
bool rollout_ended(const struct rollout *r);
/* The time at which the picture stands: now, or the end of one that is over. */
int64_t rollout_moment(const struct rollout *r, const struct ui_model *m);
/* When the device ran the new firmware and said so (wall ms): the beginning of its soak. 0: not. */
int64_t rollout_confirmed_ms(const struct rollout *r, const struct rollout_device *d);
/* Confirmed devices of the current stage per minute, over at most the last ten; 0 when there are
 * none or the stage is younger than a minute. */
double rollout_pace(const struct rollout *r, const struct ui_model *m);
/* The clock that soaks and back-offs run on, now: also where another process leads. */
int64_t rollout_heard_now_ms(const struct rollout *r, const struct ui_model *m);
/* Until the current stage has all results, at the present pace; -1: nobody can say. */
int64_t rollout_stage_left_ms(const struct rollout *r, const struct ui_model *m);
/* When a told device begins to download, as it reported or as both sides compute it; 0: unknown. */
int64_t rollout_slot_ms(const struct rollout *r, const struct ui_model *m,
                        const struct rollout_device *d);

/* ----------------------------------------------------------------------------------- parts */

void draw_progress(const struct rollout *r, const struct ui_model *m, struct area a); /* 2 rows */
/* The table of stages: a header and up to `most` rows; `selected` gets the cursor, -1: none.
 * Returns the rows used. */
int draw_stages(const struct rollout *r, const struct ui_model *m, struct area a, int most,
                int selected);
void draw_flow(const struct rollout *r, struct area a);                           /* 1 row */
void draw_ruler(const struct rollout *r, struct area a);                          /* 1 row */
void draw_caps(const struct rollout *r, const struct ui_model *m, struct area a); /* 1 row */
/* Are there limits beyond the number in flight? */
bool has_caps(const struct rollout *r);
void draw_why(const struct rollout *r, const struct ui_model *m, struct area a); /* 1 row */
/* Failed share so far, or confirmations per minute, of the last hour. */
void draw_result_plot(struct ui *ui, const struct ui_model *m, const struct rollout *r, bool rate,
                      struct area a);

/* ----------------------------------------------------------------------------------- panes */

/* Devices of a pane or of the list that Enter opens, at most LISTED of them. */
#define LISTED        2000
#define LISTED_FLIGHT 500 /* those under way: they are sorted anew for each picture */
struct listed {
    uint32_t index[LISTED];
    int64_t key[LISTED];
    uint32_t count; /* in `index` */
    uint32_t all;
};
/* Those under way; of a rollout that has ended all, what went badly first. */
void list_flight(const struct rollout *r, const struct ui_model *m, enum rollout_sort sort,
                 struct listed *l);
/* Devices of a stage (stage >= 0) or failed for a reason (reason >= 0), what went badly first. */
void list_devices(const struct rollout *r, int stage, int reason, struct listed *l);

void draw_flight(struct ui *ui, const struct ui_model *m, const struct rollout *r, struct area a);
void draw_failed(struct ui *ui, const struct ui_model *m, const struct rollout *r, struct area a);
void draw_device_list(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                      struct area a);
void draw_rollout_log(const struct ui_model *m, const struct rollout *r, struct area a);
/* Find again what the failed have in common, when there are more of them or time has passed. */
void refresh_clusters(struct ui *ui, const struct ui_model *m, const struct rollout *r);

#endif
