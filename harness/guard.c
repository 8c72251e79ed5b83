/* guard.c - runs a function in a child process and tells how it ended. */
#include "assay/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What child and parent both see. */
struct report {
    volatile uint64_t progress;
    volatile bool ended;
};

void *assay_guard_shared(size_t bytes)
{
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return shared == MAP_FAILED ? NULL : shared;
}

void assay_guard_unshare(void *shared, size_t bytes)
{
    if (shared)
        munmap(shared, bytes);
}

static void drop_standard_error(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null >= 0)
        dup2(null, STDERR_FILENO);
}

__attribute__((noreturn)) static void be_the_child(void (*run)(void *, volatile uint64_t *),
                                                   void *arg, bool quiet, pid_t parent,
                                                   struct report *report)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    const struct rlimit no_core = {0, 0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it died before we could ask to die with it */
    setrlimit(RLIMIT_CORE, &no_core);
    /* A sanitizer or a fuzzer may have handlers that turn a signal into an exit code. */
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
    if (quiet)
        drop_standard_error();
    run(arg, &report->progress);
    report->ended = true;
    _exit(0); /* what the parent has in its buffers is the parent's to write */
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A child that computes a little gets so many times its time limit. */
#define MOST_LOOKS 10

/* Processor time that the child has had. */
static uint64_t spent_ns(pid_t child)
{
    struct timespec spent = {0};
    clockid_t clock;

    if (clock_getcpuclockid(child, &clock) == 0)
        clock_gettime(clock, &spent);
    return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

/*
 * Whether a child that took `limit` since the last look is hung: it waits, for it had no processor time, or it has
 * computed for long. One that a loaded machine lets compute little is neither; it gets more time, though not for
 * ever, for it may ask now and then for a lock that never comes.
 */
static bool is_hung(pid_t child, uint64_t limit, unsigned looks, uint64_t *seen)
{
    uint64_t spent = spent_ns(child), gained = spent - *seen;

    *seen = spent;
    return gained < 1000000 || spent >= limit / 2 || looks >= MOST_LOOKS;
}

/* Waits until the child has ended, asking rarely; false if it had to be killed. */
static bool await(pid_t child, unsigned seconds, int *status)
{
    uint64_t limit = seconds * UINT64_C(1000000000), deadline = now_ns() + limit, seen = 0;
    unsigned looks = 0;
    struct timespec pause = {.tv_nsec = 20000};
    pid_t ended;

    while ((ended = waitpid(child, status, seconds ? WNOHANG : 0)) != child) {
        if (ended < 0 && errno != EINTR)
            return true; /* cannot be: it is our child and nobody else waits for it */
        if (ended == 0 && now_ns() >= deadline) {
            if (is_hung(child, limit, ++looks, &seen)) {
                kill(child, SIGKILL);
                while (waitpid(child, status, 0) < 0 && errno == EINTR)
                    continue;
                return false;
            }
            deadline = now_ns() + limit;
        }
        if (ended == 0) {
            nanosleep(&pause, NULL);
            if (pause.tv_nsec < 10000000)
                pause.tv_nsec += pause.tv_nsec / 4;
        }
    }
    return true;
}

static void judge(struct assay_guard_outcome *outcome, bool came_back, bool ended, int status)
{
    outcome->code = 0;
    if (WIFSIGNALED(status)) {
        outcome->ending = came_back ? ASSAY_CRASHED : ASSAY_HUNG;
        outcome->code = WTERMSIG(status);
    } else if (ended) {
        outcome->ending = ASSAY_ENDED;
    } else {
        outcome->ending = ASSAY_EXITED;
        outcome->code = WEXITSTATUS(status);
    }
}

assay_status assay_guard_run(void (*run)(void *arg, volatile uint64_t *progress), void *arg,
                             unsigned seconds, bool quiet, struct assay_guard_outcome *outcome)
{
    struct report *report = assay_guard_shared(sizeof *report);
    pid_t parent = getpid();
    int status = 0;

    if (!report)
        return ASSAY_NO_MEMORY;
    /* Or a child that flushes, as those of the thread sanitizer do, would write it again. */
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        assay_guard_unshare(report, sizeof *report);
        return ASSAY_NO_MEMORY;
    }
    if (child == 0)
        be_the_child(run, arg, quiet, parent, report);
    bool came_back = await(child, seconds, &status);
    judge(outcome, came_back, report->ended, status);
    outcome->progress = report->progress;
    assay_guard_unshare(report, sizeof *report);
    return ASSAY_OK;
}

void assay_guard_limit(double seconds)
{
    struct itimerval timer = {.it_value.tv_sec = (time_t)seconds};

    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
    if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
        timer.it_value.tv_usec = 1; /* 0 would be no limit */
    signal(SIGPROF, SIG_DFL);
    setitimer(ITIMER_PROF, &timer, NULL);
}

bool assay_guard_hung(const struct assay_guard_outcome *outcome)
{
    return outcome->ending == ASSAY_HUNG ||
           (outcome->ending == ASSAY_CRASHED && outcome->code == SIGPROF);
}
