#include "esp/otadata.h"

#include <string.h>

#include "bytes.h"

const char *otadata_state_word(uint32_t state)
{
    static const char *const words[] = { "new", "pending_verify", "valid", "invalid", "aborted" };
    return state < sizeof(words) / sizeof(words[0]) ? words[state] : "undefined";
}

uint32_t esp_crc32(uint32_t crc, const void *data, size_t len)
{
    static const uint32_t nibble[16] = { /* of the reflected polynomial EDB88320 */
                                         0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                         0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                         0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                         0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C
    };
    const uint8_t *p = data;
    crc = ~crc;
    while (len-- > 0) {
        crc ^= *p++;
        crc = crc >> 4 ^ nibble[crc & 15u];
        crc = crc >> 4 ^ nibble[crc & 15u];
    }
    return ~crc;
}

/* Over the seq alone: state may change without it. */
static uint32_t entry_crc(const uint8_t *e)
{
    return esp_crc32(UINT32_MAX, e, 4);
}

void otadata_encode(uint32_t seq, uint32_t state, uint8_t out[OTADATA_ENTRY])
{
    memset(out, 0xFF, OTADATA_ENTRY);
    esp_put32(out, seq);
    esp_put32(out + 24, state);
    esp_put32(out + 28, entry_crc(out));
}

void otadata_decode(const uint8_t in[OTADATA_ENTRY], struct otadata_entry *out)
{
    out->seq = esp_get32(in);
    out->state = esp_get32(in + 24);
    out->crc_ok = esp_get32(in + 28) == entry_crc(in);
}

/* ESP-IDF's "select invalid", which does not look at the CRC. Seq 0 has no slot. */
static bool is_out(const struct otadata_entry *e)
{
    return e->seq == OTADATA_EMPTY || e->seq == 0 || e->state == OTADATA_INVALID ||
           e->state == OTADATA_ABORTED;
}

static bool counts(const struct otadata_entry *e)
{
    return !is_out(e) && e->crc_ok;
}

static bool is_blank(const struct otadata_entry *e)
{
    return e->seq == OTADATA_EMPTY || !e->crc_ok;
}

int otadata_active(const struct otadata *o)
{
    bool a = counts(&o->entry[0]), b = counts(&o->entry[1]);
    if (a && b)
        return o->entry[0].seq >= o->entry[1].seq ? 0 : 1;
    if (a)
        return 0;
    return b ? 1 : -1;
}

uint32_t otadata_slot(uint32_t seq, uint32_t slots)
{
    return (seq - 1) % slots;
}

static void set_state(struct otadata *o, int sector, uint32_t state, struct otadata_boot *out)
{
    struct otadata_entry *e = &o->entry[sector];
    e->state = state;
    /* The bootloader writes the entry as it read it: a CRC that was wrong stays wrong, but ours are
     * encoded anew, so one that does not count is left alone. */
    if (e->crc_ok)
        out->write[out->write_count++] = (struct otadata_write){ sector, e->seq, state };
}

void otadata_boot(struct otadata *o, uint32_t slots, struct otadata_boot *out)
{
    const struct otadata_write none = { -1, 0, 0 };
    *out = (struct otadata_boot){ .write = { none, none, none }, .slot = -1 };
    if (is_out(&o->entry[0]) && is_out(&o->entry[1])) {
        out->slot = 0;
        out->initial = is_blank(&o->entry[0]) && is_blank(&o->entry[1]);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (o->entry[i].state == OTADATA_PENDING)
            set_state(o, i, OTADATA_ABORTED, out);
    int active = otadata_active(o);
    if (active < 0)
        return;
    out->slot = (int)otadata_slot(o->entry[active].seq, slots);
    if (o->entry[active].state == OTADATA_NEW) {
        set_state(o, active, OTADATA_PENDING, out);
        out->trial = true;
    }
}

struct otadata_write otadata_initial(uint32_t slot)
{
    return (struct otadata_write){ 0, slot + 1, OTADATA_VALID };
}

struct otadata_write otadata_switch(const struct otadata *o, uint32_t slot, uint32_t slots)
{
    int active = otadata_active(o);
    if (active < 0)
        return (struct otadata_write){ 0, slot + 1, OTADATA_NEW };
    uint32_t seq = o->entry[active].seq + 1;
    while (otadata_slot(seq, slots) != slot)
        seq++;
    return (struct otadata_write){ 1 - active, seq, OTADATA_NEW };
}

struct otadata_write otadata_mark(const struct otadata *o, uint32_t running, uint32_t slots,
                                  bool valid, bool *ok)
{
    const struct otadata_write none = { -1, 0, 0 };
    uint32_t want = valid ? OTADATA_VALID : OTADATA_INVALID;
    int active = otadata_active(o);
    *ok = active >= 0 && otadata_slot(o->entry[active].seq, slots) == running;
    if (!*ok || o->entry[active].state == want)
        return none;
    return (struct otadata_write){ active, o->entry[active].seq, want };
}
