#include "swarm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "counts.h"
#include "host_clock.h"
#include "waiting.h"

enum { FILE_MAX_ = 4 << 20, EVENTS = 256, WAIT_MAX_MS = 1000, TURNS_BETWEEN = 256 };

/* What an epoll event is about: kind in the upper half, number in the lower. */
enum kind { KIND_DEVICE, KIND_HTTP, KIND_INPUT, KIND_SIGNAL };

struct swarm {
    const struct swarm_options *options;
    struct device_all all;
    struct device *device;
    uint32_t made;
    struct waiting waiting;
    int epoll, signals;
    short *http_events; /* by descriptor: what curl's are watched for */
    uint32_t descriptors;
    bool stop, ready;
    int64_t begun_ms;
    char line[128]; /* of standard input, so far */
    size_t line_len;
};

static void take_time(struct swarm *s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    s->all.now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    s->all.unix_s = (int64_t)time(NULL);
}

/* ---- epoll ---------------------------------------------------------------------------------- */

static void watch(const struct swarm *s, int op, int fd, short events, enum kind kind, uint32_t n)
{
    struct epoll_event e = { .events = (events & POLLIN ? (uint32_t)EPOLLIN : 0u) |
                                       (events & POLLOUT ? (uint32_t)EPOLLOUT : 0u),
                             .data.u64 = (uint64_t)kind << 32 | n };
    (void)epoll_ctl(s->epoll, op, fd, &e); /* what is closed already can't be taken out */
}

static void watch_http(void *ctx, int fd, short events)
{
    struct swarm *s = ctx;
    if (fd < 0 || (uint32_t)fd >= s->descriptors)
        return;
    if (events == 0)
        watch(s, EPOLL_CTL_DEL, fd, 0, KIND_HTTP, 0);
    else
        watch(s, s->http_events[fd] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events, KIND_HTTP,
              (uint32_t)fd);
    s->http_events[fd] = events;
}

static bool has_socket(const struct device *d)
{
    return d->power == DEVICE_RUNNING || d->power == DEVICE_LEAVING || d->power == DEVICE_GOODBYE;
}

/* A descriptor never changes hands within one turn: between two connections there is one without.
 */
static void watch_device(const struct swarm *s, struct device *d)
{
    int fd = has_socket(d) ? mqtt_fd(&d->mqtt) : -1;
    short events = fd >= 0 ? mqtt_poll_events(&d->mqtt) : 0;
    if (fd != d->fd && d->fd >= 0)
        watch(s, EPOLL_CTL_DEL, d->fd, 0, KIND_DEVICE, d->n);
    if (fd >= 0 && (fd != d->fd || events != d->events))
        watch(s, fd != d->fd ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, events, KIND_DEVICE, d->n);
    d->fd = fd;
    d->events = events;
}

static void settle(struct swarm *s, struct device *d)
{
    watch_device(s, d);
    waiting_set(&s->waiting, d, device_due_ms(d));
}

static void turn(struct swarm *s, struct device *d, short revents)
{
    take_time(s);
    device_turn(d, revents);
    settle(s, d);
}

static void on_due(void *ctx, uint32_t n)
{
    struct swarm *s = ctx;
    waiting_set(&s->waiting, &s->device[n], s->all.now_ms);
}

/* ---- devices -------------------------------------------------------------------------------- */

static void id_of(const struct swarm *s, uint32_t n, char out[PROTO_ID_MAX])
{
    snprintf(out, PROTO_ID_MAX, "%s%03u", s->options->prefix, (unsigned)n + 1u);
}

static void say(void *ctx, uint32_t n, enum app_log_level level, const char *text)
{
    char id[PROTO_ID_MAX];
    id_of(ctx, n, id);
    fprintf(stderr, "%s %s: %s\n", id, app_log_word(level), text);
}

static char *read_file(const char *path, size_t *len, struct port_fail *why)
{
    FILE *f = fopen(path, "re");
    char *data = swarm_alloc(1, FILE_MAX_);
    *len = f ? fread(data, 1, FILE_MAX_, f) : 0;
    bool bad = !f || ferror(f) || *len == FILE_MAX_;
    if (bad)
        port_fail(why, "cannot read %s: %s", path, f ? "too long" : strerror(errno));
    if (f)
        fclose(f);
    if (!bad)
        return swarm_grow(data, *len + 1, 1);
    free(data);
    return NULL;
}

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Exactly the shares that were asked for, and who is who by the seed. */
static enum device_kind *cast_parts(const struct swarm_options *o)
{
    enum device_kind *kind = swarm_alloc(o->count, sizeof(*kind)); /* all good */
    uint64_t state = o->seed;
    uint32_t at = 0;
    for (int k = DEVICE_GOOD + 1; k < DEVICE_KINDS; k++) {
        uint32_t n = (uint32_t)(o->share[k] * o->count + 0.5);
        for (; n > 0 && at < o->count; n--)
            kind[at++] = (enum device_kind)k;
    }
    for (uint32_t i = o->count - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(next(&state) % (i + 1u));
        enum device_kind swap = kind[i];
        kind[i] = kind[j];
        kind[j] = swap;
    }
    return kind;
}

static int make_device(struct swarm *s, uint32_t n, enum device_kind kind, const uint8_t *image,
                       size_t image_len, struct port_fail *why)
{
    char path[1024], id[PROTO_ID_MAX];
    size_t len;
    id_of(s, n, id);
    snprintf(path, sizeof(path), "%s/%s/nvs.csv", s->options->folder, id);
    char *csv = read_file(path, &len, why);
    if (!csv)
        return port_fail(why, "cannot read %s: make it with muster pki device --count %u --out %s",
                         path, (unsigned)s->options->count, s->options->folder);
    int rc =
        device_make(&s->device[n], &s->all, n, s->options->seed, image, image_len, csv, len, why);
    free(csv);
    s->made = n + 1;
    if (rc == 0 && s->options->spread_s >= 0)
        device_set_factory(&s->device[n], "spread", (uint32_t)s->options->spread_s);
    s->device[n].kind = kind;
    s->device[n].fetch.limit = kind == DEVICE_SLOW ? s->options->slow : 0;
    return rc;
}

static uint8_t *load_image(const struct swarm_options *o, size_t *len, struct port_fail *why)
{
    const struct image_make make = { .product = "weather", .version = o->version, .size = 16384 };
    if (o->image)
        return (uint8_t *)read_file(o->image, len, why);
    return image_factory(&make, len, why);
}

static int make_devices(struct swarm *s, struct port_fail *why)
{
    size_t len;
    uint8_t *image = load_image(s->options, &len, why);
    if (!image)
        return -1;
    enum device_kind *kind = cast_parts(s->options);
    int rc = 0;
    for (uint32_t n = 0; rc == 0 && n < s->options->count; n++)
        rc = make_device(s, n, kind[n], image, len, why);
    free(kind);
    free(image);
    return rc;
}

static void power_on(struct swarm *s, uint32_t within_ms)
{
    take_time(s);
    for (uint32_t n = 0; n < s->made; n++) {
        uint64_t at = (uint64_t)within_ms * n / s->made;
        device_power_on(&s->device[n], s->all.now_ms + (int64_t)at);
        settle(s, &s->device[n]);
    }
}

static void power_off(struct swarm *s, double share)
{
    uint32_t count = (uint32_t)(share * s->made + 0.5);
    for (uint32_t n = 0; n < count && n < s->made; n++) {
        device_power_off(&s->device[n]);
        settle(s, &s->device[n]);
    }
}

/* ---- what a person or a bench says ---------------------------------------------------------- */

static void mark(struct swarm *s)
{
    s->all.since_ms = s->all.now_ms;
    memset(s->all.tried, 0, sizeof(s->all.tried));
    memset(s->all.taken, 0, sizeof(s->all.taken));
    fetch_all_mark(&s->all.fetch);
}

static void answer(struct swarm *s, const char *line)
{
    if (strcmp(line, "counts") == 0) {
        counts_print(stdout, &s->all, s->device, s->made);
        return;
    }
    if (strcmp(line, "mark") == 0)
        mark(s);
    else if (strcmp(line, "on") == 0)
        power_on(s, 0);
    else if (strcmp(line, "off") == 0)
        power_off(s, 1);
    else if (strncmp(line, "off ", 4) == 0)
        power_off(s, strtod(line + 4, NULL));
    else if (strcmp(line, "quit") == 0)
        s->stop = true;
    else
        fputs("what? counts, mark, off [F], on, quit\n", stderr);
    puts("ok");
    fflush(stdout);
}

static void take_input(struct swarm *s)
{
    char c;
    ssize_t n;
    while ((n = read(STDIN_FILENO, &c, 1)) == 1) {
        if (c != '\n' && s->line_len < sizeof(s->line) - 1) {
            s->line[s->line_len++] = c;
            continue;
        }
        s->line[s->line_len] = '\0';
        s->line_len = 0;
        answer(s, s->line);
    }
    if (n == 0)
        watch(s, EPOLL_CTL_DEL, STDIN_FILENO, 0, KIND_INPUT, 0);
}

static void take_signals(struct swarm *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        s->stop = true;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static short poll_events(uint32_t events)
{
    return (short)((events & EPOLLIN ? POLLIN : 0) | (events & EPOLLOUT ? POLLOUT : 0) |
                   (events & EPOLLERR ? POLLERR : 0) | (events & EPOLLHUP ? POLLHUP : 0));
}

static void take_event(struct swarm *s, const struct epoll_event *e)
{
    uint32_t n = (uint32_t)e->data.u64;
    switch ((enum kind)(e->data.u64 >> 32)) {
    case KIND_DEVICE:
        if (s->device[n].fd >= 0)
            turn(s, &s->device[n], poll_events(e->events));
        break;
    case KIND_HTTP:
        take_time(s);
        http_hub_run(&s->all.fetch.hub, (int)n, poll_events(e->events), s->all.now_ms);
        break;
    case KIND_INPUT:
        take_input(s);
        break;
    case KIND_SIGNAL:
        take_signals(s);
        break;
    }
}

/* Those whose time has come; not all of a great crowd at once, or nobody would read sockets. */
static void take_turns(struct swarm *s)
{
    struct device *d;
    for (int i = 0; i < TURNS_BETWEEN; i++) {
        take_time(s);
        d = waiting_first(&s->waiting);
        if (!d || d->due_ms > s->all.now_ms)
            break;
        turn(s, d, 0);
    }
}

static int wait_ms(struct swarm *s)
{
    const struct device *first = waiting_first(&s->waiting);
    int64_t wait = WAIT_MAX_MS;
    take_time(s);
    if (first && first->due_ms - s->all.now_ms < wait)
        wait = first->due_ms - s->all.now_ms;
    if (http_hub_wait_ms(&s->all.fetch.hub, s->all.now_ms) < wait)
        wait = http_hub_wait_ms(&s->all.fetch.hub, s->all.now_ms);
    return wait > 0 ? (int)wait : 0;
}

static uint32_t expected(const struct swarm *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->made; i++)
        n += s->device[i].kind != DEVICE_OFFLINE;
    return n;
}

static void look_ready(struct swarm *s)
{
    if (s->ready || s->all.online < expected(s))
        return;
    s->ready = true;
    fprintf(stderr, "muster-swarm: %u devices online after %.1f s, %.1f kB of memory a device\n",
            (unsigned)s->all.online, (double)(s->all.now_ms - s->begun_ms) / 1e3,
            (double)counts_memory() / 1e3 / s->made);
    puts("ready");
    fflush(stdout);
}

static void live(struct swarm *s)
{
    struct epoll_event events[EVENTS];
    while (!s->stop) {
        int n = epoll_wait(s->epoll, events, EVENTS, wait_ms(s));
        for (int i = 0; i < n; i++)
            take_event(s, &events[i]);
        take_time(s);
        http_hub_run(&s->all.fetch.hub, -1, 0, s->all.now_ms);
        take_turns(s);
        look_ready(s);
    }
}

/* ---- start ---------------------------------------------------------------------------------- */

/* One descriptor a device, and one a download. */
static uint32_t raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1000000)
        return 1000000;
    return (uint32_t)limit.rlim_cur;
}

static int watch_world(struct swarm *s, struct port_fail *why)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->epoll < 0 || s->signals < 0)
        return port_fail(why, "cannot watch descriptors: %s", strerror(errno));
    watch(s, EPOLL_CTL_ADD, s->signals, POLLIN, KIND_SIGNAL, 0);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    watch(s, EPOLL_CTL_ADD, STDIN_FILENO, POLLIN, KIND_INPUT,
          0); /* a file can't be, and need not */
    return 0;
}

static int start(struct swarm *s, struct port_fail *why)
{
    const struct swarm_options *o = s->options;
    s->descriptors = raise_limit();
    if (s->descriptors < o->count + 64)
        return port_fail(why, "%u devices need %u open files, and %u are allowed: raise ulimit -n",
                         (unsigned)o->count, (unsigned)o->count + 64u, (unsigned)s->descriptors);
    s->http_events = swarm_alloc(s->descriptors, sizeof(*s->http_events));
    s->device = swarm_alloc(o->count, sizeof(*s->device));
    s->waiting.item = swarm_alloc(o->count, sizeof(*s->waiting.item));
    if (watch_world(s, why) || make_devices(s, why))
        return -1;
    if (http_hub_init(&s->all.fetch.hub, watch_http, s))
        return port_fail(why, "out of memory");
    /* Trust and broker are the fleet's: any device's settings say them. */
    const struct blob *host = ram_store_get(&s->device[0].settings, "factory", "broker_host");
    s->all.tls = host ? tls_client(&s->device[0].identity, (const char *)host->data, why) : NULL;
    if (!s->all.tls)
        return host ? -1 : port_fail(why, "factory key `broker_host` must be set");
    tls_save_memory(s->all.tls);
    return 0;
}

static void stop(struct swarm *s)
{
    for (uint32_t n = 0; n < s->made; n++)
        device_free(&s->device[n]);
    if (s->all.fetch.hub.multi)
        http_hub_free(&s->all.fetch.hub);
    fetch_all_free(&s->all.fetch);
    tls_free(s->all.tls);
    pool_free(&s->all.pool);
    free(s->waiting.item);
    free(s->http_events);
    free(s->device);
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->signals >= 0)
        close(s->signals);
}

static bool clock_is_right(const struct swarm *s)
{
    const struct blob *clock = ram_store_get(&s->device[0].settings, "factory", "clock");
    return (clock && strcmp((const char *)clock->data, "trusted") == 0) || host_clock_is_right();
}

int swarm_run(const struct swarm_options *options, struct port_fail *why)
{
    struct swarm *s = swarm_alloc(1, sizeof(*s));
    s->options = options;
    s->epoll = s->signals = -1;
    s->all.ctx = s;
    s->all.due = on_due;
    s->all.say = options->verbose ? say : NULL;
    s->all.boot_ms = options->boot_ms;
    s->all.fetch.store = options->store;
    s->all.fetch.pace = options->pace;
    pool_init(&s->all.pool);
    int rc = start(s, why);
    if (rc == 0) {
        s->all.clock_right = clock_is_right(s);
        take_time(s);
        s->begun_ms = s->all.now_ms;
        mark(s);
        power_on(s, options->start_s * 1000);
        live(s);
        counts_print(stdout, &s->all, s->device, s->made);
    }
    stop(s);
    free(s);
    return rc;
}
