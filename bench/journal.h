/*
 * journal.h - what a run of bench has measured so far, in a file, so that the same command goes on after an
 * interruption. A line is a step: what a workload's rows were when its checks or one of its rounds had ended.
 */
#ifndef ASSAY_BENCH_JOURNAL_H
#define ASSAY_BENCH_JOURNAL_H

#include "steps.h"

#include <stdio.h>

struct journal {
    FILE *file; /* NULL: nothing is written down */
    const char *path;
    size_t known; /* steps that were found */
};

/* What a step is of, by number of the workload; `round` is -1 for the checks. NULL: there is no such step. */
typedef const struct step *journal_find(void *arg, size_t part, int round);

/*
 * Opens or makes the file. `run` says which run it is of, in one line: command, build and machine. Each step that the
 * file has is read into what find() says, in order. A last line that was cut short is dropped. Returns the exit
 * status after having said why, 0 if all is well.
 */
int journal_open(struct journal *journal, const char *path, const char *run, journal_find *find,
                 void *arg);
/* Writes a step down; it is in the file when this returns. */
void journal_step(struct journal *journal, size_t part, int round, const struct step *step);
/* Whether all could be written; says why not and returns the exit status. */
int journal_close(struct journal *journal);

#endif
