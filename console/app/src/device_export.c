#include "device_export.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "fleet/history.h"
#include "protocol/hex.h"

#include "output.h"

enum { COLUMNS = 360 };

struct sheet {
    char *text;
    size_t len, cap;
    size_t lines;
};

static void put(struct sheet *s, const char *line)
{
    size_t len = strlen(line);
    if (s->len + len + 2 > s->cap) {
        s->cap = 2 * s->cap + len + 4096;
        s->text = mem_grow(s->text, s->cap, 1);
    }
    memcpy(s->text + s->len, line, len);
    s->len += len;
    s->text[s->len++] = '\n';
    s->lines++;
}

static int write_sheet(struct sheet *s, const char *path, size_t *count, struct err *err)
{
    int rc = files_write(NULL, path, s->text ? s->text : "", s->len, FILES_PUBLIC, FILES_NEW, err);
    *count = s->lines;
    free(s->text);
    return rc;
}

static json_t *line_json(const struct fleet_tail_line *l)
{
    char hex[2 * FLEET_TAIL_BODY + 1];
    json_t *body = json_stringn((const char *)l->raw, l->raw_len);

    if (!body) { /* no UTF-8 */
        hex_encode(l->raw, l->raw_len, hex);
        body = json_pack("{s:s}", "base16", hex);
    }
    return json_pack("{s:f, s:s, s:b, s:i, s:o}", "t", (double)l->t_ms / 1000, "topic", l->topic,
                     "retained", l->retained, "size", (int)l->size, "body", body);
}

int device_export_tail(const struct fleet *fleet, const char *id, int64_t now_ms, char *path,
                       size_t cap, size_t *count, struct err *err)
{
    struct sheet sheet = { 0 };
    uint64_t first, last;

    fleet_tail_range(fleet, id, &first, &last);
    for (uint64_t seq = first; last && seq <= last; seq++) {
        json_t *line = line_json(fleet_tail(fleet, id, seq));
        char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(13)) : NULL;
        put(&sheet, text ? text : "{}");
        free(text);
        json_decref(line);
    }
    text_format(path, cap, "muster-tail-%s-%lld.jsonl", id, (long long)(now_ms / 1000));
    return write_sheet(&sheet, path, count, err);
}

static void put_series(struct sheet *sheet, const struct ui_model *m, const struct fleet_device *d,
                       uint32_t reading, const struct ui_past_want *what)
{
    struct fleet_point point[COLUMNS];
    const struct fleet_past *past = NULL;
    char when[40], line[200];

    for (size_t i = 0; m->past && strcmp(m->past->id, d->id) == 0 && i < m->past->count; i++) {
        if (m->past->series[i].reading == reading)
            past = &m->past->series[i].past;
    }
    fleet_series_past(m->fleet, d, reading, past, what->from_ms, what->to_ms, point, COLUMNS, NULL);
    for (int i = 0; i < COLUMNS; i++) {
        int64_t t = what->from_ms + (what->to_ms - what->from_ms) * i / COLUMNS;
        if (point[i].kind != FLEET_POINT_SAMPLE)
            continue;
        output_time(when, sizeof(when), t / 1000);
        snprintf(line, sizeof(line), "%s,%s,%.7g,%.7g,%.7g", when,
                 fleet_reading(m->fleet, reading)->name, (double)point[i].min, (double)point[i].avg,
                 (double)point[i].max);
        put(sheet, line);
    }
}

int device_export_series(const struct ui_model *m, const struct ui_past_want *what, char *path,
                         size_t cap, size_t *count, struct err *err)
{
    struct sheet sheet = { 0 };
    uint32_t index = fleet_find(m->fleet, what->id);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);

    put(&sheet, "time,reading,min,avg,max");
    for (int i = 0; d && i < d->value_count; i++)
        put_series(&sheet, m, d, d->value[i].reading, what);
    text_format(path, cap, "muster-%s-%lld.csv", what->id, (long long)(m->now_ms / 1000));
    int rc = write_sheet(&sheet, path, count, err);
    *count -= *count > 0; /* the heading */
    return rc;
}
