/*
 * shim.h - what we use of Google Benchmark, in C.
 */
#ifndef ASSAY_BENCH_SHIM_H
#define ASSAY_BENCH_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shim_state; /* one repetition of one benchmark while it runs */

/* Calls shim_next() until it is false, with the measured work after each true. */
typedef void shim_body(void *arg, struct shim_state *state);
/* What came of it: nanoseconds of CPU time of one iteration, and how many there were. */
typedef void shim_seen(void *arg, double cpu_ns, uint64_t iterations);

/* Registers a benchmark; `seen` gets arg, too. iterations 0: as many as the time takes. */
void shim_add(const char *name, shim_body *body, shim_seen *seen, void *arg, uint64_t iterations);
/*
 * Runs each that was registered once, in random order, and forgets it. min_time_s is for one; 0 means one
 * iteration.
 */
void shim_run(double min_time_s);

bool shim_next(struct shim_state *state);
/* Stops and starts the clock inside an iteration. */
void shim_pause(struct shim_state *state);
void shim_resume(struct shim_state *state);

#ifdef __cplusplus
}
#endif

#endif
