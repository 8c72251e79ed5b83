/*
 * program.h - a real program with each library in front of its malloc: what it costs as a whole, and whether
 * it still does the same.
 */
#ifndef ASSAY_BENCH_PROGRAM_H
#define ASSAY_BENCH_PROGRAM_H

#include "bench.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_program_options {
    struct assay_bench_words libraries; /* "system" or dl:PATH; system is always among them */
    char *const *command;               /* the program and its arguments, then NULL */
    unsigned repetitions;               /* rounds, 1 to ASSAY_BENCH_MOST_REPETITIONS */
    struct paper table;                 /* for people; its file is NULL where not wanted */
    enum sheet_form form;               /* of the table */
    FILE *lines[2];                     /* JSON Lines; NULL where not wanted */
};

/*
 * Runs the program once with each library for its answer, which must be that of `system`: the same
 * output and the same exit status. Then in rounds, each library once in a round. Its standard input
 * is ours from the beginning if that is a file, else empty.
 * Returns the exit status: 0, or 1 some library fails, 2 a word is wrong, 3 the program cannot be run,
 * 4 a backend is no library.
 */
int assay_bench_program(const struct assay_program_options *options);

#ifdef __cplusplus
}
#endif

#endif
