#ifndef APP_CONFIG_ALERT_H
#define APP_CONFIG_ALERT_H

#include "base/profile.h"
#include "fleet/alert.h"

/*
 * The alert rules in force: the usual ones (unless [alerts] defaults = no), and those of the
 * [alert NAME] sections, which change the usual one of the same name. `off = yes` takes one out.
 * 0, or -1 with EXIT_USAGE, the file, the line and what is wrong.
 */
int config_alerts(const struct profile *profile, struct alert_rule out[ALERT_RULES], size_t *count,
                  struct err *err);

#endif
