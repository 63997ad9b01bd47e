#include "port/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put_number(const char *name, long value)
{
    char text[24];
    snprintf(text, sizeof(text), "%ld", value);
    return setenv(name, text, 1);
}

int facts_export(const struct facts *facts)
{
    if (setenv("MUSTER_DEVICE_DIR", facts->dir, 1) ||
        setenv("MUSTER_DEVICE_RESET", reset_word(facts->reset), 1) ||
        setenv("MUSTER_DEVICE_BOOT", facts->boot, 1) ||
        setenv("MUSTER_DEVICE_IMAGE", facts->image, 1))
        return -1;
    return put_number("MUSTER_DEVICE_SLOT", (long)facts->slot) ||
                   put_number("MUSTER_DEVICE_SECURITY", (long)facts->security) ||
                   put_number("MUSTER_DEVICE_TRIAL", facts->trial) ||
                   put_number("MUSTER_DEVICE_WATCHDOG", facts->watchdog_fd) ||
                   put_number("MUSTER_DEVICE_PARENT", facts->parent)
               ? -1
               : 0;
}

static int get_text(const char *name, char *out, size_t cap)
{
    const char *value = getenv(name);
    if (!value || strlen(value) >= cap)
        return -1;
    memcpy(out, value, strlen(value) + 1);
    return 0;
}

static int get_number(const char *name, long least, long most, long *out)
{
    const char *value = getenv(name);
    char *end;
    if (!value || *value == '\0')
        return -1;
    *out = strtol(value, &end, 10);
    return *end == '\0' && *out >= least && *out <= most ? 0 : -1;
}

int facts_import(struct facts *out)
{
    char reset[16];
    long slot, trial, security, watchdog, parent;
    memset(out, 0, sizeof(*out));
    if (get_text("MUSTER_DEVICE_DIR", out->dir, sizeof(out->dir)) ||
        get_text("MUSTER_DEVICE_RESET", reset, sizeof(reset)) ||
        get_text("MUSTER_DEVICE_BOOT", out->boot, sizeof(out->boot)) ||
        get_text("MUSTER_DEVICE_IMAGE", out->image, sizeof(out->image)) ||
        get_number("MUSTER_DEVICE_SLOT", 0, 1, &slot) ||
        get_number("MUSTER_DEVICE_TRIAL", 0, 1, &trial) ||
        get_number("MUSTER_DEVICE_SECURITY", 0, UINT32_MAX, &security) ||
        get_number("MUSTER_DEVICE_WATCHDOG", -1, 1024, &watchdog) ||
        get_number("MUSTER_DEVICE_PARENT", 1, INT32_MAX, &parent))
        return -1;
    if (reset_from_word(reset, strlen(reset), &out->reset))
        out->reset = RESET_UNKNOWN;
    out->slot = (uint32_t)slot;
    out->trial = trial != 0;
    out->security = (uint32_t)security;
    out->watchdog_fd = (int)watchdog;
    out->parent = (int)parent;
    return 0;
}
