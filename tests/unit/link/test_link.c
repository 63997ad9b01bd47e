/* The link against a real broker: what only the two together can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker.h"
#include "link/link.h"

static const char *make_pki; /* the script */

struct client {
    struct link *link;
    int ups, downs;
    char reason[128];
    uint64_t messages, retained, before_up;
    char last_topic[128], last_body[128];
    int acked_mid, acked_code;
    uint64_t acked;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What this thread has computed: a machine that gives it no turn does not count. */
static int64_t busy_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_message(void *ctx, const char *topic, const void *body, size_t len, bool retained)
{
    struct client *c = ctx;
    c->messages++;
    c->retained += retained;
    c->before_up += c->ups == 0;
    snprintf(c->last_topic, sizeof(c->last_topic), "%s", topic);
    snprintf(c->last_body, sizeof(c->last_body), "%.*s", (int)(len < 100 ? len : 100),
             (const char *)body);
}

static void on_state(void *ctx, bool up, const char *reason)
{
    struct client *c = ctx;
    c->ups += up;
    c->downs += !up;
    if (!up)
        snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

static void on_published(void *ctx, int mid, int code)
{
    struct client *c = ctx;
    c->acked++;
    c->acked_mid = mid;
    c->acked_code = code;
}

static const struct log to_stderr = { .sink = log_to_stderr, .least = LOG_DEBUG };

static struct link_config config_of(struct client *c, const struct broker *b, const char *id)
{
    return (struct link_config){ .host = "127.0.0.1",
                                 .port = b->port,
                                 .client_id = id,
                                 .topic = { "devices/+/status", "fleet/#" },
                                 .topic_count = 2,
                                 .log = getenv("LINK_TEST_LOG") ? &to_stderr : NULL,
                                 .on_message = on_message,
                                 .on_state = on_state,
                                 .on_published = on_published,
                                 .ctx = c };
}

static void open_client(struct client *c, const struct link_config *config)
{
    struct err err;
    memset(c, 0, sizeof(*c));
    c->link = link_new(config, &err);
    if (!c->link)
        fail_msg("%s", err.text);
}

static void run_once(struct client *c)
{
    struct pollfd p = { .fd = link_fd(c->link), .events = POLLIN };
    if (link_wants_write(c->link))
        p.events |= POLLOUT;
    int64_t wait = link_next_ms(c->link) - now_ms();
    poll(&p, 1, wait < 0 ? 0 : wait > 20 ? 20 : (int)wait);
    while (
        link_run(c->link, p.revents & (POLLIN | POLLHUP | POLLERR), p.revents & POLLOUT, now_ms()))
        p.revents = POLLIN;
}

/* Run until `condition` or for two minutes: how fast a loaded machine is is not asked. */
#define RUN_UNTIL(c, condition)                                                                    \
    do {                                                                                           \
        int64_t end_ = now_ms() + 120000;                                                          \
        while (!(condition) && now_ms() < end_)                                                    \
            run_once(c);                                                                           \
        if (!(condition))                                                                          \
            fail_msg("never: %s (link: %s)", #condition, (c)->reason);                             \
    } while (0)

static int publish(struct client *c, const char *topic, const char *body, bool retain)
{
    struct link_publish m = {
        .topic = topic, .body = body, .len = strlen(body), .qos = 1, .retain = retain
    };
    return link_publish(c->link, &m);
}

static int setup(void **state)
{
    static struct broker broker;
    broker_init(&broker);
    *state = &broker;
    return 0;
}

static int setup_plain(void **state)
{
    setup(state);
    broker_start(*state, "allow_anonymous true");
    return 0;
}

static int teardown(void **state)
{
    broker_end(*state);
    return 0;
}

static void a_message_goes_round_and_is_acknowledged(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct link_config config = config_of(&c, b, "one");
    open_client(&c, &config);
    assert_int_equal(publish(&c, "fleet/x", "too early", false), -1);
    int64_t began = now_ms();
    RUN_UNTIL(&c, c.ups == 1);

    struct link_publish m = { .topic = "fleet/rollouts/r-1",
                              .body = "hello",
                              .len = 5,
                              .qos = 1,
                              .expiry_s = 60,
                              .correlation = "\x01\x02",
                              .correlation_len = 2 };
    int mid = link_publish(c.link, &m);
    assert_true(mid > 0);
    RUN_UNTIL(&c, c.acked == 1 && c.messages == 1);
    assert_int_equal(c.acked_mid, mid);
    assert_true(c.acked_code < 128);
    assert_string_equal(c.last_topic, "fleet/rollouts/r-1");
    assert_string_equal(c.last_body, "hello");

    struct link_facts facts;
    link_facts(c.link, &facts);
    assert_true(facts.up && facts.rtt_ms >= 0 && facts.rtt_ms <= now_ms() - began);
    link_free(c.link);
}

static void the_round_trip_is_measured_without_publishing(void **state)
{
    struct client c;
    struct link_facts facts;
    struct link_config config = config_of(&c, *state, "rtt");
    open_client(&c, &config);
    RUN_UNTIL(&c, (link_facts(c.link, &facts), facts.rtt_ms >= 0));
    link_free(c.link);
}

static void the_retained_picture_comes_whole_and_before_the_link_counts_as_up(void **state)
{
    enum { DEVICES = 8000 };
    struct client writer, reader;
    char topic[64];
    struct link_config config = config_of(&writer, *state, "writer");
    config.topic_count = 0;
    open_client(&writer, &config);
    RUN_UNTIL(&writer, writer.ups == 1);
    for (int i = 0; i < DEVICES; i++) {
        snprintf(topic, sizeof(topic), "devices/d%d/status", i);
        while (publish(&writer, topic, "{\"state\":\"online\"}", true) < 0)
            run_once(&writer); /* 10,000 are under way */
    }
    RUN_UNTIL(&writer, writer.acked == DEVICES);
    link_free(writer.link);

    config = config_of(&reader, *state, "reader");
    config.topic_count = 1; /* nothing behind it that would hide a SUBACK that comes first */
    open_client(&reader, &config);
    RUN_UNTIL(&reader, reader.ups == 1);
    assert_int_equal(reader.retained, DEVICES);
    assert_int_equal(reader.before_up, DEVICES);
    link_resubscribe(reader.link);
    RUN_UNTIL(&reader, reader.retained == 2 * DEVICES);
    link_free(reader.link);
}

/* Until the broker has sent what it has: a reader that is as fast as it never has too much. */
static void let_it_pile_up(struct link *l)
{
    int before = -1, now = 0;
    int64_t since = now_ms(), end = since + 60000;

    while (now_ms() < end && (now == 0 || now_ms() - since < 500)) {
        assert_int_equal(ioctl(link_fd(l), FIONREAD, &now), 0);
        if (now != before)
            since = now_ms();
        before = now;
        poll(NULL, 0, 20);
    }
}

static void a_flood_does_not_keep_the_caller_waiting(void **state)
{
    enum { MESSAGES = 30000 };
    struct client writer, reader;
    struct link_config config = config_of(&writer, *state, "writer");
    struct link_config reading = config_of(&reader, *state, "reader");
    config.topic_count = 0;
    open_client(&writer, &config);
    open_client(&reader, &reading);
    RUN_UNTIL(&writer, writer.ups == 1);
    RUN_UNTIL(&reader, reader.ups == 1);
    struct link_publish m = { .topic = "fleet/flood", .body = "0123456789", .len = 10, .qos = 0 };
    for (int i = 0; i < MESSAGES; i++) {
        assert_true(link_publish(writer.link, &m) > 0);
        if (i % 500 == 0)
            run_once(&writer);
    }
    RUN_UNTIL(&writer, !link_wants_write(writer.link));
    let_it_pile_up(reader.link);

    int64_t worst = 0, end = now_ms() + 120000;
    bool paused = false;
    while (reader.messages < MESSAGES && now_ms() < end) {
        int64_t before = busy_ms();
        paused = link_run(reader.link, true, false, now_ms()) || paused;
        worst = busy_ms() - before > worst ? busy_ms() - before : worst;
    }
    assert_int_equal(reader.messages, MESSAGES);
    assert_true(paused);
    assert_in_range(worst, 0, 40); /* 5 ms are asked for */
    link_free(writer.link);
    link_free(reader.link);
}

static void a_broker_that_goes_is_told_and_one_that_comes_is_found(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct link_facts facts;
    struct link_config config = config_of(&c, b, "one");
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    broker_stop(b);
    RUN_UNTIL(&c, c.downs >= 1);
    assert_int_equal(link_fd(c.link), -1);
    link_facts(c.link, &facts);
    assert_false(facts.up);
    assert_true(facts.retry_at_ms > 0 && facts.attempt >= 1 && facts.since_ms > 0);
    assert_int_equal(publish(&c, "fleet/x", "x", false), -1);

    RUN_UNTIL(&c, c.downs >= 2);
    assert_string_equal(c.reason, "Connection refused");

    broker_start(b, "allow_anonymous true");
    link_reconnect(c.link, now_ms());
    RUN_UNTIL(&c, c.ups == 2);
    link_facts(c.link, &facts);
    assert_int_equal(facts.attempt, 0);
    link_free(c.link);
}

static void what_was_not_acknowledged_is_sent_again(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct link_config config = config_of(&c, b, "one");
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    broker_stop(b);
    /* Not yet noticed: taken, and so it must arrive. */
    assert_true(publish(&c, "fleet/rollouts/r-9", "kept", true) > 0);
    RUN_UNTIL(&c, c.downs >= 1);
    broker_start(b, "allow_anonymous true");
    link_reconnect(c.link, now_ms());
    RUN_UNTIL(&c, c.acked == 1);
    link_free(c.link);
}

static void the_first_topics_are_subscribed_at_qos_1_when_asked(void **state)
{
    struct broker *b = *state;
    struct client c;

    broker_start(b, "allow_anonymous true\nlog_type all");
    struct link_config config = config_of(&c, b, "one");
    config.sure_count = 1;
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    assert_true(broker_says(b, "one 1 devices/+/status"));
    assert_true(broker_says(b, "one 0 fleet/#"));
    link_free(c.link);
}

/* The tests' own helper: as when two of them run at once. */
static void a_port_that_somebody_takes_first_is_given_up(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(b->port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    broker_start(b, "allow_anonymous true");
    assert_int_not_equal(b->port, ntohs(a.sin_port));
    struct link_config config = config_of(&c, b, "one");
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    link_free(c.link);
    close(fd);
}

static void two_consoles_with_one_id_find_out_and_do_not_fight(void **state)
{
    struct client first, second;
    struct link_facts facts;
    struct link_config config = config_of(&first, *state, "same");
    open_client(&first, &config);
    RUN_UNTIL(&first, first.ups == 1);
    for (int i = 0; i < 2; i++) {
        config = config_of(&second, *state, "same");
        open_client(&second, &config);
        RUN_UNTIL(&second, second.ups == 1);
        RUN_UNTIL(&first, first.downs == i + 1);
        link_free(second.link);
        if (i == 0) {
            link_reconnect(first.link, now_ms());
            RUN_UNTIL(&first, first.ups == 2);
        }
    }
    if (!strstr(first.reason, "another console"))
        fail_msg("%s", first.reason);
    link_facts(first.link, &facts);
    assert_true(facts.retry_at_ms > 0);
    link_free(first.link);
}

static void a_host_that_does_not_answer_is_given_up_in_time(void **state)
{
    struct broker *b = *state; /* not started: our own socket, which never accepts */
    struct client c;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct link_config config = config_of(&c, b, "one");
    assert_int_equal(listen(fd, 1), 0); /* binds to a free port */
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    uint8_t port[2];
    memcpy(port, (const char *)&a + 2, 2); /* sin_port */
    config.port = (uint16_t)(port[0] << 8 | port[1]);
    open_client(&c, &config);
    for (int i = 0; i < 5; i++)
        run_once(&c);
    assert_int_equal(c.downs, 0);
    link_run(c.link, false, false, now_ms() + 15001);
    assert_int_equal(c.downs, 1);
    assert_string_equal(c.reason, "Connection timed out");
    close(fd);
    link_free(c.link);
}

static void a_refused_topic_is_acknowledged_as_refused(void **state)
{
    struct broker *b = *state;
    struct client c;
    char path[128], conf[256];
    snprintf(path, sizeof(path), "%s/acl", b->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("topic readwrite fleet/#\ntopic read devices/#\n", f);
    fclose(f);
    snprintf(conf, sizeof(conf), "allow_anonymous true\nacl_file %s", path);
    broker_start(b, conf);

    struct link_config config = config_of(&c, b, "one");
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    assert_true(publish(&c, "devices/x/status", "forged", true) > 0);
    RUN_UNTIL(&c, c.acked == 1);
    assert_int_equal(c.acked_code, 135);
    link_free(c.link);
}

static void what_can_not_work_is_refused_at_once(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct err err;
    struct link_config config = config_of(&c, b, "one");
    config.ca = "/nowhere/ca.pem";
    assert_null(link_new(&config, &err));
    assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
    config = config_of(&c, b, "one");
    config.topic[0] = "a/#/b";
    assert_null(link_new(&config, &err));
    assert_non_null(strstr(err.text, "a/#/b"));
    config = config_of(&c, b, "one");
    config.host = "";
    assert_null(link_new(&config, &err));
}

/* ---- TLS ------------------------------------------------------------------------------------ */

struct files {
    char ca[96], cert[96], key[96];
};

static struct link_config tls_config(struct client *c, const struct broker *b, const char *ca,
                                     const char *name, struct files *files)
{
    struct link_config config = config_of(c, b, "tls");
    snprintf(files->ca, sizeof(files->ca), "%s/%s.pem", b->dir, ca);
    snprintf(files->cert, sizeof(files->cert), "%s/%s.pem", b->dir, name);
    snprintf(files->key, sizeof(files->key), "%s/%s.key", b->dir, name);
    config.ca = files->ca;
    if (*name) {
        config.cert = files->cert;
        config.key = files->key;
    }
    return config;
}

static void start_tls_with(struct broker *b, const char *server, const char *more)
{
    char conf[700];
    broker_run(make_pki, b->dir);
    snprintf(conf, sizeof(conf),
             "allow_anonymous true\ncafile %s/authority.pem\ncertfile %s/%s.pem\n"
             "keyfile %s/%s.key\nrequire_certificate true\nuse_identity_as_username true\n%s",
             b->dir, b->dir, server, b->dir, server, more);
    broker_start(b, conf);
}

static void start_tls(struct broker *b, const char *server)
{
    start_tls_with(b, server, "");
}

static void a_certificate_opens_the_door_and_the_round_works(void **state)
{
    struct client c;
    struct files files;
    struct link_facts facts;
    start_tls(*state, "broker");
    struct link_config config = tls_config(&c, *state, "authority", "operator", &files);
    open_client(&c, &config);
    RUN_UNTIL(&c, c.ups == 1);
    assert_true(publish(&c, "fleet/x", "hello", false) > 0);
    RUN_UNTIL(&c, c.acked == 1 && c.messages == 1);
    link_facts(c.link, &facts);
    assert_string_equal(facts.tls, "on");
    link_free(c.link);
}

/* Two programs of one operator: with use_username_as_clientid the later throws the earlier off. */
static void two_with_one_certificate(struct broker *b, struct client c[2])
{
    struct files files[2];
    for (int i = 0; i < 2; i++) {
        struct link_config config = tls_config(&c[i], b, "authority", "operator", &files[i]);
        config.client_id = i ? "muster-ls-2" : "muster-console-1";
        open_client(&c[i], &config);
        RUN_UNTIL(&c[i], c[i].ups == 1);
    }
}

static void one_certificate_serves_two_programs_only_on_a_listener_for_operators(void **state)
{
    struct client c[2];
    start_tls_with(*state, "broker", "use_username_as_clientid false");
    two_with_one_certificate(*state, c);
    for (int i = 0; i < 20; i++)
        run_once(&c[0]);
    assert_int_equal(c[0].downs, 0);
    link_free(c[0].link);
    link_free(c[1].link);
}

static void on_a_listener_for_devices_the_second_program_throws_the_first_off(void **state)
{
    struct client c[2];
    start_tls_with(*state, "broker", "use_username_as_clientid true");
    two_with_one_certificate(*state, c);
    RUN_UNTIL(&c[0], c[0].downs == 1);
    link_free(c[0].link);
    link_free(c[1].link);
}

static void refusals_in_tls_are_told_in_words(void **state)
{
    static const struct {
        const char *ca, *name, *words;
    } rows[] = {
        { "authority", "expired", "our certificate has expired" },
        { "authority", "stranger", "does not know the authority" },
        { "authority", "", "wants a client certificate" },
        { "other", "operator", "not good by our CA file" },
    };
    struct client c;
    struct files files;
    start_tls(*state, "broker");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct link_config config = tls_config(&c, *state, rows[i].ca, rows[i].name, &files);
        open_client(&c, &config);
        RUN_UNTIL(&c, c.downs == 1);
        if (!strstr(c.reason, rows[i].words))
            fail_msg("%s/%s: %s", rows[i].ca, rows[i].name, c.reason);
        assert_int_equal(c.ups, 0);
        link_free(c.link);
    }
}

static void a_key_of_another_certificate_is_told(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct files files;
    start_tls(b, "broker");
    struct link_config config = tls_config(&c, b, "authority", "operator", &files);
    snprintf(files.key, sizeof(files.key), "%s/stranger.key", b->dir);
    open_client(&c, &config);
    RUN_UNTIL(&c, c.downs == 1);
    if (!strstr(c.reason, "key does not belong"))
        fail_msg("%s", c.reason);
    link_free(c.link);
}

static void a_broker_under_another_name_is_not_believed(void **state)
{
    struct client c;
    struct files files;
    start_tls(*state, "elsewhere");
    struct link_config config = tls_config(&c, *state, "authority", "operator", &files);
    open_client(&c, &config);
    RUN_UNTIL(&c, c.downs == 1);
    assert_non_null(strstr(c.reason, "another host name"));
    link_free(c.link);
}

static void tls_to_a_plain_port_is_told(void **state)
{
    struct broker *b = *state;
    struct client c;
    struct files files;
    broker_run(make_pki, b->dir);
    broker_start(b, "allow_anonymous true");
    struct link_config config = tls_config(&c, b, "authority", "operator", &files);
    open_client(&c, &config);
    RUN_UNTIL(&c, c.downs == 1);
    assert_true(strstr(c.reason, "closed the connection") || strstr(c.reason, "TLS"));
    link_free(c.link);
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, setup_plain, teardown)
#define T(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PLAIN(a_message_goes_round_and_is_acknowledged),
        PLAIN(the_round_trip_is_measured_without_publishing),
        PLAIN(the_retained_picture_comes_whole_and_before_the_link_counts_as_up),
        PLAIN(a_flood_does_not_keep_the_caller_waiting),
        PLAIN(a_broker_that_goes_is_told_and_one_that_comes_is_found),
        PLAIN(what_was_not_acknowledged_is_sent_again),
        T(a_port_that_somebody_takes_first_is_given_up),
        T(the_first_topics_are_subscribed_at_qos_1_when_asked),
        PLAIN(two_consoles_with_one_id_find_out_and_do_not_fight),
        T(a_host_that_does_not_answer_is_given_up_in_time),
        T(a_refused_topic_is_acknowledged_as_refused),
        T(what_can_not_work_is_refused_at_once),
        T(a_certificate_opens_the_door_and_the_round_works),
        T(one_certificate_serves_two_programs_only_on_a_listener_for_operators),
        T(on_a_listener_for_devices_the_second_program_throws_the_first_off),
        T(refusals_in_tls_are_told_in_words),
        T(a_key_of_another_certificate_is_told),
        T(a_broker_under_another_name_is_not_believed),
        T(tls_to_a_plain_port_is_told),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s MAKE-PKI\n", argv[0]);
        return 2;
    }
    make_pki = argv[1];
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("LINK_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
