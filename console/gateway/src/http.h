#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * HTTP/1.1 request heads as bytes in, struct out: no I/O, no heap. Strict where leniency lets
 * requests be smuggled (RFC 9112), lenient in the one place where devices in the field need it: an
 * empty line before the request line.
 */
#define HTTP_HEAD_MAX    8192
#define HTTP_HEADERS_MAX 64

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
    enum http_method method;
    char path[256]; /* not decoded */
    char query[256];
    bool keep_alive;
    char range[96];    /* empty: none */
    char if_range[96]; /* empty: none */
};

/*
 * Is there a whole head in `data`? Its length (blank line included) or 0 when more must come; *skip
 * gets the number of empty-line bytes before it. -1: longer than HTTP_HEAD_MAX.
 */
long http_head_length(const char *data, size_t len, size_t *skip);

/* `head` as found above, without what is skipped. 0, or the status to answer with before closing.
 */
int http_parse(const char *head, size_t len, struct http_request *out);

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_NONE };

/*
 * One range of `size` bytes: PART with first and last byte, NONE when it lies outside (416), WHOLE
 * when there is none, several, or one that can't be read (RFC 9110 section 14.2: ignored).
 */
enum http_range http_range(const char *range, uint64_t size, uint64_t *first, uint64_t *last);

const char *http_status_text(int status);

#endif
