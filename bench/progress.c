/* progress.c - a line on the terminal that says how far we are. */
#include "progress.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void progress_open(struct progress *progress, size_t parts, int rounds)
{
    assert(parts <= PROGRESS_PARTS);
    *progress = (struct progress){.parts = parts, .rounds = rounds};
}

void progress_start(struct progress *progress, size_t part, int round)
{
    progress->part = part;
    progress->round = round;
    progress->began_s = now_s();
}

void progress_end(struct progress *progress)
{
    if (progress->round != PROGRESS_BEFORE_ROUNDS)
        progress->seconds[progress->part] = now_s() - progress->began_s;
}

double progress_left_s(const struct progress *progress)
{
    double sum = 0, left = 0;
    size_t seen = 0;

    for (size_t i = 0; i < progress->parts; i++) {
        seen += progress->seconds[i] > 0;
        sum += progress->seconds[i];
    }
    if (seen == 0)
        return -1;
    for (size_t i = 0; i < progress->parts; i++) {
        double one = progress->seconds[i] > 0 ? progress->seconds[i] : sum / (double)seen;
        left += one * (progress->rounds - progress->round - (i < progress->part));
    }
    return left;
}

void progress_tell(const struct progress *progress, const char *doing, const char *workload,
                   const char *spec)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%zu of %zu: %s %s %s", progress->part + 1, progress->parts, doing,
                workload, spec);
}

void progress_tell_round(const struct progress *progress, const char *workload, int round)
{
    double left = progress_left_s(progress);

    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[Kround %d of %d: timing %s", round + 1, progress->rounds, workload);
    if (left >= 0)
        fprintf(stderr, ", at most %d min %02d s left", (int)left / 60, (int)left % 60);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
