#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void become(const char *python, const char *script, const char *folder, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execl(python, python, script, folder, (char *)NULL);
    _exit(127);
}

void server_start(struct server *s, const char *python, const char *script, const char *folder)
{
    int in[2], out[2];
    char line[16] = "";

    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        close(in[1]);
        close(out[0]);
        become(python, script, folder, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    s->stdin_fd = in[1];
    FILE *f = fdopen(out[0], "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    s->port = (uint16_t)strtoul(line, NULL, 10);
    assert_true(s->port > 0);
}

void server_stop(struct server *s)
{
    close(s->stdin_fd); /* it ends with its stdin */
    waitpid(s->pid, NULL, 0);
}
