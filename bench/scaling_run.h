/*
 * scaling_run.h - backends and numbers of threads on a workload, as rows for people and for programs.
 */
#ifndef ASSAY_BENCH_SCALING_RUN_H
#define ASSAY_BENCH_SCALING_RUN_H

#include "plan.h"

/* An empty sheet with its headings; NULL: no memory. */
struct sheet *scaling_sheet(void);
/* Prints what it takes to hand a block over. */
void scaling_print_handoff(struct plan *plan);
/* Verifies, measures and prints all rows that passed; the exit status. */
int scaling_run(struct plan *plan, const struct row *rows, size_t rows_count,
                const struct workload *workload);

#endif
