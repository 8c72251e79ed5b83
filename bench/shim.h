/*
 * shim.h - what we use of Google Benchmark, in C.
 */
#ifndef ASSAY_BENCH_SHIM_H
#define ASSAY_BENCH_SHIM_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shim_state; /* one repetition of one benchmark while it runs */

/* Calls shim_next() until it is false, with the measured work after each true. */
typedef void shim_body(void *arg, struct shim_state *state);
/* One repetition: nanoseconds of CPU time of one iteration. */
typedef void shim_seen(void *arg, double cpu_ns);

/* Registers a benchmark; `seen` gets arg, too. */
void shim_add(const char *name, shim_body *body, shim_seen *seen, void *arg);
/*
 * Runs what was registered, the repetitions of all in random order, and forgets it. min_time_s is per
 * repetition; 0 means one iteration.
 */
void shim_run(int repetitions, double min_time_s);

bool shim_next(struct shim_state *state);
/* Stops and starts the clock inside an iteration. */
void shim_pause(struct shim_state *state);
void shim_resume(struct shim_state *state);

#ifdef __cplusplus
}
#endif

#endif
