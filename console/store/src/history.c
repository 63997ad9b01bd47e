#include "history_db.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define APPLICATION_ID 0x6d757368 /* "mush" */
#define SCHEMA         1

static const char schema[] =
    "CREATE TABLE series(id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL,"
    " reading TEXT NOT NULL, seen INT NOT NULL, UNIQUE(device, reading));"
    "CREATE TABLE recent(t INT, series INT, n INT, lo REAL, av REAL, hi REAL,"
    " PRIMARY KEY(t, series)) WITHOUT ROWID;"
    "CREATE TABLE minutes(series INT, t INT, body BLOB, PRIMARY KEY(series, t)) WITHOUT ROWID;"
    "CREATE TABLE quarters(series INT, t INT, body BLOB, PRIMARY KEY(series, t)) WITHOUT ROWID;"
    "CREATE TABLE replies(device TEXT, seq INT, verb TEXT, t_ms INT, ok INT, reason TEXT,"
    " detail TEXT, PRIMARY KEY(device, seq, verb)) WITHOUT ROWID;";

static const char *const texts[H_COUNT] = {
    [H_SERIES_GET] = "SELECT id FROM series WHERE device=? AND reading=?",
    [H_SERIES_PUT] = "INSERT INTO series(device,reading,seen)VALUES(?,?,?)",
    [H_SERIES_SEEN] = "UPDATE series SET seen=? WHERE id=? AND seen<?1",
    [H_RECENT_PUT] = "INSERT INTO recent(t,series,n,lo,av,hi)VALUES(?,?,?,?,?,?)"
                     "ON CONFLICT DO UPDATE SET av=(av*n+excluded.av*excluded.n)/(n+excluded.n),"
                     " n=n+excluded.n, lo=min(lo,excluded.lo), hi=max(hi,excluded.hi)",
    [H_RECENT_FIRST] = "SELECT min(t) FROM recent",
    [H_RECENT_LAST] = "SELECT max(t) FROM recent WHERE t<?",
    [H_RECENT_WINDOW] = "SELECT series,n,lo,av,hi FROM recent WHERE t=? AND series>? AND series<=?",
    [H_RECENT_ONE] = "SELECT n,lo,av,hi FROM recent WHERE t=? AND series=?",
    [H_RECENT_DROP] = "DELETE FROM recent WHERE t=? AND series>? AND series<=?",
    [H_MINUTES_GET] = "SELECT body FROM minutes WHERE series=? AND t=?",
    [H_MINUTES_PUT] = "INSERT OR REPLACE INTO minutes(series,t,body)VALUES(?,?,?)",
    [H_MINUTES_DROP] = "DELETE FROM minutes WHERE series=? AND t<?",
    [H_QUARTERS_GET] = "SELECT body FROM quarters WHERE series=? AND t=?",
    [H_QUARTERS_PUT] = "INSERT OR REPLACE INTO quarters(series,t,body)VALUES(?,?,?)",
    [H_QUARTERS_DROP] = "DELETE FROM quarters WHERE series=? AND t<?",
    [H_SERIES_TOP] = "SELECT max(id) FROM series",
    [H_SERIES_DROP] = "DELETE FROM series WHERE id>? AND id<=? AND seen<?"
                      " AND NOT EXISTS(SELECT 1 FROM quarters WHERE series=series.id)",
    [H_REPLY_PUT] = "INSERT OR IGNORE INTO replies(device,seq,verb,t_ms,ok,reason,detail)"
                    "VALUES(?,?,?,?,?,?,?)",
    [H_REPLY_DROP] = "DELETE FROM replies WHERE t_ms<?",
};

/* ---- SQLite --------------------------------------------------------------------------------- */

int history_fail(struct history *h, struct err *err)
{
    int code = sqlite3_errcode(h->db) & 0xff;
    h->damaged = h->damaged || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return err_set(err, EXIT_REACH, "history %s: %s%s", h->path, sqlite3_errmsg(h->db),
                   code == SQLITE_FULL ? ": the disk, or [history] megabytes, is used up" : "");
}

int history_exec(struct history *h, const char *text, struct err *err)
{
    return sqlite3_exec(h->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : history_fail(h, err);
}

sqlite3_stmt *history_get(struct history *h, enum history_sql which, struct err *err)
{
    if (!h->statement[which] &&
        sqlite3_prepare_v3(h->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &h->statement[which],
                           NULL) != SQLITE_OK)
        history_fail(h, err);
    return h->statement[which];
}

int history_run(struct history *h, sqlite3_stmt *q, struct err *err)
{
    int rc;
    do {
        rc = sqlite3_step(q);
    } while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        history_fail(h, err);
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int number(struct history *h, const char *text, int64_t *out, struct err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(h->db, text, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        *out = sqlite3_column_int64(q, 0);
        rc = 0;
    } else {
        history_fail(h, err);
    }
    sqlite3_finalize(q);
    return rc;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* 0 made or fine, -1. `tables` are counted so that another program's database is left alone. */
static int check_schema(struct history *h, struct err *err)
{
    int64_t version = 0, application = 0, tables = 0;
    char mark[96];

    if (number(h, "PRAGMA application_id", &application, err) ||
        number(h, "PRAGMA user_version", &version, err) ||
        number(h, "SELECT COUNT(*) FROM sqlite_schema", &tables, err))
        return -1;
    if (application != APPLICATION_ID && (application || tables))
        return err_set(err, EXIT_USAGE, "history %s: this is another program's database", h->path);
    if (version > SCHEMA)
        return err_set(err, EXIT_REFUSED, "history %s: written by a newer muster", h->path);
    if (version == SCHEMA)
        return 0;
    if (h->read_only)
        return err_set(err, EXIT_REACH, "history %s: nothing in it yet", h->path);
    text_format(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                APPLICATION_ID, SCHEMA);
    if (history_exec(h, "BEGIN IMMEDIATE", err) || history_exec(h, schema, err) ||
        history_exec(h, mark, err)) {
        history_exec(h, "ROLLBACK", NULL);
        return -1;
    }
    return 0;
}

static int open_file(struct history *h, struct err *err)
{
    int flags = h->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    bool is_new = access(h->path, F_OK) != 0;
    char bound[64];

    if (sqlite3_open_v2(h->path, &h->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return history_fail(h, err);
    /* Nothing waits in the loop: a busy file is tried again at the next call. */
    sqlite3_busy_timeout(h->db, 20);
    if (is_new && !h->read_only)
        chmod(h->path, S_IRUSR | S_IWUSR);
    text_format(bound, sizeof(bound), "PRAGMA max_page_count=%lld",
                (long long)h->limits.megabytes * 268);
    if (!h->read_only && (history_exec(h,
                                       "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
                                       "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=500;"
                                       "PRAGMA journal_size_limit=8388608; PRAGMA cache_size=-2048",
                                       err) ||
                          history_exec(h, bound, err)))
        return -1;
    return check_schema(h, err);
}

static void close_file(struct history *h)
{
    for (int i = 0; i < H_COUNT; i++) {
        sqlite3_finalize(h->statement[i]);
        h->statement[i] = NULL;
    }
    sqlite3_close(h->db);
    h->db = NULL;
}

static int put_aside(struct history *h, int64_t now_ms, char *note, size_t cap, struct err *err)
{
    static const char *const tails[] = { "", "-wal", "-shm" };
    char from[1100], to[1100];

    close_file(h);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        text_format(from, sizeof(from), "%s%s", h->path, tails[i]);
        text_format(to, sizeof(to), "%s.damaged-%lld%s", h->path, (long long)(now_ms / 1000),
                    tails[i]);
        if (rename(from, to) != 0 && i == 0)
            return err_set(err, EXIT_REACH, "history %s is damaged and cannot be renamed", h->path);
    }
    snprintf(note, cap, "history was damaged: kept as %.120s.damaged-%lld, a new one is begun",
             h->path, (long long)(now_ms / 1000));
    h->damaged = false;
    return 0;
}

static struct history *make(const char *journal, struct err *err)
{
    struct history *h = mem_alloc(sizeof(*h));

    if (journal[0] && text_format(h->path, sizeof(h->path), "%s-history", journal))
        return h;
    err_set(err, EXIT_USAGE, "[journal] path is missing or too long");
    free(h);
    return NULL;
}

struct history *history_open(const char *journal, const struct history_limits *limits,
                             int64_t now_ms, char *note, size_t cap, struct err *err)
{
    struct history *h = make(journal, err);

    if (cap)
        note[0] = '\0';
    if (!h)
        return NULL;
    if (limits)
        h->limits = *limits;
    h->limits.minute_days = h->limits.minute_days ? h->limits.minute_days : 7;
    h->limits.days = h->limits.days ? h->limits.days : 90;
    h->limits.megabytes = h->limits.megabytes ? h->limits.megabytes : 1024;
    h->scale = 1;
    h->fold_hour = FOLD_NONE;
    if (open_file(h, err) &&
        (!h->damaged || put_aside(h, now_ms, note, cap, err) || open_file(h, err))) {
        history_close(h);
        return NULL;
    }
    h->window = mem_array(HISTORY_WINDOW, sizeof(*h->window));
    h->reply = mem_array(HISTORY_REPLIES, sizeof(*h->reply));
    return h;
}

struct history *history_open_reader(const char *journal, struct err *err)
{
    struct history *h;

    if (err)
        err->text[0] = '\0';
    h = make(journal, err);
    if (!h)
        return NULL;
    h->read_only = true;
    if (access(h->path, F_OK) != 0 || open_file(h, err)) {
        history_close(h);
        return NULL;
    }
    return h;
}

static int begin_batch(struct history *h, struct err *err);
static int write_some(struct history *h, uint32_t rows, struct err *err);

/* What is pending, now. What can't be written is lost. */
static void flush(struct history *h)
{
    if (h->in_batch)
        write_some(h, UINT32_MAX, NULL);
    if ((h->filling.count || h->reply_count) && begin_batch(h, NULL) == 0)
        write_some(h, UINT32_MAX, NULL);
}

void history_close(struct history *h)
{
    if (!h)
        return;
    if (h->db && !h->read_only && !h->damaged)
        flush(h);
    close_file(h);
    for (uint32_t i = 0; i < h->series_count; i++)
        free(h->series[i].name);
    free(h->series);
    free(h->slot);
    free(h->filling.row);
    free(h->writing.row);
    free(h->reply);
    free(h->window);
    free(h);
}

int history_renew(struct history *h, int64_t now_ms, char *note, size_t cap, struct err *err)
{
    if (put_aside(h, now_ms, note, cap, err))
        return -1;
    h->in_batch = false;
    h->writing.count = 0;
    h->fold_hour = FOLD_NONE;
    h->sweep_after = 0;
    history_forget_ids(h);
    return open_file(h, err);
}

bool history_damaged(const struct history *h)
{
    return h->damaged;
}

void history_counters(const struct history *h, struct history_counters *out)
{
    *out = h->counters;
}

/* ---- series in memory ----------------------------------------------------------------------- */

static uint32_t hash_text(uint32_t hash, const char *text)
{
    do {
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    } while (*text++);
    return hash;
}

static uint32_t *slot_of(const struct history *h, const char *device, const char *reading,
                         uint32_t hash)
{
    uint32_t mask = 2 * h->series_cap - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        if (!h->slot[i])
            return &h->slot[i];
        const struct history_series *s = &h->series[h->slot[i] - 1];
        if (s->hash == hash && strcmp(s->name, device) == 0 &&
            strcmp(s->name + strlen(s->name) + 1, reading) == 0)
            return &h->slot[i];
    }
}

static void grow_series(struct history *h)
{
    h->series_cap = h->series_cap ? 2 * h->series_cap : 256;
    h->series = mem_grow(h->series, h->series_cap, sizeof(*h->series));
    free(h->slot);
    h->slot = mem_array(2 * (size_t)h->series_cap, sizeof(*h->slot));
    for (uint32_t i = 0; i < h->series_count; i++) {
        const char *name = h->series[i].name;
        *slot_of(h, name, name + strlen(name) + 1, h->series[i].hash) = i + 1;
    }
}

static struct history_series *series_of(struct history *h, const char *device, const char *reading)
{
    uint32_t hash = hash_text(hash_text(2166136261u, device), reading);

    if (h->series_count == h->series_cap)
        grow_series(h);
    uint32_t *slot = slot_of(h, device, reading, hash);
    if (*slot)
        return &h->series[*slot - 1];
    if (h->series_count == HISTORY_SERIES)
        return NULL;
    size_t first = strlen(device) + 1, second = strlen(reading) + 1;
    char *name = mem_alloc(first + second);
    memcpy(name, device, first);
    memcpy(name + first, reading, second);
    h->series[h->series_count] =
        (struct history_series){ .name = name, .hash = hash, .batch = h->batch - 1 };
    *slot = ++h->series_count;
    return &h->series[h->series_count - 1];
}

void history_forget_ids(struct history *h)
{
    for (uint32_t i = 0; i < h->series_count; i++)
        h->series[i].id = 0;
}

/* ---- batches -------------------------------------------------------------------------------- */

static void into_slot(struct history_row *r, double value)
{
    float f = (float)value;
    struct pack_slot *s = &r->slot;
    s->min = !s->n || f < s->min ? f : s->min;
    s->max = !s->n || f > s->max ? f : s->max;
    s->n++;
    r->sum += value;
}

void history_add(struct history *h, const char *device, const char *reading, int64_t t_ms,
                 double value)
{
    struct history_series *s;
    int64_t minute = t_ms / HISTORY_MINUTE_MS;

    if (!isfinite((float)value) || t_ms <= 0)
        return;
    s = series_of(h, device, reading);
    if (!s || h->filling.count >= HISTORY_PENDING) {
        h->counters.refused++;
        return;
    }
    h->counters.values++;
    if (s->batch != h->batch || h->filling.row[s->row].minute != minute) {
        MEM_PUSH_ROOM(h->filling.row, h->filling.count, h->filling.cap);
        s->row = h->filling.count++;
        s->batch = h->batch;
        h->filling.row[s->row] =
            (struct history_row){ .series = (uint32_t)(s - h->series), .minute = minute };
    }
    into_slot(&h->filling.row[s->row], value);
}

void history_add_reply(struct history *h, const char *device, const struct reply *reply,
                       int64_t t_ms)
{
    if (h->reply_count == HISTORY_REPLIES) {
        h->counters.refused++;
        return;
    }
    struct history_pending_reply *p = &h->reply[h->reply_count++];
    text_copy(p->device, sizeof(p->device), device);
    p->reply = (struct history_reply){ *reply, t_ms };
}

static int64_t id_of(struct history *h, struct history_series *s, int64_t day, struct err *err)
{
    if (s->id)
        return s->id;
    sqlite3_stmt *q = history_get(h, H_SERIES_GET, err);
    if (!q)
        return 0;
    const char *reading = s->name + strlen(s->name) + 1;
    sqlite3_bind_text(q, 1, s->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 2, reading, -1, SQLITE_STATIC);
    int64_t id = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_reset(q);
    if (!id) {
        q = history_get(h, H_SERIES_PUT, err);
        if (!q)
            return 0;
        sqlite3_bind_text(q, 1, s->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, reading, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 3, day);
        if (history_run(h, q, err))
            return 0;
        id = sqlite3_last_insert_rowid(h->db);
    }
    return s->id = id;
}

static int put_row(struct history *h, struct history_row *r, struct err *err)
{
    int64_t id = id_of(h, &h->series[r->series], r->minute / MINUTES_PER_DAY, err);
    sqlite3_stmt *q = id ? history_get(h, H_RECENT_PUT, err) : NULL;

    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, r->minute);
    sqlite3_bind_int64(q, 2, id);
    sqlite3_bind_int64(q, 3, r->slot.n);
    sqlite3_bind_double(q, 4, (double)r->slot.min);
    sqlite3_bind_double(q, 5, r->sum / r->slot.n);
    sqlite3_bind_double(q, 6, (double)r->slot.max);
    return history_run(h, q, err);
}

static int put_reply(struct history *h, const struct history_pending_reply *p, struct err *err)
{
    sqlite3_stmt *q = history_get(h, H_REPLY_PUT, err);
    const struct reply *r = &p->reply.reply;

    if (!q)
        return -1;
    sqlite3_bind_text(q, 1, p->device, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, r->seq);
    sqlite3_bind_text(q, 3, verb_word(r->verb), -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 4, p->reply.t_ms);
    sqlite3_bind_int(q, 5, r->ok);
    sqlite3_bind_text(q, 6, reason_word(r->reason), -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 7, r->detail, -1, SQLITE_STATIC);
    return history_run(h, q, err);
}

static int begin_batch(struct history *h, struct err *err)
{
    if (history_exec(h, "BEGIN IMMEDIATE", err))
        return -1; /* nothing is lost: what is pending stays */
    struct history_rows empty = h->writing;
    h->writing = h->filling;
    empty.count = 0;
    h->filling = empty;
    h->batch++;
    h->written = 0;
    h->in_batch = true;
    h->begun = false;
    return 0;
}

static int give_up_batch(struct history *h)
{
    h->counters.lost += h->writing.count;
    h->writing.count = 0;
    h->reply_count = 0;
    h->in_batch = false;
    history_exec(h, "ROLLBACK", NULL);
    history_forget_ids(h); /* those that were made in it are not */
    return -1;
}

static int write_some(struct history *h, uint32_t rows, struct err *err)
{
    for (; rows && h->written < h->writing.count; rows--, h->written++) {
        if (put_row(h, &h->writing.row[h->written], err))
            return give_up_batch(h);
    }
    if (h->written < h->writing.count)
        return 1;
    for (size_t i = 0; i < h->reply_count; i++) {
        if (put_reply(h, &h->reply[i], err))
            return give_up_batch(h);
    }
    if (history_exec(h, "COMMIT", err))
        return give_up_batch(h);
    h->counters.rows += h->writing.count;
    h->counters.batches++;
    h->reply_count = 0;
    h->writing.count = 0;
    h->in_batch = false;
    return 1;
}

int history_work(struct history *h, int64_t now_ms, uint32_t rows, struct err *err)
{
    bool pending = h->filling.count || h->reply_count;

    if (h->in_batch)
        return write_some(h, rows ? rows : 1, err);
    if (pending && !h->begun) {
        h->begun = true;
        h->begun_ms = now_ms;
    }
    if (pending && (now_ms - h->begun_ms >= HISTORY_BATCH_MS || now_ms < h->begun_ms ||
                    h->filling.count > HISTORY_PENDING / 2)) {
        if (begin_batch(h, err))
            return -1;
        return write_some(h, rows ? rows : 1, err);
    }
    return history_keep(h, now_ms, err);
}
