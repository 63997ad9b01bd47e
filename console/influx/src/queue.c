#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"

#define FILE_MAX (1u << 20) /* larger ones are none of ours */

struct waiting {
    uint64_t number;
    uint64_t bytes;
    uint32_t lines;
};

struct queue {
    char folder[600];
    uint64_t bound, bytes, next;
    struct waiting *item; /* oldest first */
    size_t count, cap;
};

static void path_of(const struct queue *q, const struct waiting *w, char *out, size_t cap)
{
    text_format(out, cap, "%s/%010llu-%u.lp", q->folder, (unsigned long long)w->number, w->lines);
}

static int by_number(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* "0000000042-117.lp" */
static bool parse_name(const char *name, struct waiting *w)
{
    char copy[64], *dash;
    uint64_t lines;
    size_t len = strlen(name);

    if (len < 6 || strcmp(name + len - 3, ".lp") != 0 ||
        !text_copy_n(copy, sizeof(copy), name, len - 3) || !(dash = strchr(copy, '-')))
        return false;
    *dash = '\0';
    if (!text_to_u64(copy, 1, UINT64_MAX / 2, &w->number) ||
        !text_to_u64(dash + 1, 1, UINT32_MAX, &lines))
        return false;
    w->lines = (uint32_t)lines;
    return true;
}

static void read_folder(struct queue *q)
{
    DIR *dir = opendir(q->folder);
    struct dirent *e;

    while (dir && (e = readdir(dir)) != NULL) {
        struct waiting w = { 0 };
        struct stat st;
        char path[900];
        if (!parse_name(e->d_name, &w))
            continue;
        path_of(q, &w, path, sizeof(path));
        if (stat(path, &st) != 0)
            continue;
        w.bytes = (uint64_t)st.st_size;
        q->bytes += w.bytes;
        q->next = w.number >= q->next ? w.number + 1 : q->next;
        MEM_PUSH_ROOM(q->item, q->count, q->cap);
        q->item[q->count++] = w;
    }
    if (dir)
        closedir(dir);
    if (q->count)
        qsort(q->item, q->count, sizeof(*q->item), by_number);
}

struct queue *queue_open(const char *folder, uint64_t bound, struct err *err)
{
    struct queue *q = mem_alloc(sizeof(*q));

    if (!text_copy(q->folder, sizeof(q->folder), folder)) {
        err_set(err, EXIT_USAGE, "influx queue: the path is too long");
        free(q);
        return NULL;
    }
    q->bound = bound;
    q->next = 1;
    read_folder(q);
    return q;
}

void queue_close(struct queue *q)
{
    if (!q)
        return;
    free(q->item);
    free(q);
}

void queue_pop(struct queue *q)
{
    char path[900];

    if (!q->count)
        return;
    path_of(q, &q->item[0], path, sizeof(path));
    unlink(path);
    q->bytes -= q->item[0].bytes;
    q->count--;
    memmove(q->item, q->item + 1, q->count * sizeof(*q->item));
}

int queue_push(struct queue *q, const char *text, size_t len, uint32_t lines, uint64_t *dropped,
               struct err *err)
{
    struct waiting w = { q->next, len, lines };
    char path[900];

    *dropped = 0;
    if (len > q->bound) {
        *dropped = lines;
        return 0;
    }
    while (q->count && q->bytes + len > q->bound) {
        *dropped += q->item[0].lines;
        queue_pop(q);
    }
    if (mkdir(q->folder, S_IRWXU) != 0 && errno != EEXIST)
        return err_set(err, EXIT_REACH, "influx queue %s: %s", q->folder, strerror(errno));
    path_of(q, &w, path, sizeof(path));
    if (files_write(NULL, path, text, len, FILES_PRIVATE, FILES_NEW, err))
        return -1;
    q->next++;
    q->bytes += len;
    MEM_PUSH_ROOM(q->item, q->count, q->cap);
    q->item[q->count++] = w;
    return 0;
}

int queue_first(struct queue *q, char **text, size_t *len, uint32_t *lines, struct err *err)
{
    char path[900];

    if (!q->count)
        return 0;
    path_of(q, &q->item[0], path, sizeof(path));
    *lines = q->item[0].lines;
    if (files_read(path, FILE_MAX, text, len, err) == 0)
        return 1;
    queue_pop(q);
    return -1;
}

uint64_t queue_bytes(const struct queue *q)
{
    return q->bytes;
}

bool queue_is_empty(const struct queue *q)
{
    return q->count == 0;
}
