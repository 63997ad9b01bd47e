#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "http.h"
#include "https_server.h"

static struct tls_texts texts;
static struct tls_identity identity;
static struct https_server server;
static struct http http;

static int setup(void **state)
{
    (void)state;
    https_identity(&texts);
    identity = tls_identity_of(&texts);
    https_start(&server, &texts);
    return http_init(&http, &identity);
}

static int teardown(void **state)
{
    (void)state;
    http_free(&http);
    https_stop(&server);
    return 0;
}

static void open_path(const char *path, uint32_t from, const char *etag)
{
    char url[128];
    snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", (unsigned)server.port, path);
    assert_int_equal(http_open(&http, url, from, etag), REASON_NONE);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void work(void)
{
    http_wait(&http, NULL, 0, 50);
    http_run(&http);
}

static enum ota_io wait_answer(struct ota_http_answer *answer, enum reason *why)
{
    int64_t until = now_ms() + 20000;
    enum ota_io io;
    *why = REASON_NONE;
    while ((io = http_answer(&http, answer, why)) == OTA_AGAIN && now_ms() < until)
        work();
    return io;
}

static void assert_fails(const char *path, enum reason reason)
{
    struct ota_http_answer answer;
    enum reason why;
    open_path(path, 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_FAIL);
    if (why != reason)
        print_message("%s: %d %s\n", path, http.result, http.error);
    assert_string_equal(reason_word(why), reason_word(reason));
    http_close(&http);
}

/* Bytes until the end or a failure; each must be the right one. */
static uint32_t read_all(uint32_t from, enum ota_io *end, enum reason *why)
{
    uint8_t data[4096];
    uint32_t at = from;
    int64_t until = now_ms() + 20000;
    size_t got;
    while (now_ms() < until) {
        *end = http_read(&http, data, sizeof(data), &got, why);
        if (*end == OTA_FAIL || (*end == OTA_OK && got == 0))
            break;
        if (*end == OTA_AGAIN) {
            work();
            continue;
        }
        for (size_t i = 0; i < got; i++)
            assert_int_equal(data[i], (at + i) % 251);
        at += (uint32_t)got;
    }
    return at - from;
}

static void a_download_arrives_whole_with_its_head(void **state)
{
    struct ota_http_answer answer;
    enum ota_io end;
    enum reason why;
    (void)state;

    open_path("/plain", 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    assert_int_equal(answer.status, 200);
    assert_true(answer.has_total && answer.total == 1000 && answer.from == 0);
    assert_string_equal(answer.etag, "\"abc\"");
    assert_int_equal(read_all(0, &end, &why), 1000);
    assert_int_equal(end, OTA_OK);
    http_close(&http);
}

static void a_resumed_download_asks_for_the_rest_of_the_same_file(void **state)
{
    struct ota_http_answer answer;
    enum ota_io end;
    enum reason why;
    (void)state;

    open_path("/range", 400, "\"abc\"");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    assert_int_equal(answer.status, 206);
    assert_true(answer.has_total && answer.total == 1000 && answer.from == 400);
    assert_int_equal(read_all(400, &end, &why), 600);
    assert_int_equal(end, OTA_OK);
    http_close(&http);
}

static void an_early_end_is_truncated(void **state)
{
    struct ota_http_answer answer;
    enum ota_io end;
    enum reason why;
    (void)state;

    open_path("/cut", 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    assert_int_equal(read_all(0, &end, &why), 300); /* what came is not lost */
    assert_int_equal(end, OTA_FAIL);
    assert_int_equal(why, REASON_TRUNCATED);
    http_close(&http);
}

static void retry_after_is_handed_on(void **state)
{
    struct ota_http_answer answer;
    enum reason why;
    (void)state;

    open_path("/busy", 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    assert_int_equal(answer.status, 503);
    assert_int_equal(answer.retry_after_s, 7);
    http_close(&http);
}

static void a_redirect_on_the_same_server_is_followed(void **state)
{
    struct ota_http_answer answer;
    enum ota_io end;
    enum reason why;
    (void)state;

    open_path("/hop", 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(read_all(0, &end, &why), 1000); /* without the redirect's own body */
    assert_int_equal(end, OTA_OK);
    http_close(&http);
}

static void a_redirect_elsewhere_or_without_end_is_refused(void **state)
{
    (void)state;

    assert_fails("/loop", REASON_REDIRECT);
    assert_fails("/away", REASON_REDIRECT);
    assert_fails("/down", REASON_REDIRECT);
    assert_fails("/flood", REASON_REDIRECT);
}

static void a_reader_that_rests_is_waited_for(void **state)
{
    struct ota_http_answer answer;
    enum ota_io end;
    enum reason why;
    (void)state;

    open_path("/big", 0, "");
    assert_int_equal(wait_answer(&answer, &why), OTA_OK);
    for (int i = 0; i < 20; i++) /* nobody reads */
        work();
    assert_true(http_has_news(&http));
    assert_true(http.end - http.begin <= HTTP_BUFFER);
    assert_int_equal(read_all(0, &end, &why), 1000000);
    assert_int_equal(end, OTA_OK);
    http_close(&http);
}

static void no_server_is_connect_and_no_name_is_dns(void **state)
{
    struct ota_http_answer answer;
    enum reason why;
    (void)state;

    assert_int_equal(http_open(&http, "https://127.0.0.1:1/x", 0, ""), REASON_NONE);
    assert_int_equal(wait_answer(&answer, &why), OTA_FAIL);
    assert_int_equal(why, REASON_CONNECT);
    http_close(&http);
    assert_int_equal(http_open(&http, "https://nowhere.invalid/x", 0, ""), REASON_NONE);
    assert_int_equal(wait_answer(&answer, &why), OTA_FAIL);
    assert_int_equal(why, REASON_DNS);
    http_close(&http);
    assert_int_not_equal(http_open(&http, "http://127.0.0.1/x", 0, ""), REASON_NONE);
    assert_fails("/nothing", REASON_CONNECT);
}

static void another_authority_is_a_tls_failure_either_way(void **state)
{
    static struct tls_texts strange;
    struct tls_identity other = tls_identity_of(&strange), mixed = other;
    (void)state;

    https_identity(&strange);
    http.identity = &other; /* we do not trust the server */
    assert_fails("/plain", REASON_TLS);
    mixed.ca = identity.ca; /* the server does not trust us */
    http.identity = &mixed;
    assert_fails("/plain", REASON_TLS);
    http.identity = &identity;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_arrives_whole_with_its_head),
        cmocka_unit_test(a_resumed_download_asks_for_the_rest_of_the_same_file),
        cmocka_unit_test(an_early_end_is_truncated),
        cmocka_unit_test(retry_after_is_handed_on),
        cmocka_unit_test(a_redirect_on_the_same_server_is_followed),
        cmocka_unit_test(a_redirect_elsewhere_or_without_end_is_refused),
        cmocka_unit_test(a_reader_that_rests_is_waited_for),
        cmocka_unit_test(no_server_is_connect_and_no_name_is_dns),
        cmocka_unit_test(another_authority_is_a_tls_failure_either_way),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
