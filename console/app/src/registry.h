#ifndef APP_REGISTRY_H
#define APP_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "files/files.h"

/*
 * Which devices the fleet's authority has made certificates for: the names in PKI/issued, read when
 * the folder has changed. Where it has made none for devices, everybody counts as known.
 */
struct registry;

/* NULL when there is no such folder here: then nobody can be called unknown. `pki` is copied.
 * registry_free() it. */
struct registry *registry_new(const char *pki);
void registry_free(struct registry *r); /* NULL is fine */
/* The files of the certificates made for an id, at most REGISTRY_FILES of them; how many. */
#define REGISTRY_FILES 16
uint32_t registry_files(struct registry *r, const char *id,
                        char path[REGISTRY_FILES][FILES_PATH_MAX]);
/* True also while the folder can't be read: nobody is blamed for that. */
bool registry_has(struct registry *r, const char *id);

#endif
