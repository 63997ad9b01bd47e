#include "port/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

static bool inside(uint32_t offset, size_t len)
{
    return offset <= FLASH_SIZE && len <= FLASH_SIZE - offset;
}

static int file_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct flash_file *f = ctx;
    if (!inside(offset, len))
        return -1;
    memcpy(data, f->map + offset, len);
    return 0;
}

static int put(int fd, uint32_t offset, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        offset += (uint32_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int file_write(void *ctx, uint32_t offset, const void *data, size_t len)
{
    const struct flash_file *f = ctx;
    const uint8_t *from = data;
    uint8_t piece[ESP_SECTOR];
    if (!inside(offset, len))
        return -1;
    while (len > 0) {
        size_t n = len < sizeof(piece) ? len : sizeof(piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = f->map[offset + i] & from[i];
        if (put(f->fd, offset, piece, n))
            return -1;
        from += n;
        offset += (uint32_t)n;
        len -= n;
    }
    return 0;
}

static int file_erase(void *ctx, uint32_t offset, uint32_t len)
{
    const struct flash_file *f = ctx;
    uint8_t sector[ESP_SECTOR];
    if (!inside(offset, len) || offset % ESP_SECTOR != 0 || len % ESP_SECTOR != 0)
        return -1;
    memset(sector, 0xFF, sizeof(sector));
    for (uint32_t at = 0; at < len; at += ESP_SECTOR)
        if (put(f->fd, offset + at, sector, sizeof(sector)))
            return -1;
    return 0;
}

static int file_sync(void *ctx)
{
    const struct flash_file *f = ctx;
    return fdatasync(f->fd);
}

static int map_file(struct flash_file *f)
{
    void *map = mmap(NULL, FLASH_SIZE, PROT_READ, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED)
        return -1;
    f->map = map;
    f->flash = (struct flash){ .ctx = f,
                               .size = FLASH_SIZE,
                               .read = file_read,
                               .write = file_write,
                               .erase = file_erase,
                               .sync = file_sync };
    return 0;
}

int flash_file_open(struct flash_file *f, const char *path)
{
    struct stat st;
    f->fd = open(path, O_RDWR | O_CLOEXEC);
    if (f->fd < 0)
        return -1;
    if (fstat(f->fd, &st) == 0 && st.st_size == (off_t)FLASH_SIZE && map_file(f) == 0)
        return 0;
    int err = st.st_size == (off_t)FLASH_SIZE ? errno : EINVAL;
    close(f->fd);
    errno = err;
    return -1;
}

int flash_file_create(struct flash_file *f, const char *path)
{
    f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return -1;
    if (file_erase(f, 0, FLASH_SIZE) == 0 && map_file(f) == 0)
        return 0;
    int err = errno;
    close(f->fd);
    unlink(path);
    errno = err;
    return -1;
}

void flash_file_close(struct flash_file *f)
{
    munmap((void *)(uintptr_t)f->map, FLASH_SIZE);
    close(f->fd);
}

static void md5(void *ctx, const void *data, size_t len, uint8_t out[16])
{
    (void)ctx;
    if (EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) != 1)
        memset(out, 0, 16); /* a host in FIPS mode: the table is refused then */
}

void flash_layout(struct esp_partition_table *out)
{
    static const struct esp_partition parts[] = {
        { ESP_TYPE_DATA, ESP_DATA_NVS, 0x9000, 0x6000, "nvs", 0 },
        { ESP_TYPE_DATA, ESP_DATA_OTA, 0xF000, 0x2000, "otadata", 0 },
        { ESP_TYPE_DATA, ESP_DATA_PHY, 0x11000, 0x1000, "phy_init", 0 },
        { ESP_TYPE_APP, ESP_APP_OTA_0, 0x20000, 0x1C0000, "ota_0", 0 },
        { ESP_TYPE_APP, ESP_APP_OTA_0 + 1, 0x1E0000, 0x1C0000, "ota_1", 0 },
        { ESP_TYPE_DATA, ESP_DATA_NVS, 0x3A0000, 0x10000, "muster", 0 },
    };
    memset(out, 0, sizeof(*out));
    memcpy(out->part, parts, sizeof(parts));
    out->count = sizeof(parts) / sizeof(parts[0]);
}

int flash_write_table(const struct flash *flash)
{
    struct esp_partition_table table;
    uint8_t raw[ESP_TABLE_SIZE];
    flash_layout(&table);
    if (esp_partitions_encode(&table, md5, NULL, raw))
        return -1;
    if (flash->erase(flash->ctx, ESP_TABLE_OFFSET, ESP_SECTOR))
        return -1;
    return flash->write(flash->ctx, ESP_TABLE_OFFSET, raw, sizeof(raw));
}

int flash_read_table(const struct flash *flash, struct esp_partition_table *out,
                     enum esp_fault *fault)
{
    uint8_t raw[ESP_TABLE_SIZE];
    *fault = ESP_FAULT_READ;
    if (flash->read(flash->ctx, ESP_TABLE_OFFSET, raw, sizeof(raw)) == 0)
        *fault = esp_partitions_decode(raw, md5, NULL, out);
    return *fault ? -1 : 0;
}
