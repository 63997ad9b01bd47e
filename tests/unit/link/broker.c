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

static int answers(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = local(port);
    int rc = connect(fd, (struct sockaddr *)&a, sizeof(a));
    close(fd);
    return rc == 0;
}

void broker_start(struct broker *b, const char *config)
{
    char path[96], log[96];
    snprintf(path, sizeof(path), "%s/mosquitto.conf", b->dir);
    snprintf(log, sizeof(log), "%s/mosquitto.log", b->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(
        f,
        "listener %u 127.0.0.1\nuser root\nmax_queued_messages 200000\nset_tcp_nodelay true\n%s\n",
        b->port, config);
    fclose(f);

    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        if (!freopen(log, "a", stderr) || chdir(b->dir) != 0)
            _exit(126);
        execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 4800 && !answers(b->port); i++) {
        if (waitpid(b->pid, NULL, WNOHANG) == b->pid) {
            b->pid = 0;
            fail_msg("mosquitto does not run: is it installed? See %s", log);
        }
        nanosleep(&(struct timespec){ .tv_nsec = 25000000 }, NULL);
    }
    assert_true(answers(b->port));
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
