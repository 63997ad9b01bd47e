/*
 * What the console adds to a bare libmosquitto subscriber on the same stream: CPU per live message,
 * and the time until a retained picture is whole. Needs an empty broker (bench/link starts one).
 *
 *   link_bench PORT [devices] [messages]
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

#include "fleet/fleet.h"
#include "link/link.h"

enum { PACE = 20000, GIVE_UP_S = 60 };

struct run {
    uint64_t wanted, messages;
    bool subscribed;
    struct fleet *fleet; /* NULL: bare */
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* ---- the devices, all in one client --------------------------------------------------------- */

static void publish_status(struct mosquitto *m, int i)
{
    char topic[64], body[400];
    snprintf(topic, sizeof(topic), "devices/sensor-%06d/status", i);
    int len = snprintf(body, sizeof(body),
                       "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\","
                       "\"fw\":\"1.4.0\",\"slot\":\"ota_0\",\"image\":\"%064d\","
                       "\"boot\":\"%016x\",\"boots\":12,\"reset\":\"poweron\",\"release_seq\":17,"
                       "\"security\":2,\"keyset\":3,\"groups\":[\"berlin\"],\"agent\":1,"
                       "\"interval\":60}",
                       1, (unsigned)i);
    mosquitto_publish(m, NULL, topic, len, body, 0, true);
}

static void publish_reading(struct mosquitto *m, int i, int n)
{
    char topic[64], body[160];
    snprintf(topic, sizeof(topic), "devices/sensor-%06d/telemetry/env", i);
    int len = snprintf(body, sizeof(body),
                       "{\"temperature\":%d.%02d,\"humidity\":44.10,\"pressure\":101325.0,"
                       "\"rssi\":-61,\"heap\":41912,\"uptime\":%d}",
                       15 + n % 20, n % 100, n);
    mosquitto_publish(m, NULL, topic, len, body, 0, false);
}

/* In a child. QoS 0, since the broker must not queue; paced, since it must not drop. */
static void devices(int port, int count, int messages)
{
    struct mosquitto *m = mosquitto_new("bench-devices", true, NULL);
    if (!m || mosquitto_connect(m, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS)
        _exit(1);
    double start = seconds();
    int total = messages ? messages : count;
    for (int n = 0; n < total; n++) {
        if (messages)
            publish_reading(m, n % count, n);
        else
            publish_status(m, n);
        if (n % 100 == 0) {
            while (mosquitto_want_write(m))
                mosquitto_loop(m, 1, 100);
            while (seconds() - start < (double)n / PACE)
                mosquitto_loop(m, 1, 100);
        }
    }
    while (mosquitto_want_write(m))
        mosquitto_loop(m, 1, 100);
    mosquitto_disconnect(m);
    mosquitto_destroy(m);
    _exit(0);
}

static pid_t start_devices(int port, int count, int messages)
{
    pid_t pid = fork();
    if (pid == 0)
        devices(port, count, messages);
    return pid;
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

static struct mosquitto *bare_open(struct run *run, int port)
{
    struct mosquitto *m = mosquitto_new("bench-bare", true, run);
    if (!m)
        return NULL;
    mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_message_callback_set(m, bare_message);
    mosquitto_subscribe_callback_set(m, bare_subscribed);
    if (mosquitto_connect(m, "127.0.0.1", port, 60) == MOSQ_ERR_SUCCESS)
        mosquitto_subscribe(m, NULL, "devices/#", 0);
    return m;
}

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

static struct link *console_open(struct run *run, int port)
{
    struct link_config c = { .host = "127.0.0.1",
                             .port = (uint16_t)port,
                             .client_id = "bench-console",
                             .topic = { "devices/#" },
                             .topic_count = 1,
                             .on_message = console_message,
                             .on_state = console_state,
                             .ctx = run };
    return link_new(&c, NULL);
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

/* Until all wanted messages came, or a minute is over. */
static void drive(struct run *run, struct mosquitto *m, struct link *l, bool until_subscribed)
{
    double end = seconds() + GIVE_UP_S;
    while ((until_subscribed ? !run->subscribed : run->messages < run->wanted) && seconds() < end) {
        if (l)
            console_step(l);
        else
            mosquitto_loop(m, 10, 100);
    }
}

struct figures {
    double picture_ms, cpu_us;
    bool whole;
};

static struct figures measure(bool console, int port, int count, int messages)
{
    static const struct fleet_config config = { .root = "devices" };
    struct run run = { .wanted = (uint64_t)count, .fleet = console ? fleet_new(&config) : NULL };
    struct figures f = { 0 };

    double start = seconds();
    struct mosquitto *m = console ? NULL : bare_open(&run, port);
    struct link *l = console ? console_open(&run, port) : NULL;
    drive(&run, m, l, false);
    f.picture_ms = (seconds() - start) * 1e3;
    f.whole = run.messages == run.wanted;
    drive(&run, m, l, true);

    run.wanted += (uint64_t)messages;
    pid_t pid = start_devices(port, count, messages);
    double cpu = cpu_seconds();
    drive(&run, m, l, false);
    f.cpu_us = (cpu_seconds() - cpu) / messages * 1e6;
    f.whole = f.whole && run.messages == run.wanted;
    waitpid(pid, NULL, 0);
    mosquitto_destroy(m);
    link_free(l);
    fleet_free(run.fleet);
    return f;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100000;
    int messages = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 200000;
    if (port < 1 || port > 65535 || count < 1 || count > FLEET_MAX_DEVICES || messages < 1) {
        fprintf(stderr, "usage: link_bench PORT [devices] [messages]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    mosquitto_lib_init();
    waitpid(start_devices(port, count, 0), NULL, 0);
    struct figures bare = measure(false, port, count, messages);
    struct figures console = measure(true, port, count, messages);
    printf("%-46s %10s %10s %8s\n", "", "bare", "console", "ratio");
    printf("picture of %-7d retained topics, ms           %10.0f %10.0f %8.2f\n", count,
           bare.picture_ms, console.picture_ms, console.picture_ms / bare.picture_ms);
    printf("CPU per live message, us (%d a second)     %10.2f %10.2f %8.2f\n", PACE, bare.cpu_us,
           console.cpu_us, console.cpu_us / bare.cpu_us);
    if (!bare.whole || !console.whole)
        printf("not all messages came: %s%s\n", bare.whole ? "" : "bare ",
               console.whole ? "" : "console");
    mosquitto_lib_cleanup();
    return bare.whole && console.whole ? 0 : 1;
}
