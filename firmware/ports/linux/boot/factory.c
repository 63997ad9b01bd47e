#include "factory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv.h"
#include "port/facts.h"
#include "port/flash.h"
#include "port/nvs.h"
#include "port/slots.h"

#define CSV_MAX 65536u

/* A whole file of at most `cap` bytes; free() it. NULL and *why. */
static uint8_t *read_file(const char *path, size_t cap, size_t *len, struct port_fail *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        port_fail(why, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    uint8_t *data = NULL;
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > cap) {
        port_fail(why, "%s is not a file of 1 to %zu bytes", path, cap);
    } else {
        data = malloc((size_t)st.st_size);
        *len = (size_t)st.st_size;
        if (!data || read(fd, data, *len) != (ssize_t)*len) {
            port_fail(why, "cannot read %s: %s", path, strerror(errno));
            free(data);
            data = NULL;
        }
    }
    close(fd);
    return data;
}

static int write_image(const struct flash *flash, const struct slots *slots, const char *path,
                       struct port_fail *why)
{
    size_t len;
    struct esp_image image;
    uint8_t *data = read_file(path, slots->slot[0].size, &len, why);
    if (!data)
        return -1;
    int rc = 0;
    if (flash->write(flash->ctx, slots->slot[0].offset, data, len))
        rc = port_fail(why, "cannot write flash.bin: %s", strerror(errno));
    free(data);
    if (rc)
        return rc;
    enum esp_fault fault = slots_check(slots, 0, &image, NULL);
    if (fault)
        return port_fail(why, "%s is not an image for hw \"linux\": %s", path,
                         esp_fault_text(fault));
    if (image.size != len)
        return port_fail(why, "%s has %zu bytes, its image ends after %u", path, len,
                         (unsigned)image.size);
    return 0;
}

static int store_row(struct nvs *nvs, const struct csv_row *row)
{
    if (row->type == NVS_U32)
        return nvs_set_u32(nvs, row->ns, row->key, row->number);
    return nvs_set(nvs, row->ns, row->key, row->type, row->value, row->len);
}

static int write_nvs(const struct flash *flash, const struct esp_partition *part, const char *path,
                     struct port_fail *why)
{
    static struct nvs nvs;
    static struct csv_row row;
    struct csv csv;
    const char *text = NULL;
    size_t len;
    char *data = (char *)read_file(path, CSV_MAX, &len, why);
    if (!data)
        return -1;
    int more = csv_begin(&csv, data, len, &text) ? -1 : 1;
    int rc = nvs_mount(&nvs, flash, part->offset, part->size);
    while (more > 0 && rc == NVS_OK) {
        more = csv_next(&csv, &row, &text);
        if (more > 0)
            rc = store_row(&nvs, &row);
    }
    free(data);
    if (more < 0)
        return port_fail(why, "%s, line %u: %s", path, (unsigned)csv.line, text);
    if (rc != NVS_OK)
        return port_fail(why, "%s, line %u: %s", path, (unsigned)csv.line, nvs_result_text(rc));
    return 0;
}

static int fill(const struct flash *flash, const char *image_path, const char *nvs_path,
                struct port_fail *why)
{
    struct esp_partition_table table;
    struct slots slots;
    flash_layout(&table);
    if (flash_write_table(flash) || slots_init(&slots, flash, &table))
        return port_fail(why, "cannot write the partition table: %s", strerror(errno));
    if (write_image(flash, &slots, image_path, why))
        return -1;
    const struct esp_partition *nvs = esp_partition_by_label(&table, "nvs");
    if (write_nvs(flash, nvs, nvs_path, why))
        return -1;
    if (flash->sync(flash->ctx))
        return port_fail(why, "cannot write flash.bin: %s", strerror(errno));
    return 0;
}

int factory_flash(const char *dir, const char *image_path, const char *nvs_path,
                  struct port_fail *why)
{
    char path[PORT_PATH_MAX + 16], fresh[PORT_PATH_MAX + 16];
    struct flash_file file;
    snprintf(path, sizeof(path), "%s/flash.bin", dir);
    snprintf(fresh, sizeof(fresh), "%s/flash.bin.new", dir);
    if (mkdir(dir, 0700) && errno != EEXIST)
        return port_fail(why, "cannot make %s: %s", dir, strerror(errno));
    if (unlink(fresh) && errno != ENOENT)
        return port_fail(why, "cannot remove %s: %s", fresh, strerror(errno));
    if (flash_file_create(&file, fresh))
        return port_fail(why, "cannot make %s: %s", fresh, strerror(errno));
    int rc = fill(&file.flash, image_path, nvs_path, why);
    flash_file_close(&file);
    if (rc == 0 && rename(fresh, path))
        rc = port_fail(why, "cannot make %s: %s", path, strerror(errno));
    if (rc)
        unlink(fresh);
    return rc;
}
