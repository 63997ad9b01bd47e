#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "config.h"
#include "config_alert.h"
#include "config_keys.h"

static char path[64];

static int load(const char *text, struct profile *out, struct err *err)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return config_load(path, out, NULL, err);
}

static int set_up(void **state)
{
    (void)state;
    text_copy(path, sizeof(path), "/tmp/muster-config-XXXXXX.ini");
    int fd = mkstemps(path, 4);
    if (fd < 0)
        return -1;
    return close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void what_the_file_says_is_taken_and_the_rest_has_defaults(void **state)
{
    struct profile p;
    struct err err;
    (void)state;

    assert_int_equal(load("[fleet]\nname = home\n[broker]\nhost = mq\nport = 1883\n"
                          "[gateway]\nmax_downloads = 3 ; a comment\n[ui]\nread_only = yes\nprod = "
                          "yes\nwords = on\n",
                          &p, &err),
                     0);

    assert_string_equal(p.fleet, "home");
    assert_string_equal(p.root, "devices");
    assert_string_equal(p.broker.host, "mq");
    assert_int_equal(p.broker.port, 1883);
    assert_false(p.broker.tls);
    assert_int_equal(p.gateway.max_downloads, 3);
    assert_true(p.ui.read_only);
    assert_true(p.ui.prod);
    assert_true(p.ui.words);
}

static void relative_paths_count_from_the_file(void **state)
{
    struct profile p;
    struct err err;
    (void)state;

    assert_int_equal(load("[broker]\nhost = mq\nca = pki/ca.pem\nkey = /abs/key\n", &p, &err), 0);

    assert_string_equal(p.broker.ca, "/tmp/pki/ca.pem");
    assert_string_equal(p.broker.key, "/abs/key");
    assert_true(p.broker.tls);
}

static void a_mistake_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "[broker]\nhost = mq\nport = 70000\n", ":3: port wants a port" },
        { "[broker]\nhost = mq\n\n[ui]\nread_only = maybe\n", ":5: read_only wants yes or no" },
        { "[broker]\nhost = mq\n[gateway]\nrate = -1\n", ":4: rate wants a whole number" },
        { "[broker]\nhost = mq\n[source s]\nid = word\n", ":4: id wants topic:<n>" },
        { "[broker]\nhost = mq\nnonsense\n", ":3:" },
        { "[fleet]\nname = x\n", "host is missing" },
    };
    struct profile p;
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(load(cases[i].text, &p, &err), -1);
        assert_non_null(strstr(err.text, cases[i].said));
        assert_non_null(strstr(err.text, path));
        assert_int_equal(err.code, EXIT_USAGE);
    }
}

static void sources_keep_their_names(void **state)
{
    struct profile p;
    struct err err;
    (void)state;

    assert_int_equal(load("[broker]\nhost = mq\n[source a]\ntopic = sensors/#\nid = tag:location\n"
                          "[source b]\ntopic = x/+/y\nid = topic:2\n",
                          &p, &err),
                     0);

    assert_int_equal(p.source_count, 2);
    assert_string_equal(p.source[0].name, "a");
    assert_string_equal(p.source[0].topic, "sensors/#");
    assert_string_equal(p.source[1].id, "topic:2");
}

static void a_missing_profile_says_how_to_make_one(void **state)
{
    struct profile p;
    struct err err;
    (void)state;

    assert_int_equal(config_load("/nowhere/x.ini", &p, NULL, &err), -1);

    assert_non_null(strstr(err.text, "/nowhere/x.ini"));
    assert_non_null(strstr(err.text, "muster pki init"));
}

static void a_name_is_looked_up_in_the_configuration_folder(void **state)
{
    char out[PROFILE_PATH_MAX];
    (void)state;

    setenv("XDG_CONFIG_HOME", "/xdg", 1);
    assert_int_equal(config_path("prod", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/xdg/muster/prod.ini");
    assert_int_equal(config_path("./a.ini", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "./a.ini");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/home/x", 1);
    assert_int_equal(config_path(NULL, out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/home/x/.config/muster/default.ini");
}

#define BASE "[broker]\nhost = mq\n"

static void count_lines(void *ctx, enum log_level level, const char *line)
{
    int *count = ctx;
    (void)line;
    if (level == LOG_ERROR)
        ++*count;
}

static void every_mistake_is_said_not_only_the_first(void **state)
{
    struct profile p;
    struct err err;
    int more = 0;
    struct log log = { .sink = count_lines, .ctx = &more };
    (void)state;
    assert_int_equal(load(BASE "port = 0\nport = x\n[ui]\nmouse = maybe\n", &p, &err), -1);

    assert_int_equal(config_load(path, &p, &log, &err), -1);

    assert_non_null(strstr(err.text, ":3: port"));
    assert_int_equal(more, 2);
}

static void keys_can_be_changed(void **state)
{
    struct profile p;
    struct keymap keys;
    struct err err;
    (void)state;

    assert_int_equal(load(BASE "[keys]\nreboot = F5 B\nidentify = none\nupdate = r\n", &p, &err),
                     0);
    assert_int_equal(config_keymap(&p, &keys, &err), 0);

    assert_int_equal(keymap_find(&keys, SCREEN_FLEET, K_FN(5))->action, ACTION_REBOOT);
    assert_int_equal(keymap_find(&keys, SCREEN_DEVICE, 'B')->action, ACTION_REBOOT);
    assert_int_equal(keymap_find(&keys, SCREEN_FLEET, 'r')->action, ACTION_UPDATE);
    assert_null(keymap_find(&keys, SCREEN_FLEET, 'i'));
    assert_int_equal(keymap_find(&keys, SCREEN_FLEET, K_ESC)->action, ACTION_BACK);
}

static void a_wrong_key_is_an_error_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "rebot = x", ":4: [keys] rebot: no action 'rebot'; did you mean reboot?" },
        { "reboot = Fx", ":4: [keys] reboot: 'Fx' is no key" },
        { "reboot = u", ":4: [keys] u would be both reboot and update (as it comes) on the fleet" },
        { "reboot = x\nidentify = x", ":5: [keys] x would be both identify and reboot (line 4)" },
        { "reboot = ^D", ":4: [keys] reboot: ^D is hit by habit: no act may be on it" },
        { "filter = Esc", ":4: [keys] filter: Esc always does the same" },
        { "filter = a b d E F", ":4: [keys] filter: at most 4 keys" },
        { "filter =", ":4: [keys] filter: a key is wanted, or none" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct profile p;
        struct err err = { .text = "" };
        char text[256];
        text_format(text, sizeof(text), BASE "[keys]\n%s\n", rows[i].text);
        assert_int_equal(load(text, &p, &err), -1);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: %s", rows[i].text, err.text);
    }
}

static const struct alert_rule *rule_named(const struct alert_rule *rule, size_t count,
                                           const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rule[i].name, name) == 0)
            return &rule[i];
    return NULL;
}

static void alert_sections_add_change_and_take_out_rules(void **state)
{
    struct profile p;
    struct err err;
    struct alert_rule rule[ALERT_RULES];
    size_t count;
    (void)state;

    assert_int_equal(load(BASE "[alert hot]\nwhen = temp>30\nclear = temp<28\nfor = 2m\n"
                               "level = crit\ntarget = group:berlin\n"
                               "[alert offline]\nfor = 1h\n[alert new]\noff = yes\n"
                               "[alert reboots]\ncount = 3\nwithin = 10m\n",
                          &p, &err),
                     0);
    assert_int_equal(config_alerts(&p, rule, &count, &err), 0);

    const struct alert_rule *hot = rule_named(rule, count, "hot");
    assert_non_null(hot);
    assert_string_equal(hot->when, "temp>30");
    assert_int_equal(hot->for_s, 120);
    assert_int_equal(hot->level, ALERT_CRIT);
    assert_string_equal(rule_named(rule, count, "offline")->when, "state=offline");
    assert_int_equal(rule_named(rule, count, "offline")->for_s, 3600);
    assert_int_equal(rule_named(rule, count, "reboots")->count, 3);
    assert_null(rule_named(rule, count, "new"));
}

static void a_profile_may_do_without_the_usual_alerts(void **state)
{
    struct profile p;
    struct err err;
    struct alert_rule rule[ALERT_RULES];
    size_t count;
    (void)state;

    assert_int_equal(load(BASE "[alerts]\ndefaults = no\n[alert x]\nwhen = seen>5m\n", &p, &err),
                     0);
    assert_int_equal(config_alerts(&p, rule, &count, &err), 0);

    assert_int_equal(count, 1);
}

static void a_bad_alert_is_an_error_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "[alert x]\nwhen = temp >> 3\n", ":4: [alert x] when: " },
        { "[alert x]\nlevel = warn\n", ":4: [alert x] when is missing" },
        { "[alert x]\nwhen = temp>3\nlevel = loud\n",
          ":5: [alert x] level wants info, warn or crit" },
        { "[alert x]\nwhen = temp>3\nfor = soon\n", ":5: [alert x] for wants a time" },
        { "[alert x]\nwhen = temp>3\ncolour = red\n", ":5: [alert x] knows no colour" },
    };
    struct profile p;
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "%s%s", BASE, bad[i].text);
        assert_int_equal(load(text, &p, &err), -1);
        if (!strstr(err.text, bad[i].says))
            fail_msg("%s", err.text);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_the_file_says_is_taken_and_the_rest_has_defaults),
        T(relative_paths_count_from_the_file),
        T(a_mistake_is_told_with_its_line),
        T(sources_keep_their_names),
        T(a_missing_profile_says_how_to_make_one),
        T(a_name_is_looked_up_in_the_configuration_folder),
        T(alert_sections_add_change_and_take_out_rules),
        T(a_profile_may_do_without_the_usual_alerts),
        T(a_bad_alert_is_an_error_with_its_line),
        T(every_mistake_is_said_not_only_the_first),
        T(keys_can_be_changed),
        T(a_wrong_key_is_an_error_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
