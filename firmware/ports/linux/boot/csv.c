#include "csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/hex.h"

/* One field up to its comma or the end of its line. 1: another field follows in this row, 0: it was
 * the last, -1: too long or an open quote. */
static int read_field(struct csv *c, char *out, size_t cap, size_t *len)
{
    bool quoted = c->at < c->len && c->text[c->at] == '"';
    size_t n = 0;
    c->at += quoted;
    for (; c->at < c->len; c->at++) {
        char ch = c->text[c->at];
        if (quoted && ch == '"') {
            if (c->at + 1 >= c->len || c->text[c->at + 1] != '"') {
                quoted = false;
                continue;
            }
            c->at++;
        } else if (!quoted && (ch == ',' || ch == '\n')) {
            break;
        } else if (!quoted && ch == '\r') {
            continue;
        }
        if (ch == '\n')
            c->line++;
        if (ch == '\0' || n + 1 >= cap)
            return -1;
        out[n++] = ch;
    }
    out[n] = '\0';
    *len = n;
    if (quoted)
        return -1;
    bool more = c->at < c->len && c->text[c->at] == ',';
    c->at += c->at < c->len;
    return more;
}

static void skip_blank(struct csv *c)
{
    while (c->at < c->len) {
        char ch = c->text[c->at];
        if (ch == '#') {
            while (c->at < c->len && c->text[c->at] != '\n')
                c->at++;
        } else if (ch != '\n' && ch != '\r') {
            return;
        }
        if (c->at < c->len && c->text[c->at] == '\n')
            c->line++;
        c->at += c->at < c->len;
    }
}

struct fields {
    char key[NVS_NAME_MAX + 1], type[16], encoding[16];
};

/* The four fields of a row, the last into row->value. */
static int read_row(struct csv *c, struct fields *f, struct csv_row *row)
{
    size_t len;
    c->line++;
    int more = read_field(c, f->key, sizeof(f->key), &len);
    if (more == 1)
        more = read_field(c, f->type, sizeof(f->type), &len);
    if (more != 1)
        return -1;
    f->encoding[0] = row->value[0] = '\0';
    row->len = 0;
    more = read_field(c, f->encoding, sizeof(f->encoding), &len);
    if (more == 1)
        more = read_field(c, row->value, sizeof(row->value), &row->len);
    return more == 0 ? 0 : -1;
}

int csv_begin(struct csv *csv, const char *text, size_t len, const char **why)
{
    static const char head[] = "key,type,encoding,value";
    *csv = (struct csv){ .text = text, .len = len };
    skip_blank(csv);
    *why = "the first line must be key,type,encoding,value";
    if (len - csv->at < sizeof(head) - 1 || memcmp(text + csv->at, head, sizeof(head) - 1) != 0)
        return -1;
    csv->at += sizeof(head) - 1;
    csv->line++;
    if (csv->at < len && text[csv->at] != '\n' && text[csv->at] != '\r')
        return -1;
    while (csv->at < len && text[csv->at] != '\n')
        csv->at++;
    csv->at += csv->at < len;
    return 0;
}

static int take_number(const char *encoding, struct csv_row *row, const char **why)
{
    char *end;
    uint64_t most = strcmp(encoding, "u8") == 0    ? UINT8_MAX
                    : strcmp(encoding, "u16") == 0 ? UINT16_MAX
                                                   : UINT32_MAX;
    unsigned long long v = strtoull(row->value, &end, 0);
    *why = "the number is malformed or out of range";
    if (row->value[0] < '0' || row->value[0] > '9' || *end != '\0' || v > most)
        return -1;
    row->type = NVS_U32;
    row->number = (uint32_t)v;
    return 1;
}

static int take_value(const struct fields *f, struct csv_row *row, const char **why)
{
    if (strcmp(f->encoding, "string") == 0) {
        row->type = NVS_STR;
        return 1;
    }
    if (strcmp(f->encoding, "u8") == 0 || strcmp(f->encoding, "u16") == 0 ||
        strcmp(f->encoding, "u32") == 0)
        return take_number(f->encoding, row, why);
    if (strcmp(f->encoding, "hex2bin") == 0) {
        row->type = NVS_BLOB;
        *why = "the value is not hex";
        size_t bytes = row->len / 2;
        if (hex_decode(row->value, row->len, (uint8_t *)row->value, bytes))
            return -1;
        row->len = bytes;
        return 1;
    }
    *why = "the encoding must be string, u8, u16, u32 or hex2bin";
    return -1;
}

int csv_next(struct csv *csv, struct csv_row *row, const char **why)
{
    struct fields f;
    for (;;) {
        skip_blank(csv);
        if (csv->at >= csv->len)
            return 0;
        *why = "a field is too long or missing, or a quote is not closed";
        if (read_row(csv, &f, row))
            return -1;
        *why = "a key or namespace has 1 to 15 characters";
        if (f.key[0] == '\0')
            return -1;
        if (strcmp(f.type, "namespace") != 0)
            break;
        memcpy(csv->ns, f.key, sizeof(csv->ns));
    }
    *why = "the type must be namespace or data";
    if (strcmp(f.type, "data") != 0)
        return -1;
    *why = "data before the first namespace";
    if (csv->ns[0] == '\0')
        return -1;
    memcpy(row->ns, csv->ns, sizeof(row->ns));
    memcpy(row->key, f.key, sizeof(row->key));
    return take_value(&f, row, why);
}
