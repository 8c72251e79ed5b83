/*
 * parts.h - what is measured on each workload of a plan, from the checks to the last round.
 */
#ifndef ASSAY_BENCH_PARTS_H
#define ASSAY_BENCH_PARTS_H

#include "plan.h"
#include "steps.h"

/* All that is measured on one workload, one cost or one trace. */
struct part {
    const char *name;
    bool is_trace;
    struct step step; /* rows lie in memory that children share */
    int status;       /* exit status, where its stream could not be had */
    int rounds;       /* that are done */
    bool has_begun;   /* an interrupted run has done what comes before the rounds */
};

/* How many parts a plan has. */
size_t parts_count(const struct plan *plan);
/* Names them. Each has (backends + MOST_COST_ROWS) of `rows` and scaling_count() of `threads`. */
void parts_name(const struct plan *plan, struct part *parts, struct row *rows,
                struct scaling *threads);
/* Makes or reads the stream; false, with the exit status, after having said why not. */
bool part_load(const struct part *part, struct workload *workload, int *status);
/* Takes over what the plan's journal has of `identity`; the exit status. */
int parts_open_journal(struct plan *plan, struct part *parts, size_t count, const char *identity);
/* Checks, footprints and rounds, as far as they are not done, each written to the journal when it is. */
void parts_run(struct plan *plan, struct part *parts, size_t count);

#endif
