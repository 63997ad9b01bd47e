#ifndef RELEASE_IMAGE_H
#define RELEASE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/release.h"

/* What the console has to know of an image: that it is whole, for which chip, and what it says of
 * itself. */
struct image_facts {
    char product[PROTO_PRODUCT_MAX]; /* empty: the image has no description */
    char version[PROTO_VERSION_MAX];
    uint32_t security;
    char hw[PROTO_HW_MAX]; /* by chip: "esp32", "linux" …; "chip-0x1234" for an unknown one */
    uint16_t chip;
};

/* Header, segments, checksum and appended SHA-256; nothing may follow. 0, or -1 with `e`. */
int image_inspect(const void *data, size_t len, const struct crypto *c, struct image_facts *out,
                  struct err *e);

/* hw "linux": a whole ELF in the container. `date` and `time` as texts, may be empty: the same
 * input gives the same bytes. Free *out with free(). */
struct image_build {
    const char *product, *version;
    uint32_t security;
    const char *date, *time;
    const void *elf;
    size_t elf_len;
};
int image_build_linux(const struct image_build *build, const struct crypto *c, char **out,
                      size_t *len, struct err *e);

/* The chip's name, or NULL. An hw name of ours may add a board after it: "esp32", "esp32-lolin". */
const char *image_chip_name(uint16_t chip);

/* Does the image say what the release says? 0, or -1 with the difference. */
int image_matches(const struct image_facts *facts, const struct release *release, struct err *e);

#endif
