#ifndef TEST_LINK_BROKER_H
#define TEST_LINK_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A mosquitto of the test's own, in a folder of its own, on a free port of 127.0.0.1. */
struct broker {
    char dir[64];
    uint16_t port;
    pid_t pid;   /* 0: not running */
    bool was_up; /* the port is known to others */
};

/* Makes the folder and picks the port. */
void broker_init(struct broker *b);
/* `config` follows the listener line; %s-free. Waits until it runs. Fails the test otherwise. The
 * first time it takes another port when somebody has got the one picked: read `port` after this. */
void broker_start(struct broker *b, const char *config);
/* Are these words in its log? */
bool broker_says(const struct broker *b, const char *words);
void broker_stop(struct broker *b);
/* Stops it and removes the folder. */
void broker_end(struct broker *b);
/* Run a program to its end with one argument; fails the test when it fails. */
void broker_run(const char *program, const char *arg);

#endif
