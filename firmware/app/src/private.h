#ifndef APP_PRIVATE_H
#define APP_PRIVATE_H

#include "app/app.h"
#include "text.h"

/* What the files of the app call in each other. */

/* ---- log.c ---------------------------------------------------------------------------------- */

/* A line to the board's log and, above debug and within a budget, to <root>/<id>/log. What is not
 * printable ASCII becomes '?'. */
void app_say(struct app *app, enum app_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- sensors.c ------------------------------------------------------------------------------ */

void sensors_init(struct app *app);
/* Probe all; ends in OTA_EV_SELF_TEST once all have answered or time is up. */
void sensors_self_test(struct app *app);
/* Go on with probing, measuring and the self-test. */
void sensors_tick(struct app *app);
/* Before this image hands over to another: which of the named sensors answer now is kept, so that
 * the other one is not blamed for a sensor that was dead before. */
void sensors_keep_health(const struct app *app);
bool sensors_are_busy(const struct app *app); /* wants a tick within some milliseconds */

/* ---- telemetry.c ---------------------------------------------------------------------------- */

/* Hand over what waits in the ring, and health when due. */
void telemetry_tick(struct app *app);
bool telemetry_acked(struct app *app, int mid); /* was it one of ours? */
/* The body of one sample; length or -1. `ts` 0: without. */
int telemetry_encode_line(const struct app_sample *sample, int64_t ts, char *out, size_t cap);
int telemetry_encode(const struct app_sample *sample, int64_t ts, char *out, size_t cap);

/* ---- session.c ------------------------------------------------------------------------------ */

void session_start(struct app *app);
void session_tick(struct app *app);
void session_up(struct app *app);
void session_down(struct app *app, const char *why);

/* ---- command.c ------------------------------------------------------------------------------ */

void command_start(struct app *app); /* which orders were answered before this boot */
void command_take(struct app *app, const struct app_event *event);
void command_tick(struct app *app);

/* ---- keys.c --------------------------------------------------------------------------------- */

/* Find the keyset to believe, and log what is wrong with it. */
void keys_load(struct app *app);
/* A `keys` order. *seq gets its number once its signature held; `detail` (of `cap` bytes) says what
 * was wrong with the keyset, or which one is in use now. */
enum reason keys_take(struct app *app, struct ota_event *event, uint32_t *seq, char *detail,
                      size_t cap);

/* ---- app.c ---------------------------------------------------------------------------------- */

struct ota_time app_ota_time(const struct app *app);
/* Pass on an event; its time is filled in. */
enum reason app_tell_agent(struct app *app, struct ota_event *event);

#endif
