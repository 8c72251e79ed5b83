/*
 * latency.h - how long single operations take, by kind.
 *
 * Each operation's time is the least of several replays of the same stream on a new heap: what the
 * machine did to one replay is gone, what the heap does each time stays. So the worst case has a cause,
 * and its operation is named.
 */
#ifndef ASSAY_BENCH_LATENCY_H
#define ASSAY_BENCH_LATENCY_H

#include "measure.h"

#include "assay/histogram.h"

#define LATENCY_KINDS (ASSAY_OP_TOUCH) /* kinds that call the heap: those before it */

/* Lies in memory that children share. */
struct latency {
    struct assay_histogram kinds[LATENCY_KINDS]; /* nanoseconds, without the timer's own */
    uint64_t worst_op[LATENCY_KINDS];            /* index of the operation that took the maximum */
    double timer_ns;                             /* what reading it costs, taken off */
    bool is_measured;
};

/* Longer streams are measured by their first operations. */
#define LATENCY_MOST_OPS ((size_t)1 << 24)

/* Replays the workload on the row's backend in a child; is_measured says whether it came to its end. */
void measure_latency(struct latency *latency, const struct row *row,
                     const struct workload *workload, unsigned replays);

#endif
