#ifndef PROTOCOL_JSON_WRITE_H
#define PROTOCOL_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A JSON writer into a buffer of the caller's: no heap, no floating point, no white space. It never
 * writes past `cap`; what did not fit is told once, at the end.
 *
 *     struct json_writer w;
 *     json_begin(&w, out, cap);
 *     json_put_text(&w, "state", "online");
 *     return json_end(&w);
 *
 * `key` is NULL inside an array. Keys must be plain ASCII that needs no escape.
 */
struct json_writer {
    char *out;
    size_t cap, len;
    bool comma; /* something precedes in this container */
    bool full;
};

void json_begin(struct json_writer *w, char *out, size_t cap); /* and opens the root object */
/* Closes the root object and terminates. The length, or -1 when it did not fit. */
int json_end(struct json_writer *w);

void json_open_object(struct json_writer *w, const char *key);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *key);
void json_close_array(struct json_writer *w);

/* Escapes what must be; bytes that are not UTF-8 become '?'. */
void json_put_text(struct json_writer *w, const char *key, const char *text);
void json_put_span(struct json_writer *w, const char *key, const char *text, size_t len);
void json_put_u64(struct json_writer *w, const char *key, uint64_t value);
void json_put_i64(struct json_writer *w, const char *key, int64_t value);
/* value / 10^decimals, as fixed-point sensors give it: (2153, 2) is 21.53. `decimals` 0 to 9. */
void json_put_fixed(struct json_writer *w, const char *key, int64_t value, unsigned decimals);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_hex(struct json_writer *w, const char *key, const uint8_t *data, size_t len);
void json_put_b64url(struct json_writer *w, const char *key, const uint8_t *data, size_t len);
/* Bytes that are JSON already, such as a keyset inside a command. */
void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t len);

/* Only where there is something to say: nothing for an empty text or a zero. */
void json_put_text_if(struct json_writer *w, const char *key, const char *text);
void json_put_u64_if(struct json_writer *w, const char *key, uint64_t value);

#endif
