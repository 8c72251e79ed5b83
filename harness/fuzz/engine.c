/*
 * engine.c - a target's side of engine.h.
 *
 * A hang is seen by a timer that runs on from input to input and looks whether they go by: that costs an input nothing.
 * It looks at the memory, too, which an engine sees too late or not at all.
 */
#include "engine.h"

#include "fuzz.h"

#include "assay/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define LOOKS_EACH_SECOND 10

static struct fuzz_counts own, *counts = &own;
static uint64_t seen_executions;
static unsigned seen_for; /* looks */
static long had_kib;      /* of memory, before the first input */

struct fuzz_counts *fuzz_engine_open(void)
{
    const char *path = getenv(FUZZ_ENV_COUNTS);

    if (!path)
        return NULL;
    int file = open(path, O_RDWR | O_CLOEXEC);
    void *shared = file < 0
                       ? MAP_FAILED
                       : mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (shared == MAP_FAILED) {
        fprintf(stderr, FUZZ_ENV_COUNTS " is '%s', which cannot be mapped\n", path);
        exit(3);
    }
    counts = shared;
    return counts;
}

static long most_kib(void)
{
    struct rusage usage = {0};

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* By abort() the engine keeps the input; that it hung, or what it took, is seen when it is run again. */
static void look(int number)
{
    (void)number;
    if (most_kib() - had_kib > (long)(ASSAY_GUARD_MEMORY >> 10))
        abort();
    if (counts->executions != seen_executions) {
        seen_executions = counts->executions;
        seen_for = 0;
    } else if (++seen_for > FUZZ_HANG_SECONDS * LOOKS_EACH_SECOND) {
        abort();
    }
}

void fuzz_engine_begin(void)
{
    static pid_t process;
    const struct timeval look_each = {.tv_usec = 1000000 / LOOKS_EACH_SECOND};
    const struct itimerval each = {.it_interval = look_each, .it_value = look_each};
    const struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};

    counts->executions++;
    if (counts == &own || process == getpid())
        return;
    process = getpid(); /* a child of a fork server has no timer, and must not outlive it */
    seen_for = 0;
    had_kib = most_kib();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &each, NULL);
}
