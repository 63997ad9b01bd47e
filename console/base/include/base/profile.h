#ifndef BASE_PROFILE_H
#define BASE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a profile (an INI file) says, read once at start-up by console/app. Paths are absolute here:
 * relative ones in the file count from the file's folder. An empty text means "not said".
 */
#define PROFILE_PATH_MAX    512
#define PROFILE_TEXT_MAX    128
#define PROFILE_LOOK_MAX    512
#define PROFILE_SOURCES_MAX 16
#define PROFILE_KEYS_MAX    64
#define PROFILE_NOTIFY_MAX  8

struct profile_source {
    char name[32];
    char topic[PROFILE_TEXT_MAX]; /* MQTT filter, + and # allowed */
    char id[PROFILE_TEXT_MAX];    /* topic:<n>, json:<key> or tag:<name> */
};

/* A sink for messages to people (docs/notify.md). */
struct profile_notify {
    char name[32];
    char kind[12];              /* command, webhook, telegram */
    char on[PROFILE_TEXT_MAX];  /* events; empty: the default */
    char url[PROFILE_PATH_MAX]; /* a secret, as may be everything below */
    char command[PROFILE_PATH_MAX];
    char token_file[PROFILE_PATH_MAX];
    char chat[64];
    char ca[PROFILE_PATH_MAX]; /* empty: the system's authorities */
};

/* A line of [keys]: as it stands in the file. */
struct profile_key {
    char action[32]; /* its name in the palette */
    char keys[64];   /* "U F5" */
    int line;
};

/* A line of an [alert NAME] section, as it stands in the file; fleet/alert.h says what it means. */
#define PROFILE_ALERT_LINES 256
struct profile_alert_line {
    char rule[33];
    char key[16];
    char value[256];
    int line;
};

struct profile {
    char name[64];               /* for the header: the file's name without .ini, or [fleet] name */
    char path[PROFILE_PATH_MAX]; /* of the file */
    char dir[PROFILE_PATH_MAX];  /* its folder */

    char fleet[33];
    char root[33]; /* "devices" */

    struct {
        char host[PROFILE_TEXT_MAX];
        uint16_t port;
        char ca[PROFILE_PATH_MAX], cert[PROFILE_PATH_MAX], key[PROFILE_PATH_MAX];
        bool tls; /* true when ca is set */
    } broker;
    struct {
        char url[PROFILE_TEXT_MAX];     /* what orders tell devices: https://host:port/firmware/ */
        char listen[PROFILE_TEXT_MAX];  /* host:port */
        char metrics[PROFILE_TEXT_MAX]; /* host:port of a plain listener for /health /ready
                                           /metrics; empty: none */
        char cert[PROFILE_PATH_MAX], key[PROFILE_PATH_MAX], ca[PROFILE_PATH_MAX];
        uint32_t max_downloads; /* more get 503 and Retry-After */
        uint32_t rate;          /* bytes per second and download; 0: no limit */
    } gateway;
    struct {
        uint32_t minute_days, days, megabytes; /* 0: the default (store/history.h) */
    } history;
    struct {
        char url[PROFILE_TEXT_MAX]; /* http[s]://host:port; empty: nothing is written */
        uint32_t version;           /* 1, 2 or 3 */
        char database[PROFILE_TEXT_MAX];
        char org[PROFILE_TEXT_MAX], bucket[PROFILE_TEXT_MAX];
        char token_file[PROFILE_PATH_MAX]; /* "<token>", or for version 1 "<user>:<password>" */
        char ca[PROFILE_PATH_MAX];         /* empty: the system's authorities */
        char tags[PROFILE_TEXT_MAX];       /* "site=ams,env=prod": on every line */
        char measurement[PROFILE_TEXT_MAX];
        uint32_t queue_mb; /* on disk while it can't be reached */
    } influx;
    char store_dir[PROFILE_PATH_MAX];
    char journal[PROFILE_PATH_MAX];
    uint32_t journal_keep_days; /* what is over goes then; 0: never */
    uint32_t journal_max_mb;    /* beyond it the oldest ended rollouts go; 0: no limit */
    struct {
        char rollout_key[PROFILE_PATH_MAX], release_key[PROFILE_PATH_MAX], keyset[PROFILE_PATH_MAX];
    } trust;
    char pki_dir[PROFILE_PATH_MAX];
    struct {
        char theme[64];
        bool read_only;
        bool prod;     /* the console acts only for 15 minutes after :write */
        bool words;    /* states by word and not by glyph */
        char ascii[8]; /* "auto", "yes", "no" */
        char columns[PROFILE_LOOK_MAX], sort[PROFILE_LOOK_MAX]; /* ui_set_usual(); "": none named */
        bool mouse;
        bool sync;    /* synchronised output, where the terminal may know it */
        char bell[8]; /* which alerts ring: "crit", "warn" (and crit), "no" */
    } ui;
    struct profile_key key[PROFILE_KEYS_MAX];
    size_t key_count;
    struct profile_notify notify[PROFILE_NOTIFY_MAX];
    size_t notify_count;
    struct profile_source source[PROFILE_SOURCES_MAX];
    size_t source_count;
    struct profile_alert_line alert[PROFILE_ALERT_LINES];
    size_t alert_count;
    bool default_alerts; /* [alerts] defaults */
};

#endif
