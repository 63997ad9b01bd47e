/*
 * What the console's link and fleet model add to a libmosquitto subscriber that only counts, on the
 * same broker: the time until a retained picture is whole (in turns), and CPU per live message
 * (both at once, on one stream); each side's best of the rounds. Needs an empty broker without TLS;
 * bench/run starts one.
 *
 *   link_bench PORT DEVICES ROUNDS MESSAGES
 *
 * Prints lines "name value".
 */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "devices.h"
#include "fleet/fleet.h"
#include "link/link.h"

enum { RATE = 20000, SPEAKERS = 1000, STREAMS = 2, GIVE_UP_S = 60 };

struct run {
    uint64_t wanted, messages;
    bool subscribed;
    struct mosquitto *bare;
    struct link *link;
    struct fleet *fleet; /* NULL: bare */
};

struct figures {
    double picture_ms;
    double picture_cpu_us, live_cpu_us; /* a message */
    uint64_t missing;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static double cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* ---- two subscribers ------------------------------------------------------------------------ */

static void bare_message(struct mosquitto *m, void *ctx, const struct mosquitto_message *message)
{
    struct run *run = ctx;
    (void)m;
    (void)message;
    run->messages++;
}

static void bare_subscribed(struct mosquitto *m, void *ctx, int mid, int count, const int *granted)
{
    struct run *run = ctx;
    (void)m;
    (void)mid;
    (void)count;
    (void)granted;
    run->subscribed = true;
}

static void bare_open(struct run *run, int port)
{
    struct mosquitto *m = run->bare = mosquitto_new(NULL, true, run);
    mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_message_callback_set(m, bare_message);
    mosquitto_subscribe_callback_set(m, bare_subscribed);
    if (mosquitto_connect(m, "127.0.0.1", port, 60) == MOSQ_ERR_SUCCESS)
        mosquitto_subscribe(m, NULL, "devices/#", 0);
}

/* As console/app does it. */
static void console_message(void *ctx, const char *topic, const void *body, size_t len,
                            bool retained)
{
    struct run *run = ctx;
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = len, .retained = retained
    };
    run->messages++;
    fleet_apply(run->fleet, &ev, now_ms());
}

static void console_state(void *ctx, bool up, const char *reason)
{
    struct run *run = ctx;
    (void)reason;
    run->subscribed = up;
}

static void console_open(struct run *run, int port)
{
    static const struct fleet_config config = { .root = "devices" };
    struct link_config c = { .host = "127.0.0.1",
                             .port = (uint16_t)port,
                             .topic = { "devices/#" },
                             .topic_count = 1,
                             .on_message = console_message,
                             .on_state = console_state,
                             .ctx = run };
    run->fleet = fleet_new(&config);
    run->link = link_new(&c, NULL);
}

static void console_step(struct link *l)
{
    struct pollfd p = { .fd = link_fd(l), .events = POLLIN };
    if (link_wants_write(l))
        p.events |= POLLOUT;
    int64_t wait = link_next_ms(l) - now_ms();
    poll(&p, 1, wait < 0 ? 0 : wait > 10 ? 10 : (int)wait);
    while (link_run(l, p.revents & (POLLIN | POLLHUP), p.revents & POLLOUT, now_ms()))
        p.revents = POLLIN;
}

/* Until all wanted messages came and (retained ones may come first) the subscription stands. */
static void drive(struct run *run)
{
    double end = bench_seconds() + GIVE_UP_S;
    while ((!run->subscribed || run->messages < run->wanted) && bench_seconds() < end) {
        if (run->link)
            console_step(run->link);
        else
            mosquitto_loop(run->bare, 10, 100);
    }
}

/* ---- a subscriber's life, in a child -------------------------------------------------------- */

struct job {
    bool console;
    int port, devices;
    uint64_t messages; /* live ones; 0: only the picture */
    int report[2], ready[2];
};

static void live(struct job *job, struct run *run, struct figures *f)
{
    double cpu = cpu_us();
    char c = 'r';
    if (write(job->ready[1], &c, 1) != 1)
        _exit(1);
    run->wanted += job->messages;
    drive(run);
    f->live_cpu_us = (cpu_us() - cpu) / (double)job->messages;
}

static void subscriber(struct job *job)
{
    struct run run = { .wanted = (uint64_t)job->devices };
    struct figures f = { 0 };
    double start = bench_seconds(), cpu = cpu_us();

    if (job->console)
        console_open(&run, job->port);
    else
        bare_open(&run, job->port);
    drive(&run);
    f.picture_ms = (bench_seconds() - start) * 1e3;
    f.picture_cpu_us = (cpu_us() - cpu) / job->devices;
    if (job->messages)
        live(job, &run, &f);
    f.missing = run.wanted - run.messages;
    if (write(job->report[1], &f, sizeof(f)) != (ssize_t)sizeof(f))
        _exit(1);
    mosquitto_destroy(run.bare);
    link_free(run.link);
    fleet_free(run.fleet);
    _exit(0);
}

static pid_t start(struct job *job)
{
    if (pipe(job->report) != 0 || pipe(job->ready) != 0)
        return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        subscriber(job);
    close(job->report[1]);
    close(job->ready[1]);
    return pid;
}

static void wait_ready(const struct job *job)
{
    char c;
    if (read(job->ready[0], &c, 1) != 1)
        fprintf(stderr, "link_bench: a subscriber did not get ready\n");
}

static struct figures result(const struct job *job, pid_t pid)
{
    struct figures f = { .missing = 1 };
    if (read(job->report[0], &f, sizeof(f)) != (ssize_t)sizeof(f))
        f = (struct figures){ .missing = 1 };
    waitpid(pid, NULL, 0);
    close(job->report[0]);
    close(job->ready[0]);
    return f;
}

/* ---- what is measured ----------------------------------------------------------------------- */

static uint64_t missing;

static void pictures(int port, int devices, int rounds)
{
    struct figures best[2];
    memset(best, 0, sizeof(best));

    for (int i = 0; i < 2 * rounds; i++) {
        bool console = (i + i / 2) % 2; /* b c c b b c … : none always goes first */
        struct job job = { .console = console, .port = port, .devices = devices };
        struct figures f = result(&job, start(&job));
        missing += f.missing;
        if (i < 2 || f.picture_ms < best[console].picture_ms)
            best[console].picture_ms = f.picture_ms;
        if (i < 2 || f.picture_cpu_us < best[console].picture_cpu_us)
            best[console].picture_cpu_us = f.picture_cpu_us;
    }
    printf("picture_bare_ms %.1f\npicture_ms %.1f\n", best[0].picture_ms, best[1].picture_ms);
    printf("picture_bare_cpu_us %.2f\npicture_cpu_us %.2f\n", best[0].picture_cpu_us,
           best[1].picture_cpu_us);
}

/* `first` subscribes first, and so is served first. */
static void stream(int port, int devices, uint64_t messages, int first, double cpu[2])
{
    struct job job[2] = { { .console = false }, { .console = true } };
    pid_t pid[2];

    for (int i = 0; i < 2; i++) {
        int side = i ^ first;
        job[side].port = port;
        job[side].devices = devices;
        job[side].messages = messages;
        pid[side] = start(&job[side]);
        wait_ready(&job[side]);
    }
    int speakers = devices < SPEAKERS ? devices : SPEAKERS;
    pid_t talk = devices_start_readings(port, speakers, RATE, messages);
    for (int side = 0; side < 2; side++) {
        struct figures f = result(&job[side], pid[side]);
        missing += f.missing;
        cpu[side] = f.live_cpu_us;
    }
    waitpid(talk, NULL, 0);
}

static void streams(int port, int devices, uint64_t messages)
{
    double best[2] = { 0, 0 }, cpu[2];

    for (int i = 0; i < STREAMS; i++) {
        stream(port, devices, messages, i % 2, cpu);
        for (int side = 0; side < 2; side++)
            if (i == 0 || cpu[side] < best[side])
                best[side] = cpu[side];
    }
    printf("live_bare_cpu_us %.2f\nlive_cpu_us %.2f\n", best[0], best[1]);
}

int main(int argc, char **argv)
{
    int port = argc == 5 ? (int)strtol(argv[1], NULL, 10) : 0;
    int devices = argc == 5 ? (int)strtol(argv[2], NULL, 10) : 0;
    int rounds = argc == 5 ? (int)strtol(argv[3], NULL, 10) : 0;
    int messages = argc == 5 ? (int)strtol(argv[4], NULL, 10) : -1;

    if (port < 1 || port > 65535 || devices < 1 || devices > FLEET_MAX_DEVICES || rounds < 1 ||
        messages < 0) {
        fprintf(stderr, "usage: link_bench PORT DEVICES ROUNDS MESSAGES\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    mosquitto_lib_init();
    if (devices_say_status(port, devices) != 0) {
        fprintf(stderr, "link_bench: no broker on port %d\n", port);
        return 1;
    }
    pictures(port, devices, rounds);
    if (messages)
        streams(port, devices, (uint64_t)messages);
    mosquitto_lib_cleanup();
    if (missing)
        fprintf(stderr, "link_bench: %llu messages did not come\n", (unsigned long long)missing);
    return missing ? 1 : 0;
}
