/*
 * swarm.h - random streams, each of a mood of its own.
 *
 * A stream that does a little of everything reaches few states. So each stream draws which kinds of
 * operations, sizes and habits it has at all, and leaves the others out.
 *
 * Idea: Groce, Zhang, Eide, Chen and Regehr, Swarm testing, 2012.
 */
#ifndef ASSAY_SWARM_H
#define ASSAY_SWARM_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Replaces *stream with number `seed`: some dozen to some thousand valid operations in a heap of 8 KiB to
 * 4 MiB, of an odd length now and then. The same seed gives the same stream on every machine.
 * ASSAY_NO_MEMORY leaves a shorter one.
 */
ASSAY_MUST_CHECK assay_status assay_swarm_stream(struct assay_stream *stream, uint64_t seed);
/* Its first `most` operations, and what the habit under way then comes to. */
ASSAY_MUST_CHECK assay_status assay_swarm_start(struct assay_stream *stream, uint64_t seed,
                                                size_t most);

#ifdef __cplusplus
}
#endif

#endif
