#include "fields.h"

static int read_one(const struct json *j, int value, const struct field *f, uint8_t *to)
{
    switch (f->kind & (FIELD_MAY - 1)) {
    case FIELD_U32:
        return json_u32(j, value, (uint32_t *)(void *)to);
    case FIELD_U64:
        return json_u64(j, value, (uint64_t *)(void *)to);
    case FIELD_TEXT:
        return json_text(j, value, (char *)to, f->size);
    case FIELD_HEX:
        return json_hex(j, value, to, f->size);
    default:
        return 0;
    }
}

int fields_read(struct json *j, int object, const struct field *rows, size_t count, void *out)
{
    int bad = 0;

    for (const struct field *f = rows; f < rows + count; f++) {
        int value = json_member(j, object, f->name);
        if (value != JSON_NONE || !(f->kind & FIELD_MAY))
            bad |= read_one(j, value, f, (uint8_t *)out + f->offset);
    }
    return bad;
}
