/*
 * workers.h - the same work on many things, on all processors at once: for what is not timed.
 */
#ifndef ASSAY_BENCH_WORKERS_H
#define ASSAY_BENCH_WORKERS_H

#include <stddef.h>

/*
 * Calls work(arg, 0) to work(arg, count - 1) in forked processes, as many as there are processors, and waits for them.
 * What comes of it must lie in shared memory. Where no process is to be had the caller's does it all.
 * What a worker that was killed had in hand is left as it was. Not from a process with more threads.
 */
void workers_run(void (*work)(void *arg, size_t number), void *arg, size_t count);

#endif
