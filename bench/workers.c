/* workers.c - processes that take one number after another. */
#include "workers.h"

#include "assay/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_WORKERS 64

static void take_all(void (*work)(void *, size_t), void *arg, size_t count, atomic_size_t *next)
{
    for (size_t i; (i = atomic_fetch_add(next, 1)) < count;)
        work(arg, i);
}

static pid_t start(void (*work)(void *, size_t), void *arg, size_t count, atomic_size_t *next)
{
    pid_t parent = getpid(), child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        take_all(work, arg, count, next);
    _exit(0); /* what the parent has in its buffers is the parent's to write */
}

void workers_run(void (*work)(void *arg, size_t number), void *arg, size_t count)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = cpus < 1 ? 1 : (size_t)cpus, started = 0;
    atomic_size_t *next = assay_guard_shared(sizeof *next), alone = 0;
    pid_t children[MOST_WORKERS];

    wanted = wanted > MOST_WORKERS ? MOST_WORKERS : wanted;
    fflush(NULL); /* nor is it for a child of a child, which flushes all before it forks */
    while (next && started < wanted && started < count) {
        pid_t child = start(work, arg, count, next);
        if (child < 0)
            break;
        children[started++] = child;
    }
    if (started == 0)
        take_all(work, arg, count, &alone);
    for (size_t i = 0; i < started; i++)
        while (waitpid(children[i], NULL, 0) < 0 && errno == EINTR)
            continue;
    assay_guard_unshare(next, sizeof *next);
}
