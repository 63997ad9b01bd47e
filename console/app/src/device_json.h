#ifndef APP_DEVICE_JSON_H
#define APP_DEVICE_JSON_H

#include <jansson.h>

#include "fleet/fleet.h"

/*
 * A device as `muster ls --json` and `watch --json` give it: id state product hw fw slot image boot
 * boots reset last_seen (Unix s, or null) age readings ota alerts why groups. Free with
 * json_decref().
 */
json_t *device_json(const struct fleet *fleet, const struct fleet_device *device, int64_t now_ms);

/* Text from a device as a JSON string: made clean first, so that it is always valid UTF-8 without
 * controls. */
json_t *clean_json(const char *text);

#endif
