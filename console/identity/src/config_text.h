#ifndef IDENTITY_CONFIG_TEXT_H
#define IDENTITY_CONFIG_TEXT_H

#include <stdbool.h>

#include "fleet_file.h"

/*
 * The texts of the configuration files. `dir` is an absolute path: Mosquitto takes relative ones
 * from its working directory. All return a text to free().
 */
char *config_mosquitto(const struct fleet_file *f, const char *dir, const char *user);
/* With one operator block per name. */
char *config_acl(const struct fleet_file *f, const char *const *operators, size_t count);
char *config_acl_operator(const struct fleet_file *f, const char *name);
char *config_profile(const struct fleet_file *f);

#endif
