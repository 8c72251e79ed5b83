/* guard.c - runs a function in a child process and tells how it ended. */
#include "assay/guard.h"

#include "assay/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shadow and records of a sanitizer are so many times the memory they watch. */
#define SANITIZED_TIMES 8

/* How often the parent looks whether a child has too much memory, or no time left. */
#define LOOK_MS 10

/* What child and parent both see. */
struct report {
    volatile uint64_t progress;
    volatile uint64_t allowed, most; /* bytes: what the child may take, and may have then; 0: any */
    volatile bool ended;
};

static struct report *own; /* in a child: its report */

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
    own = report;
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

/* What a process has in memory, in bytes; 0 if that cannot be told. */
static uint64_t resident(pid_t process)
{
    char path[40], text[80], *rest;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = '\0';
    strtoull(text, &rest, 10); /* what it has mapped */
    return strtoull(rest, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A file that can be read once the child has ended; -1 where there are none. */
static int open_ending(pid_t child)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, child, 0);
#else
    (void)child;
    return -1;
#endif
}

/* Why a child was killed. */
enum reason { NOT_KILLED, KILLED_HUNG, KILLED_LARGE };

/* Looks at the child again and again until it has ended, or one look says that it must. */
static enum reason look(pid_t child, unsigned seconds, const struct report *report, int *status)
{
    uint64_t limit = seconds * UINT64_C(1000000000), deadline = now_ns() + limit, seen = 0;
    struct pollfd ending = {.fd = open_ending(child), .events = POLLIN};
    enum reason why = NOT_KILLED;
    unsigned looks = 0;
    pid_t ended;

    while (why == NOT_KILLED && (ended = waitpid(child, status, WNOHANG)) != child) {
        if (ended < 0 && errno != EINTR)
            break; /* cannot be: it is our child and nobody else waits for it */
        if (report->most && resident(child) > report->most)
            why = KILLED_LARGE;
        if (seconds && now_ns() >= deadline) {
            if (is_hung(child, limit, ++looks, &seen))
                why = KILLED_HUNG;
            deadline = now_ns() + limit;
        }
        if (why == NOT_KILLED)
            poll(&ending, 1, LOOK_MS); /* without such a file it waits so long */
    }
    if (ending.fd >= 0)
        close(ending.fd);
    return why;
}

/* Waits until the child has ended, or kills it. */
static enum reason await(pid_t child, unsigned seconds, const struct report *report, int *status)
{
    enum reason why = look(child, seconds, report, status);

    if (why != NOT_KILLED) {
        kill(child, SIGKILL);
        while (waitpid(child, status, 0) < 0 && errno == EINTR)
            continue;
    }
    return why;
}

static void judge(struct assay_guard_outcome *outcome, enum reason why, const struct report *report,
                  int status)
{
    outcome->code = 0;
    outcome->memory = 0;
    if (WIFSIGNALED(status)) {
        outcome->ending = why == KILLED_HUNG ? ASSAY_HUNG : ASSAY_CRASHED;
        outcome->code = WTERMSIG(status);
        outcome->memory = why == KILLED_LARGE ? report->allowed : 0;
    } else if (report->ended) {
        outcome->ending = ASSAY_ENDED;
    } else {
        outcome->ending = ASSAY_EXITED;
        outcome->code = WEXITSTATUS(status);
    }
}

/* One for all the children of this process, which come one after the other. */
static struct report *new_report(void)
{
    static struct report *kept;
    static pid_t owner; /* a child's children have another one */

    if (owner != getpid()) {
        kept = assay_guard_shared(sizeof *kept);
        owner = getpid();
    }
    if (kept)
        *kept = (struct report){.progress = 0};
    return kept;
}

/*
 * A process without other threads needs none of the handlers that libraries have for fork(): nobody holds a lock. Those
 * of a jemalloc that is linked in touch a page for each of its locks, in parent and child.
 */
static pid_t fork_plainly(void)
{
#if __GLIBC_PREREQ(2, 34)
    if (__libc_single_threaded && !assay_is_sanitized())
        return _Fork();
#endif
    return fork();
}

assay_status assay_guard_run(void (*run)(void *arg, volatile uint64_t *progress), void *arg,
                             unsigned seconds, bool quiet, struct assay_guard_outcome *outcome)
{
    struct report *report = new_report();
    pid_t parent = getpid();
    int status = 0;

    if (!report)
        return ASSAY_NO_MEMORY;
    /* Or a child that flushes, as those of the thread sanitizer do, would write it again. */
    fflush(NULL);
    pid_t child = fork_plainly();
    if (child < 0)
        return ASSAY_NO_MEMORY;
    if (child == 0)
        be_the_child(run, arg, quiet, parent, report);
    enum reason why = await(child, seconds, report, &status);
    judge(outcome, why, report, status);
    outcome->progress = report->progress;
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

void assay_guard_memory(size_t bytes)
{
    struct rusage usage = {0};

    if (!own)
        return; /* no parent looks after this process */
    /* Of a child that is new it is what it has now, and no file is read for it. */
    getrusage(RUSAGE_SELF, &usage);
    own->allowed = bytes;
    own->most =
        (uint64_t)usage.ru_maxrss * 1024 + bytes * (assay_is_sanitized() ? SANITIZED_TIMES : 1);
}

bool assay_guard_hung(const struct assay_guard_outcome *outcome)
{
    return outcome->ending == ASSAY_HUNG ||
           (outcome->ending == ASSAY_CRASHED &&
            (outcome->code == SIGPROF || outcome->code == SIGALRM));
}
