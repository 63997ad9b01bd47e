#ifndef FLEET_VIEW_H
#define FLEET_VIEW_H

#include "fleet/filter.h"
#include "fleet/fleet.h"

/*
 * A list to show: device indices, filtered and sorted. It changes only in fleet_view_refresh(), so
 * the caller decides when rows may move. Ties are always broken by id (in natural order: pump-2
 * before pump-10), so the order is total and rows don't swap for nothing.
 */
enum fleet_column {
    FLEET_COL_STATE, /* worst first */
    FLEET_COL_ID,
    FLEET_COL_PRODUCT,
    FLEET_COL_HW,
    FLEET_COL_FW, /* SemVer, oldest first */
    FLEET_COL_TARGET,
    FLEET_COL_OTA,    /* by state of the update, those under way first */
    FLEET_COL_GROUPS, /* by the first group */
    FLEET_COL_SEEN,   /* longest silent first; never seen before all */
    FLEET_COL_RATE,   /* least first */
    FLEET_COL_BOOTS,
    FLEET_COL_CERT, /* soonest to end first */
    FLEET_COL_SLOT,
    FLEET_COL_RESET,  /* by cause of the last boot */
    FLEET_COL_ALERTS, /* fewest first */
    FLEET_COL_KEYSET,
    FLEET_COL_REASON, /* by cause of the last update's end */
    FLEET_COL_ROLLOUT,
    FLEET_COL_SOURCE,
    FLEET_COL_READING /* lowest first; without a value always last, also inverted */
};

struct fleet_sort_key {
    enum fleet_column column;
    uint32_t reading; /* FLEET_COL_READING */
    bool invert;
};
#define FLEET_SORT_KEYS 3

struct fleet_view;

struct fleet_view *
fleet_view_new(const struct fleet *fleet);     /* all, worst first; the fleet outlives it */
void fleet_view_free(struct fleet_view *view); /* NULL is fine */

/* At most FLEET_SORT_KEYS, first the most important; 0 keys: state, then id. Takes effect at the
 * next refresh. */
void fleet_view_sort(struct fleet_view *view, const struct fleet_sort_key *key, size_t count);
/* NULL: all. The view takes it over and frees it. */
void fleet_view_filter(struct fleet_view *view, struct filter *filter);
/* Which states to show, bit 1 << enum fleet_state; 0: all. (The chips.) */
void fleet_view_states(struct fleet_view *view, uint32_t mask);

/*
 * Filter and sort again if anything changed that could matter; true when it did. Cheap when nothing
 * did. When little did, the old order is nearly right and the sort is near linear.
 */
bool fleet_view_refresh(struct fleet_view *view, int64_t now_ms);

uint32_t fleet_view_count(const struct fleet_view *view);            /* rows */
uint32_t fleet_view_at(const struct fleet_view *view, uint32_t row); /* device, or FLEET_NONE */
/* The row of a device by id, or FLEET_NONE when it is not shown: selection is an id, not a row. */
uint32_t fleet_view_row(const struct fleet_view *view, const char *id);
/* Devices that pass the filter, whatever the chips say: all, and by state. */
uint32_t fleet_view_matched(const struct fleet_view *view);
uint32_t fleet_view_matched_state(const struct fleet_view *view, enum fleet_state state);

#endif
