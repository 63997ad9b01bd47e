#ifndef TEST_BOARD_H
#define TEST_BOARD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "ota/agent.h"

/*
 * A small working device in RAM: two slots, otadata by ESP-IDF's rules, records, a download server,
 * a broker. It asserts what the port's header promises the port (offsets in order, no switch before
 * the whole slot was read back, no mark_valid before the trial is proved, ...), and can break its
 * nth call or lose power in its nth write.
 */
enum {
    BOARD_SLOT = 192 * 1024,
    BOARD_IMAGES = 6,
    BOARD_REPORTS = 512,
    BOARD_QUEUE = 64,
    BOARD_DEAD_LIMIT = 5, /* starts in vain until the bootloader has the agent leave the image */
    BOARD_BODY = PROTO_UPDATE_BYTES + 1
};

/* How an image behaves once it runs. */
enum manner {
    MANNER_GOOD,
    MANNER_UNFIT,     /* its self-test fails */
    MANNER_PANIC,     /* crashes before the agent is started */
    MANNER_HANG,      /* the watchdog bites after the agent has started */
    MANNER_MUTE,      /* self-test never ends */
    MANNER_NO_BROKER, /* gets an address, reaches no broker */
    MANNER_NO_NETWORK,
    MANNER_LATE,      /* good on probation; crashes before the agent is started ever after */
    MANNER_POWER_CUT, /* power goes during its first trial, not the second */
    MANNER_POWER_CUTS /* in each of them */
};

struct board_image {
    uint8_t *data;
    uint32_t size;
    uint8_t sha256[PROTO_SHA256_LEN];
    char version[PROTO_VERSION_MAX];
    uint32_t security; /* 1 */
    enum manner manner;
};

enum img_state { IMG_NEW, IMG_PENDING, IMG_VALID, IMG_INVALID, IMG_ABORTED };
struct otadata {
    uint32_t seq; /* 0: empty */
    enum img_state state;
};

/* What the download server does; all zero is a good server. */
struct server {
    const struct board_image *image; /* NULL: found by the digest in the URL */
    const uint8_t *body;             /* serve this instead ... */
    uint32_t body_size;              /* ... of this size */
    int status;                      /* answer so ... */
    int status_times;                /* ... so many times; -1: for ever */
    uint32_t retry_after_s;
    uint32_t drop_after;     /* end the connection after so many bytes ... */
    int drop_times;          /* ... so many times; -1: for ever */
    bool drop_clean;         /* by a clean end of body */
    uint32_t bytes_per_tick; /* 0: all at once */
    bool no_total, no_ranges, wrong_from;
    uint32_t lie_total; /* say this total */
    const char *etag;
    const char *part_etag; /* of a 206, when it is another one */
    int silent_times;      /* so many questions for the head have no answer yet; -1: ever */
    enum reason open_fails;
    int open_fails_times;
};

enum cut { CUT_BEFORE, CUT_INSIDE, CUT_AFTER, CUT_KINDS };

struct board {
    /* Flash. */
    uint8_t slot[2][BOARD_SLOT];
    struct otadata otadata[2];
    uint8_t record[OTA_RECORD_COUNT][OTA_RECORD_MAX];
    size_t record_len[OTA_RECORD_COUNT];
    bool records_unreadable;

    /* The world. */
    struct board_image image[BOARD_IMAGES];
    int images;
    struct server server;
    char retained[BOARD_BODY];
    size_t retained_len;
    bool broker_away, acks_away; /* not there / doesn't acknowledge */
    uint32_t broker_after_s;     /* of a boot */
    uint64_t mono_ms, unix_s;
    bool trusted;
    uint32_t factory_seq;
    enum reason gate[3];  /* what may_proceed() says */
    bool reports_refused; /* the MQTT client takes none */
    bool no_way_back;     /* rollback() finds nothing to go back to, and the bootloader no fault */
    uint32_t restarts_ignored; /* reboot() returns so many times */
    uint32_t seed;

    /* This boot. */
    int running;
    bool on_probation;
    enum reset_reason reset;
    uint32_t boots;
    uint32_t dead,
        leaves;       /* starts of MANNER_LATE; how often the agent was asked to leave it ... */
    enum reason left; /* ... and what it last said */
    bool alive;
    struct ota_port port;
    struct ota_config cfg;
    struct keyset keyset;
    struct ota_agent agent;
    jmp_buf *jump;
    bool told_up, self_tested, acked_trial;
    uint64_t boot_mono_ms;

    /* The slot and the hash. */
    bool slot_open, image_checked, other_checked, switched;
    uint32_t slot_size, slot_keep, slot_at, read_back;
    uint8_t hash[BOARD_SLOT];
    uint32_t hash_len;
    bool hashing;
    int flip_on_read; /* reads come back damaged: how many more; -1: for ever */

    /* The connection. */
    bool http_open, http_answered;
    uint32_t http_at, http_from, http_given, http_budget;
    const uint8_t *http_body;
    uint32_t http_size;
    uint32_t requests, last_from;
    char last_etag[OTA_ETAG_MAX], last_url[PROTO_URL_MAX + PROTO_SHA256_HEX];
    uint32_t closes;

    /* Reports and their acknowledgements. */
    struct ota_report report[BOARD_REPORTS];
    uint32_t reports;
    uint32_t last_n;
    uint32_t ack[BOARD_QUEUE];
    uint32_t acks;

    /* Faults. */
    uint32_t calls, fail_at; /* the nth call that can fail fails; 0: none */
    uint32_t writes, cut_at; /* power goes in the nth write; 0: never */
    enum cut cut;
    uint32_t cuts;
    uint32_t cut_again, cuts_left; /* after a cut the next one comes within so many writes, in some
                                      way, so many times */

    /* Never to go back. */
    struct ota_counters high;
    uint32_t high_keyset; /* whose version they were counted with: a new one may free numbers */
    uint32_t puts[OTA_RECORD_COUNT];
};

/* A board in slot 0 with image 0 (version "1.3.0") committed, never updated. Free with
 * board_free(). */
struct board *board_new(void);
void board_free(struct board *b);
/* A further image; its index. */
int board_image(struct board *b, const char *version, uint32_t size, enum manner manner);

/* ---- orders ---------------------------------------------------------------------------------- */

/* What goes into an order and a release; board_offer() fills in good values. */
struct offer {
    struct order order;
    struct release release;
    const char *order_kid, *release_kid; /* NULL: the right one */
    bool spoil_order, spoil_release;     /* one bit of the signature */
    bool other_release;                  /* the order names another digest */
};
struct offer board_offer(const struct board *b, int image, uint32_t seq);
/* The body of commands/update (or another verb: then without release). Its length. */
size_t board_body(const struct offer *offer, char *out, size_t cap);
/* Publish retained on commands/update: delivered now, and with each connection. */
enum reason board_order(struct board *b, const struct offer *offer);
void board_retain(struct board *b, const struct offer *offer);
enum reason board_command(struct board *b, enum verb verb, const char *body, size_t len);
/* A good abort order. */
enum reason board_abort(struct board *b, const char *rollout, uint32_t seq);
/* A good rollback order, checked and carried out as the application does it. */
enum reason board_rollback(struct board *b, const char *rollout, uint32_t seq);

/* ---- life ------------------------------------------------------------------------------------ */

enum reason board_event(struct board *b, struct ota_event ev);
/* Power on (if it is off) and run until nothing more happens, `until` is entered (OTA_STATE_COUNT:
 * never), or so many seconds have passed. Resets happen inside. False: time was up. */
bool board_run(struct board *b, enum ota_state until, uint32_t seconds);
/* Choose a slot as the bootloader does and start the agent; b->jump must be set. */
void board_boot(struct board *b);
/* What OTA_EV_BOOT says of the present start. */
void board_facts(const struct board *b, struct ota_boot *boot);
/* One tick, without letting time pass. */
void board_tick(struct board *b);
void board_power_off(struct board *b);
/* The last report, or the last of a state (NULL: none). */
const struct ota_report *board_last(const struct board *b);
const struct ota_report *board_said(const struct board *b, enum ota_report_state state);
const char *board_version(const struct board *b); /* what runs */

/* Lengthen a record by so many bytes (shorten: less than 0), with a CRC that holds. */
void board_cut_record(struct board *b, enum ota_record id, int by);

/* Signing that only tests can: the signature is made of hash and key. */
extern const char board_rollout_kid[], board_release_kid[], board_revoked_kid[], board_root_kid[];
const struct crypto *board_crypto(void);

#endif
