#include "leaving.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

enum {
    HAND_OVER_MS = 15000,
    FINISH_MS = 3000, /* for notifications under way, before the lock is let go */
    PAUSE_MS = 5000
};

/* ---- a muster serve of our own
 * --------------------------------------------------------------------------------- */

/* This very program, wherever it lies; argv[0] where /proc is not mounted. */
static void own_path(const char *program, char *out, size_t cap)
{
    ssize_t len = readlink("/proc/self/exe", out, cap - 1);

    if (len > 0)
        out[len] = '\0';
    else
        text_copy(out, cap, program);
}

static void profile_path(const struct profile *p, char *out, size_t cap)
{
    const char *slash = strrchr(p->path, '/');

    text_format(out, cap, "%s/%s", p->dir, slash ? slash + 1 : p->path);
}

/* In the child: a session of its own, nothing of the terminal, signals as they are by default. */
static void become_serve(const char *exe, const char *profile, int log)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || chdir("/") != 0)
        _exit(126);
    execlp(exe, "muster", "--profile", profile, "serve", "--until-done", (char *)NULL);
    _exit(127);
}

int leaving_hand_over(struct leaving *l, const struct session *s, const char *program,
                      const struct profile *p, int64_t now_ms, struct err *err)
{
    char exe[PROFILE_PATH_MAX], profile[PROFILE_PATH_MAX];

    (void)s;
    own_path(program, exe, sizeof(exe));
    profile_path(p, profile, sizeof(profile));
    text_format(l->log, sizeof(l->log), "%s-serve.log", p->journal);
    int log = open(l->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (log < 0)
        return err_set(err, EXIT_REACH, "not handed over: %s: %s", l->log, strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become_serve(exe, profile, log);
    close(log);
    if (pid < 0)
        return err_set(err, EXIT_REACH, "not handed over: %s", strerror(errno));
    l->what = LEAVING_HAND_OVER;
    l->serve = pid;
    l->resigned = false;
    l->until_ms = now_ms + HAND_OVER_MS;
    return 0;
}

static bool serve_leads(const struct leaving *l, struct session *s)
{
    char holder[160], mark[48];

    text_format(mark, sizeof(mark), "serve, pid %ld on ", (long)l->serve);
    return store_engine_holder(session_store(s), holder, sizeof(holder), NULL) == 1 &&
           strstr(holder, mark) != NULL;
}

static enum leaving_how stay(struct leaving *l, struct session *s, int64_t now_ms)
{
    if (l->what == LEAVING_HAND_OVER)
        engine_lead_again(session_engine(s), now_ms);
    l->what = LEAVING_NOT;
    return LEAVING_FAILED;
}

static enum leaving_how look_at_serve(struct leaving *l, struct session *s, int64_t now_ms,
                                      struct err *err)
{
    if (!l->resigned && (!session_is_busy(s) || now_ms > l->until_ms - HAND_OVER_MS + FINISH_MS)) {
        engine_resign(session_engine(s), now_ms + HAND_OVER_MS);
        l->resigned = true;
    }
    if (waitpid(l->serve, NULL, WNOHANG) == l->serve) {
        err_set(err, EXIT_NO, "not handed over: muster serve has ended at once, see %s", l->log);
        return stay(l, s, now_ms);
    }
    if (l->resigned && serve_leads(l, s)) {
        text_format(l->told, sizeof(l->told),
                    "muster serve (pid %ld) drives the rollouts on and ends with the last; its log "
                    "is %s\n",
                    (long)l->serve, l->log);
        return LEAVING_IS_DONE;
    }
    if (now_ms < l->until_ms)
        return LEAVING_WAITS;
    kill(l->serve, SIGTERM);
    err_set(err, EXIT_REACH, "not handed over: muster serve did not take the lock in %d s, see %s",
            HAND_OVER_MS / 1000, l->log);
    return stay(l, s, now_ms);
}

/* ---- pausing
 * -----------------------------------------------------------------------------------------------------
 */

static bool runs(const struct rollout *r)
{
    return r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING;
}

int leaving_pause(struct leaving *l, struct session *s, const char *who, int64_t now_ms,
                  struct err *err)
{
    size_t count;
    const struct rollout *const *r = engine_rollouts(session_engine(s), &count);

    for (size_t i = 0; i < count; i++) {
        if (runs(r[i]) && store_act_add(session_store(s), who, r[i]->id, ROLLOUT_ACT_PAUSE, now_ms,
                                        NULL, err) != 0)
            return err_prefix(err, "pause %s", r[i]->id);
    }
    engine_nudge(session_engine(s));
    l->what = LEAVING_PAUSE;
    l->until_ms = now_ms + PAUSE_MS;
    return 0;
}

static enum leaving_how look_at_pause(struct leaving *l, struct session *s, int64_t now_ms)
{
    size_t count, running = 0;
    uint32_t unheard = 0;
    const struct rollout *const *r = engine_rollouts(session_engine(s), &count);

    for (size_t i = 0; i < count; i++) {
        running += runs(r[i]);
        unheard += r[i]->state == ROLLOUT_PAUSED ? r[i]->wire_pending : 0;
    }
    if ((running > 0 || unheard > 0 || session_is_busy(s)) && now_ms < l->until_ms)
        return LEAVING_WAITS;
    if (running > 0)
        text_format(l->told, sizeof(l->told),
                    "the pause is in the journal; the next muster that runs takes it\n");
    else if (unheard > 0)
        text_format(
            l->told, sizeof(l->told),
            "paused, but %u devices that wait have not been called back: the broker has not "
            "answered\n",
            unheard);
    else
        text_format(l->told, sizeof(l->told), "paused; 'muster rollout resume' goes on\n");
    return LEAVING_IS_DONE;
}

enum leaving_how leaving_look(struct leaving *l, struct session *s, int64_t now_ms, struct err *err)
{
    return l->what == LEAVING_HAND_OVER ? look_at_serve(l, s, now_ms, err)
                                        : look_at_pause(l, s, now_ms);
}
