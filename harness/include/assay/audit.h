/*
 * audit.h - what a heap says about itself, held against the shadow.
 *
 * Everything here is O(live blocks) or as costly as the backend's own functions. What a backend
 * does not offer is not checked. On false *finding has check, blocks and sentence; the rest is
 * the caller's.
 */
#ifndef ASSAY_AUDIT_H
#define ASSAY_AUDIT_H

#include "assay/finding.h"
#include "assay/heap.h"
#include "assay/shadow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The free extents of a heap, as its walk shows them. */
struct assay_audit_shape {
    uint64_t free_extents;
    size_t largest_free; /* ASSAY_UNKNOWN where there is no walk */
};

/*
 * check(), walk(), stats(), owns(), and unmaps of what was not mapped. *checks counts the
 * promises that were looked at; *shape is what the walk has shown, once all was found right.
 */
ASSAY_MUST_CHECK bool assay_audit(const struct assay_heap *heap, const struct assay_shadow *shadow,
                                  uint64_t *checks, struct assay_audit_shape *shape,
                                  struct assay_finding *finding);

/* The parts, for those who need one. */
ASSAY_MUST_CHECK bool assay_audit_self(const struct assay_heap *heap,
                                       struct assay_finding *finding);
ASSAY_MUST_CHECK bool assay_audit_walk(const struct assay_heap *heap,
                                       const struct assay_shadow *shadow,
                                       struct assay_audit_shape *shape,
                                       struct assay_finding *finding);

#ifdef __cplusplus
}
#endif

#endif
