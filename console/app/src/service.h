#ifndef APP_SERVICE_H
#define APP_SERVICE_H

/*
 * Words to the service manager, as sd_notify(3): a datagram to $NOTIFY_SOCKET. Without one nothing
 * happens. `state` is lines such as "READY=1", "WATCHDOG=1", "STATUS=…". 0, 1 when nobody wants to
 * know, -1 when it could not be sent.
 */
int service_tell(const char *state);

#endif
