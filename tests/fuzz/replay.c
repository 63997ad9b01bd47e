/*
 * A main() for a fuzz target outside the fuzz preset: every file of the kept corpus is fed to it
 * once, so that what the fuzzer once found stays a test in each build, under every compiler and
 * sanitizer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, uint8_t *buf)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    size_t n = fread(buf, 1, CASE_MAX, f);
    fclose(f);

    /* An exact allocation, so that ASan sees a read past the end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        return -1;
    memcpy(exact, buf, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

static int replay_dir(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) {
        perror(dir);
        return -1;
    }
    uint8_t *buf = malloc(CASE_MAX);
    int count = 0;
    int rc = buf ? 0 : -1;
    for (struct dirent *e = readdir(d); e && rc == 0; e = readdir(d)) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (len < 0 || (size_t)len >= sizeof(path))
            continue;
        rc = replay_file(path, buf);
        count++;
    }
    free(buf);
    closedir(d);
    printf("%s: %d cases replayed\n", dir, count);
    return rc || count == 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
        return 2;
    }
    return replay_dir(argv[1]) ? 1 : 0;
}
