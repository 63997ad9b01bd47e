#ifndef GOLDEN_FIXTURE_H
#define GOLDEN_FIXTURE_H

#include "screens/theme.h"
#include "screens/ui.h"

/*
 * A made-up fleet that is always the same: built by real messages through fleet_apply() and
 * rollout_step() with fixed times, half an hour of them. 21 devices in all states, three releases,
 * three rollouts.
 */
#define FIXTURE_NOW_MS   INT64_C(1795183652000) /* 2026-11-20 14:07:32 UTC */

#define FIXTURE_ROLLOUTS 5 /* some may be NULL */

struct fixture {
    struct fleet *fleet;
    struct rollout *rollout[FIXTURE_ROLLOUTS];
    const struct rollout *rollouts[FIXTURE_ROLLOUTS];
    struct ui_release release[3];
    struct ui_link link;
    struct tail *log;
    struct alerts *alerts; /* NULL until fixture_alerts() */
    const char *themes[3];
    struct ui_device_acts acts;      /* of hall-b-003 */
    struct fleet_sample sample[960]; /* the store's: ten days of its temperature */
    struct ui_past_series series;
    struct ui_past past;
    struct ui_rollout_row *rows; /* of the journal; may be NULL */
    struct ui_trust trust;
    struct ui_key_orders key_orders;
    struct ui_device_cert device_cert; /* of hall-b-003 */
    struct ui_model model;
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);
/* One message now. */
void fixture_message(struct fixture *f, const char *topic, const char *body, size_t len,
                     bool retained);
/* The link goes down now. */
void fixture_link_down(struct fixture *f);
/* Some alert rules judge the fleet from now on: what fires, fires now. */
void fixture_alerts(struct fixture *f);
/* Another keyset is the newest, a key was revoked, and a push is under way; the operator's
 * certificate ends soon. */
void fixture_keys_behind(struct fixture *f);
/* Nothing of it can be read. */
void fixture_keys_unread(struct fixture *f);
/* Let time pass; the fleet falls silent. */
void fixture_pass(struct fixture *f, int64_t ms);

#endif
