#define _GNU_SOURCE /* memfd_create() */

#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "logfile.h"
#include "looping.h"
#include "ota/looping.h"
#include "port/facts.h"
#include "port/slots.h"
#include "protocol/hex.h"

#define STOP_GRACE_MS 5000 /* for the program to tell the broker */
#define QUICK_MS      10000
#define LOCK_WAIT_MS  1000
#define PAUSE_MIN_MS  250u
#define PAUSE_MAX_MS  30000u

/* The board while it runs. */
struct board {
    const struct device_options *options;
    struct logfile log;
    struct flash_file flash;
    struct slots slots;
    int signals; /* signalfd */
    bool stopping;
};

/* One run of a program. */
struct run {
    pid_t pid;
    int output, feed; /* read ends; -1 once closed */
    uint64_t fed_ms, stop_ms;
    bool bitten, ended;
    bool lived; /* fed the watchdog once: its agent is up */
    int status;
};

static uint64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

enum reset_reason device_reset_of(int status, bool watchdog_bit)
{
    if (watchdog_bit)
        return RESET_WATCHDOG;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL ? RESET_POWERON : RESET_PANIC;
    if (!WIFEXITED(status))
        return RESET_UNKNOWN;
    if (WEXITSTATUS(status) == PORT_EXIT_REBOOT)
        return RESET_SOFTWARE;
    return WEXITSTATUS(status) == 0 ? RESET_UNKNOWN : RESET_PANIC;
}

uint32_t device_pause_ms(enum reset_reason reset, uint64_t ran_ms, uint32_t *quick)
{
    if (ran_ms >= QUICK_MS) {
        *quick = 0;
        return PAUSE_MIN_MS;
    }
    /* An update restarts twice in quick succession; only what goes on like that is a loop. */
    uint32_t n = (*quick)++;
    if (reset == RESET_SOFTWARE)
        n = n > 3 ? n - 3 : 0;
    uint32_t pause = n > 7 ? PAUSE_MAX_MS : PAUSE_MIN_MS << n;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

/* A bootloader that was killed between fork and exec has left a child behind that holds the lock
 * until it finds itself an orphan: moments. */
static int take_lock(int fd)
{
    const struct timespec step = { .tv_nsec = 20000000 };
    uint64_t until = mono_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (mono_ms() >= until)
            return -1;
        nanosleep(&step, NULL);
    }
    return 0;
}

int device_lock(const char *dir, struct port_fail *why)
{
    char path[PORT_PATH_MAX + 16], pid[24];
    snprintf(path, sizeof(path), "%s/device.pid", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return port_fail(why, "cannot make %s: %s", path, strerror(errno));
    if (take_lock(fd)) {
        close(fd);
        return port_fail(why, "the device in %s is running already; its pid is in device.pid", dir);
    }
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || write(fd, pid, (size_t)n) != n) {
        close(fd);
        return port_fail(why, "cannot write %s: %s", path, strerror(errno));
    }
    return fd;
}

/* The program of a slot as a file without a name. Descriptor, or -1. */
static int take_program(const struct slots *slots, const struct slots_boot *boot)
{
    static uint8_t piece[65536];
    struct slot_reader ctx;
    struct esp_reader r;
    const struct esp_segment *s = &boot->image.segment[1];
    slots_reader(&r, &ctx, slots, boot->slot);
    int fd = memfd_create("muster-app", MFD_CLOEXEC);
    for (uint32_t done = 0; fd >= 0 && done < s->length;) {
        uint32_t n = s->length - done;
        if (n > sizeof(piece))
            n = sizeof(piece);
        if (r.read(r.ctx, s->offset + done, piece, n) || write(fd, piece, n) != (ssize_t)n) {
            close(fd);
            return -1;
        }
        done += n;
    }
    return fd;
}

static bool draw_boot_id(char out[PROTO_BOOT_MAX])
{
    uint8_t raw[8];
    if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
        return false;
    hex_encode(raw, sizeof(raw), out);
    return true;
}

/* In the child: become the program. Never returns. */
static void become(int program, int output, const struct facts *facts,
                   const struct esp_app_desc *desc)
{
    char name[80];
    sigset_t none;
    char *argv[] = { name, NULL };
    snprintf(name, sizeof(name), "%s-%s", desc->project, desc->version);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != facts->parent)
        _exit(1);  /* it died before the line above */
    setpgid(0, 0); /* a Ctrl-C is for the bootloader, which then stops us in order */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0 && facts_export(facts) == 0) {
        extern char **environ;
        fcntl(facts->watchdog_fd, F_SETFD, 0);
        fexecve(program, argv, environ);
    }
    static const char text[] = "the image holds no program this machine can run\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(126);
}

static int start(struct board *b, const struct slots_boot *boot, enum reset_reason reset,
                 struct run *run)
{
    struct facts facts = { .reset = reset,
                           .slot = boot->slot,
                           .trial = boot->trial,
                           .security = boot->image.desc.secure_version };
    int output[2], feed[2];
    int program = take_program(&b->slots, boot);
    if (program < 0)
        return -1;
    if (pipe2(output, O_CLOEXEC)) {
        close(program);
        return -1;
    }
    if (pipe2(feed, O_CLOEXEC | O_NONBLOCK)) {
        close(program);
        close(output[0]);
        close(output[1]);
        return -1;
    }
    snprintf(facts.dir, sizeof(facts.dir), "%s", b->options->dir);
    hex_encode(boot->digest, PROTO_SHA256_LEN, facts.image);
    facts.watchdog_fd = feed[1];
    facts.parent = getpid();
    pid_t pid = draw_boot_id(facts.boot) ? fork() : -1;
    if (pid == 0)
        become(program, output[1], &facts, &boot->image.desc);
    close(program);
    close(output[1]);
    close(feed[1]);
    *run = (struct run){ .pid = pid, .output = output[0], .feed = feed[0], .fed_ms = mono_ms() };
    if (pid > 0)
        return 0;
    close(output[0]);
    close(feed[0]);
    return -1;
}

/* SIGCHLD only ends a poll; who ended is asked with waitpid(). After SIGCONT nothing the program
 * missed while the whole board was frozen is held against it. */
static void take_signals(struct board *b, struct run *run)
{
    struct signalfd_siginfo info;
    while (read(b->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCONT && run)
            run->fed_ms = mono_ms();
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            b->stopping = true;
    }
}

static void take_output(struct board *b, struct run *run)
{
    char piece[4096];
    ssize_t n = read(run->output, piece, sizeof(piece));
    if (n > 0) {
        logfile_bytes(&b->log, piece, (size_t)n);
    } else {
        close(run->output);
        run->output = -1;
    }
}

static void take_feed(struct run *run)
{
    char piece[64];
    ssize_t n = read(run->feed, piece, sizeof(piece));
    if (n > 0) {
        run->fed_ms = mono_ms();
        run->lived = true;
    } else if (n == 0) {
        close(run->feed);
        run->feed = -1;
    }
}

/* Ask a program to stop, once; make it, when its time is over. */
static void press(struct board *b, struct run *run, uint64_t now)
{
    uint64_t bite = run->fed_ms + 1000u * (uint64_t)b->options->watchdog_s;
    if (b->stopping && run->stop_ms == 0) {
        run->stop_ms = now;
        kill(run->pid, SIGTERM);
        kill(run->pid, SIGCONT);
    } else if (b->stopping && now >= run->stop_ms + STOP_GRACE_MS) {
        kill(run->pid, SIGKILL);
    } else if (!b->stopping && now >= bite) {
        logfile_say(&b->log, "watchdog: no sign of life for %u s",
                    (unsigned)b->options->watchdog_s);
        run->bitten = true;
        run->fed_ms = now;
        kill(run->pid, SIGKILL);
    }
}

static int wait_ms(const struct board *b, const struct run *run, uint64_t now)
{
    uint64_t at = b->stopping ? run->stop_ms + STOP_GRACE_MS
                              : run->fed_ms + 1000u * (uint64_t)b->options->watchdog_s;
    return at <= now ? 0 : (int)(at - now);
}

/* Until the program has ended. */
static void attend(struct board *b, struct run *run)
{
    while (!run->ended) {
        struct pollfd fds[] = { { b->signals, POLLIN, 0 },
                                { run->output, POLLIN, 0 },
                                { run->feed, POLLIN, 0 } };
        poll(fds, 3, wait_ms(b, run, mono_ms()));
        if (fds[0].revents)
            take_signals(b, run);
        if (fds[1].revents)
            take_output(b, run);
        if (fds[2].revents)
            take_feed(run);
        run->ended = waitpid(run->pid, &run->status, WNOHANG) == run->pid;
        if (!run->ended)
            press(b, run, mono_ms());
    }
    int left = 64; /* what it still said; a grandchild could hold the pipe open */
    if (run->output >= 0)
        fcntl(run->output, F_SETFL, O_NONBLOCK);
    while (run->output >= 0 && left-- > 0)
        take_output(b, run);
    if (run->output >= 0)
        close(run->output);
    if (run->feed >= 0)
        take_feed(run);
    if (run->feed >= 0)
        close(run->feed);
}

static void say_boot(struct board *b, const struct slots_boot *boot, enum reset_reason reset)
{
    for (uint32_t i = 0; i < 2; i++)
        if (boot->fault[i])
            logfile_say(&b->log, "ota_%u passed over: its image %s", (unsigned)i,
                        esp_fault_text(boot->fault[i]));
    logfile_say(&b->log, "reset %s; starting %s %s from ota_%u%s", reset_word(reset),
                boot->image.desc.project, boot->image.desc.version, (unsigned)boot->slot,
                boot->trial ? " on trial" : "");
}

static void pause_for(struct board *b, uint32_t ms)
{
    uint64_t until = mono_ms() + ms;
    for (uint64_t now = mono_ms(); now < until && !b->stopping; now = mono_ms()) {
        struct pollfd fd = { b->signals, POLLIN, 0 };
        poll(&fd, 1, (int)(until - now));
        take_signals(b, NULL);
    }
}

/* Before the next start: is this a program that never comes up? */
static void judge_end(struct board *b, const struct slots_boot *boot, const struct run *run,
                      enum reset_reason reset, struct ota_looping *dead)
{
    if (b->stopping || !ota_looping_count(dead, reset, boot->trial, run->lived))
        return;
    enum reason r = looping_leave(&b->slots, boot, reset);
    logfile_say(&b->log, "%s %s keeps dying before its agent comes up: %s",
                boot->image.desc.project, boot->image.desc.version,
                r == REASON_NONE ? "back to the one before it" : reason_text(r));
}

static enum device_end live(struct board *b, struct port_fail *why)
{
    enum reset_reason reset = RESET_POWERON;
    struct ota_looping dead = { 0 };
    uint32_t quick = 0;
    while (!b->stopping) {
        struct slots_boot boot;
        struct run run;
        if (slots_boot(&b->slots, &boot)) {
            port_fail(
                why,
                "no slot holds an image that can be started (ota_0 %s, ota_1 %s); make the flash "
                "anew with --flash",
                esp_fault_text(boot.fault[0]), esp_fault_text(boot.fault[1]));
            logfile_say(&b->log, "%s", why->text);
            return DEVICE_NO_IMAGE;
        }
        say_boot(b, &boot, reset);
        uint64_t began = mono_ms();
        if (start(b, &boot, reset, &run)) {
            port_fail(why, "cannot start a process: %s", strerror(errno));
            return DEVICE_FAILED;
        }
        attend(b, &run);
        reset = device_reset_of(run.status, run.bitten);
        judge_end(b, &boot, &run, reset, &dead);
        if (!b->stopping)
            pause_for(b, device_pause_ms(reset, mono_ms() - began, &quick));
    }
    logfile_say(&b->log, "switched off");
    return DEVICE_STOPPED;
}

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCONT);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_flash(struct board *b, struct port_fail *why)
{
    char path[PORT_PATH_MAX + 16];
    struct esp_partition_table table;
    enum esp_fault fault;
    snprintf(path, sizeof(path), "%s/flash.bin", b->options->dir);
    if (flash_file_open(&b->flash, path))
        return port_fail(why, "cannot open %s: %s; make it with --flash", path,
                         errno == EINVAL ? "it is not 4 MB long" : strerror(errno));
    if (flash_read_table(&b->flash.flash, &table, &fault) == 0 &&
        slots_init(&b->slots, &b->flash.flash, &table) == 0)
        return 0;
    flash_file_close(&b->flash);
    return port_fail(why, "%s: partition table %s; make the flash anew with --flash", path,
                     esp_fault_text(fault));
}

enum device_end device_run(const struct device_options *options, struct port_fail *why)
{
    struct device_options full = *options;
    struct board b = { .options = &full };
    enum device_end end = DEVICE_FAILED;
    if (full.watchdog_s == 0)
        full.watchdog_s = PORT_WATCHDOG_S;
    int lock = device_lock(full.dir, why);
    if (lock < 0)
        return DEVICE_FAILED;
    if (open_flash(&b, why) == 0) {
        b.signals = watch_signals();
        logfile_open(&b.log, full.dir, full.verbose);
        if (b.signals >= 0)
            end = live(&b, why);
        else
            port_fail(why, "cannot watch signals: %s", strerror(errno));
        logfile_close(&b.log);
        if (b.signals >= 0)
            close(b.signals);
        flash_file_close(&b.flash);
    }
    if (end == DEVICE_STOPPED) {
        char path[PORT_PATH_MAX + 16];
        snprintf(path, sizeof(path), "%s/device.pid", full.dir);
        unlink(path);
    }
    close(lock);
    return end;
}
