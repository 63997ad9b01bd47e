#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sink.h"

extern char **environ;

/* Our environment, and two more. The strings in front are the caller's. */
static char **environment(char *event, char *text)
{
    size_t n = 0;

    while (environ[n])
        n++;
    char **out = mem_array(n + 3, sizeof(*out));
    memcpy(out, environ, n * sizeof(*out));
    out[n] = event;
    out[n + 1] = text;
    return out;
}

static int spawn(char *command, int in, char **env, pid_t *pid)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    char *argv[] = { shell, flag, command, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, standard;

    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE); /* we ignore it; a shell's pipeline should not */
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &standard);
    int rc = posix_spawn(pid, shell, &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return rc;
}

/* What is written fits into a pipe (4096 bytes at least), so this does not wait. */
static int filled_pipe(const char *body, int *read_end)
{
    int fd[2];

    if (pipe(fd) != 0)
        return -1;
    fcntl(fd[0], F_SETFD, FD_CLOEXEC);
    fcntl(fd[1], F_SETFD, FD_CLOEXEC);
    ssize_t len = (ssize_t)strlen(body);
    bool whole = write(fd[1], body, (size_t)len) == len && write(fd[1], "\n", 1) == 1;
    close(fd[1]);
    *read_end = fd[0];
    if (!whole)
        close(fd[0]);
    return whole ? 0 : -1;
}

pid_t command_start(const char *command, const char *event, const char *text, const char *body,
                    struct err *err)
{
    char event_text[32], line[NOTIFY_TEXT_MAX + 16];
    char *copy = mem_strdup(command);
    pid_t pid = -1;
    int in = -1;

    text_format(event_text, sizeof(event_text), "MUSTER_EVENT=%s", event);
    text_format(line, sizeof(line), "MUSTER_TEXT=%s", text);
    char **env = environment(event_text, line);
    int rc = filled_pipe(body, &in) == 0 ? spawn(copy, in, env, &pid) : errno;
    if (in >= 0)
        close(in);
    free(env);
    free(copy);
    if (rc == 0)
        return pid;
    err_set(err, EXIT_REACH, "the command cannot be started: %s", strerror(rc));
    return -1;
}

int command_look(pid_t pid, struct sink_result *result)
{
    int status = 0;
    pid_t seen = waitpid(pid, &status, WNOHANG);

    if (seen == 0 || (seen < 0 && errno == EINTR))
        return 0;
    *result = (struct sink_result){ .outcome = NOTIFY_AGAIN };
    if (seen > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        result->outcome = NOTIFY_DELIVERED;
    else if (seen > 0 && WIFEXITED(status))
        text_format(result->why, sizeof(result->why), "the command ended with exit code %d",
                    WEXITSTATUS(status));
    else
        text_format(result->why, sizeof(result->why), "the command was ended by signal %d",
                    seen > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 1;
}

void command_kill(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
