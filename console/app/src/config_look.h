#ifndef APP_CONFIG_LOOK_H
#define APP_CONFIG_LOOK_H

#include "base/log.h"
#include "base/profile.h"

/*
 * What a profile must keep to beyond its own syntax, each asked of whoever will use it: keys, alert
 * rules, sources, sinks, the InfluxDB, the theme; and what is said twice. All of it is said to
 * `log`, LOG_ERROR for what can't be used, LOG_WARN for the rest, as "PATH:LINE: …" where a line
 * can be named. Opens the profile's file again and nothing else but the folders of themes.
 */
void config_look(const struct profile *p, const struct log *log);

/* The line of a key in a section, of the section itself with key NULL; 0 when it is not there. */
int config_line(const char *path, const char *section, const char *key);

#endif
