/*
 * Speaks for a made-up fleet, to a broker that takes plain TCP on 127.0.0.1.
 *
 *   bench_devices PORT COUNT               a retained status of each device
 *   bench_devices PORT COUNT RATE SECONDS  readings
 */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices.h"

static long number(const char *text, long most)
{
    char *end;
    long v = strtol(text, &end, 10);
    return *text && !*end && v >= 1 && v <= most ? v : 0;
}

int main(int argc, char **argv)
{
    long port = argc > 2 ? number(argv[1], 65535) : 0;
    long count = argc > 2 ? number(argv[2], 1000000) : 0;
    long rate = argc == 5 ? number(argv[3], 1000000) : 0;
    long seconds = argc == 5 ? number(argv[4], 86400) : 0;

    if (!port || !count || (argc != 3 && (!rate || !seconds))) {
        fputs("usage: bench_devices PORT COUNT [RATE SECONDS]\n", stderr);
        return 2;
    }
    mosquitto_lib_init();
    int rc = rate ? devices_say_readings((int)port, (int)count, (int)rate,
                                         (uint64_t)rate * (uint64_t)seconds)
                  : devices_say_status((int)port, (int)count);
    mosquitto_lib_cleanup();
    return rc == 0 ? 0 : 1;
}
