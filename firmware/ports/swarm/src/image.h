#ifndef SWARM_IMAGE_H
#define SWARM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "app/app.h"
#include "port/fail.h"
#include "port/slots.h"

/*
 * What a device is with an image in it. The swarm runs no image's code: every firmware program
 * carries the line APP_BUILD_FACTS (app/build_info.h), and it is read here. So a swarm device takes
 * the very releases real devices take, and one that fails its self-test there fails it here, for
 * the same reason.
 */
struct image_is {
    uint8_t digest[PROTO_SHA256_LEN]; /* of the image file */
    struct app_build build;           /* points into `text` */
    struct {
        char product[PROTO_PRODUCT_MAX], hw[PROTO_HW_MAX], version[PROTO_VERSION_MAX];
        char other_hw[PROTO_HW_MAX];
    } text;
};

/* What runs in a slot. An image without the line (somebody else's) is one that passes, of the
 * product and version its description names. `out` must not move. 0, -1: flash can't be read. */
int image_look(const struct slots *slots, const struct slots_boot *boot, struct image_is *out);

/* An image to be made: a program in name only, so that it can be small and there can be many. */
struct image_make {
    const char *product, *version;
    const char *bad_hw; /* fails its self-test on this hw; "all": on every one; NULL: on none */
    uint32_t size;      /* bytes of payload, about; at least 1024 */
};
#define IMAGE_PAYLOAD_MAX 1500000u

/* What `muster release build --elf` takes; free() it. Deterministic. NULL: a value is out of range,
 * and *why. */
uint8_t *image_payload(const struct image_make *make, size_t *len, struct port_fail *why);
/* The whole image, as it is flashed at the factory; free() it. */
uint8_t *image_factory(const struct image_make *make, size_t *len, struct port_fail *why);

#endif
