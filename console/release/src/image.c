#include "release/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "esp/image.h"
#include "protocol/id.h"

static const struct chip_row {
    uint16_t chip;
    const char *name;
} chips[] = {
    { 0, "esp32" },    { 2, "esp32s2" },  { 5, "esp32c3" },
    { 9, "esp32s3" },  { 12, "esp32c2" }, { 13, "esp32c6" },
    { 16, "esp32h2" }, { 18, "esp32p4" }, { ESP_CHIP_LINUX, "linux" },
};

const char *image_chip_name(uint16_t chip)
{
    for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
        if (chips[i].chip == chip)
            return chips[i].name;
    return NULL;
}

static int name_chip(uint16_t chip, char *out, size_t cap, struct err *e)
{
    const char *name = image_chip_name(chip);
    bool fits = name ? text_copy(out, cap, name) : text_format(out, cap, "chip-0x%04x", chip);
    return fits ? 0 : err_set(e, EXIT_USAGE, "chip name is too long");
}

int image_inspect(const void *data, size_t len, const struct crypto *c, struct image_facts *out,
                  struct err *e)
{
    struct esp_image image;
    *out = (struct image_facts){ 0 };
    enum esp_fault fault = esp_image_check(data, len, c, &image);
    if (fault != ESP_FAULT_NONE)
        return err_set(e, EXIT_USAGE, "not a whole firmware image: %s", esp_fault_text(fault));
    if (image.size != len)
        return err_set(e, EXIT_USAGE, "%zu bytes follow the image: not what a build makes",
                       len - image.size);
    out->chip = image.chip;
    if (name_chip(image.chip, out->hw, sizeof(out->hw), e) != 0)
        return -1;
    if (!image.has_desc)
        return 0;
    out->security = image.desc.secure_version;
    if (!text_copy(out->product, sizeof(out->product), image.desc.project) ||
        !name_is_valid(out->product, strlen(out->product)) ||
        !text_copy(out->version, sizeof(out->version), image.desc.version) ||
        !semver_is_valid(out->version)) {
        char shown[2][80];
        text_clean(shown[0], sizeof(shown[0]), image.desc.project, strlen(image.desc.project));
        text_clean(shown[1], sizeof(shown[1]), image.desc.version, strlen(image.desc.version));
        return err_set(e, EXIT_USAGE,
                       "the image calls itself '%s' version '%s': a product is 1 to 32 of A-Z a-z "
                       "0-9 . _ -, a version is SemVer (1.4.0)",
                       shown[0], shown[1]);
    }
    return 0;
}

int image_build_linux(const struct image_build *build, const struct crypto *c, char **out,
                      size_t *len, struct err *e)
{
    struct esp_app_desc desc = { .secure_version = build->security };
    if (!name_is_valid(build->product, strlen(build->product)))
        return err_set(e, EXIT_USAGE, "'%.40s' is not a product name: 1 to 32 of A-Z a-z 0-9 . _ -",
                       build->product);
    if (!semver_is_valid(build->version))
        return err_set(e, EXIT_USAGE, "'%.40s' is not a version: SemVer, as 1.4.0 or 2.0.0-rc.1",
                       build->version);
    /* The fields are 32 bytes with a NUL; SemVer texts of ours may be 32 without. */
    if (!text_copy(desc.project, 32, build->product) ||
        !text_copy(desc.version, 32, build->version) || !text_copy(desc.date, 16, build->date) ||
        !text_copy(desc.time, 16, build->time) || !text_copy(desc.idf, 32, "muster"))
        return err_set(e, EXIT_USAGE, "product and version can have 31 characters in an image");

    size_t cap = esp_linux_image_size(build->elf_len);
    char *image = mem_alloc(cap ? cap : 1);
    enum esp_fault fault =
        esp_linux_image_build(&desc, build->elf, build->elf_len, c, (uint8_t *)image, cap, len);
    if (fault != ESP_FAULT_NONE) {
        free(image);
        return err_set(e, EXIT_USAGE, "cannot build the image: %s",
                       fault == ESP_FAULT_MAGIC ? "not an ELF file" : esp_fault_text(fault));
    }
    *out = image;
    return 0;
}

/* "esp32", or a board of it: "esp32-lolin". */
static bool hw_is_for(const char *hw, const char *chip)
{
    size_t len = strlen(chip);
    return strncmp(hw, chip, len) == 0 && (hw[len] == '\0' || hw[len] == '-');
}

int image_matches(const struct image_facts *facts, const struct release *release, struct err *e)
{
    for (uint32_t i = 0; i < release->hw_count; i++)
        if (!hw_is_for(release->hw[i], facts->hw))
            return err_set(e, EXIT_USAGE, "the release is for %s, the image for %s", release->hw[i],
                           facts->hw);
    if (!facts->product[0])
        return 0; /* no description: the signed release is all there is */
    if (strcmp(facts->product, release->product) != 0)
        return err_set(e, EXIT_USAGE, "the release is of %s, the image of %s", release->product,
                       facts->product);
    if (strcmp(facts->version, release->version) != 0)
        return err_set(e, EXIT_USAGE, "the release says version %s, the image %s", release->version,
                       facts->version);
    if (facts->security > release->security)
        return err_set(e, EXIT_USAGE,
                       "the release says security %u, the image %u: a release can't be below",
                       (unsigned)release->security, (unsigned)facts->security);
    return 0;
}
