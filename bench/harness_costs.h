/*
 * harness_costs.h - what the harness itself costs: the bare replay, reading a trace, the shadow.
 */
#ifndef ASSAY_BENCH_HARNESS_COSTS_H
#define ASSAY_BENCH_HARNESS_COSTS_H

#include "measure.h"

#define MOST_COST_ROWS 4

/* Name and one line of explanation by number, or NULL beyond the last. */
const char *cost_name(size_t number);
const char *cost_summary(size_t number);
/*
 * Fills in the rows of the cost called `name` and returns how many there are, 0 if none has this
 * name. rows lie in memory that children share; spec says what was timed. A row that could not be
 * measured has not passed.
 */
size_t cost_measure(const char *name, struct row rows[MOST_COST_ROWS], int repetitions,
                    double min_time_s);

#endif
