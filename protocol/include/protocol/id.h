#ifndef PROTOCOL_ID_H
#define PROTOCOL_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Device id: 1 to 64 of A-Z a-z 0-9 . _ -, first one alphanumeric. `text` need not be terminated.
 */
bool id_is_valid(const char *text, size_t len);
/* Rollout id: the same alphabet, 1 to 40. Fleet and product names likewise, 1 to 32. */
bool rollout_id_is_valid(const char *text, size_t len);
bool name_is_valid(const char *text, size_t len);
/* A group: the same, and ":", "/" and "+" behind the first character, so that a group can be a
 * label with a value: "site:berlin-7", "tz:Europe/Berlin". */
bool group_is_valid(const char *text, size_t len);

/* A host name or address: 1 to 64 of A-Z a-z 0-9 . - and colons. */
bool host_is_valid(const char *text, size_t len);

/* Where images are fetched from: https://host[:port]/path/ in plain ASCII, at most 160 bytes,
 * ending in a slash; no user, query or fragment. A digest is appended. */
bool base_url_is_valid(const char *text, size_t len);
/* What an order may say of it: a base URL; or a folder below the one that the device is configured
 * with, names with a slash after each ("beta/"), and none at all for that one itself. */
bool order_url_is_valid(const char *text, size_t len);

/* SemVer 2.0.0 precedence; a text that is not SemVer sorts below all that are, and bytewise among
 * its like. <0, 0, >0 */
int semver_compare(const char *a, const char *b);
bool semver_is_valid(const char *text);

#endif
