#ifndef PROTOCOL_REASON_H
#define PROTOCOL_REASON_H

#include <stddef.h>

/*
 * Why something ended: the one list of error numbers of the device side and of the wire. The words
 * travel in reports and replies, the numbers are kept in NVS: append, never renumber, never reuse.
 *
 * X(NAME, number, "word on the wire", class, "text for a person")
 */
#define REASON_MAP(X)                                                                              \
    X(NONE, 0, "none", NONE, "no error")                                                           \
    X(BAD_SIGNATURE, 1, "bad_signature", IMAGE, "signature does not hold")                         \
    X(UNKNOWN_KEY, 2, "unknown_key", IMAGE,                                                        \
      "signed by a key the device does not know for this role")                                    \
    X(REVOKED_KEY, 3, "revoked_key", IMAGE, "signed by a revoked key")                             \
    X(REPLAY, 4, "replay", POLICY, "order number was used before")                                 \
    X(EXPIRED, 5, "expired", POLICY, "order is past its expiry")                                   \
    X(NOT_YET, 6, "not_yet", POLICY, "order is not valid yet")                                     \
    X(WRONG_DEVICE, 7, "wrong_device", POLICY, "order names another device")                       \
    X(WRONG_FLEET, 8, "wrong_fleet", POLICY, "order names another fleet")                          \
    X(WRONG_PRODUCT, 9, "wrong_product", POLICY, "release is for another product")                 \
    X(WRONG_HW, 10, "wrong_hw", POLICY, "release is not for this hardware")                        \
    X(DOWNGRADE, 11, "downgrade", POLICY, "release is not newer than what runs")                   \
    X(SECURITY_DOWNGRADE, 12, "security_downgrade", POLICY,                                        \
      "release is below the device's security floor")                                              \
    X(PRECURSOR, 13, "precursor", POLICY,                                                          \
      "running version is too old to jump straight to this release")                               \
    X(AGENT_TOO_OLD, 14, "agent_too_old", POLICY, "release needs a newer agent")                   \
    X(TOO_BIG, 15, "too_big", POLICY, "image does not fit the slot")                               \
    X(BAD_RELEASE, 16, "bad_release", IMAGE, "release is malformed")                               \
    X(BAD_ORDER, 17, "bad_order", POLICY, "order is malformed or does not name this release")      \
    X(BUSY, 18, "busy", POLICY, "device is busy with something that must not be interrupted")      \
    X(LOW_BATTERY, 19, "low_battery", POLICY, "battery is too low to update")                      \
    X(DEFERRED, 20, "deferred", POLICY, "the application asked to wait")                           \
    X(DNS, 21, "dns", NETWORK, "name of the download server could not be resolved")                \
    X(CONNECT, 22, "connect", NETWORK, "download server could not be reached")                     \
    X(TLS, 23, "tls", NETWORK, "TLS with the download server failed")                              \
    X(HTTP_STATUS, 24, "http_status", NETWORK, "download server answered with an error")           \
    X(SLOW_DOWNLOAD, 25, "slow_download", NETWORK, "download was slower than the minimum")         \
    X(DEADLINE, 26, "deadline", NETWORK, "download passed its deadline")                           \
    X(TRUNCATED, 27, "truncated", NETWORK, "download ended early")                                 \
    X(TOO_LONG, 28, "too_long", IMAGE, "server sent more than the signed size")                    \
    X(HASH_MISMATCH, 29, "hash_mismatch", IMAGE, "image does not have the signed digest")          \
    X(FLASH_WRITE, 30, "flash_write", IMAGE, "flash could not be written")                         \
    X(FLASH_VERIFY, 31, "flash_verify", IMAGE, "flash does not read back what was written")        \
    X(IMAGE_INVALID, 32, "image_invalid", IMAGE, "image header, chip or checksum is wrong")        \
    X(SELF_TEST, 33, "self_test", FIRMWARE, "new firmware failed its self-test")                   \
    X(NET_LOST, 34, "net_lost", NETWORK, "new firmware had no network, as the old one had none")   \
    X(POWER_LOST, 35, "power_lost", POWER, "power was lost during the trial")                      \
    X(PANIC, 36, "panic", FIRMWARE, "new firmware crashed")                                        \
    X(WATCHDOG, 37, "watchdog", FIRMWARE, "new firmware hung until the watchdog bit")              \
    X(ROLLBACK_FAILED, 38, "rollback_failed", FIRMWARE, "the old image could not be brought back") \
    X(ABORTED_BY_OPERATOR, 39, "aborted_by_operator", OPERATOR, "stopped by the operator")         \
    X(NO_SPACE, 40, "no_space", IMAGE, "no slot or no room for it")                                \
    X(RECORD_IO, 41, "record_io", IMAGE, "the device could not keep its records")                  \
    X(REDIRECT, 42, "redirect", NETWORK, "download server sent the device elsewhere")              \
    X(BAD_RANGE, 43, "bad_range", NETWORK,                                                         \
      "download server answered with another range than was asked")                                \
    X(BAD_KEYSET, 44, "bad_keyset", POLICY, "keyset is malformed or not the next version")         \
    X(NO_BROKER, 45, "no_broker", FIRMWARE,                                                        \
      "new firmware could not reach the broker, the old one could")                                \
    X(NO_ACK, 46, "no_ack", FIRMWARE, "the broker never acknowledged the trial report")            \
    X(TRIAL_TIMEOUT, 47, "trial_timeout", FIRMWARE, "new firmware did not prove itself in time")   \
    X(BROWNOUT, 48, "brownout", POWER, "supply voltage fell during the trial")                     \
    X(BAD_CONFIG, 49, "bad_config", POLICY, "a configuration field is unknown or out of range")    \
    X(UNSUPPORTED, 50, "unsupported", POLICY, "this firmware does not have that command")          \
    X(NO_ROLLOUT, 51, "no_rollout", POLICY, "no update of that rollout is under way")              \
    X(TOO_LATE, 52, "too_late", POLICY, "the switch has already been made")                        \
    X(FLASH_READ, 53, "flash_read", IMAGE, "flash could not be read")                              \
    X(BOOT_SWITCH, 54, "boot_switch", IMAGE, "the boot slot could not be changed")                 \
    X(RESET, 55, "reset", FIRMWARE, "new firmware restarted before it had proved itself")          \
    X(INTERNAL, 56, "internal", FIRMWARE, "the agent met a state it does not know")                \
    X(NO_WAY_BACK, 57, "no_way_back", POLICY, "there is no earlier image to go back to")           \
    X(HOST_NOT_ALLOWED, 58, "host_not_allowed", POLICY,                                            \
      "no download server that the device may use")

enum reason {
#define X(name, number, word, class, text) REASON_##name = (number),
    REASON_MAP(X)
#undef X
};

/* What a failure says about: the gate counts FIRMWARE and IMAGE against a release, the others have
 * caps of their own. */
enum reason_class {
    REASON_CLASS_NONE,
    REASON_CLASS_FIRMWARE,
    REASON_CLASS_IMAGE,
    REASON_CLASS_NETWORK,
    REASON_CLASS_POWER,
    REASON_CLASS_POLICY,
    REASON_CLASS_OPERATOR,
    REASON_CLASS_COUNT
};

/* The word on the wire; "unknown" for a number this side does not have (a newer device talks to an
 * older console). */
const char *reason_word(enum reason reason);
/* A sentence for a person; never NULL. */
const char *reason_text(enum reason reason);
enum reason_class reason_class(enum reason reason);
const char *reason_class_word(enum reason_class cls);

/* Find by word of `len` bytes. 0 and *out, or -1 when this side does not know the word (then *out
 * is REASON_INTERNAL). */
int reason_from_word(const char *word, size_t len, enum reason *out);

#endif
