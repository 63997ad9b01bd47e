#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "commands.h"
#include "doctor.h"
#include "service.h"
#include "session.h"

/* ---- serve: the engine without a screen
 * --------------------------------------------------------------------------- */

enum {
    DONE_MS = 3000, /* nothing to do for so long: --until-done is over */
    WATCHDOG_MS = 10000
};

static void say_leader(const struct log *log, const struct engine *e, char *last, size_t cap)
{
    const char *leader = engine_leader(e);
    const char *now = leader ? leader : "this process";
    char status[256];

    if (strcmp(last, now) == 0)
        return;
    text_copy(last, cap, now);
    log_say(log, LOG_INFO, "the rollout engine is run by %s", now);
    if (text_format(status, sizeof(status), "STATUS=the engine is run by %s", now))
        service_tell(status);
}

/* The loop turns. */
static void pat_watchdog(int64_t *last_ms)
{
    int64_t now = session_now();

    if (now - *last_ms < WATCHDOG_MS && now >= *last_ms)
        return;
    *last_ms = now;
    service_tell("WATCHDOG=1");
}

static const struct option serve_options[] = {
    { "until-done", 0, NULL, "end when no rollout is under way and everybody has been told" },
    { 0 },
};

static bool has_work(struct session *s)
{
    return engine_leader(session_engine(s)) || engine_is_busy(session_engine(s)) ||
           !session_is_quiet(s);
}

static int run_serve(struct cmd_context *ctx, const struct cmd_args *args)
{
    bool until_done = cmd_has(args, "until-done");
    int64_t busy_ms = session_now(), watchdog_ms = 0;

    /* A service tells its story in its log. */
    struct log log = { .sink = log_to_stderr, .least = ctx->verbose ? LOG_DEBUG : LOG_INFO };
    struct session_config config = {
        .profile = ctx->profile, .log = &log, .parts = SESSION_ENGINE, .name = "serve"
    };
    char leader[160] = "";
    struct session *s = session_open(&config, &ctx->err);

    if (!s)
        return (int)ctx->err.code;
    signals_install();
    service_tell("READY=1");
    log_say(&log, LOG_INFO, "serving fleet %s at %s:%u", ctx->profile->fleet,
            ctx->profile->broker.host, ctx->profile->broker.port);
    do {
        say_leader(&log, session_engine(s), leader, sizeof(leader));
        pat_watchdog(&watchdog_ms);
        if (!until_done || has_work(s))
            busy_ms = session_now();
    } while (session_poll(s, NULL, 0, 1000) && session_now() - busy_ms < DONE_MS);
    log_say(&log, LOG_INFO, signals_stop() ? "stopped by a signal" : "nothing is left to do");
    service_tell("STOPPING=1");
    session_close(s);
    return EXIT_DONE;
}

/* ---- demo ---------------------------------------------------------------------------------------
 */

static const struct option demo_options[] = {
    { "devices", 0, "N", "how many devices (default 12)" },
    { "dir", 0, "DIR", "where everything lives (default: a new folder, removed at the end)" },
    { "no-console", 0, NULL, "no screen: prints \"ready\", runs until SIGTERM" },
    { 0 },
};

/* The same as scripts/demo, which comes with the source. */
static int run_demo(struct cmd_context *ctx, const struct cmd_args *args)
{
    static const char *const names[] = { "devices", "dir" };
    const char *line[8] = { MUSTER_DEMO };
    size_t n = 1;

    for (size_t i = 0; i < 2; i++) {
        const char *value = cmd_get(args, names[i], NULL);
        if (value) {
            line[n++] = i == 0 ? "--devices" : "--dir";
            line[n++] = value;
        }
    }
    if (cmd_has(args, "no-console"))
        line[n++] = "--no-console";
    char *argv[8];
    memcpy(argv, line, sizeof(argv));
    execv(MUSTER_DEMO, argv);
    return cmd_fail(ctx, EXIT_USAGE, "the demo needs the source folder: %s: %s", MUSTER_DEMO,
                    strerror(errno));
}

const struct command serve_commands[] = {
    { "serve", "", "run the rollout engine without a screen", serve_options, run_serve,
      COMMAND_PROFILE,
      "One engine leads at a time. Another one that is started waits and takes over when the first "
      "is gone." },
    { "doctor", "",
      "can broker, gateway and store be reached; are clocks, keys and permissions right; what to "
      "do",
      NULL, doctor_run, COMMAND_PROFILE,
      "Exit code 0 when all is well, 1 when something is broken, 3 when something can't be "
      "reached." },
    { "demo", "", "a private fleet on this machine, and the console on it", demo_options, run_demo,
      COMMAND_NO_PROFILE, NULL },
    { 0 },
};
