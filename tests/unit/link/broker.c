#include "broker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_in local(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* Below those that the kernel gives to outgoing connections: nobody gets it by chance before the
 * broker does, or while it is away. */
static uint16_t free_port(void)
{
    uint16_t port = 0;
    for (unsigned i = 0; port == 0 && i < 10000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = local((uint16_t)(20000 + ((unsigned)getpid() * 7 + i) % 12000));
        if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
            port = ntohs(a.sin_port);
        close(fd);
    }
    assert_int_not_equal(port, 0);
    return port;
}

void broker_init(struct broker *b)
{
    memset(b, 0, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/muster-link-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    b->port = free_port();
}

static void write_config(const struct broker *b, const char *config, char path[96])
{
    snprintf(path, 96, "%s/mosquitto.conf", b->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(
        f,
        "listener %u 127.0.0.1\nuser root\nmax_queued_messages 200000\nset_tcp_nodelay true\n%s\n",
        b->port, config);
    fclose(f);
}

static void run(struct broker *b, const char *path, const char *log)
{
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        if (!freopen(log, "a", stderr) || chdir(b->dir) != 0)
            _exit(126);
        execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
}

/* Are there these words in its log behind `from`? */
static bool says(const char *log, long from, const char *words)
{
    char line[512];
    bool found = false;
    FILE *f = fopen(log, "r");

    if (!f)
        return false;
    fseek(f, from, SEEK_SET);
    while (!found && fgets(line, sizeof(line), f))
        found = strstr(line, words);
    fclose(f);
    return found;
}

bool broker_says(const struct broker *b, const char *words)
{
    char log[96];

    snprintf(log, sizeof(log), "%s/mosquitto.log", b->dir);
    return says(log, 0, words);
}

static long size_of(const char *log)
{
    FILE *f = fopen(log, "r");
    long size = 0;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (f)
        fclose(f);
    return size;
}

/* By its own word: that something answers on the port may be another's broker. False: it ended. */
static bool comes_up(struct broker *b, const char *log, long from)
{
    for (int i = 0; i < 4800; i++) {
        if (says(log, from, " running"))
            return true;
        if (waitpid(b->pid, NULL, WNOHANG) == b->pid) {
            b->pid = 0;
            return false;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 25000000 }, NULL);
    }
    fail_msg("mosquitto neither runs nor ends: see %s", log);
    return false;
}

void broker_start(struct broker *b, const char *config)
{
    char path[96], log[96];

    snprintf(log, sizeof(log), "%s/mosquitto.log", b->dir);
    for (int tries = 0; tries < 20; tries++) {
        long from = size_of(log);
        write_config(b, config, path);
        run(b, path, log);
        if (comes_up(b, log, from)) {
            b->was_up = true;
            return;
        }
        if (b->was_up || !says(log, from, "Address already in use"))
            break;
        b->port = free_port(); /* somebody was quicker */
    }
    fail_msg("mosquitto does not run: is it installed? See %s", log);
}

void broker_stop(struct broker *b)
{
    if (b->pid <= 0)
        return;
    kill(b->pid, SIGKILL);
    waitpid(b->pid, NULL, 0);
    b->pid = 0;
}

static void run2(const char *program, const char *a1, const char *a2)
{
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execlp(program, program, a1, a2, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s %s failed", program, a1);
}

void broker_run(const char *program, const char *arg)
{
    run2(program, arg, NULL);
}

void broker_end(struct broker *b)
{
    broker_stop(b);
    run2("rm", "-rf", b->dir);
}
