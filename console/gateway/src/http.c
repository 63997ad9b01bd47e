#include "http.h"

#include <string.h>

#include "base/text.h"

/* Empty lines that may come before a request line: one is what devices send. */
#define EMPTY_LINES_MAX 4

long http_head_length(const char *data, size_t len, size_t *skip)
{
    size_t at = 0;
    while (at + 1 < len && at < 2 * EMPTY_LINES_MAX && data[at] == '\r' && data[at + 1] == '\n')
        at += 2;
    *skip = at;
    for (size_t i = at; i + 3 < len && i - at < HTTP_HEAD_MAX; i++)
        if (memcmp(data + i, "\r\n\r\n", 4) == 0)
            return (long)(i + 4 - at);
    return len - at >= HTTP_HEAD_MAX ? -1 : 0;
}

static bool is_token(const char *text, size_t len)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' || !strchr(allowed, text[i]))
            return false;
    return len > 0;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 ? text[i] != '\t' : text[i] == 0x7f)
            return false;
    return true;
}

static bool same_name(const char *text, size_t len, const char *name)
{
    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != name[i])
            return false;
    }
    return true;
}

static int parse_target(const char *target, size_t len, struct http_request *out)
{
    const char *mark = memchr(target, '?', len);
    size_t path_len = mark ? (size_t)(mark - target) : len;
    if (len == 0 || target[0] != '/' || !is_printable(target, len) || memchr(target, '\t', len))
        return 400;
    if (!text_copy_n(out->path, sizeof(out->path), target, path_len) ||
        (mark && !text_copy_n(out->query, sizeof(out->query), mark + 1, len - path_len - 1)))
        return 414;
    return 0;
}

static int parse_request_line(const char *line, size_t len, struct http_request *out)
{
    const char *space = memchr(line, ' ', len);
    size_t method_len = space ? (size_t)(space - line) : 0;
    if (!is_token(line, method_len) || len < method_len + 1 + 1 + 9)
        return 400;
    out->method = same_name(line, method_len, "get") && line[0] == 'G'    ? HTTP_GET
                  : same_name(line, method_len, "head") && line[0] == 'H' ? HTTP_HEAD
                                                                          : HTTP_OTHER;
    const char *version = line + len - 9; /* " HTTP/1.1" */
    if (memcmp(version, " HTTP/", 6) != 0)
        return 400;
    if (version[6] != '1' || version[7] != '.' || (version[8] != '0' && version[8] != '1'))
        return 505;
    out->keep_alive = version[8] == '1';
    const char *target = space + 1;
    if (version < target || memchr(target, ' ', (size_t)(version - target)))
        return 400;
    return parse_target(target, (size_t)(version - target), out);
}

/* What the lines said that is not kept in the request. */
struct seen {
    unsigned hosts, ranges, if_ranges;
};

static bool list_has(const char *value, size_t len, const char *word)
{
    for (size_t at = 0; at < len;) {
        while (at < len && (value[at] == ' ' || value[at] == '\t' || value[at] == ','))
            at++;
        size_t end = at;
        while (end < len && value[end] != ',')
            end++;
        size_t trimmed = end;
        while (trimmed > at && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t'))
            trimmed--;
        if (same_name(value + at, trimmed - at, word))
            return true;
        at = end;
    }
    return false;
}

static int take_header(const char *name, size_t name_len, const char *value, size_t len,
                       struct http_request *out, struct seen *seen)
{
    if (same_name(name, name_len, "host")) {
        seen->hosts++;
    } else if (same_name(name, name_len, "connection")) {
        if (list_has(value, len, "close"))
            out->keep_alive = false;
    } else if (same_name(name, name_len, "transfer-encoding")) {
        return 400; /* nothing here takes a body, and who believes in one must not share our stream
                     */
    } else if (same_name(name, name_len, "content-length")) {
        if (len != 1 || value[0] != '0')
            return 413;
    } else if (same_name(name, name_len, "range")) {
        if (seen->ranges++ > 0 || !text_copy_n(out->range, sizeof(out->range), value, len))
            out->range[0] = '\0'; /* one we can't take: the whole */
    } else if (same_name(name, name_len, "if-range")) {
        /* Too long to be one of our tags: something that does not match. */
        if (seen->if_ranges++ > 0 || !text_copy_n(out->if_range, sizeof(out->if_range), value, len))
            text_copy(out->if_range, sizeof(out->if_range), "?");
    }
    return 0;
}

static int parse_header(const char *line, size_t len, struct http_request *out, struct seen *seen)
{
    const char *colon = memchr(line, ':', len);
    /* No space before the colon, no folded lines: is_token() refuses both. */
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return 400;
    const char *value = colon + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!is_printable(value, (size_t)(end - value)))
        return 400;
    return take_header(line, (size_t)(colon - line), value, (size_t)(end - value), out, seen);
}

int http_parse(const char *head, size_t len, struct http_request *out)
{
    struct seen seen = { 0 };
    bool http_1_1 = false;
    *out = (struct http_request){ .method = HTTP_OTHER };
    for (size_t at = 0, lines = 0;; lines++) {
        size_t end = at;
        while (end + 1 < len && !(head[end] == '\r' && head[end + 1] == '\n'))
            end++;
        if (end + 1 >= len)
            return 400;
        if (end == at && lines > 0)
            break;
        if (lines > HTTP_HEADERS_MAX)
            return 431;
        int status = lines == 0 ? parse_request_line(head + at, end - at, out)
                                : parse_header(head + at, end - at, out, &seen);
        if (status != 0)
            return status;
        if (lines == 0)
            http_1_1 = out->keep_alive;
        at = end + 2;
    }
    return seen.hosts > 1 || (http_1_1 && seen.hosts == 0) ? 400 : 0;
}

static bool digits(const char *text, size_t len, uint64_t *out)
{
    char number[24];
    return len > 0 && strspn(text, "0123456789") >= len &&
           text_copy_n(number, sizeof(number), text, len) &&
           text_to_u64(number, 0, UINT64_MAX, out);
}

enum http_range http_range(const char *range, uint64_t size, uint64_t *first, uint64_t *last)
{
    if (strncmp(range, "bytes=", 6) != 0 || strchr(range, ','))
        return HTTP_RANGE_WHOLE;
    range += 6;
    const char *dash = strchr(range, '-');
    if (!dash)
        return HTTP_RANGE_WHOLE;
    size_t before = (size_t)(dash - range), after = strlen(dash + 1);
    if (before == 0) { /* the last n bytes */
        uint64_t n;
        if (!digits(dash + 1, after, &n))
            return HTTP_RANGE_WHOLE;
        if (n == 0 || size == 0)
            return HTTP_RANGE_NONE;
        *first = n >= size ? 0 : size - n;
        *last = size - 1;
        return HTTP_RANGE_PART;
    }
    if (!digits(range, before, first) || (after > 0 && !digits(dash + 1, after, last)))
        return HTTP_RANGE_WHOLE;
    if (after > 0 && *last < *first)
        return HTTP_RANGE_WHOLE;
    if (*first >= size)
        return HTTP_RANGE_NONE;
    if (after == 0 || *last >= size)
        *last = size - 1;
    return HTTP_RANGE_PART;
}

const char *http_status_text(int status)
{
    static const struct row {
        int status;
        const char *text;
    } rows[] = {
        { 200, "OK" },
        { 206, "Partial Content" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 416, "Range Not Satisfiable" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "Unknown";
}
