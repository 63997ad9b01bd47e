#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp/image.h"
#include "ossl/crypto.h"
#include "pool.h"

static const char mark[] = "muster-firmware ";
enum { LINE = 256, WRONG_CHIP = 0x61 };

/* ---- reading -------------------------------------------------------------------------------- */

static uint8_t chip_id(const char *value)
{
    unsigned long n = strtoul(value, NULL, 0);
    return (uint8_t)(n <= 0xFF ? n : 0);
}

static void take_fact(struct image_is *is, const char *key, const char *value)
{
    if (strcmp(key, "dew_point") == 0)
        is->build.dew_point = value[0] == '1';
    else if (strcmp(key, "bme280_id") == 0)
        is->build.bme280_id = is->build.other_bme280_id = chip_id(value);
    else if (strcmp(key, "other_bme280_id") == 0)
        is->build.other_bme280_id = chip_id(value);
    else if (strcmp(key, "other_hw") == 0)
        snprintf(is->text.other_hw, sizeof(is->text.other_hw), "%s", value);
}

static void take_line(struct image_is *is, char *line)
{
    char *rest = NULL;
    for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        char *equals = strchr(word, '=');
        if (!equals)
            continue;
        *equals = '\0';
        take_fact(is, word, equals + 1);
    }
}

/* The line in `data`, copied out; false: it is not there. */
static bool find_line(const uint8_t *data, size_t len, char out[LINE])
{
    const size_t n = sizeof(mark) - 1;
    for (const uint8_t *at = data; len >= n && (at = memchr(at, mark[0], len - n + 1)) != NULL;) {
        if (memcmp(at, mark, n) == 0) {
            size_t left = len < LINE - 1 ? len : LINE - 1;
            memcpy(out, at, left);
            out[left] = '\0';
            out[strcspn(out, "\n")] = '\0';
            return true;
        }
        at++;
        len = (size_t)(data + len - at);
        data = at;
    }
    return false;
}

int image_look(const struct slots *slots, const struct slots_boot *boot, struct image_is *out)
{
    const struct esp_segment *program = &boot->image.segment[1];
    const uint32_t base = slots->slot[boot->slot].offset + program->offset;
    char line[LINE];

    memset(out, 0, sizeof(*out));
    memcpy(out->digest, boot->digest, sizeof(out->digest));
    snprintf(out->text.product, sizeof(out->text.product), "%s", boot->image.desc.project);
    snprintf(out->text.version, sizeof(out->text.version), "%s", boot->image.desc.version);
    snprintf(out->text.hw, sizeof(out->text.hw), "linux");
    out->build = (struct app_build){ .product = out->text.product,
                                     .hw = out->text.hw,
                                     .version = out->text.version,
                                     .other_hw = out->text.other_hw,
                                     .bme280_id = BME280_ID,
                                     .other_bme280_id = BME280_ID };
    uint8_t *data = swarm_alloc(program->length, 1);
    int rc = slots->flash->read(slots->flash->ctx, base, data, program->length);
    if (rc == 0 && find_line(data, program->length, line))
        take_line(out, line);
    free(data);
    return rc;
}

/* ---- making --------------------------------------------------------------------------------- */

uint8_t *image_payload(const struct image_make *make, size_t *len, struct port_fail *why)
{
    static const uint8_t elf[] = { 0x7f, 'E', 'L', 'F' };
    bool all = make->bad_hw && strcmp(make->bad_hw, "all") == 0;
    char line[LINE];
    uint32_t noise = 2463534242u;

    int n =
        snprintf(line, sizeof(line),
                 "%sproduct=%s version=%s dew_point=1 bme280_id=%d other_hw=%s "
                 "other_bme280_id=%d\n",
                 mark, make->product, make->version, all ? WRONG_CHIP : BME280_ID,
                 make->bad_hw && !all ? make->bad_hw : "", make->bad_hw ? WRONG_CHIP : BME280_ID);
    if (n < 0 || (size_t)n >= sizeof(line) || make->size < 1024 || make->size > IMAGE_PAYLOAD_MAX) {
        port_fail(why, "an image has 1024 to %u bytes and names of ordinary length",
                  (unsigned)IMAGE_PAYLOAD_MAX);
        return NULL;
    }
    uint8_t *out = swarm_alloc(make->size, 1);
    memcpy(out, elf, sizeof(elf));
    memcpy(out + sizeof(elf), line, (size_t)n);
    for (const char *v = make->version; *v; v++) /* no two versions alike */
        noise = noise * 31 + (unsigned char)*v;
    for (size_t i = sizeof(elf) + (size_t)n; i < make->size; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        out[i] = (uint8_t)noise;
    }
    *len = make->size;
    return out;
}

uint8_t *image_factory(const struct image_make *make, size_t *len, struct port_fail *why)
{
    struct esp_app_desc desc = { .secure_version = 0 };
    size_t n, cap;
    uint8_t *payload = image_payload(make, &n, why);
    if (!payload)
        return NULL;
    snprintf(desc.project, sizeof(desc.project), "%s", make->product);
    snprintf(desc.version, sizeof(desc.version), "%s", make->version);
    snprintf(desc.idf, sizeof(desc.idf), "muster");
    cap = esp_linux_image_size(n);
    uint8_t *out = swarm_alloc(cap, 1);
    enum esp_fault fault = esp_linux_image_build(&desc, payload, n, ossl_crypto(), out, cap, len);
    free(payload);
    if (fault) {
        port_fail(why, "cannot make an image: %s", esp_fault_text(fault));
        free(out);
        return NULL;
    }
    return out;
}
