/*
 * results.h - what `assay bench` wrote, read again. harness/doc/results.md describes the lines.
 */
#ifndef ASSAY_BENCH_RESULTS_H
#define ASSAY_BENCH_RESULTS_H

#include "statistics.h"

#include "assay/backend.h"
#include "assay/error.h"

#include <stdbool.h>

/* One row: a backend on a workload. */
struct result {
    char *workload, *backend;
    bool passed;
    char *failure;    /* if not passed, else NULL */
    struct sample ns; /* CPU time of one operation, by round; or its instructions, once */
    bool is_counted;  /* those are instructions, which nothing disturbs */
    double peak_resident_bytes;
};

struct results {
    char *path;
    char *build; /* compiler, flags, processor, system: what makes numbers comparable */
    struct result *rows;
    size_t count;
    bool is_counted; /* of instructions, not of times */
};

/* Reads a whole file; *error names it and the line. On failure nothing is to be closed. */
ASSAY_MUST_CHECK assay_status results_read(struct results *results, const char *path,
                                           struct assay_error *error);
void results_close(struct results *results);
/* The name of the workload that stands for all. */
#define RESULTS_TOTAL "(all)"
/*
 * Adds to both runs a row RESULTS_TOTAL for each heap with two workloads or more that have all rounds in both: the
 * geometric mean of them, round by round. -1 if there is no memory, else 0.
 */
int results_add_totals(struct results *a, struct results *b);
/* The row of this name, or NULL. O(rows). */
const struct result *results_find(const struct results *results, const char *workload,
                                  const char *backend);

#endif
