#ifndef APP_ZONE_FILE_H
#define APP_ZONE_FILE_H

#include "base/err.h"
#include "rollout/zone.h"

/* Where Debian's tzdata puts them. */
#define ZONE_DIR "/usr/share/zoneinfo"

/*
 * The zone of a name, from its file in `dir` (NULL: ZONE_DIR). "UTC" needs no file. -1 when the
 * name could leave the folder, there is no such zone, or the file is none; *out is UTC then.
 */
int zone_load(struct zone *out, const char *dir, const char *name, struct err *err);

#endif
