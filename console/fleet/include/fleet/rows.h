#ifndef FLEET_ROWS_H
#define FLEET_ROWS_H

#include "fleet/alert.h"
#include "fleet/filter.h"

/*
 * What may be asked of the rows of the lists that are not of devices: the tables for
 * filter_compile_rows(), and the plain facts of a row that they read. A screen and the command that
 * is its twin fill the same facts, so that one filter finds the same rows in both. Texts may be ""
 * and live as long as the row is looked at; times are Unix ms, 0: never.
 *
 * The table in docs/console.md is made from these.
 */

/* device id rule state severity reading text age since muted acknowledged by; and the device's. */
#define ALERT_READINGS_MAX 128
struct alert_row {
    const char *rule, *subject, *text;
    uint32_t device; /* in the fleet, or FLEET_NONE */
    enum alert_level level;
    int64_t since_ms; /* the condition holds */
    int64_t fired_ms, cleared_ms;
    bool acked, muted;
    const char *by;                    /* who has seen it */
    char readings[ALERT_READINGS_MAX]; /* that the rule compares with a number: "temperature co2" */
};
extern const struct filter_rows alert_rows;
/* Of an alert of `a`; its texts are the alert's. */
void alert_row_of(const struct alerts *a, const struct alert *alert, struct alert_row *out);
/* What a rule compares with a number, by the names of readings, with blanks between. */
void alert_rule_readings(const struct alerts *a, uint32_t rule, char out[ALERT_READINGS_MAX]);

/* id rule target who reason until mutes */
struct silence_row {
    const struct alert_silence *silence;
    uint32_t mutes; /* alerts that are under it now */
};
extern const struct filter_rows silence_rows;

/* id state product version target who why devices done failed rate stage since ended over */
struct rollout_row {
    const char *id, *state, *product, *version, *target, *who, *why;
    uint32_t devices, done, failed, stage, stage_count; /* stage from 0 */
    int64_t started_ms, ended_ms;
    bool over;
};
extern const struct filter_rows rollout_row_fields;

/* product version seq security size hw image kid created */
struct release_row {
    const char *product, *version, *hw; /* boards with blanks between */
    const char *image, *kid;            /* digest in hex; who says to have signed it */
    uint32_t seq, security, size;
    int64_t created_ms;
};
extern const struct filter_rows release_row_fields;

#endif
