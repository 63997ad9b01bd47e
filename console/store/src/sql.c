#include "sql.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static const char *const text_of[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = text,
    SQL_MAP(X)
#undef X
};

int sql_fail(struct store *s, struct err *err)
{
    int code = sqlite3_extended_errcode(s->db), why;

    switch (code & 0xff) {
    case SQLITE_FULL:
        return err_set(err, EXIT_REACH,
                       "journal %s: the disk is full; free some room, nothing that was "
                       "acknowledged is lost",
                       s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, EXIT_REACH,
                       "journal %s: another process has kept it locked for 5 s; is a backup or "
                       "sqlite3 open on it? try again",
                       s->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(err, EXIT_REFUSED,
                       "journal %s: it is read-only here; check owner and mode of the file and of "
                       "its folder, and ui.read_only in the profile",
                       s->path);
    case SQLITE_CANTOPEN:
        why = sqlite3_system_errno(s->db);
        return err_set(err, EXIT_REACH,
                       "journal %s: cannot be opened%s%s; does its folder exist, and may you write "
                       "there?",
                       s->path, why ? ": " : "", why ? strerror(why) : "");
    case SQLITE_CORRUPT:
        return err_set(err, EXIT_REACH,
                       "journal %s: it is damaged; keep a copy, then restore a backup or try "
                       "`sqlite3 FILE .recover`",
                       s->path);
    case SQLITE_NOTADB:
        return err_set(err, EXIT_USAGE,
                       "journal %s: this is not a SQLite file; does [journal] path name the right "
                       "one?",
                       s->path);
    case SQLITE_IOERR:
        return err_set(err, EXIT_REACH,
                       "journal %s: the disk gave an error (%s); check it before going on", s->path,
                       sqlite3_errmsg(s->db));
    default:
        return err_set(err, EXIT_REACH, "journal %s: %s", s->path, sqlite3_errmsg(s->db));
    }
}

sqlite3_stmt *sql_get(struct store *s, enum sql which, struct err *err)
{
    sqlite3_stmt **q = &s->statement[which];

    if (!*q && sqlite3_prepare_v3(s->db, text_of[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL) !=
                   SQLITE_OK) {
        sql_fail(s, err);
        return NULL;
    }
    sqlite3_reset(*q);
    sqlite3_clear_bindings(*q);
    return *q;
}

int sql_row(struct store *s, sqlite3_stmt *q, struct err *err)
{
    int rc = sqlite3_step(q);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        sql_fail(s, err);
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

int sql_run(struct store *s, sqlite3_stmt *q, struct err *err)
{
    int rc;

    while ((rc = sql_row(s, q, err)) == 1)
        ;
    return rc;
}

void sql_bind_text(sqlite3_stmt *q, int place, const char *text)
{
    sqlite3_bind_text(q, place, text, -1, SQLITE_STATIC);
}

void sql_bind_int(sqlite3_stmt *q, int place, int64_t value)
{
    sqlite3_bind_int64(q, place, value);
}

bool sql_text(sqlite3_stmt *q, int column, char *out, size_t cap)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    return text_copy(out, cap, text ? text : "");
}

uint32_t sql_u32(sqlite3_stmt *q, int column)
{
    return (uint32_t)sqlite3_column_int64(q, column);
}

int sql_begin(struct store *s, struct err *err)
{
    if (s->read_only)
        return err_set(err, EXIT_REFUSED, "journal %s: opened read-only", s->path);
    sqlite3_stmt *q = sql_get(s, SQL_BEGIN, err);
    return q ? sql_run(s, q, err) : -1;
}

int sql_end(struct store *s, int rc, struct err *err)
{
    if (rc == 0) {
        sqlite3_stmt *commit = sql_get(s, SQL_COMMIT, err);
        rc = commit ? sql_run(s, commit, err) : -1;
    }
    /* After some errors SQLite has rolled back by itself. */
    if (rc != 0 && !sqlite3_get_autocommit(s->db)) {
        sqlite3_stmt *rollback = sql_get(s, SQL_ROLLBACK, NULL);
        if (rollback)
            sql_run(s, rollback, NULL);
    }
    return rc;
}
