/*
 * timeline.h - how much memory a heap has while it runs a workload, operation by operation.
 */
#ifndef ASSAY_BENCH_TIMELINE_H
#define ASSAY_BENCH_TIMELINE_H

#include "measure.h"

#define TIMELINE_UNKNOWN SIZE_MAX

/* After `op` operations. TIMELINE_UNKNOWN where the heap does not say. */
struct moment {
    uint64_t op;
    size_t live_bytes;     /* asked for and not freed */
    size_t mapped_bytes;   /* taken from the page source, or by the heap's own statistics */
    size_t resident_bytes; /* growth of the process, every page of each block being written */
    size_t largest_free;   /* by the heap's statistics, else the largest free extent of its walk */
};

/* Lies in memory that children share. */
struct timeline {
    size_t count, room;
    bool is_measured;
    struct moment moments[];
};

/* How many moments there are in a stream of `ops` operations, one each `every`, and the end. */
size_t timeline_moments(uint64_t ops, uint64_t every);
/*
 * Runs the workload on the row's backend in a child and notes a moment each `every` operations.
 * timeline->room is set by the caller; further moments are left out.
 */
void measure_timeline(struct timeline *timeline, const struct row *row,
                      const struct workload *workload, uint64_t every);

#endif
