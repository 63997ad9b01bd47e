#ifndef PORT_HOST_CLOCK_H
#define PORT_HOST_CLOCK_H

#include <stdbool.h>

/* Does the kernel say that somebody (chrony, systemd-timesyncd, ntpd …) keeps its clock right? In a
 * container or without such a service: no. */
bool host_clock_is_right(void);

#endif
