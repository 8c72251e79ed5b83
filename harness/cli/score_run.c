/*
 * score_run.c - runs the cells of a score in worker processes, which take the next one each when they are free.
 *
 * Processes and not threads: a campaign forks, and mutants do what they like to the process they are in.
 */
#include "cli.h"
#include "score.h"

#include "assay/guard.h"
#include "assay/registry.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_JOBS 256
#define LOOK_NS 100000000 /* between two looks at how far it is */

struct score_cell *score_cells_new(size_t count)
{
    return assay_guard_shared(count * sizeof(struct score_cell));
}

void score_cells_free(struct score_cell *cells, size_t count)
{
    assay_guard_unshare(cells, count * sizeof *cells);
}

static void run_cell(const struct score_list *list, struct score_cell *cell)
{
    const struct assay_backend *backend;

    cell->status = assay_registry_find(list->subjects[cell->subject].spec, &backend, &cell->error);
    if (cell->status == ASSAY_OK)
        cell->status = assay_campaign_run(backend, &cell->options, &cell->result, &cell->error);
    cell->is_done = true;
}

/*
 * In a process of its own: a library that was loaded stays, and what it does to the process is no business
 * of the next cell. A malloc that moves the program break makes glibc's refuse what it has room for.
 */
static void run_apart(const struct score_list *list, struct score_cell *cell)
{
    pid_t pid = fork();
    int ending = 0;

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_cell(list, cell);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &ending, 0) < 0 && errno == EINTR)
        ;
    if (cell->is_done)
        return;
    cell->status = ASSAY_NO_MEMORY;
    if (pid < 0)
        assay_error_set(&cell->error, "cannot start a process: %s", strerror(errno));
    else
        assay_error_set(&cell->error, "its process was ended: %s",
                        WIFSIGNALED(ending) ? strsignal(WTERMSIG(ending)) : "it left");
    cell->is_done = true;
}

static void work(const struct score_list *list, struct score_cell *cells, size_t count,
                 atomic_size_t *next)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        size_t i = atomic_fetch_add(next, 1);
        if (i >= count)
            _exit(0);
        run_apart(list, &cells[i]);
    }
}

static size_t done_of(const struct score_cell *cells, size_t count)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++)
        done += cells[i].is_done;
    return done;
}

/* Waits for all workers; false if one of them did not come to its end. */
static bool wait_for(const struct score_cell *cells, size_t count, unsigned workers)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    bool shows = isatty(STDERR_FILENO), whole = true;

    while (workers > 0) {
        int ending;
        pid_t pid = waitpid(-1, &ending, shows ? WNOHANG : 0);
        if (pid < 0 && errno != EINTR)
            return false;
        if (pid > 0) {
            whole = whole && WIFEXITED(ending) && WEXITSTATUS(ending) == 0;
            workers--;
        } else if (pid == 0) {
            fprintf(stderr, "\r\033[Kscore: %zu of %zu campaigns", done_of(cells, count), count);
            nanosleep(&pause, NULL);
        }
    }
    if (shows)
        fputs("\r\033[K", stderr);
    return whole;
}

int score_run(const struct score_list *list, struct score_cell *cells, size_t count, unsigned jobs)
{
    atomic_size_t *next = assay_guard_shared(sizeof *next);
    unsigned workers = 0;

    if (!next)
        return cli_fail(CLI_ENVIRONMENT, "no memory to share with worker processes");
    fflush(stdout);
    while (workers < jobs && workers < MOST_JOBS) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0)
            work(list, cells, count, next);
        workers++;
    }
    bool whole = workers > 0 && wait_for(cells, count, workers);
    assay_guard_unshare(next, sizeof *next);
    if (workers == 0)
        return cli_fail(CLI_ENVIRONMENT, "cannot start a worker process: %s", strerror(errno));
    if (!whole || done_of(cells, count) < count)
        return cli_fail(CLI_ENVIRONMENT, "score: a worker process was ended before its work was");
    for (size_t i = 0; i < count; i++)
        if (cells[i].status != ASSAY_OK)
            return cli_fail(CLI_ENVIRONMENT, "score: %s: %s", list->subjects[cells[i].subject].name,
                            cells[i].error.what);
    return CLI_NOTHING;
}
