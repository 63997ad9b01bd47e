#ifndef PROTOCOL_LIMITS_H
#define PROTOCOL_LIMITS_H

/*
 * Every bound of the wire format, in one place. Text limits are in bytes and count the terminating
 * NUL, so they can size an array. Sizes of signed things are checked before any parsing.
 */
#define PROTO_ID_MAX         65 /* device id: 1 to 64 of A-Z a-z 0-9 . _ -, first one alphanumeric */
#define PROTO_ROLLOUT_MAX    41 /* rollout id: the same alphabet, 1 to 40 */
#define PROTO_FLEET_MAX      33
#define PROTO_PRODUCT_MAX    33
#define PROTO_HW_MAX         17
#define PROTO_HW_COUNT       8
#define PROTO_VERSION_MAX    33 /* SemVer 2.0.0 */
#define PROTO_URL_MAX        161
#define PROTO_DETAIL_MAX     121
#define PROTO_GROUP_MAX      33
#define PROTO_GROUP_COUNT    8
#define PROTO_BOOT_MAX       17 /* 16 hex digits */
#define PROTO_SLOT_MAX       9  /* "ota_0", "factory" */
#define PROTO_KID_MAX        17 /* 16 hex digits */
#define PROTO_DELTA_COUNT    4
#define PROTO_FORMAT_MAX     17
#define PROTO_HOST_MAX       65
#define PROTO_VERB_MAX       16
#define PROTO_TOPIC_MAX      192
#define PROTO_ROOT_MAX       33
#define PROTO_READING_MAX    33 /* name of a reading */
#define PROTO_READINGS       32 /* readings in one message */
#define PROTO_UNIT_MAX       9

#define PROTO_RELEASE_BYTES  2048 /* compact JWS */
#define PROTO_ORDER_BYTES    1024 /* compact JWS */
#define PROTO_KEYSET_BYTES   3072
#define PROTO_UPDATE_BYTES   4096 /* body of commands/update */
#define PROTO_REPORT_BYTES   768
#define PROTO_STATUS_BYTES   1024
#define PROTO_REPLY_BYTES    512
#define PROTO_READINGS_BYTES 4096 /* longer telemetry is refused */

#define PROTO_SHA256_LEN     32
#define PROTO_SHA256_HEX     65 /* with NUL */
#define PROTO_P256_PUB       65 /* 04 || X || Y */
#define PROTO_P256_SIG       64 /* r || s, as JWS has it */

#endif
