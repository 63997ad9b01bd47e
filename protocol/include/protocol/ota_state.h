#ifndef PROTOCOL_OTA_STATE_H
#define PROTOCOL_OTA_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* The states of an update as reports name them. X(NAME, number, "word", is an end) */
#define OTA_REPORT_MAP(X)                                                                          \
    X(IDLE, 0, "idle", false)                                                                      \
    X(RECEIVED, 1, "received", false)                                                              \
    X(WAITING, 2, "waiting", false)                                                                \
    X(DOWNLOADING, 3, "downloading", false)                                                        \
    X(PAUSED, 4, "paused", false)                                                                  \
    X(VERIFYING, 5, "verifying", false)                                                            \
    X(INSTALLING, 6, "installing", false)                                                          \
    X(REBOOTING, 7, "rebooting", false)                                                            \
    X(TRIAL, 8, "trial", false)                                                                    \
    X(DONE, 9, "done", true)                                                                       \
    X(REJECTED, 10, "rejected", true)                                                              \
    X(FAILED, 11, "failed", true)                                                                  \
    X(ABORTED, 12, "aborted", true)                                                                \
    X(EXPIRED, 13, "expired", true)                                                                \
    X(ROLLED_BACK, 14, "rolled_back", true)

enum ota_report_state {
#define X(name, number, word, end) OTA_REPORT_##name = (number),
    OTA_REPORT_MAP(X)
#undef X
        OTA_REPORT_STATES
};

const char *ota_report_word(enum ota_report_state state); /* never NULL */
bool ota_report_is_end(enum ota_report_state state);
/* 0 and *out, or -1 for a word this side does not know. */
int ota_report_from_word(const char *word, size_t len, enum ota_report_state *out);

#endif
