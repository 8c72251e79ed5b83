/*
 * bench.h - measures backends: answers first, then times, then footprints.
 */
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#include "paper.h"
#include "sheet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_BENCH_MOST_REPETITIONS 100
#define ASSAY_BENCH_MOST_SECONDS 60
#define ASSAY_BENCH_MOST_THREADS 64
#define ASSAY_BENCH_THREAD_COUNTS 8

struct assay_bench_words {
    const char *const *words;
    size_t count;
};

/* What is found out of those that pass the checks. */
enum assay_bench_view {
    ASSAY_BENCH_TIMES,    /* time and footprint of the whole */
    ASSAY_BENCH_LATENCY,  /* time of single operations, by kind */
    ASSAY_BENCH_TIMELINE, /* footprint, operation by operation */
    ASSAY_BENCH_THREADS,  /* wall and CPU time when several threads ask */
    ASSAY_BENCH_STABLE,   /* instructions, which nothing on the machine disturbs */
};

struct assay_bench_options {
    struct assay_bench_words backends;  /* specs; none: all that are built in */
    struct assay_bench_words workloads; /* specs of assay/workload.h, or costs of the harness */
    struct assay_bench_words traces;    /* recordings, or folders of *.trace */
    bool made_up_only;                  /* without workloads and traces: no recordings */
    unsigned repetitions;               /* 1 to ASSAY_BENCH_MOST_REPETITIONS */
    double min_time_s; /* of one timing, 0 to ASSAY_BENCH_MOST_SECONDS; 0: one run */
    double cell_s;     /* processor time that a backend gets for a workload; 0: no bound */
    double check_s;    /* that its checks have for it, who may then see a part of it; 0: no bound */
    unsigned extra_rounds; /* of a workload whose times are not settled after the repetitions */
    unsigned least_rounds; /* that it takes part in all the same, but for who needs more for one */
    enum assay_bench_view view;
    unsigned threads[ASSAY_BENCH_THREAD_COUNTS]; /* how many at once, each 1 to _MOST_THREADS */
    size_t threads_count;
    uint64_t every;       /* operations between moments of the timeline; 0: a hundred moments */
    struct paper table;   /* the table for people; `out` NULL: none */
    enum sheet_form form; /* of the table */
    FILE *lines[2];       /* JSON Lines; NULL where not wanted */
    /* Where it is kept what is done, so that the same run goes on after an interruption; NULL: nowhere. Not of
     * latencies and timelines, which are told as they come. */
    const char *journal;
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
