#ifndef APP_SESSION_H
#define APP_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cmd.h"
#include "alerting.h"
#include "engine.h"
#include "fleet/fleet.h"
#include "link/link.h"
#include "release/store.h"
#include "store/store.h"

/*
 * What every command that looks at the fleet shares: the link, the fleet model fed by it, and, for
 * those that lead or act, the journal, the rollout key and the engine. One poll loop drives it;
 * nothing blocks but session_poll().
 */
struct session;

enum session_parts {
    SESSION_FLEET = 0,   /* link and fleet */
    SESSION_JOURNAL = 1, /* and the journal, opened for writing */
    SESSION_SIGNER = 2,  /* and the rollout key */
    SESSION_ENGINE = 4,  /* and the engine (implies the two above) */
    SESSION_FOLLOW = 8,  /* with SESSION_ENGINE: it never leads, the journal is only read */
};

/* Sees every message after the fleet has taken it. */
typedef void session_message_fn(void *ctx, const char *topic, const void *body, size_t len,
                                bool retained);

struct session_config {
    const struct profile *profile;
    const struct log *log;
    unsigned parts; /* enum session_parts, or-ed */
    const char
        *name; /* "console", "serve", "ls": part of the MQTT client id, and of the engine lock */
    session_message_fn *on_message; /* may be NULL */
    void *ctx;
};

/* NULL and *err. Does not wait for the broker. Free with session_close(). */
struct session *session_open(const struct session_config *config, struct err *err);
void session_close(struct session *s); /* NULL is fine */

int64_t session_now(void); /* Unix ms, the one clock of the program */

/*
 * Wait for something to happen on the link or on `extra`, at most `timeout_ms`, and deal with the
 * link, the fleet's and the engine's timers. Returns false when a signal asked to stop
 * (signals_install()).
 */
bool session_poll(struct session *s, struct pollfd *extra, nfds_t count, int timeout_ms);

/*
 * Until the first picture is whole: connected, subscribed, retained messages read; then until every
 * online device has said its readings, at most `readings_ms` more. 0, or -1 with EXIT_REACH.
 */
int session_settle(struct session *s, int readings_ms, struct err *err);

struct fleet *session_fleet(struct session *s);
struct link *session_link(struct session *s);
struct store *session_store(struct session *s);
struct engine *session_engine(struct session *s);
struct alerting *session_alerting(struct session *s); /* NULL without SESSION_ENGINE */
const struct crypto *session_crypto(const struct session *s);
const struct crypto_signer *session_signer(const struct session *s);
bool session_is_up(const struct session *s);
/* A notification is under way: quit a little later. */
bool session_is_busy(const struct session *s);
/* Nothing waits to be delivered. */
bool session_is_quiet(struct session *s);

/*
 * A signed order for one device outside a rollout (config, reboot, identify): numbered and kept in
 * the journal, published with its expiry, MQTT 5 correlation data = "<seq>". Needs SESSION_JOURNAL
 * and SESSION_SIGNER. *seq gets its number. 0, or -1 and *err.
 */
struct order;
int session_command(struct session *s, struct order *order, const char *who, uint32_t *seq,
                    struct err *err);

/*
 * As session_command() for verb keys: with a signed keyset, and signed by `by`, since a device that
 * is behind may know another rollout key than the profile's.
 */
int session_keys(struct session *s, struct order *order, const char *keyset,
                 const struct crypto_signer *by, const char *who, uint32_t *seq, struct err *err);

/* Who acts: "alice@host", from the environment; for the journal. */
void session_who(char *out, size_t cap);

/* SIGINT and SIGTERM make session_poll() return false; SIGPIPE is ignored. */
void signals_install(void);
bool signals_stop(void);

#endif
