#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "http.h"

static int parse(const char *head, struct http_request *out)
{
    return http_parse(head, strlen(head), out);
}

static void a_request_is_taken_apart(void **state)
{
    struct http_request r;
    (void)state;
    assert_int_equal(parse("GET /firmware/ab?x=1 HTTP/1.1\r\nHost: gw\r\nRange: bytes=5-\r\n"
                           "IF-RANGE:\t\"ab\" \r\n\r\n",
                           &r),
                     0);
    assert_int_equal(r.method, HTTP_GET);
    assert_string_equal(r.path, "/firmware/ab");
    assert_string_equal(r.query, "x=1");
    assert_string_equal(r.range, "bytes=5-");
    assert_string_equal(r.if_range, "\"ab\"");
    assert_true(r.keep_alive);
}

static void connections_are_kept_as_the_version_says(void **state)
{
    struct http_request r;
    (void)state;
    assert_int_equal(parse("HEAD / HTTP/1.0\r\n\r\n", &r), 0);
    assert_int_equal(r.method, HTTP_HEAD);
    assert_false(r.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", &r), 0);
    assert_false(r.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", &r), 0);
    assert_true(r.keep_alive);
}

static void what_could_smuggle_a_request_is_refused(void **state)
{
    static const struct {
        const char *head;
        int status;
    } bad[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 413 },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0,5\r\n\r\n", 413 },
        { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
        { "GET /\r\nHost: a\r\n\r\n", 400 },
        { "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "\r\n\r\n", 400 },
        { "", 400 },
    };
    struct http_request r;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse(bad[i].head, &r) != bad[i].status)
            fail_msg("%zu: %d", i, parse(bad[i].head, &r));
    assert_int_equal(http_parse("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 31, &r), 400);
}

static void long_parts_are_refused(void **state)
{
    struct http_request r;
    char text[HTTP_HEAD_MAX];
    (void)state;
    snprintf(text, sizeof(text), "GET /%0300d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_int_equal(parse(text, &r), 414);

    size_t n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X: y\r\n");
    snprintf(text + n, sizeof(text) - n, "\r\n");
    assert_int_equal(parse(text, &r), 431);
}

static void an_empty_line_before_the_request_is_skipped(void **state)
{
    static const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    size_t skip;
    (void)state;
    assert_int_equal(http_head_length(text, strlen(text), &skip), (long)strlen(text) - 2 - 4);
    assert_int_equal(skip, 2);
    for (size_t cut = 0; cut < strlen(text) - 4; cut++)
        assert_int_equal(http_head_length(text, cut, &skip), 0);
}

static void a_head_that_never_ends_is_refused(void **state)
{
    static char text[HTTP_HEAD_MAX + 16];
    size_t skip;
    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(http_head_length(text, HTTP_HEAD_MAX - 1, &skip), 0);
    assert_int_equal(http_head_length(text, HTTP_HEAD_MAX, &skip), -1);
}

static void ranges_are_cut_to_the_size(void **state)
{
    static const struct {
        const char *text;
        enum http_range how;
        uint64_t first, last;
    } rows[] = {
        { "bytes=0-", HTTP_RANGE_PART, 0, 99 },
        { "bytes=0-0", HTTP_RANGE_PART, 0, 0 },
        { "bytes=10-19", HTTP_RANGE_PART, 10, 19 },
        { "bytes=90-1000", HTTP_RANGE_PART, 90, 99 },
        { "bytes=99-", HTTP_RANGE_PART, 99, 99 },
        { "bytes=-1", HTTP_RANGE_PART, 99, 99 },
        { "bytes=-1000", HTTP_RANGE_PART, 0, 99 },
        { "bytes=100-", HTTP_RANGE_NONE, 0, 0 },
        { "bytes=100-200", HTTP_RANGE_NONE, 0, 0 },
        { "bytes=-0", HTTP_RANGE_NONE, 0, 0 },
        { "", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=-", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=5", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=9-5", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=0-1,5-6", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=a-b", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=-1-", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=+1-2", HTTP_RANGE_WHOLE, 0, 0 },
        { "lines=0-1", HTTP_RANGE_WHOLE, 0, 0 },
        { "bytes=99999999999999999999-", HTTP_RANGE_WHOLE, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t first = 0, last = 0;
        enum http_range how = http_range(rows[i].text, 100, &first, &last);
        if (how != rows[i].how)
            fail_msg("%s: %d", rows[i].text, (int)how);
        if (how == HTTP_RANGE_PART) {
            assert_int_equal(first, rows[i].first);
            assert_int_equal(last, rows[i].last);
        }
    }
    uint64_t first, last;
    assert_int_equal(http_range("bytes=0-", 0, &first, &last), HTTP_RANGE_NONE);
    assert_int_equal(http_range("bytes=-5", 0, &first, &last), HTTP_RANGE_NONE);
}

static void every_status_that_is_sent_has_a_text(void **state)
{
    static const int sent[] = { 200, 206, 400, 403, 404, 405, 413, 414, 416, 431, 500, 503, 505 };
    (void)state;
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
        assert_string_not_equal(http_status_text(sent[i]), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(connections_are_kept_as_the_version_says),
        cmocka_unit_test(what_could_smuggle_a_request_is_refused),
        cmocka_unit_test(long_parts_are_refused),
        cmocka_unit_test(an_empty_line_before_the_request_is_skipped),
        cmocka_unit_test(a_head_that_never_ends_is_refused),
        cmocka_unit_test(ranges_are_cut_to_the_size),
        cmocka_unit_test(every_status_that_is_sent_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
