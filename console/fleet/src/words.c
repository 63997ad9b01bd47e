#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "internal.h"

enum { WORD_BYTES = 128, FIRST_SLOTS = 256 };

/* What is left from `i` on, fewer than eight bytes: of a longer text its last eight, which are as
 * good and need no call. */
static uint64_t last_bytes(const char *text, size_t len, size_t i)
{
    uint64_t x = 0;
    uint32_t a, b;

    if (len >= sizeof(x)) {
        memcpy(&x, text + len - sizeof(x), sizeof(x));
    } else if (len >= sizeof(a)) {
        memcpy(&a, text, sizeof(a));
        memcpy(&b, text + len - sizeof(b), sizeof(b));
        x = (uint64_t)a << 32 | b;
    } else {
        for (; i < len; i++)
            x = x << 8 | (unsigned char)text[i];
    }
    return x;
}

uint32_t fleet_hash(const char *text, size_t len)
{
    /* Eight bytes a step: an image's digest is 64. Multiplying carries upwards only, so the upper
     * half is folded in: sequential ids differ in one byte at the end. */
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t h = len * odd, x;
    size_t i = 0;

    for (; len - i >= sizeof(x); i += sizeof(x)) {
        memcpy(&x, text + i, sizeof(x));
        h = (h ^ x) * odd;
        h ^= h >> 32;
    }
    if (i < len) {
        h = (h ^ last_bytes(text, len, i)) * odd;
        h ^= h >> 32;
    }
    h *= odd;
    return (uint32_t)(h >> 32);
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t find_slot(const struct words *words, const char *text, size_t len)
{
    uint32_t mask = words->slot_count - 1;
    uint32_t at = fleet_hash(text, len) & mask;
    while (words->slot[at] && strcmp(words->text[words->slot[at]], text) != 0)
        at = (at + 1) & mask;
    return at;
}

static void grow_slots(struct words *words)
{
    uint32_t count = words->slot_count ? words->slot_count * 2 : FIRST_SLOTS;
    free(words->slot);
    words->slot = mem_array(count, sizeof(*words->slot));
    words->slot_count = count;
    for (uint32_t i = 1; i < words->count; i++)
        words->slot[find_slot(words, words->text[i], strlen(words->text[i]))] = (uint16_t)i;
}

static uint16_t push(struct words *words, const char *text, size_t len)
{
    if ((words->count + 1) * 2 > words->slot_count)
        grow_slots(words);
    uint32_t at = find_slot(words, text, len);
    MEM_PUSH_ROOM(words->text, words->count, words->cap);
    words->text[words->count] = mem_strdup(text);
    words->slot[at] = (uint16_t)words->count;
    words->bytes += len + 1;
    return (uint16_t)words->count++;
}

void fleet_words_init(struct words *words)
{
    memset(words, 0, sizeof(*words));
    MEM_PUSH_ROOM(words->text, words->count, words->cap);
    words->text[words->count++] = mem_strdup("");
    push(words, "\xe2\x80\xa6", 3); /* what stands for all that don't fit */
}

void fleet_words_free(struct words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        free(words->text[i]);
    free(words->text);
    free(words->slot);
}

uint16_t fleet_words_add(struct words *words, const char *text)
{
    char clean[WORD_BYTES];
    if (!*text)
        return 0;
    /* Nearly always it is known and clean. */
    uint16_t word = words->slot[find_slot(words, text, strlen(text))];
    if (word)
        return word;
    size_t len = text_clean(clean, sizeof(clean), text, strlen(text));
    word = words->slot[find_slot(words, clean, len)];
    if (word)
        return word;
    return words->count < FLEET_MAX_WORDS ? push(words, clean, len) : 1;
}

static void describe(struct fleet_reading *r)
{
    const struct reading_info *info = reading_info(r->name);
    r->label = info->label ? info->label : r->name;
    r->unit = info->unit ? info->unit : "";
    r->scale = info->scale;
    r->decimals = info->decimals;
}

/* Order in which a device's trend is chosen, best first. */
static const char *const preferred[PREFERRED_TRENDS] = {
    "temperature", "co2", "pm2_5", "pm10", "humidity", "pressure", "battery", "rssi",
};

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t name_slot(const struct fleet *fleet, const char *name, size_t len)
{
    uint32_t at = fleet_hash(name, len) & (NAME_SLOTS - 1);
    while (fleet->name_slot[at] && strcmp(fleet->reading[fleet->name_slot[at] - 1].name, name) != 0)
        at = (at + 1) & (NAME_SLOTS - 1);
    return at;
}

static uint32_t add_reading(struct fleet *fleet, uint32_t at, const char *name, size_t len)
{
    uint32_t reading = fleet->reading_count++;
    struct fleet_reading *r = &fleet->reading[reading];
    memcpy(r->name, name, len + 1);
    describe(r);
    fleet->name_slot[at] = (uint16_t)(reading + 1);
    for (size_t i = 0; i < PREFERRED_TRENDS; i++)
        if (strcmp(preferred[i], name) == 0)
            fleet->preferred[i] = reading;
    return reading;
}

uint32_t fleet_reading_intern(struct fleet *fleet, const char *name)
{
    char clean[PROTO_READING_MAX];
    uint32_t at = name_slot(fleet, name, strlen(name));

    if (fleet->name_slot[at])
        return fleet->name_slot[at] - 1u; /* nearly always: known and clean */
    size_t len = text_clean(clean, sizeof(clean), name, strlen(name));
    at = name_slot(fleet, clean, len);
    if (fleet->name_slot[at])
        return fleet->name_slot[at] - 1u;
    if (len == 0 || fleet->reading_count == FLEET_MAX_READINGS)
        return FLEET_NONE;
    return add_reading(fleet, at, clean, len);
}

uint32_t fleet_reading_count(const struct fleet *fleet)
{
    return fleet->reading_count;
}

const struct fleet_reading *fleet_reading(const struct fleet *fleet, uint32_t reading)
{
    return reading < fleet->reading_count ? &fleet->reading[reading] : NULL;
}

uint32_t fleet_reading_find(const struct fleet *fleet, const char *name)
{
    const char *canonical = reading_canonical(name);
    uint32_t at = name_slot(fleet, canonical, strlen(canonical));
    return fleet->name_slot[at] ? fleet->name_slot[at] - 1u : FLEET_NONE;
}

const struct fleet_value *fleet_value(const struct fleet_device *device, uint32_t reading)
{
    for (uint32_t i = 0; i < device->value_count; i++)
        if (device->value[i].reading == reading)
            return &device->value[i];
    return NULL;
}

const char *fleet_word(const struct fleet *fleet, uint16_t word)
{
    return word < fleet->words.count ? fleet->words.text[word] : "";
}
