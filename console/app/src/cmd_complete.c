#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "ossl/crypto.h"
#include "release/store.h"
#include "store/alerts.h"
#include "store/known.h"
#include "store/store.h"

#include "commands.h"
#include "complete_place.h"
#include "config.h"
#include "config_alert.h"
#include "session.h"
#include "templates.h"

/*
 * What a word may become, for shells: from files alone, no broker. It is asked at each Tab, so it
 * gives up after LIMIT_S, and says nothing where something is missing.
 */
enum {
    LIMIT_S = 3,
    ANSWERS = 200, /* more are of no use to anybody */
    ROWS = 1000,   /* that are looked through */
    LONGEST = 80
};

struct asked {
    const char *prefix, *before;
    const struct profile *profile;
    FILE *out;
    size_t said;
    char last[LONGEST];
};

/*
 * Ids come from devices and from a network: only letters, digits and signs that no shell and no
 * completion reads as anything else. What has others is left out, wherever it came from.
 */
static bool is_harmless(const char *word)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "._-+@:";

    return *word && *word != '-' && word[strspn(word, good)] == '\0' && strlen(word) < LONGEST;
}

static void offer(struct asked *a, const char *word)
{
    if (a->said == ANSWERS || strncmp(word, a->prefix, strlen(a->prefix)) != 0 ||
        !is_harmless(word) || strcmp(word, a->last) == 0)
        return;
    text_copy(a->last, sizeof(a->last), word);
    fprintf(a->out, "%s\n", word);
    a->said++;
}

/* ---- sources --------------------------------------------------------------------------------- */

static void offer_id(void *ctx, const char *id)
{
    offer(ctx, id);
}

static void devices(struct asked *a)
{
    struct known *known = known_open(a->profile->journal, true, NULL);

    if (known)
        known_ids(known, a->prefix, ANSWERS, offer_id, a, NULL);
    known_close(known);
}

static struct store *journal(const struct asked *a)
{
    const char *path = a->profile->journal;

    return *path && files_exists(path) ? store_open(path, true, ossl_crypto(), NULL) : NULL;
}

static void rollouts(struct asked *a)
{
    struct store *store = journal(a);
    struct store_rollout_row *row = mem_array(ROWS, sizeof(*row));
    int n = store ? store_rollout_list(store, row, ROWS, NULL) : 0;

    for (int i = 0; i < n; i++)
        offer(a, row[i].id);
    free(row);
    store_close(store);
}

static void releases(struct asked *a, bool products)
{
    struct release_store *s = a->profile->store_dir[0]
                                  ? release_store_open(a->profile->store_dir, ossl_crypto(), NULL)
                                  : NULL;

    for (size_t i = 0; s && i < release_store_count(s); i++) {
        const struct release *r = &release_store_at(s, i)->release;
        char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];
        text_format(name, sizeof(name), "%s@%s", r->product, r->version);
        offer(a, products ? r->product : name);
    }
    release_store_close(s);
}

static void rules(struct asked *a)
{
    struct alert_rule rule[ALERT_RULES];
    struct err err;
    size_t count;

    if (config_alerts(a->profile, rule, &count, &err))
        return;
    for (size_t i = 0; i < count; i++)
        offer(a, rule[i].name);
}

static void subjects(struct asked *a)
{
    struct store *store = journal(a);
    struct store_alert *row = mem_array(ROWS, sizeof(*row));
    int n = store ? store_alert_open(store, row, ROWS, NULL) : 0;

    for (int i = 0; i < n; i++)
        if (strcmp(row[i].rule, a->before) == 0)
            offer(a, row[i].subject);
    free(row);
    store_close(store);
}

static void silences(struct asked *a)
{
    struct store_silence row[ALERT_SILENCES];
    struct store *store = journal(a);

    int n = store ? store_silence_list(store, session_now(), row, ALERT_SILENCES, NULL) : 0;
    for (int i = 0; i < n; i++) {
        char number[24];
        text_format(number, sizeof(number), "%lld", (long long)row[i].id);
        offer(a, number);
    }
    store_close(store);
}

static void templates(struct asked *a)
{
    char **names;
    int n = template_list(&names, NULL);

    for (int i = 0; i < n; i++)
        offer(a, names[i]);
    if (n >= 0)
        template_list_free(names, n);
}

static void answer(struct asked *a, enum complete_kind kind)
{
    switch (kind) {
    case COMPLETE_DEVICE:
        devices(a);
        break;
    case COMPLETE_ROLLOUT:
        rollouts(a);
        break;
    case COMPLETE_RELEASE:
    case COMPLETE_PRODUCT:
        releases(a, kind == COMPLETE_PRODUCT);
        break;
    case COMPLETE_RULE:
        rules(a);
        break;
    case COMPLETE_SUBJECT:
        subjects(a);
        break;
    case COMPLETE_SILENCE:
        silences(a);
        break;
    case COMPLETE_SINK:
        for (size_t i = 0; i < a->profile->notify_count; i++)
            offer(a, a->profile->notify[i].name);
        break;
    case COMPLETE_TEMPLATE:
        templates(a);
        break;
    case COMPLETE_NOTHING:
        break;
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static void give_up(int signal)
{
    (void)signal;
    _exit(EXIT_DONE);
}

static void limit_time(void)
{
    struct sigaction late = { .sa_handler = give_up };
    struct itimerval span = { .it_value = { .tv_sec = LIMIT_S } };

    sigaction(SIGALRM, &late, NULL);
    setitimer(ITIMER_REAL, &span, NULL);
}

static void no_log(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

static int run_complete(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct log quiet = { .sink = no_log, .least = LOG_ERROR };
    struct complete_place place;
    struct err err;

    complete_place(app_command_tables, args->word, args->word_count, &place);
    if (place.kind == COMPLETE_NOTHING)
        return EXIT_NO;
    limit_time();
    struct profile *profile = mem_alloc(sizeof(*profile));
    struct asked a = { .prefix = args->word[args->word_count - 1],
                       .before = place.before,
                       .profile = profile,
                       .out = ctx->out };
    if (!config_load(place.profile ? place.profile : getenv("MUSTER_PROFILE"), profile, &quiet,
                     &err))
        answer(&a, place.kind);
    free(profile);
    return EXIT_DONE;
}

const struct command complete_commands[] = {
    { "complete", "-- WORD…", "what the last of these words may become, one a line", NULL,
      run_complete, COMMAND_NO_PROFILE,
      "For shell completion: the ids of devices and rollouts, releases, alert rules, silences, "
      "sinks and templates, from this machine's files; no broker is asked. Exit code 1 when such "
      "words don't stand there. Only words that mean nothing to a shell are given, 200 at most." },
    { 0 },
};
