/*
 * campaign.h - the standard campaign that a mutant goes through: streams, and pages between fences.
 */
#ifndef ASSAY_CAMPAIGN_H
#define ASSAY_CAMPAIGN_H

#include "assay/op.h"

/* Replaces *stream with number `seed` of the campaign. The same seed gives the same stream. */
ASSAY_MUST_CHECK assay_status assay_campaign_stream(struct assay_stream *stream, uint64_t seed);

/*
 * A page source that never gives an address twice and leaves an inaccessible page on either side of
 * every mapping, from one reservation: what touches a byte too many crashes.
 */
struct assay_fence {
    struct assay_page_source source;
    unsigned char *base;
    unsigned char *next;
};

ASSAY_MUST_CHECK assay_status assay_fence_open(struct assay_fence *fence);
void assay_fence_close(struct assay_fence *fence);
/* Takes everything back and begins anew at the base; `fence` is a struct assay_fence. */
void assay_fence_reset(void *fence);

#endif
