#include "templates.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "protocol/id.h"
#include "rollout_json/plan_json.h"

static const char ending[] = ".json";

static int folder(char out[FILES_PATH_MAX], struct err *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    bool fits = xdg && *xdg
                    ? text_format(out, FILES_PATH_MAX, "%s/muster/plans", xdg)
                    : home && text_format(out, FILES_PATH_MAX, "%s/.config/muster/plans", home);

    return fits ? 0
                : err_set(err, EXIT_USAGE,
                          "templates: neither XDG_CONFIG_HOME nor HOME names a folder");
}

static int path_of(const char *name, char out[FILES_PATH_MAX], struct err *err)
{
    char dir[FILES_PATH_MAX];

    if (!name_is_valid(name, strlen(name)))
        return err_set(err, EXIT_USAGE,
                       "a template's name has letters, digits, dot, dash and underscore only");
    if (folder(dir, err))
        return -1;
    return text_format(out, FILES_PATH_MAX, "%s/%s%s", dir, name, ending)
               ? 0
               : err_set(err, EXIT_USAGE, "template %s: its path is too long", name);
}

int template_save(const char *name, const struct rollout_plan *plan, struct err *err)
{
    char path[FILES_PATH_MAX], dir[FILES_PATH_MAX];

    if (path_of(name, path, err) || folder(dir, err) || files_mkdirs(NULL, dir, 0700, err))
        return -1;
    char *text = plan_encode(plan);
    int rc = files_write(NULL, path, text, strlen(text), FILES_PUBLIC, FILES_REPLACE, err);
    free(text);
    return rc;
}

static int must_exist(const char *name, const char *path, struct err *err)
{
    return files_exists(path)
               ? 0
               : err_set(err, EXIT_USAGE,
                         "there is no template %s: see 'muster rollout template ls'", name);
}

int template_load(const char *name, struct rollout_plan *out, struct err *err)
{
    char path[FILES_PATH_MAX];
    char *text;
    size_t len;

    if (path_of(name, path, err) || must_exist(name, path, err) ||
        files_read(path, PLAN_JSON_BYTES, &text, &len, err))
        return -1;
    int rc = plan_decode_template(text, len, out, err);
    free(text);
    return rc ? err_prefix(err, "%s", path) : 0;
}

int template_remove(const char *name, struct err *err)
{
    char path[FILES_PATH_MAX];

    if (path_of(name, path, err) || must_exist(name, path, err))
        return -1;
    return unlink(path) == 0 ? 0 : err_set(err, EXIT_REFUSED, "%s cannot be removed", path);
}

int template_list(char ***names, struct err *err)
{
    char dir[FILES_PATH_MAX];
    char **files;
    size_t count;
    int n = 0;

    *names = NULL;
    if (folder(dir, err))
        return -1;
    if (!files_exists(dir))
        return 0;
    if (files_list(dir, &files, &count, err))
        return -1;
    *names = mem_array(TEMPLATES_MAX, sizeof(**names));
    for (size_t i = 0; i < count && n < TEMPLATES_MAX; i++) {
        size_t len = strlen(files[i]);
        if (len < sizeof(ending) || strcmp(files[i] + len - (sizeof(ending) - 1), ending) != 0)
            continue;
        files[i][len - (sizeof(ending) - 1)] = '\0';
        if (name_is_valid(files[i], strlen(files[i])))
            (*names)[n++] = mem_strdup(files[i]);
    }
    files_list_free(files, count);
    return n;
}

void template_list_free(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}
