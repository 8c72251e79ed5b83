/*
 * features.h - what a stream makes a heap do, as a set: what watch.h marks. Inputs with the same features teach a campaign
 * the same.
 */
#ifndef ASSAY_FEATURES_H
#define ASSAY_FEATURES_H

#include "assay/replay.h"
#include "assay/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_features {
    uint8_t seen[ASSAY_WATCH_MARKS]; /* 0 or 1 */
    uint64_t ops;                    /* that ran */
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
