/*
 * stable.h - how many instructions a backend takes for a workload: a number that neither the load of a machine
 * nor its clock changes.
 *
 * Callgrind counts those of one run of the stream, in a process of its own, after one run that is not counted. The
 * process is this program again under valgrind, which counts itself instead of others.
 */
#ifndef ASSAY_BENCH_STABLE_H
#define ASSAY_BENCH_STABLE_H

#include "measure.h"

/*
 * Fills in what the valgrind that will be used calls itself; false: there is none, or none can work on this build, and
 * *why says so in a clause.
 */
bool stable_find(char *version, size_t room, const char **why);
/* Sets instructions, skipped, refused and made_up of a row that passed, or passed and failure where it does not. */
void measure_instructions(struct row *row);
/* Whether this process is the one that counts itself. */
bool stable_is_counting(void);
/* Does that; the exit status. */
int stable_count(const struct assay_backend *backend, const struct workload *workload);

#endif
