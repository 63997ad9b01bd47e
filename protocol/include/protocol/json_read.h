#ifndef PROTOCOL_JSON_READ_H
#define PROTOCOL_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A strict JSON reader without a heap and without tokens, for messages of a known shape.
 *
 * json_parse() reads the text once and refuses all that is not RFC 8259 to the letter: the grammar,
 * valid UTF-8, paired surrogates, no NUL, no duplicate key (however it is spelt), nesting, and
 * nothing after the object. Look-ups then read the same text again and can rely on that. A large
 * machine keeps where the members of the root are, when they are few and plainly spelt; look-ups go
 * on there behind the last one, for messages whose fields come in the order they are asked for.
 * Memory: this struct, whatever the size of the message.
 *
 * A value is named by its place in the text; JSON_NONE where there is none. The root is 0.
 */
#define JSON_NONE (-1)
#define JSON_ROOT 0

/* The longest text looked at, whatever its kind. */
#define JSON_TEXT_MAX 65535u

/* A 64-bit machine reads many messages, and has code and memory to spare for reading them faster; a
 * smaller one would rather have it short. What they accept and find is the same. */
#ifndef JSON_IS_LARGE
#define JSON_IS_LARGE (SIZE_MAX > UINT32_MAX)
#endif

/* A member of the root, by places in the text. */
struct json_place {
    uint16_t key, key_len; /* its quote; its characters, none of them an escape */
    uint16_t value;
};

enum { JSON_PLACES = 32 };

/* Points into the caller's text, which must outlive it. */
struct json {
    const char *text; /* from the root's brace */
    size_t len;       /* 0 after a text that was refused: nothing is found in it */
#if JSON_IS_LARGE
    bool placed;         /* all members of the root are in `place` */
    uint8_t count, next; /* how many, and the one behind the last that was looked up */
    struct json_place place[JSON_PLACES];
#endif
};

/*
 * The root must be an object. `depth` is how many containers may be open at once: 1 for a flat
 * object. 0; or -1 when it is not strict JSON, too deep, or has more than `most` values, each key
 * counting as one: what the work is bounded by. Uses about 100 bytes of stack for each container.
 */
int json_parse(struct json *j, const char *text, size_t len, unsigned most, int depth);

/* The value of `key`, or JSON_NONE: no such key, or `object` is not an object. */
int json_member(struct json *j, int object, const char *key);

/*
 * Walk a container: the first key of an object or element of an array, then the next one.
 * JSON_NONE at the end, or when `container` is neither. json_value() is a key's value.
 */
int json_first(const struct json *j, int container);
int json_next(const struct json *j, int item);
int json_value(const struct json *j, int key);

/* Walk the root by its members: begin with all zero; false at the end. As the three above. */
struct json_pair {
    int key, value;
    unsigned at; /* how many came so far */
};
bool json_next_pair(const struct json *j, struct json_pair *pair);

/* What a value is. All are false for JSON_NONE. A key is a string. */
bool json_is_object(const struct json *j, int value);
bool json_is_array(const struct json *j, int value);
bool json_is_string(const struct json *j, int value);
bool json_is_number(const struct json *j, int value);

/* A string (or key) equal to `text` once its escapes are undone. */
bool json_equals(const struct json *j, int value, const char *text);

/*
 * The value as a C type. 0; or -1 when it is JSON_NONE, of another type, does not fit or (text) has
 * a control character: then *out is 0, false or empty. Whole numbers are digits only: no sign,
 * fraction or exponent, so that one value has one spelling.
 */
int json_u64(const struct json *j, int value, uint64_t *out);
int json_u32(const struct json *j, int value, uint32_t *out);
int json_bool(const struct json *j, int value, bool *out);
int json_text(const struct json *j, int value, char *out, size_t cap);
/* Exactly `len` bytes in hex. */
int json_hex(const struct json *j, int value, uint8_t *out, size_t len);
/* All texts of a list, `each` bytes apart; *count, which begins as 0, is how many. -1 also for more
 * than `most`. */
int json_texts(const struct json *j, int list, char *out, size_t each, uint32_t most,
               uint32_t *count);
/* As json_text(), but a longer text is cut between characters, and control characters become
 * spaces: for words meant for people. */
int json_prose(const struct json *j, int value, char *out, size_t cap);

/* The raw bytes: a string without its quotes (escapes not undone), a number's digits, a whole
 * object with its braces. False for JSON_NONE. */
bool json_span(const struct json *j, int value, const char **start, size_t *len);
/* The same, and false for what is not a string. */
bool json_string_span(const struct json *j, int value, const char **start, size_t *len);

/* Whether a field must be there. */
enum json_need { JSON_MAY, JSON_MUST };

/* json_member() and one of the above in one: 0 also when a field that need not be there is not. */
int json_get_u64(struct json *j, int object, const char *key, enum json_need need, uint64_t *out);
int json_get_u32(struct json *j, int object, const char *key, enum json_need need, uint32_t *out);
int json_get_bool(struct json *j, int object, const char *key, enum json_need need, bool *out);
int json_get_text(struct json *j, int object, const char *key, enum json_need need, char *out,
                  size_t cap);
int json_get_hex(struct json *j, int object, const char *key, enum json_need need, uint8_t *out,
                 size_t len);

/* Length in bytes of the UTF-8 character at `text`, 0 when it is not one (overlong, surrogate, cut
 * off, above U+10FFFF). */
size_t utf8_length(const char *text, size_t len);

#endif
