/*
 * progress.h - for people who wait: what is being done, and how long all of it will take yet.
 */
#ifndef ASSAY_BENCH_PROGRESS_H
#define ASSAY_BENCH_PROGRESS_H

#include <stddef.h>

#define PROGRESS_PARTS 512
#define PROGRESS_BEFORE_ROUNDS (-1)

struct progress {
    double seconds[PROGRESS_PARTS]; /* that the last round of each part took; 0: none yet */
    size_t parts;
    int rounds;
    size_t part; /* what is being done now */
    int round;
    double began_s;
};

void progress_open(struct progress *progress, size_t parts, int rounds);
/* Each part is started and ended once before the rounds, and then once in each. */
void progress_start(struct progress *progress, size_t part, int round);
void progress_end(struct progress *progress);
/*
 * How long the rounds will take yet, those that are being run included, if each part takes as long as in its last
 * one; negative where there was none. Parts leave rows out as they go on, so it is mostly less.
 */
double progress_left_s(const struct progress *progress);

/* One line on a terminal, in the place of the one before. */
void progress_tell(const struct progress *progress, const char *doing, const char *workload,
                   const char *spec);
void progress_tell_round(const struct progress *progress, const char *workload, int round);
void progress_clear(void);

#endif
