/*
 * bench.h - measures backends: answers first, then times, then footprints.
 */
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_BENCH_MOST_REPETITIONS 100
#define ASSAY_BENCH_MOST_SECONDS 60

struct assay_bench_words {
    const char *const *words;
    size_t count;
};

struct assay_bench_options {
    struct assay_bench_words backends;  /* specs; none: all that are built in */
    struct assay_bench_words workloads; /* specs of assay/workload.h, or costs of the harness */
    struct assay_bench_words traces;    /* recordings, or folders of *.trace */
    unsigned repetitions;               /* 1 to ASSAY_BENCH_MOST_REPETITIONS */
    double min_time_s; /* of one timing, 0 to ASSAY_BENCH_MOST_SECONDS; 0: one run */
    FILE *table;       /* the table for people, or NULL */
    FILE *lines[2];    /* JSON Lines; NULL where not wanted */
};

/* Prints the workloads with their parameters, and the costs of the harness that can be measured. */
void assay_bench_list(FILE *out);

/*
 * Prints what is wanted, and progress and complaints to stderr. `null` (what the harness costs) and
 * `system` are always among the backends; without workloads and traces, all workloads and the
 * recordings of corpus/traces are measured.
 * Returns the exit status: 0, or 1 a backend failed its checks, 2 a word is wrong, 3 environment.
 * Whether all could be written is the caller's to ask, of the files.
 */
int assay_bench(const struct assay_bench_options *options);

#ifdef __cplusplus
}
#endif

#endif
