#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/profile.h"
#include "base/text.h"
#include "files/files.h"

struct registry {
    char dir[PROFILE_PATH_MAX + 8];
    char **id; /* sorted; behind each one's NUL stands "SERIAL.pem" */
    size_t count;
    struct timespec read_at; /* the folder's mtime then */
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget(struct registry *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->id[i]);
    free(r->id);
    r->id = NULL;
    r->count = 0;
}

/* "ID-SERIAL.pem": the id may hold dashes, the serial does not. False: it is no such name. */
static bool cut(char *name)
{
    char *dash = strrchr(name, '-');

    if (dash)
        *dash = '\0';
    return dash != NULL;
}

/* The authority also made certificates for servers and operators: where it made none for devices,
 * devices have theirs from somebody else. */
static bool is_device(const char *name)
{
    return strncmp(name, "operator-", 9) != 0 && strcmp(name, "broker") != 0 &&
           strcmp(name, "gateway") != 0;
}

static void keep_devices(struct registry *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->count; i++) {
        if (cut(r->id[i]) && is_device(r->id[i]))
            r->id[kept++] = r->id[i];
        else
            free(r->id[i]);
    }
    r->count = kept;
}

static bool read_folder(struct registry *r)
{
    struct stat st;
    char **name;
    size_t count;

    if (stat(r->dir, &st) != 0)
        return false;
    if (r->id && st.st_mtim.tv_sec == r->read_at.tv_sec && st.st_mtim.tv_nsec == r->read_at.tv_nsec)
        return true;
    if (files_list(r->dir, &name, &count, NULL) != 0)
        return r->id != NULL;
    forget(r);
    r->id = name;
    r->count = count;
    r->read_at = st.st_mtim;
    keep_devices(r);
    if (r->count)
        qsort(r->id, r->count, sizeof(*r->id), compare);
    return true;
}

struct registry *registry_new(const char *pki)
{
    struct registry *r = mem_alloc(sizeof(*r));

    if (!*pki || !text_format(r->dir, sizeof(r->dir), "%s/issued", pki) || !read_folder(r)) {
        registry_free(r);
        return NULL;
    }
    return r;
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    forget(r);
    free(r);
}

bool registry_has(struct registry *r, const char *id)
{
    if (!read_folder(r) || r->count == 0)
        return true;
    return bsearch(&id, r->id, r->count, sizeof(*r->id), compare) != NULL;
}

uint32_t registry_files(struct registry *r, const char *id,
                        char path[REGISTRY_FILES][FILES_PATH_MAX])
{
    uint32_t count = 0;

    if (!read_folder(r) || r->count == 0)
        return 0;
    char **found = bsearch(&id, r->id, r->count, sizeof(*r->id), compare);
    if (!found)
        return 0;
    while (found > r->id && strcmp(found[-1], id) == 0)
        found--;
    for (; found < r->id + r->count && count < REGISTRY_FILES && strcmp(*found, id) == 0; found++)
        count += text_format(path[count], FILES_PATH_MAX, "%s/%s-%s", r->dir, id,
                             *found + strlen(*found) + 1);
    return count;
}
