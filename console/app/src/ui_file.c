#include "ui_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"

/* FNV-1a: short, and the same on every machine. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static int state_path(const struct profile *p, char out[FILES_PATH_MAX], struct err *err)
{
    const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const char *slash = strrchr(p->path, '/');
    char name[PROFILE_PATH_MAX], full[2 * PROFILE_PATH_MAX];
    bool fits;

    text_copy(name, sizeof(name), slash ? slash + 1 : p->path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    text_format(full, sizeof(full), "%s/%s", p->dir, slash ? slash + 1 : p->path);
    if (xdg && *xdg)
        fits = text_format(out, FILES_PATH_MAX, "%s/muster/%s-%08x.ini", xdg, name, hash_of(full));
    else if (home && *home)
        fits = text_format(out, FILES_PATH_MAX, "%s/.local/state/muster/%s-%08x.ini", home, name,
                           hash_of(full));
    else
        return err_set(err, EXIT_USAGE, "no home folder to keep views and columns in");
    return fits ? 0 : err_set(err, EXIT_USAGE, "the path of the state file is too long");
}

int ui_file_load(const struct profile *p, struct ui *ui, struct err *err)
{
    char path[FILES_PATH_MAX], *text;
    if (state_path(p, path, err))
        return -1;
    if (!files_exists(path))
        return 0;
    if (files_read(path, UI_STATE_MAX, &text, NULL, err))
        return -1;
    ui_state_read(ui, text);
    free(text);
    return 0;
}

int ui_file_save(const struct profile *p, const struct ui *ui, struct err *err)
{
    char path[FILES_PATH_MAX], dir[FILES_PATH_MAX];
    if (state_path(p, path, err) || files_dir(dir, path, err) || files_mkdirs(NULL, dir, 0700, err))
        return -1;
    char *text = mem_alloc(UI_STATE_MAX);
    ui_state_write(ui, text, UI_STATE_MAX);
    int rc = files_write(NULL, path, text, strlen(text), FILES_PRIVATE, FILES_REPLACE, err);
    free(text);
    return rc;
}
