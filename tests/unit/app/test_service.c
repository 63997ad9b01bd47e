#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "service.h"

static int listen_at(const char *name)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    memcpy(a.sun_path, name, strlen(name));
    if (name[0] == '@')
        a.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return fd;
}

static void the_manager_hears_each_state(void **state)
{
    char name[64], got[64];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), i ? "@muster-notify-%ld" : "/tmp/muster-notify-%ld",
                 (long)getpid());
        int fd = listen_at(name);
        setenv("NOTIFY_SOCKET", name, 1);
        assert_int_equal(service_tell("READY=1\nSTATUS=leads"), 0);
        ssize_t len = recv(fd, got, sizeof(got), MSG_DONTWAIT);
        assert_int_equal(len, 20);
        assert_memory_equal(got, "READY=1\nSTATUS=leads", 20);
        close(fd);
        if (i == 0)
            unlink(name);
    }
}

static void without_a_manager_nothing_happens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(service_tell("READY=1"), 1);
    setenv("NOTIFY_SOCKET", "/tmp/muster-nobody-is-there", 1);
    assert_int_equal(service_tell("READY=1"), -1);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(service_tell("READY=1"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_hears_each_state),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
