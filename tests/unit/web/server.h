#ifndef TEST_WEB_SERVER_H
#define TEST_WEB_SERVER_H

#include <stdint.h>
#include <sys/types.h>

/* server.py as a child: see there what its paths do. */
struct server {
    pid_t pid;
    int stdin_fd;
    uint16_t port;
};

/* `folder` NULL: plain HTTP. Fails the test when it does not come up. */
void server_start(struct server *s, const char *python, const char *script, const char *folder);
void server_stop(struct server *s);

#endif
