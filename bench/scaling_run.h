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
/* How many rows a workload has: the harness alone, then each backend, each with each number of threads; 0: another view. */
size_t scaling_count(const struct plan *plan);
/* Says of each which backend and how many threads it is of; nothing is measured yet. */
void scaling_name(const struct plan *plan, const struct step *step);
/* Verifies those whose backend passed its checks; the others stay as not passed, which rounds leave out. */
void scaling_verify_all(const struct plan *plan, const struct step *step,
                        const struct workload *workload);
/* Prints the same; the exit status. */
int scaling_show(const struct plan *plan, const struct step *step);

#endif
