#include "port/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "board_ini.h"
#include "host_clock.h"
#include "http.h"
#include "mqtt.h"
#include "ossl/crypto.h"
#include "port/facts.h"
#include "port/nvs.h"
#include "port/slots.h"
#include "protocol/hex.h"
#include "tls.h"
#include "update.h"

#define LEAVE_MS      2000 /* for what is on its way when the board restarts or stops */
#define FEED_EVERY_MS 5000
#define FROZEN_LOOK   100 /* ms */
#define CLOCK_LOOK    5000

/*
 * One board while its program runs.
 *
 *   mqtt, http --callbacks--> app_handle() --platform, ota_port--> mqtt, http, nvs, flash
 */
struct process {
    struct facts facts;
    struct flash_file flash;
    struct slots slots;
    struct nvs settings, records;
    struct board_ini ini;
    struct board board;
    struct tls_texts identity_texts;
    struct tls_identity identity;
    struct mqtt_sink sink;
    struct mqtt mqtt;
    struct http http;
    struct update update;
    struct app_platform platform;
    struct app app;
    int64_t start_ms, fed_ms;
    int64_t clock_ms; /* when the host was last asked */
    bool trusted;
    int signals, parent_stat;
    bool restart, stop;
};

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t mono_ms(const struct process *p)
{
    return clock_ms() - p->start_ms;
}

static void say(enum app_log_level level, const char *text)
{
    char line[512];
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    size_t n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ ", &tm);
    int more = snprintf(line + n, sizeof(line) - n, "%s: %s\n", app_log_word(level), text);
    if (more < 0)
        return;
    n += (size_t)more < sizeof(line) - n ? (size_t)more : sizeof(line) - n - 1;
    line[n - 1] = '\n';
    if (write(STDOUT_FILENO, line, n) < 0)
        return; /* nobody is left to be told */
}

/* ---- the platform ---- */

static void broker_connect(void *ctx, const struct app_broker *broker)
{
    struct process *p = ctx;
    mqtt_connect(&p->mqtt, broker, mono_ms(p));
}

static int publish(void *ctx, const struct app_publish *message)
{
    struct process *p = ctx;
    return mqtt_publish(&p->mqtt, message);
}

static int get_str(void *ctx, enum app_ns ns, const char *key, char *out, size_t cap)
{
    struct process *p = ctx;
    int n = nvs_get_str(&p->settings, app_ns_word(ns), key, out, cap);
    return n < 0 ? -1 : n;
}

static int get_u32(void *ctx, enum app_ns ns, const char *key, uint32_t *out)
{
    struct process *p = ctx;
    return nvs_get_u32(&p->settings, app_ns_word(ns), key, out) == NVS_OK ? 0 : -1;
}

static int set_str(void *ctx, enum app_ns ns, const char *key, const char *value)
{
    struct process *p = ctx;
    return nvs_set_str(&p->settings, app_ns_word(ns), key, value) == NVS_OK ? 0 : -1;
}

static int set_u32(void *ctx, enum app_ns ns, const char *key, uint32_t value)
{
    struct process *p = ctx;
    return nvs_set_u32(&p->settings, app_ns_word(ns), key, value) == NVS_OK ? 0 : -1;
}

static void draw(void *ctx, void *out, size_t len)
{
    (void)ctx;
    while (getrandom(out, len, 0) != (ssize_t)len) { /* up to 256 bytes it is all or EINTR */
    }
}

static void take_log(void *ctx, enum app_log_level level, const char *text)
{
    (void)ctx;
    say(level, text);
}

static void reboot(void *ctx)
{
    struct process *p = ctx;
    p->restart = true;
}

static void feed(void *ctx)
{
    struct process *p = ctx;
    int64_t now = mono_ms(p);
    if (p->fed_ms != 0 && now - p->fed_ms < FEED_EVERY_MS)
        return;
    p->fed_ms = now;
    if (write(p->facts.watchdog_fd, "", 1) < 0 && errno != EAGAIN)
        p->stop = true; /* the bootloader is gone */
}

static uint32_t memory(void *ctx)
{
    char text[64];
    unsigned long size, resident;
    (void)ctx;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (sscanf(text, "%20lu %20lu", &size, &resident) != 2)
        return 0;
    return (uint32_t)(resident * (unsigned long)sysconf(_SC_PAGESIZE));
}

static void identify(void *ctx)
{
    (void)ctx;
    say(APP_LOG_INFO, "identify: *blink* *blink*");
}

/* ---- events for the app ---- */

/* May the host's clock be believed? Once it has been right it stays so for this run, as a clock
 * does that NTP has set. */
static bool clock_is_trusted(struct process *p, int64_t now)
{
    if (p->ini.clock != BOARD_CLOCK_HOST)
        return p->ini.clock == BOARD_CLOCK_TRUSTED;
    if (!p->trusted && (p->clock_ms == 0 || now - p->clock_ms >= CLOCK_LOOK)) {
        p->clock_ms = now;
        p->trusted = host_clock_is_right();
        if (p->trusted)
            say(APP_LOG_INFO, "the host's clock is synchronised: time is trusted");
    }
    return p->trusted;
}

static void tell(struct process *p, struct app_event *event)
{
    int64_t now = mono_ms(p), unix_s = (int64_t)time(NULL);
    event->time =
        (struct app_time){ .mono_ms = now, .unix_s = unix_s, .trusted = clock_is_trusted(p, now) };
    board_set_time(&p->board, now, unix_s);
    app_handle(&p->app, event);
}

static void on_up(void *ctx)
{
    struct app_event event = { .kind = APP_EV_BROKER_UP };
    tell(ctx, &event);
}

static void on_down(void *ctx, const char *why)
{
    struct app_event event = { .kind = APP_EV_BROKER_DOWN, .text = why };
    tell(ctx, &event);
}

static void on_message(void *ctx, const char *verb, const void *body, size_t len,
                       const uint8_t *correlation, size_t correlation_len)
{
    struct app_event event = { .kind = APP_EV_MESSAGE,
                               .verb = verb,
                               .body = body,
                               .len = len,
                               .correlation = correlation,
                               .correlation_len = correlation_len };
    tell(ctx, &event);
}

static void on_published(void *ctx, int mid)
{
    struct app_event event = { .kind = APP_EV_PUBLISHED, .mid = mid };
    tell(ctx, &event);
}

/* ---- start ---- */

static int open_storage(struct process *p, struct port_fail *why)
{
    char path[PORT_PATH_MAX + 16];
    struct esp_partition_table table;
    enum esp_fault fault;
    snprintf(path, sizeof(path), "%s/flash.bin", p->facts.dir);
    if (flash_file_open(&p->flash, path))
        return port_fail(why, "cannot open %s: %s", path, strerror(errno));
    const struct flash *f = &p->flash.flash;
    if (flash_read_table(f, &table, &fault) || slots_init(&p->slots, f, &table))
        return port_fail(why, "partition table %s", esp_fault_text(fault));
    const struct esp_partition *nvs = esp_partition_by_label(&table, "nvs");
    const struct esp_partition *own = esp_partition_by_label(&table, "muster");
    if (!nvs || !own)
        return port_fail(why, "no partition `nvs` or `muster`");
    int rc = nvs_mount(&p->settings, f, nvs->offset, nvs->size);
    if (rc == NVS_OK)
        rc = nvs_mount(&p->records, f, own->offset, own->size);
    return rc == NVS_OK ? 0 : port_fail(why, "key/value store: %s", nvs_result_text(rc));
}

static int load_identity(struct process *p, struct port_fail *why)
{
    struct tls_texts *id = &p->identity_texts;
    p->identity = tls_identity_of(id);
    if (nvs_get_str(&p->settings, "factory", "ca", id->ca, sizeof(id->ca)) <= 0 ||
        nvs_get_str(&p->settings, "factory", "cert", id->cert, sizeof(id->cert)) <= 0 ||
        nvs_get_str(&p->settings, "factory", "key", id->key, sizeof(id->key)) <= 0)
        return port_fail(why, "factory keys `ca`, `cert` and `key` must be set: flash the "
                              "device's nvs.csv (muster pki device)");
    return 0;
}

static void load_board(struct process *p)
{
    char path[PORT_PATH_MAX + 16];
    char word[16];
    unsigned unknown = 0;
    snprintf(path, sizeof(path), "%s/board.ini", p->facts.dir);
    if (board_ini_load(path, &p->ini, &unknown))
        say(APP_LOG_WARN, "board.ini can't be read: all sensors are taken as present");
    if (unknown > 0)
        say(APP_LOG_WARN, "board.ini has lines that are not understood");
    board_init(&p->board, &p->ini.chips);
    p->trusted = nvs_get_str(&p->settings, "factory", "clock", word, sizeof(word)) > 0 &&
                 !strcmp(word, "trusted");
}

static uint32_t count_boot(struct process *p)
{
    uint32_t boots = 0;
    (void)nvs_get_u32(&p->records, "boot", "count", &boots);
    boots++;
    if (nvs_set_u32(&p->records, "boot", "count", boots) != NVS_OK)
        say(APP_LOG_WARN, "the boot could not be counted");
    return boots;
}

/* What a chip burns into eFuses: the highest secure_version that has ever run without being on
 * trial. A device fresh from the factory is protected by it too. */
static uint32_t raise_floor(struct process *p)
{
    uint32_t floor = 0;
    (void)nvs_get_u32(&p->records, "boot", "security", &floor);
    if (p->facts.trial || p->facts.security <= floor)
        return floor;
    if (nvs_set_u32(&p->records, "boot", "security", p->facts.security) != NVS_OK)
        say(APP_LOG_WARN, "the security floor could not be kept");
    return p->facts.security;
}

static void connect_parts(struct process *p)
{
    p->platform = (struct app_platform){
        .ctx = p,
        .broker_connect = broker_connect,
        .publish = publish,
        .nvs_get_str = get_str,
        .nvs_get_u32 = get_u32,
        .nvs_set_str = set_str,
        .nvs_set_u32 = set_u32,
        .random = draw,
        .log = take_log,
        .reboot = reboot,
        .watchdog_feed = feed,
        .memory = memory,
        .identify = identify,
        .crypto = ossl_crypto(),
        .i2c = board_i2c(&p->board),
        .uart = board_uart(&p->board),
    };
    p->sink = (struct mqtt_sink){ p, on_up, on_down, on_message, on_published };
    p->update.slots = &p->slots;
    p->update.running = p->facts.slot;
    p->update.records = &p->records;
    p->update.http = &p->http;
    p->update.app = &p->app;
    p->update.restart = &p->restart;
}

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start(struct process *p, const struct app_build *build, struct port_fail *why)
{
    char path[64];
    uint32_t keepalive = 60;
    if (facts_import(&p->facts))
        return port_fail(why, "this is firmware: muster-device runs it out of its image");
    fcntl(p->facts.watchdog_fd, F_SETFD, FD_CLOEXEC);
    fcntl(p->facts.watchdog_fd, F_SETFL, O_NONBLOCK);
    prctl(PR_SET_NAME, "muster-app");
    if (open_storage(p, why) || load_identity(p, why))
        return -1;
    load_board(p);
    connect_parts(p);
    snprintf(path, sizeof(path), "/proc/%d/stat", p->facts.parent);
    p->parent_stat = open(path, O_RDONLY | O_CLOEXEC);
    p->signals = watch_signals();
    if (p->signals < 0 || http_init(&p->http, &p->identity) || update_init(&p->update))
        return port_fail(why, "out of memory or descriptors");
    (void)nvs_get_u32(&p->settings, "factory", "keepalive", &keepalive);
    mqtt_init(&p->mqtt, &p->sink, &p->identity, (uint16_t)(keepalive <= 65535 ? keepalive : 60));
    app_init(&p->app, build, &p->platform, &p->update.port);
    return 0;
}

static void boot(struct process *p)
{
    struct app_boot facts = { .reset = p->facts.reset,
                              .boots = count_boot(p),
                              .cert_not_after = tls_not_after(&p->identity),
                              .security_floor = raise_floor(p),
                              .on_probation = p->facts.trial,
                              .passive = update_passive(&p->slots, p->facts.slot) };
    struct app_event event = { .kind = APP_EV_BOOT, .boot = &facts };
    memcpy(facts.boot, p->facts.boot, sizeof(facts.boot));
    snprintf(facts.slot, sizeof(facts.slot), "ota_%u", (unsigned)p->facts.slot % 2u);
    if (hex_decode(p->facts.image, strlen(p->facts.image), facts.image, sizeof(facts.image)))
        memset(facts.image, 0, sizeof(facts.image));
    tell(p, &event);
}

/* ---- life ---- */

/* One board, two processes: when the bootloader is stopped, so are we. */
static bool is_frozen(const struct process *p)
{
    char text[256];
    ssize_t n = pread(p->parent_stat, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && (name_end[2] == 'T' || name_end[2] == 't');
}

static void thaw(const struct process *p)
{
    const struct timespec pause = { 0, FROZEN_LOOK * 1000000L };
    while (is_frozen(p))
        nanosleep(&pause, NULL);
}

static void take_signals(struct process *p)
{
    struct signalfd_siginfo info;
    while (read(p->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        p->stop = true;
}

/* Wait for anything, at most so long, and let the links work. */
static void turn(struct process *p, uint32_t wait)
{
    struct pollfd fds[] = { { p->signals, POLLIN, 0 }, { mqtt_fd(&p->mqtt), 0, 0 } };
    unsigned count = fds[1].fd >= 0 ? 2 : 1;
    if (count == 2)
        fds[1].events = mqtt_poll_events(&p->mqtt);
    if (mqtt_wait_ms(&p->mqtt) < wait)
        wait = mqtt_wait_ms(&p->mqtt);
    http_wait(&p->http, fds, count, wait);
    thaw(p);
    if (fds[0].revents)
        take_signals(p);
    http_run(&p->http);
    mqtt_run(&p->mqtt, fds[1].revents, mono_ms(p));
}

static void live(struct process *p)
{
    while (!p->restart && !p->stop) {
        struct app_event tick = { .kind = APP_EV_TICK };
        uint32_t wait = app_wait_ms(&p->app, mono_ms(p));
        turn(p, http_has_news(&p->http) && wait > 10 ? 10 : wait);
        tell(p, &tick);
    }
}

/* Before the lights go out: let leave what is on its way, then have the broker publish the will, so
 * that nobody has to wait for the keep-alive to know. */
static void leave(struct process *p)
{
    int64_t until = mono_ms(p) + LEAVE_MS;
    while (!mqtt_is_idle(&p->mqtt) && mono_ms(p) < until)
        turn(p, 50);
    mqtt_good_bye(&p->mqtt);
    until = mono_ms(p) + LEAVE_MS / 2;
    while (mqtt_fd(&p->mqtt) >= 0 && mono_ms(p) < until)
        turn(p, 20);
}

int process_run(const struct app_build *build)
{
    static struct process process; /* some 150 KB: not for the stack */
    struct process *p = &process;
    struct port_fail why = { "" };
    p->start_ms = clock_ms();
    if (start(p, build, &why)) {
        say(APP_LOG_ERROR, why.text);
        return EXIT_FAILURE;
    }
    boot(p);
    live(p);
    leave(p);
    mqtt_free(&p->mqtt);
    http_free(&p->http);
    update_free(&p->update);
    flash_file_close(&p->flash);
    return p->stop ? EXIT_SUCCESS : PORT_EXIT_REBOOT;
}
