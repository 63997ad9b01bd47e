#ifndef PORT_FAIL_H
#define PORT_FAIL_H

/* Why something failed and what to do, for the person at the terminal. */
struct port_fail {
    char text[400];
};

/* Always -1, so that `return port_fail(f, …)` reads well. Cut at the end if it must be. */
int port_fail(struct port_fail *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
