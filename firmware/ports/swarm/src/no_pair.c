#include <errno.h>
#include <sys/socket.h>

/*
 * libmosquitto opens a pair of sockets for each client, to wake its own loop from another thread.
 * Here there is neither that loop nor another thread, and two descriptors a device would be two
 * thirds of all: the library takes a refusal for what it is and does without.
 */
int socketpair(int domain, int type, int protocol, int pair[2])
{
    (void)domain, (void)type, (void)protocol, (void)pair;
    errno = EOPNOTSUPP;
    return -1;
}
