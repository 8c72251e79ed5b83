/*
 * reduce.h - the shortest and plainest stream that can be had from one with a finding, by the same check.
 *
 * Drops operations, by ranges, by lifetimes of blocks, one by one, and makes what is left plain: sizes, counts,
 * alignments, kinds, slots, set-up. The result is 1-minimal: without any one of its operations the check finds
 * nothing, or something else does. The same stream gives the same result.
 *
 * Whatever is tried runs in a child, forked from a process that has run the operations before it already. So a
 * heap may crash and hang, and what comes first is not run again for each attempt.
 */
#ifndef ASSAY_REDUCE_H
#define ASSAY_REDUCE_H

#include "assay/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_reduce_options {
    struct assay_replay_options replay; /* progress, transcript and ignored are not used */
    /* Processor time after which an attempt hangs. 0: some twenty times what the stream needs to get there. */
    uint64_t hang_us;
    /* Called between passes with how many operations there are and were tried; NULL: nobody wants to know. */
    void (*tell)(void *ctx, size_t ops, uint64_t attempts);
    void *tell_ctx;
};

struct assay_reduce_result {
    bool found;                   /* else replay finds nothing, and the stream is as it was */
    struct assay_finding finding; /* of the reduced stream */
    uint64_t ops;                 /* there were */
    uint64_t attempts;            /* streams that were run, or parts of them */
};

/*
 * Replaces *stream by a reduced one. ASSAY_OK: *result tells. Otherwise *error does, and *stream is as it was: the
 * heap could not be created, or there is no memory or no child. Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status assay_reduce(const struct assay_backend *backend,
                                           struct assay_stream *stream,
                                           const struct assay_reduce_options *options,
                                           struct assay_reduce_result *result,
                                           struct assay_error *error);

#ifdef __cplusplus
}
#endif

#endif
