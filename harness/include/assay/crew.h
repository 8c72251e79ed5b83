/*
 * crew.h - runs a stream on one heap by several threads at once, without checks or with few.
 *
 * The threads of a stream are dealt to lanes, which run side by side; so the same stream can be run by one thread
 * and by many. Within a lane operations keep their order, and so do those of each slot, whoever does them: a
 * thread waits until what comes before its operation on that slot has been done. All else may happen in any order.
 * So a block is never used by two at once, and a stream that runs in its order on one thread runs to its end.
 *
 * A thread of the machine lives as long as those of the stream that it stands for: where all of a lane have ended
 * before others of it begin, it ends and a new one begins.
 */
#ifndef ASSAY_CREW_H
#define ASSAY_CREW_H

#include "assay/bare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_CREW_MOST_LANES 64

struct assay_crew; /* a stream, dealt to lanes */

struct assay_crew_result {
    struct assay_bare_result counts;
    uint32_t made_up;  /* as heap->made_up */
    uint64_t wall_ns;  /* from when the first lane began until the last has ended */
    uint64_t cpu_ns;   /* of all threads, to start them and to wait included */
    uint64_t damaged;  /* blocks that did not hold what was written; if that was asked for */
    uint64_t first_op; /* by which the first of them was seen, if any */
};

/* How many threads operations of the stream name. */
unsigned assay_crew_threads(const struct assay_stream *stream);
/* The stream must outlive the crew. lanes: 1 to ASSAY_CREW_MOST_LANES. NULL: no memory. O(operations). */
struct assay_crew *assay_crew_open(const struct assay_stream *stream, unsigned lanes);
void assay_crew_close(struct assay_crew *crew);
/*
 * Runs the stream once; blocks that are live at its end are freed after the time was taken. The backend must be
 * THREAD_SAFE, or the crew have one lane. heap NULL: nothing is called, which is what the crew itself takes.
 * verify: each block is marked at both ends, and its marks are looked at before it is freed or resized.
 * ASSAY_NO_MEMORY where threads cannot be started; nothing was run then.
 */
ASSAY_MUST_CHECK assay_status assay_crew_run(struct assay_crew *crew, struct assay_heap *heap,
                                             bool verify, struct assay_crew_result *result);

#ifdef __cplusplus
}
#endif

#endif
