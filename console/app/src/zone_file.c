#include "zone_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "files/files.h"

int zone_load(struct zone *out, const char *dir, const char *name, struct err *err)
{
    char path[FILES_PATH_MAX];
    struct stat st;
    char *data;
    size_t len;

    zone_utc(out);
    if (!zone_name_is_valid(name))
        return err_set(err, EXIT_USAGE, "time zone \"%.60s\": not a name like Europe/Berlin", name);
    if (strcmp(name, "UTC") == 0)
        return 0;
    if (!text_format(path, sizeof(path), "%s/%s", dir ? dir : ZONE_DIR, name))
        return err_set(err, EXIT_USAGE, "time zone %s: the folder's name is too long", name);
    if (stat(path, &st) != 0)
        return err_set(err, EXIT_USAGE,
                       "time zone %s: there is no %s; check the name, or install tzdata", name,
                       path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, EXIT_USAGE, "time zone %s: a folder of zones, not one of them", name);
    if (files_read(path, ZONE_FILE_MAX, &data, &len, err) != 0)
        return err_prefix(err, "time zone %s", name);
    int rc = zone_from_bytes(out, data, len, err);
    free(data);
    return rc == 0 ? 0 : err_prefix(err, "time zone %s: %s", name, path);
}
