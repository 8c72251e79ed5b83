/*
 * conformance.h - what a backend is: one test for each sentence of backend.h and each capability.
 *
 * Each test runs on a heap of its own in a child process, so that a crash or a hang is an answer too.
 */
#ifndef ASSAY_CONFORMANCE_H
#define ASSAY_CONFORMANCE_H

#include "assay/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_verdict {
    ASSAY_KEPT,
    ASSAY_BROKEN,
    ASSAY_NOT_CLAIMED, /* the capability is not claimed or the function is not offered */
    ASSAY_COULD_CLAIM, /* not claimed, yet kept in this test */
};

struct assay_conformance_result {
    const char *name;  /* a sentence: "freeing_all_blocks_restores_the_largest" */
    const char *needs; /* the capability or function it is about, "" for everyone */
    enum assay_verdict verdict;
    char why[240]; /* for BROKEN: what was seen */
    bool hung;     /* it did not come back and took the time that one test may take */
};

/* Why a test is not claimed that ran out of processor time, which a machine may be too slow for. */
#define ASSAY_TOO_SLOW "cannot be told of a heap as slow as this"

/* How many tests there are, misuse included. */
size_t assay_conformance_count(void);
/* Runs test number `index` on a backend. ASSAY_NO_MEMORY if no child process is to be had. */
ASSAY_MUST_CHECK assay_status assay_conformance_run(const struct assay_backend *backend,
                                                    size_t index,
                                                    struct assay_conformance_result *result);

#ifdef __cplusplus
}
#endif

#endif
