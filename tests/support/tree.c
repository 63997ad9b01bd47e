#include "tree.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void tree_remove(const char *path)
{
    char file[4096];
    DIR *dir = opendir(path);
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        int len = snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || len < 0 ||
            (size_t)len >= sizeof(file))
            continue;
        if (unlink(file) != 0)
            tree_remove(file);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}
