/* Against a real HTTP server: what comes back, and every way in which nothing does. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server.h"
#include "web/web.h"

struct got {
    int calls, status;
    char error[WEB_ERROR_MAX], body[1024];
    size_t len;
    uint32_t retry_after_s;
    int64_t date_s;
};

struct bench {
    const char *python, *script;
    struct server server;
    struct web *web;
};

static void on_done(void *ctx, const struct web_answer *a)
{
    struct got *got = ctx;

    got->calls++;
    got->status = a->status;
    got->len = a->len;
    got->retry_after_s = a->retry_after_s;
    got->date_s = a->date_s;
    snprintf(got->error, sizeof(got->error), "%s", a->error ? a->error : "");
    snprintf(got->body, sizeof(got->body), "%s", a->body);
}

static void turn(struct web *w)
{
    struct pollfd fds[WEB_FDS];
    size_t n = web_fds(w, fds, WEB_FDS);

    poll(fds, (nfds_t)n, web_wait_ms(w));
    web_run(w, fds, n);
}

static void until_quiet(struct web *w)
{
    while (web_pending(w) > 0)
        turn(w);
}

static const char *at(const struct bench *b, const char *path)
{
    static char url[256];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s", b->server.port, path);
    return url;
}

static struct got ask(struct bench *b, struct web_request *q)
{
    struct got got = { 0 };
    struct err err = { 0 };

    if (!q->method)
        q->method = "GET";
    if (!q->timeout_ms)
        q->timeout_ms = 60000;
    q->direct = true;
    if (web_start(b->web, q, on_done, &got, &err) != 0)
        fail_msg("%s", err.text);
    until_quiet(b->web);
    assert_int_equal(got.calls, 1);
    return got;
}

static void a_get_brings_status_body_and_date(void **state)
{
    struct web_request q = { .url = at(*state, "hello") };
    struct got got = ask(*state, &q);

    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "ok");
    assert_true(got.date_s > 1577836800);
    assert_string_equal(got.error, "");
}

static void a_post_carries_headers_and_body_once(void **state)
{
    struct web_request q = { .method = "POST",
                             .url = at(*state, "echo"),
                             .header = { "Content-Type: application/json", "X-Key: k1" },
                             .body = "{\"a\":1}",
                             .len = 7 };
    struct got got = ask(*state, &q);

    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "\"method\": \"POST\""));
    assert_non_null(strstr(got.body, "\"Content-Type\": \"application/json\""));
    assert_non_null(strstr(got.body, "\"X-Key\": \"k1\""));
    assert_non_null(strstr(got.body, "\"body\": \"{\\\"a\\\":1}\""));
    assert_null(strstr(got.body, "Expect"));
}

static void an_empty_post_is_a_post(void **state)
{
    struct web_request q = { .method = "POST", .url = at(*state, "echo") };
    struct got got = ask(*state, &q);

    assert_non_null(strstr(got.body, "\"method\": \"POST\""));
    assert_non_null(strstr(got.body, "\"Content-Length\": \"0\""));
}

static void other_methods_go_out_as_they_are(void **state)
{
    struct web_request q = { .method = "PUT", .url = at(*state, "echo"), .body = "x", .len = 1 };
    struct got got = ask(*state, &q);

    assert_non_null(strstr(got.body, "\"method\": \"PUT\""));
}

static void a_refusal_is_an_answer_and_says_when_to_come_again(void **state)
{
    struct web_request q = { .url = at(*state, "status/503") };
    struct got got = ask(*state, &q);

    assert_int_equal(got.status, 503);
    assert_string_equal(got.error, "");
    assert_int_equal(got.retry_after_s, 7);
}

static void a_redirect_is_not_followed(void **state)
{
    struct web_request q = { .url = at(*state, "redirect") };
    struct got got = ask(*state, &q);

    assert_int_equal(got.status, 302);
    assert_string_equal(got.body, "");
}

static void a_body_of_just_the_limit_is_kept_and_one_byte_more_is_an_error(void **state)
{
    struct web_request q = { .url = at(*state, "big/1000"), .answer_max = 1000 };
    struct got got = ask(*state, &q);

    assert_int_equal(got.len, 1000);
    q.url = at(*state, "big/1001");
    got = ask(*state, &q);
    assert_string_equal(got.error, "the answer is longer than 1000 bytes");
    assert_int_equal(got.len, 0);
    q = (struct web_request){ .url = at(*state, "big/70000") };
    got = ask(*state, &q);
    assert_string_equal(got.error, "the answer is longer than 65536 bytes");
}

static void a_silent_server_is_given_up_in_time(void **state)
{
    struct web_request q = { .url = at(*state, "slow"), .timeout_ms = 200 };
    struct got got = ask(*state, &q);

    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.error, "timed out"));
}

static void an_answer_that_is_cut_is_an_error(void **state)
{
    struct web_request q = { .url = at(*state, "cut") };
    struct got got = ask(*state, &q);

    assert_string_not_equal(got.error, "");
    assert_string_equal(got.body, "");
}

/* Nobody listens there. It stays taken, so that nobody will. */
static uint16_t closed_port(int *fd_out)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *fd_out = fd;
    return ntohs(a.sin_port);
}

static void a_refused_connection_is_said_without_the_secret_in_the_url(void **state)
{
    char url[96];
    int fd;
    struct web_request q = { .url = url };

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/botSECRET/sendMessage", closed_port(&fd));
    struct got got = ask(*state, &q);
    close(fd);
    assert_non_null(strstr(got.error, "connect"));
    assert_null(strstr(got.error, "SECRET"));
}

static void requests_run_side_by_side_up_to_their_number(void **state)
{
    struct bench *b = *state;
    struct got got[WEB_REQUESTS + 1] = { 0 };
    struct web_request q = {
        .method = "GET", .url = at(b, "hello"), .timeout_ms = 60000, .direct = true
    };
    struct err err;

    for (size_t i = 0; i < WEB_REQUESTS; i++)
        assert_int_equal(web_start(b->web, &q, on_done, &got[i], &err), 0);
    assert_int_equal(web_start(b->web, &q, on_done, &got[WEB_REQUESTS], &err), -1);
    assert_int_equal(err.code, EXIT_REFUSED);
    until_quiet(b->web);
    for (size_t i = 0; i < WEB_REQUESTS; i++)
        assert_int_equal(got[i].status, 200);
    assert_int_equal(got[WEB_REQUESTS].calls, 0);
    assert_int_equal(web_wait_ms(b->web) >= -1, 1);
}

struct chain {
    struct bench *b;
    int left;
    int done;
};

static void on_link(void *ctx, const struct web_answer *a)
{
    struct chain *c = ctx;
    struct web_request q = {
        .method = "GET", .url = at(c->b, "hello"), .timeout_ms = 60000, .direct = true
    };

    assert_int_equal(a->status, 200);
    c->done++;
    if (c->left-- > 0)
        assert_int_equal(web_start(c->b->web, &q, on_link, c, NULL), 0);
}

static void a_callback_may_start_the_next(void **state)
{
    struct chain c = { .b = *state, .left = 20 };
    struct web_request q = {
        .method = "GET", .url = at(c.b, "hello"), .timeout_ms = 60000, .direct = true
    };

    assert_int_equal(web_start(c.b->web, &q, on_link, &c, NULL), 0);
    until_quiet(c.b->web);
    assert_int_equal(c.done, 21);
}

static void a_turn_does_not_wait_for_a_slow_server(void **state)
{
    struct bench *b = *state;
    struct got slow = { 0 }, quick = { 0 };
    struct web_request q = {
        .method = "GET", .url = at(b, "slow"), .timeout_ms = 60000, .direct = true
    };

    assert_int_equal(web_start(b->web, &q, on_done, &slow, NULL), 0);
    q.url = at(b, "hello");
    assert_int_equal(web_start(b->web, &q, on_done, &quick, NULL), 0);
    while (!quick.calls)
        turn(b->web);
    assert_int_equal(slow.calls, 0);
    assert_int_equal(web_pending(b->web), 1);
    web_free(b->web); /* drops it without a word */
    b->web = web_new();
    assert_int_equal(slow.calls, 0);
}

static void a_url_of_another_kind_is_refused(void **state)
{
    struct bench *b = *state;
    static const char *const bad[] = { "file:///etc/passwd", "gopher://x/", "", "127.0.0.1:80" };
    struct err err;

    for (size_t i = 0; i < 4; i++) {
        struct web_request q = { .method = "GET", .url = bad[i], .timeout_ms = 1000 };
        assert_int_equal(web_start(b->web, &q, on_done, NULL, &err), -1);
        assert_int_equal(err.code, EXIT_USAGE);
    }
    assert_int_equal(web_pending(b->web), 0);
}

static void sockets_are_closed_in_programs_that_are_started(void **state)
{
    struct bench *b = *state;
    struct got got = { 0 };
    struct web_request q = {
        .method = "GET", .url = at(b, "slow"), .timeout_ms = 60000, .direct = true
    };
    struct pollfd fds[WEB_FDS];

    assert_int_equal(web_start(b->web, &q, on_done, &got, NULL), 0);
    while (web_fds(b->web, fds, WEB_FDS) == 0)
        turn(b->web);
    assert_true(fcntl(fds[0].fd, F_GETFD) & FD_CLOEXEC);
    web_free(b->web);
    b->web = web_new();
}

static void a_fetch_waits_for_the_answer(void **state)
{
    struct got got = { 0 };
    struct err err;
    struct web_request q = {
        .method = "GET", .url = at(*state, "status/404"), .timeout_ms = 60000, .direct = true
    };

    assert_int_equal(web_fetch(&q, on_done, &got, &err), 0);
    assert_int_equal(got.status, 404);
    q.url = at(*state, "slow");
    q.timeout_ms = 200;
    assert_int_equal(web_fetch(&q, on_done, &got, &err), -1);
    assert_int_equal(err.code, EXIT_REACH);
}

static void a_server_with_an_unknown_authority_gets_nothing(void **state)
{
    struct bench *b = *state;
    struct server tls;
    char dir[] = "/tmp/muster-web-XXXXXX", url[64], good[64], other[64], rm[64];

    assert_non_null(mkdtemp(dir));
    server_start(&tls, b->python, b->script, dir);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", tls.port);
    snprintf(good, sizeof(good), "%s/server.pem", dir);
    snprintf(other, sizeof(other), "%s/other.pem", dir);

    struct web_request q = { .url = url, .ca = good };
    struct got got = ask(b, &q);
    assert_string_equal(got.error, "");
    assert_int_equal(got.status, 200);
    q.ca = other;
    got = ask(b, &q);
    assert_non_null(strstr(got.error, "certificate"));
    assert_int_equal(got.status, 0);
    q.ca = NULL; /* the system's authorities */
    got = ask(b, &q);
    assert_non_null(strstr(got.error, "certificate"));

    server_stop(&tls);
    static const char *const file[] = { "server.pem", "server.key", "other.pem", "other.key" };
    for (size_t i = 0; i < 4; i++) {
        snprintf(rm, sizeof(rm), "%s/%s", dir, file[i]);
        unlink(rm);
    }
    rmdir(dir);
}

static int start(void **state)
{
    struct bench *b = *state;

    server_start(&b->server, b->python, b->script, NULL);
    b->web = web_new();
    return 0;
}

static int stop(void **state)
{
    struct bench *b = *state;

    web_free(b->web);
    server_stop(&b->server);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = { 0 };
#define T(name) cmocka_unit_test_prestate(name, &b)
    const struct CMUnitTest tests[] = {
        T(a_get_brings_status_body_and_date),
        T(a_post_carries_headers_and_body_once),
        T(an_empty_post_is_a_post),
        T(other_methods_go_out_as_they_are),
        T(a_refusal_is_an_answer_and_says_when_to_come_again),
        T(a_redirect_is_not_followed),
        T(a_body_of_just_the_limit_is_kept_and_one_byte_more_is_an_error),
        T(a_silent_server_is_given_up_in_time),
        T(an_answer_that_is_cut_is_an_error),
        T(a_refused_connection_is_said_without_the_secret_in_the_url),
        T(requests_run_side_by_side_up_to_their_number),
        T(a_callback_may_start_the_next),
        T(a_turn_does_not_wait_for_a_slow_server),
        T(a_url_of_another_kind_is_refused),
        T(sockets_are_closed_in_programs_that_are_started),
        T(a_fetch_waits_for_the_answer),
        T(a_server_with_an_unknown_authority_gets_nothing),
    };

    if (argc != 3)
        return 2;
    b.python = argv[1];
    b.script = argv[2];
    void *state = &b;
    if (start(&state))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop(&state);
    return failed;
}
