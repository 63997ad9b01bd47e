#include "protocol/release.h"

#include <string.h>

#include "crit.h"
#include "protocol/id.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 112, DEPTH = 3 };

/* clang-format off */
static const struct field fields[] = {
    FIELD(FIELD_TEXT, release, product, "product"),
    FIELD_NAME("hw"),
    FIELD(FIELD_TEXT, release, version, "version"),
    FIELD(FIELD_U32, release, seq, "seq"),
    FIELD(FIELD_U32, release, security, "security"),
    FIELD(FIELD_U32, release, size, "size"),
    FIELD(FIELD_HEX, release, sha256, "sha256"),
    FIELD(FIELD_TEXT | FIELD_MAY, release, min_from, "min_from"),
    FIELD(FIELD_U32 | FIELD_MAY, release, min_agent, "min_agent"),
    FIELD(FIELD_U64 | FIELD_MAY, release, created, "created"),
    FIELD_NAME("deltas"),
};
static const struct field delta_fields[] = {
    FIELD(FIELD_HEX, release_delta, from, "from"),
    FIELD(FIELD_U32, release_delta, size, "size"),
    FIELD(FIELD_HEX, release_delta, sha256, "sha256"),
    FIELD(FIELD_TEXT, release_delta, format, "format"),
};
/* clang-format on */
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool hw_is_valid(const char *hw)
{
    return strlen(hw) < PROTO_HW_MAX && name_is_valid(hw, strlen(hw));
}

static bool is_sound(const struct release *r)
{
    if (!name_is_valid(r->product, strlen(r->product)) || !semver_is_valid(r->version))
        return false;
    if (r->min_from[0] != '\0' && !semver_is_valid(r->min_from))
        return false;
    if (r->size == 0 || r->hw_count < 1 || r->hw_count > PROTO_HW_COUNT ||
        r->delta_count > PROTO_DELTA_COUNT)
        return false;
    for (uint32_t i = 0; i < r->hw_count; i++)
        if (!hw_is_valid(r->hw[i]))
            return false;
    for (uint32_t i = 0; i < r->delta_count; i++)
        if (r->delta[i].size == 0 || r->delta[i].format[0] == '\0')
            return false;
    return true;
}

static int read_deltas(struct json *j, struct release *out)
{
    int deltas = json_member(j, JSON_ROOT, "deltas");

    if (deltas == JSON_NONE)
        return 0;
    for (int i = json_first(j, deltas); i != JSON_NONE; i = json_next(j, i)) {
        if (out->delta_count == PROTO_DELTA_COUNT)
            return -1;
        if (fields_read(j, i, delta_fields, COUNT(delta_fields), &out->delta[out->delta_count]))
            return -1;
        out->delta_count++;
    }
    return json_is_array(j, deltas) ? 0 : -1;
}

enum reason release_decode(const char *json, size_t len, struct release *out)
{
    struct json j;
    int bad = 0;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_RELEASE_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0 ||
        !crit_is_understood(&j, fields, COUNT(fields)))
        return REASON_BAD_RELEASE;

    bad |= fields_read(&j, JSON_ROOT, fields, COUNT(fields), out);
    bad |= json_texts(&j, json_member(&j, JSON_ROOT, "hw"), out->hw[0], PROTO_HW_MAX,
                      PROTO_HW_COUNT, &out->hw_count);
    bad |= read_deltas(&j, out);
    return bad || !is_sound(out) ? REASON_BAD_RELEASE : REASON_NONE;
}

static void put_deltas(struct json_writer *w, const struct release *r)
{
    json_open_array(w, "deltas");
    for (uint32_t i = 0; i < r->delta_count; i++) {
        const struct release_delta *d = &r->delta[i];
        json_open_object(w, NULL);
        json_put_hex(w, "from", d->from, sizeof(d->from));
        json_put_u64(w, "size", d->size);
        json_put_hex(w, "sha256", d->sha256, sizeof(d->sha256));
        json_put_text(w, "format", d->format);
        json_close_object(w);
    }
    json_close_array(w);
}

int release_encode(const struct release *release, char *out, size_t cap)
{
    struct json_writer w;

    if (!is_sound(release))
        return -1;
    json_begin(&w, out, cap);
    json_put_text(&w, "product", release->product);
    json_open_array(&w, "hw");
    for (uint32_t i = 0; i < release->hw_count; i++)
        json_put_text(&w, NULL, release->hw[i]);
    json_close_array(&w);
    json_put_text(&w, "version", release->version);
    json_put_u64(&w, "seq", release->seq);
    json_put_u64(&w, "security", release->security);
    json_put_u64(&w, "size", release->size);
    json_put_hex(&w, "sha256", release->sha256, sizeof(release->sha256));
    json_put_text_if(&w, "min_from", release->min_from);
    json_put_u64_if(&w, "min_agent", release->min_agent);
    json_put_u64_if(&w, "created", release->created);
    if (release->delta_count > 0)
        put_deltas(&w, release);
    return json_end(&w);
}

bool release_fits_hw(const struct release *release, const char *hw)
{
    for (uint32_t i = 0; i < release->hw_count && i < PROTO_HW_COUNT; i++)
        if (strcmp(release->hw[i], hw) == 0)
            return true;
    return false;
}
