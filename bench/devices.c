#include "devices.h"

#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    STATUS_PACE = 20000,
    LOOP_MS = 1,
    STEPS_A_SECOND = 200,
    SCATTER = 7919 /* a prime: devices speak in no order, each once a round */
};

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int publish_status(struct mosquitto *m, int device)
{
    char topic[64], body[400];
    snprintf(topic, sizeof(topic), "devices/sensor-%06d/status", device);
    int len = snprintf(body, sizeof(body),
                       "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\","
                       "\"fw\":\"1.%d.0\",\"slot\":\"ota_0\",\"image\":\"%064d\","
                       "\"boot\":\"%016x\",\"boots\":12,\"reset\":\"poweron\",\"release_seq\":17,"
                       "\"security\":2,\"keyset\":3,\"groups\":[\"berlin\",\"outdoor\"],"
                       "\"agent\":1,\"interval\":60}",
                       3 + device % 2, 1 + device % 2, (unsigned)device + 1);
    return mosquitto_publish(m, NULL, topic, len, body, 0, true);
}

static int publish_reading(struct mosquitto *m, int device, uint64_t n)
{
    char topic[64], body[200];
    unsigned v = (unsigned)(n * 2654435761u >> 8); /* the same in every run */
    snprintf(topic, sizeof(topic), "devices/sensor-%06d/telemetry/environment", device);
    int len = snprintf(body, sizeof(body),
                       "{\"ts\":%lld,\"temperature\":%u.%02u,\"humidity\":%u.%02u,"
                       "\"pressure\":%u,\"co2\":%u}",
                       (long long)time(NULL), 18 + v % 8, v / 8 % 100, 40 + v / 16 % 20,
                       v / 64 % 100, 100900 + v / 32 % 900, 450 + v / 128 % 700);
    return mosquitto_publish(m, NULL, topic, len, body, 0, false);
}

/* Written out, and not before its time: the broker would drop what it can't pass on. */
static int settle(struct mosquitto *m, double due)
{
    int rc = MOSQ_ERR_SUCCESS;
    while (rc == MOSQ_ERR_SUCCESS && (mosquitto_want_write(m) || bench_seconds() < due))
        rc = mosquitto_loop(m, LOOP_MS, 100);
    return rc;
}

struct talk {
    int port, count, rate;
    uint64_t messages;
    bool status;
};

static int say(const struct talk *t)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    double start = bench_seconds();
    uint64_t step = (uint64_t)t->rate / STEPS_A_SECOND + 1;
    int rc = m ? mosquitto_connect(m, "127.0.0.1", t->port, 60) : MOSQ_ERR_NOMEM;

    for (uint64_t n = 0; rc == MOSQ_ERR_SUCCESS && n < t->messages; n++) {
        int device = (int)(n * SCATTER % (uint64_t)t->count);
        rc = t->status ? publish_status(m, device) : publish_reading(m, device, n);
        if (rc == MOSQ_ERR_SUCCESS && n % step == step - 1)
            rc = settle(m, start + (double)(n + 1) / t->rate);
    }
    if (rc == MOSQ_ERR_SUCCESS)
        rc = settle(m, 0);
    if (m)
        mosquitto_disconnect(m);
    mosquitto_destroy(m);
    return rc == MOSQ_ERR_SUCCESS ? 0 : -1;
}

int devices_say_status(int port, int count)
{
    return say(&(struct talk){ port, count, STATUS_PACE, (uint64_t)count, true });
}

int devices_say_readings(int port, int count, int rate, uint64_t messages)
{
    return say(&(struct talk){ port, count, rate, messages, false });
}

pid_t devices_start_readings(int port, int count, int rate, uint64_t messages)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(devices_say_readings(port, count, rate, messages) == 0 ? 0 : 1);
    return pid;
}
