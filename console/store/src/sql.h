#ifndef STORE_SQL_H
#define STORE_SQL_H

/* SQLite, reduced to what the store's files need: named statements kept prepared, and errors that
 * say what to do. */
#include <sqlite3.h>

#include "store/outbox.h"
#include "store/store.h"

#define DEVICE_COLUMNS                                                                             \
    "id,stage,state,ota,reason,retries,wire,wire_pending,silent,attempt,n,boot_before,told_ms,"    \
    "ended_ms,heard_ms,due_ms,joined,label,tz"
#define HEAD_COLUMNS                                                                               \
    "state,why,stage,started_ms,ended_ms,deadline_ms,now_ms,deaf_ms,acked_counted,acked_other,"    \
    "acked_silent,accepted,acked_ms,approved,back,jitter_most_s,paid_ms,in_flight,jitter_s,"       \
    "per_group,bandwidth"
#define ORDER_COLUMNS  "rollout,device,verb,attempt,seq,jws"
#define ACT_COLUMNS    "id,ts_ms,who,rollout,act,consumed,refused,result,ask"
#define OUTBOX_COLUMNS "id,ts_ms,sink,event,text,body,attempts,due_ms"

#define SQL_MAP(X)                                                                                 \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(DATA_VERSION, "PRAGMA data_version")                                                         \
    X(ROLLOUT_ADD,                                                                                 \
      "INSERT INTO rollouts(id,plan,release_jws,who,product,version,image,digest,size,seq,"        \
      "created_ms,devices," HEAD_COLUMNS ")"                                                       \
      "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,'draft','',0,0,0,0,?11,0,0,0,0,0,0,0,0,0,0,-1,-1,-1,-1)")    \
    X(ROLLOUT_SAVE, "UPDATE rollouts SET (" HEAD_COLUMNS ",done,failed,devices)="                  \
                    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"                            \
                    "WHERE id=?")                                                                  \
    X(ROLLOUT_GET,                                                                                 \
      "SELECT plan,product,version,image,digest,size,seq,created_ms,devices,who," HEAD_COLUMNS     \
      " FROM rollouts WHERE id=?")                                                                 \
    X(ROLLOUT_TEXTS, "SELECT plan,release_jws FROM rollouts WHERE id=?")                           \
    X(ROLLOUT_LIST,                                                                                \
      "SELECT "                                                                                    \
      "id,state,product,version,why,who,devices,done,failed,created_ms,started_ms,ended_ms,"       \
      "stage,(SELECT count(*) FROM rollout_stages WHERE rollout=id),json_extract(plan,'$.target')" \
      " FROM rollouts WHERE state<>'gone' ORDER BY created_ms DESC, rowid DESC LIMIT ?")           \
    X(ROLLOUT_EXISTS, "SELECT 1 FROM rollouts WHERE id=?")                                         \
    X(STAGE_PUT, "INSERT OR REPLACE INTO rollout_stages(rollout,idx,state,started_ms,ended_ms)"    \
                 "VALUES(?,?,?,?,?)")                                                              \
    X(STAGE_GET,                                                                                   \
      "SELECT idx,state,started_ms,ended_ms FROM rollout_stages WHERE rollout=? ORDER BY idx")     \
    X(DEVICE_PUT, "INSERT OR REPLACE INTO rollout_devices(rollout,idx," DEVICE_COLUMNS ")"         \
                  "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                             \
    X(DEVICE_GET,                                                                                  \
      "SELECT idx," DEVICE_COLUMNS " FROM rollout_devices WHERE rollout=? ORDER BY idx")           \
    X(DEVICE_ROLLOUT, "SELECT d.rollout FROM rollout_devices d JOIN rollouts r ON r.id=d.rollout " \
                      "WHERE d.id=? AND ((r.state NOT IN ('done','aborted','stopped','gone') AND " \
                      "d.state NOT IN (6,7,8,10,12)) OR d.wire_pending<>0) LIMIT 1")               \
    X(DEVICE_FAILED,                                                                               \
      "SELECT d.id,d.reason FROM rollout_devices d JOIN rollouts r ON r.id=d.rollout "             \
      "WHERE r.image=?1 AND d.state=7 UNION SELECT device,reason FROM penalties WHERE image=?1 "   \
      "ORDER BY 1")                                                                                \
    X(ORDER_ADD, "INSERT INTO orders(" ORDER_COLUMNS ",ts_ms)VALUES(?,?,?,?,?,?,?)")               \
    X(ORDER_GET,                                                                                   \
      "SELECT " ORDER_COLUMNS                                                                      \
      " FROM orders WHERE rollout=? AND device=? AND attempt=? AND verb=? AND rollout<>''")        \
    X(SEQ_GET, "SELECT last FROM seqs WHERE class=?")                                              \
    X(SEQ_PUT, "INSERT OR REPLACE INTO seqs(class,last)VALUES(?,?)")                               \
    X(ACT_ADD, "INSERT INTO acts(ts_ms,who,rollout,act,ask)VALUES(?,?,?,?,?)")                     \
    X(ACT_PENDING, "SELECT " ACT_COLUMNS " FROM acts WHERE consumed=0 ORDER BY id LIMIT ?")        \
    X(ACT_GET, "SELECT " ACT_COLUMNS " FROM acts WHERE id=?")                                      \
    X(ACT_CONSUME, "UPDATE acts SET consumed=1,refused=?2,result=?3 WHERE id=?1 AND consumed=0")   \
    X(EVENT_ADD, "INSERT INTO events(ts_ms,rollout,device,bad,text)VALUES(?,?,?,?,?)")             \
    X(EVENT_LIST,                                                                                  \
      "SELECT * FROM (SELECT id,ts_ms,rollout,device,bad,text FROM events "                        \
      "WHERE id>?2 AND (?1 IS NULL OR rollout=?1) ORDER BY id DESC LIMIT ?3) ORDER BY id")         \
    X(EVENT_PRUNE, "DELETE FROM events WHERE id <= (SELECT MAX(id) FROM events) - 200000")         \
    X(ORDER_PRUNE,                                                                                 \
      "DELETE FROM orders WHERE ts_ms < (CAST(strftime('%s','now') AS INTEGER) - 7776000) * 1000 " \
      "AND rollout NOT IN (SELECT id FROM rollouts WHERE state NOT IN ('done','aborted'))")        \
    X(ALERT_ADD, "INSERT INTO alerts(rule,subject,level,text,since_ms,fired_ms)"                   \
                 "SELECT ?1,?2,?3,?4,?5,?6 WHERE NOT EXISTS(SELECT 1 FROM alerts WHERE rule=?1 "   \
                 "AND subject=?2 AND cleared_ms=0)")                                               \
    X(ALERT_CLEAR, "UPDATE alerts SET cleared_ms=?3 WHERE rule=?1 AND subject=?2 "                 \
                   "AND cleared_ms=0")                                                             \
    X(ALERT_ACK, "UPDATE alerts SET ack_who=?3,ack_ms=?4 WHERE rule=?1 AND subject=?2 "            \
                 "AND cleared_ms=0 AND ack_ms=0")                                                  \
    X(ALERT_OPEN, "SELECT rule,subject,level,text,since_ms,fired_ms,cleared_ms,ack_who,ack_ms "    \
                  "FROM alerts WHERE cleared_ms=0 ORDER BY fired_ms DESC LIMIT ?")                 \
    X(ALERT_LIST, "SELECT rule,subject,level,text,since_ms,fired_ms,cleared_ms,ack_who,ack_ms "    \
                  "FROM alerts WHERE fired_ms>=? ORDER BY fired_ms DESC LIMIT ?")                  \
    X(ALERT_PRUNE, "DELETE FROM alerts WHERE cleared_ms<>0 AND id<="                               \
                   "(SELECT id FROM alerts ORDER BY id DESC LIMIT 1)-?")                           \
    X(ALERT_TOUCH, "UPDATE alert_version SET n=n+1")                                               \
    X(ALERT_VERSION, "SELECT n FROM alert_version")                                                \
    X(SILENCE_ADD, "INSERT INTO silences(rule,target,who,reason,made_ms,until_ms)"                 \
                   "SELECT ?1,?2,?3,?4,?5,?6 WHERE "                                               \
                   "(SELECT COUNT(*) FROM silences WHERE until_ms>?5)<?7")                         \
    X(SILENCE_END, "UPDATE silences SET until_ms=?2 WHERE id=?1 AND until_ms>?2")                  \
    X(SILENCE_LIST, "SELECT id,rule,target,who,reason,made_ms,until_ms FROM silences "             \
                    "WHERE until_ms>? ORDER BY id LIMIT ?")                                        \
    X(CHANGE_BEFORE, "SELECT r.state,r.stage,s.state FROM rollouts r LEFT JOIN rollout_stages s "  \
                     "ON s.rollout=r.id AND s.idx=?2 WHERE r.id=?1")                               \
    X(OUTBOX_ADD, "INSERT INTO outbox(ts_ms,sink,event,text,body,due_ms)VALUES(?,?,?,?,?,?)")      \
    X(OUTBOX_FIRST, "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE sink=? ORDER BY id LIMIT 1")      \
    X(OUTBOX_OVERFLOW, "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE "                              \
                       "(SELECT COUNT(*) FROM outbox)>=? ORDER BY id LIMIT 1")                     \
    X(OUTBOX_DELETE, "DELETE FROM outbox WHERE id=?")                                              \
    X(OUTBOX_AGAIN, "UPDATE outbox SET attempts=attempts+1,due_ms=?2 WHERE id=?1")                 \
    X(SINK_DELIVERED, "INSERT INTO sinks(name,delivered,ok_ms,error)VALUES(?1,1,?2,?3) "           \
                      "ON CONFLICT(name) DO UPDATE SET delivered=delivered+1,ok_ms=?2,error=?3")   \
    X(SINK_DROPPED, "INSERT INTO sinks(name,dropped,error)VALUES(?1,1,?3) "                        \
                    "ON CONFLICT(name) DO UPDATE SET dropped=dropped+1,error=?3")                  \
    X(SINK_ERROR, "INSERT INTO sinks(name,error)VALUES(?1,?3) "                                    \
                  "ON CONFLICT(name) DO UPDATE SET error=?3")                                      \
    X(SINKS, "SELECT n.name,(SELECT COUNT(*) FROM outbox o WHERE o.sink=n.name),"                  \
             "COALESCE(k.delivered,0),COALESCE(k.dropped,0),COALESCE(f.attempts,0),"               \
             "COALESCE(f.due_ms,0),COALESCE(k.ok_ms,0),COALESCE(k.error,'') "                      \
             "FROM (SELECT name FROM sinks UNION SELECT sink FROM outbox) n "                      \
             "LEFT JOIN sinks k ON k.name=n.name LEFT JOIN outbox f ON f.id="                      \
             "(SELECT MIN(id) FROM outbox WHERE sink=n.name) ORDER BY n.name")                     \
    X(PAGES, "PRAGMA page_count")                                                                  \
    X(FREE_PAGES, "PRAGMA freelist_count")                                                         \
    X(PAGE_SIZE, "PRAGMA page_size")                                                               \
    X(GONE_NEXT,                                                                                   \
      "SELECT r.id FROM rollouts r WHERE r.state='gone' OR (r.ended_ms>0 AND r.ended_ms<?1 AND "   \
      "(r.state IN ('done','aborted') OR (r.state='stopped' AND r.deadline_ms<?2)) AND "           \
      "NOT EXISTS(SELECT 1 FROM rollout_devices d WHERE d.rollout=r.id AND d.wire_pending<>0))"    \
      " ORDER BY r.state='gone' DESC, r.ended_ms LIMIT 1")                                         \
    X(GONE_HIDE, "UPDATE rollouts SET state='gone' WHERE id=?")                                    \
    X(GONE_PENALTIES,                                                                              \
      "INSERT OR IGNORE INTO penalties(image,device,reason)SELECT r.image,d.id,d.reason FROM "     \
      "(SELECT id,state,reason FROM rollout_devices WHERE rollout=?1 ORDER BY idx LIMIT ?2) d,"    \
      "rollouts r WHERE r.id=?1 AND d.state=7 AND (?3>>d.reason)&1")                               \
    X(PENALTY_TRIM, "DELETE FROM penalties WHERE id<=(SELECT MAX(id) FROM penalties)-?1")          \
    X(GONE_DEVICES, "DELETE FROM rollout_devices WHERE rollout=?1 AND idx IN "                     \
                    "(SELECT idx FROM rollout_devices WHERE rollout=?1 ORDER BY idx LIMIT ?2)")    \
    X(GONE_STAGES, "DELETE FROM rollout_stages WHERE rollout=?")                                   \
    X(GONE_ORDERS, "DELETE FROM orders WHERE rollout=?")                                           \
    X(GONE_EVENTS, "DELETE FROM events WHERE rollout=?")                                           \
    X(GONE_ACTS, "DELETE FROM acts WHERE rollout=?")                                               \
    X(GONE_HEAD, "DELETE FROM rollouts WHERE id=?")                                                \
    X(OLD_EVENTS,                                                                                  \
      "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE ts_ms<?1 AND rollout NOT IN "   \
      "(SELECT id FROM rollouts) ORDER BY id LIMIT 5000)")                                         \
    X(OLD_ORDERS,                                                                                  \
      "DELETE FROM orders WHERE rowid IN (SELECT rowid FROM orders WHERE ts_ms<?1 AND rollout "    \
      "NOT IN (SELECT id FROM rollouts) LIMIT 5000)")                                              \
    X(AUDIT_OLD, "SELECT id,hash FROM audit WHERE ts_ms<?1 ORDER BY id DESC LIMIT 1")              \
    X(AUDIT_DROP, "DELETE FROM audit WHERE id<=?1")                                                \
    X(ANCHOR_PUT, "INSERT OR REPLACE INTO audit_anchor(id,row,hash)VALUES(1,?,?)")                 \
    X(ANCHOR_GET, "SELECT row,hash FROM audit_anchor WHERE id=1")                                  \
    X(ANCHOR_NAMED, "SELECT 1 FROM audit WHERE id>?1 AND what=?2 LIMIT 1")                         \
    X(EXPORT_ROLLOUTS,                                                                             \
      "SELECT "                                                                                    \
      "'rollout',rowid,created_ms,id,NULL,who,state,product||'@'||version,plan,devices,0,0,"       \
      "NULL FROM rollouts WHERE state<>'gone' AND created_ms>=?1 AND (?2 IS NULL OR id=?2) "       \
      "ORDER BY rowid")                                                                            \
    X(EXPORT_ACTS,                                                                                 \
      "SELECT 'act',id,ts_ms,rollout,NULL,who,act,result,ask,consumed+refused,0,refused,NULL "     \
      "FROM acts WHERE ts_ms>=?1 AND (?2 IS NULL OR rollout=?2) ORDER BY id")                      \
    X(EXPORT_EVENTS, "SELECT 'event',id,ts_ms,rollout,device,NULL,NULL,text,NULL,0,0,bad,NULL "    \
                     "FROM events WHERE ts_ms>=?1 AND (?2 IS NULL OR rollout=?2) ORDER BY id")     \
    X(EXPORT_ORDERS,                                                                               \
      "SELECT 'order',rowid,ts_ms,rollout,device,NULL,verb,NULL,jws,seq,attempt,0,NULL "           \
      "FROM orders WHERE ts_ms>=?1 AND (?2 IS NULL OR rollout=?2) ORDER BY rowid")                 \
    X(EXPORT_AUDIT, "SELECT 'audit',id,ts_ms,NULL,NULL,who,what,NULL,NULL,0,0,0,hash "             \
                    "FROM audit WHERE ts_ms>=?1 AND ?2 IS NULL ORDER BY id")                       \
    X(FACTS,                                                                                       \
      "SELECT (SELECT user_version FROM pragma_user_version),"                                     \
      "(SELECT page_count*page_size FROM pragma_page_count,pragma_page_size),"                     \
      "(SELECT freelist_count*page_size FROM pragma_freelist_count,pragma_page_size),"             \
      "(SELECT COUNT(*) FROM rollouts WHERE state<>'gone'),"                                       \
      "(SELECT COUNT(*) FROM rollouts WHERE state NOT IN ('done','aborted','stopped','gone')),"    \
      "(SELECT COUNT(*) FROM rollout_devices),(SELECT COUNT(*) FROM orders),"                      \
      "(SELECT COUNT(*) FROM acts),(SELECT COUNT(*) FROM events),(SELECT COUNT(*) FROM audit),"    \
      "(SELECT COUNT(*) FROM outbox),"                                                             \
      "COALESCE((SELECT MIN(t) FROM (SELECT MIN(ts_ms) t FROM acts UNION ALL "                     \
      "SELECT MIN(ts_ms) FROM events UNION ALL SELECT MIN(ts_ms) FROM audit)),0),"                 \
      "COALESCE((SELECT MAX(id) FROM audit),0),COALESCE((SELECT row FROM audit_anchor),0),"        \
      "(SELECT hash FROM audit ORDER BY id DESC LIMIT 1),"                                         \
      "(SELECT value FROM meta WHERE key='journal')")                                              \
    X(JOURNAL_ID, "SELECT value FROM meta WHERE key='journal'")                                    \
    X(AUDIT_LAST, "SELECT id,hash FROM audit ORDER BY id DESC LIMIT 1")                            \
    X(AUDIT_ADD, "INSERT INTO audit(id,ts_ms,who,what,hash)VALUES(?,?,?,?,?)")                     \
    X(AUDIT_ALL, "SELECT id,ts_ms,who,what,hash FROM audit ORDER BY id")

enum sql {
#define X(name, text) SQL_##name,
    SQL_MAP(X)
#undef X
        SQL_COUNT
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statement[SQL_COUNT];
    struct crypto crypto;
    bool read_only, has_crypto;
    int lock_fd; /* -1: not ours */
    store_change_fn *on_change;
    void *on_change_ctx;
    char path[1024];
};

/* The statement, reset and unbound; NULL and *err. */
sqlite3_stmt *sql_get(struct store *s, enum sql which, struct err *err);
/* Run to the end and reset. */
int sql_run(struct store *s, sqlite3_stmt *q, struct err *err);
/* 1 a row, 0 no more (and reset), -1. */
int sql_row(struct store *s, sqlite3_stmt *q, struct err *err);
/* The last SQLite error in words that say what to do; returns -1. */
int sql_fail(struct store *s, struct err *err);

void sql_bind_text(sqlite3_stmt *q, int place, const char *text); /* valid until the run */
void sql_bind_int(sqlite3_stmt *q, int place, int64_t value);
/* A column into an array; false (and empty) when it does not fit. */
bool sql_text(sqlite3_stmt *q, int column, char *out, size_t cap);
uint32_t sql_u32(sqlite3_stmt *q, int column);

/* BEGIN IMMEDIATE; and then COMMIT when rc is 0, else ROLLBACK. Returns rc or -1. */
int sql_begin(struct store *s, struct err *err);
int sql_end(struct store *s, int rc, struct err *err);

/* Without a transaction of their own. */
int seq_draw(struct store *s, enum verb_class class, uint32_t floor, uint32_t *seq,
             struct err *err);
int order_insert(struct store *s, const struct store_order *order, int64_t now_ms, struct err *err);
int device_put(struct store *s, const struct rollout *r, uint32_t device, struct err *err);
int head_put(struct store *s, const struct rollout *r, struct err *err);
int stage_from_word(const char *word, enum rollout_stage_state *out); /* 0, or -1 */
/* Before a commit writes: whoever writes messages hears of it. */
int change_tell(struct store *s, const struct rollout *r, struct err *err);
int act_insert(struct store *s, const char *who, const char *rollout, enum rollout_act act,
               const char *ask, int64_t now_ms, int64_t *id, struct err *err);
int act_consume(struct store *s, int64_t id, bool refused, const char *result, struct err *err);
int event_insert(struct store *s, int64_t ts_ms, const char *rollout, const char *device, bool bad,
                 const char *text, struct err *err);
#define ANCHOR_TEXT_MAX 160
/* What the chain says when its first rows go. */
void anchor_text(int64_t row, const uint8_t hash[PROTO_SHA256_LEN], char out[ANCHOR_TEXT_MAX]);
int audit_insert(struct store *s, const char *who, const char *what, int64_t now_ms,
                 struct err *err);

#endif
