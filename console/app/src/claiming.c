#include "claiming.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "protocol/hex.h"
#include "protocol/limits.h"

/* What makes this lock this one: another boot or host, or a copy of the journal, is another lock.
 */
struct place {
    char boot[40];
    uint64_t device, inode;
};

static void look_at_place(const char *path, struct place *out)
{
    char lock[1100];
    struct stat st;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    memset(out, 0, sizeof(*out));
    if (fd < 0 || read(fd, out->boot, sizeof(out->boot) - 1) <= 0)
        gethostname(out->boot, sizeof(out->boot) - 1);
    if (fd >= 0)
        close(fd);
    if (text_format(lock, sizeof(lock), "%s.lock", path) && stat(lock, &st) == 0) {
        out->device = (uint64_t)st.st_dev;
        out->inode = (uint64_t)st.st_ino;
    }
}

static void digits(const struct crypto *crypto, const void *data, size_t len, char out[9])
{
    uint8_t hash[PROTO_SHA256_LEN];

    crypto->sha256(crypto->ctx, data, len, hash);
    hex_encode(hash, CLAIM_PLACE / 2, out);
}

void claiming_id(const struct crypto *crypto, const char *path, uint64_t nonce, char out[CLAIM_ID])
{
    struct place place;

    look_at_place(path, &place);
    digits(crypto, &place, sizeof(place), out);
    digits(crypto, &nonce, sizeof(nonce), out + CLAIM_PLACE);
}

void claiming_init(struct claiming *c, const struct claiming_config *config, const char *id)
{
    memset(c, 0, sizeof(*c));
    c->cfg = *config;
    claims_init(&c->claims, id);
}

static void publish(struct claiming *c, const char *text, uint32_t expiry_s)
{
    char topic[PROTO_TOPIC_MAX];

    claims_topic(&c->claims, topic, sizeof(topic));
    c->cfg.publish(c->cfg.ctx, topic, text, expiry_s);
}

static void say(struct claiming *c)
{
    char who[CLAIM_WHO_MAX], body[CLAIM_BODY_MAX];

    if (store_engine_holder(c->cfg.store, who, sizeof(who), NULL) != 1)
        text_copy(who, sizeof(who), "another process");
    claims_body(&c->claims, who, body);
    publish(c, body, CLAIM_DEAD_MS / 1000);
}

static void give_way(struct claiming *c, int64_t now_ms)
{
    const char *rival = claims_rival(&c->claims);
    char who[160];

    if (rival)
        text_format(who, sizeof(who), "another journal's engine, %s", rival);
    else
        text_copy(who, sizeof(who),
                  "nobody: the broker does not give the claim on " CLAIM_PREFIX
                  "+ back: may this certificate write and read there?");
    if (!engine_leader(c->cfg.engine))
        log_say(c->cfg.log, LOG_WARN,
                "rollouts of this journal stand still: the fleet is run by %s", who);
    engine_yield(c->cfg.engine, who, now_ms + CLAIM_GRACE_MS);
    if (claims_withdraw(&c->claims))
        publish(c, "", 0);
}

/* The engine hears the broker while the claim is held. */
static void tell_engine(struct claiming *c, int64_t now_ms, int64_t steady_ms)
{
    bool acts = c->up && claims_held(&c->claims, steady_ms);

    if (acts == c->acts)
        return;
    c->acts = acts;
    engine_broker(c->cfg.engine, acts, now_ms);
}

bool claiming_message(struct claiming *c, const char *topic, const void *body, size_t len,
                      int64_t now_ms, int64_t steady_ms)
{
    if (!claims_message(&c->claims, topic, body, len, steady_ms))
        return false;
    tell_engine(c, now_ms, steady_ms);
    return true;
}

void claiming_link(struct claiming *c, bool up, int64_t now_ms, int64_t steady_ms)
{
    c->up = up;
    claims_link(&c->claims, up, steady_ms);
    claiming_turn(c, now_ms, steady_ms);
}

void claiming_turn(struct claiming *c, int64_t now_ms, int64_t steady_ms)
{
    tell_engine(c, now_ms, steady_ms);
    if (!c->up)
        return;
    switch (claims_turn(&c->claims, !engine_leader(c->cfg.engine), steady_ms)) {
    case CLAIM_SAY:
        say(c);
        break;
    case CLAIM_CLEAR:
        publish(c, "", 0);
        break;
    case CLAIM_YIELD:
        give_way(c, now_ms);
        break;
    case CLAIM_FREE:
        engine_lead_again(c->cfg.engine, now_ms);
        break;
    case CLAIM_NOTHING:
        break;
    }
    tell_engine(c, now_ms, steady_ms);
}

void claiming_end(struct claiming *c)
{
    if (c->up && claims_withdraw(&c->claims))
        publish(c, "", 0);
}
