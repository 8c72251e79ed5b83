/*
 * features.h - what a stream makes a heap do, as counts of small numbers: inputs with the same features teach a
 * campaign the same.
 *
 * Needs nothing of the backend, neither coverage nor sources: placement of blocks, size classes that follow each
 * other, the shape of free extents, page requests and refusals, what operations came to, and the check that fails.
 */
#ifndef ASSAY_FEATURES_H
#define ASSAY_FEATURES_H

#include "assay/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_FEATURES (1u << 16)

struct assay_features {
    /* For each feature, bit b: it was seen so often: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. */
    uint8_t seen[ASSAY_FEATURES];
    uint64_t ops; /* that ran */
    bool found;
    enum assay_check check; /* that failed first */
};

/*
 * Runs *stream on a fresh heap in a child process and fills in *features. What ends the child, or takes it more
 * than 3 s of processor time, is a finding. ASSAY_OK: *features tells. Otherwise *error does: no heap, no child, no
 * memory. Pages that repeat (recycled ones) make features repeat. Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status assay_features_run(struct assay_features *features,
                                                 const struct assay_backend *backend,
                                                 const struct assay_stream *stream,
                                                 const struct assay_replay_options *options,
                                                 struct assay_error *error);
/* Adds what was seen in `from` to `into`, and gives how much of it is new there. */
size_t assay_features_add(struct assay_features *into, const struct assay_features *from);

#ifdef __cplusplus
}
#endif

#endif
