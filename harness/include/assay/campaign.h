/*
 * campaign.h - random streams on one backend, in child processes, until there is a finding or time is up.
 *
 * Needs nothing of the backend: no coverage, no sources. Streams come from swarm.h by number, so what was
 * found is found again from the number alone.
 */
#ifndef ASSAY_CAMPAIGN_H
#define ASSAY_CAMPAIGN_H

#include "assay/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_campaign_options {
    uint64_t seed;       /* other streams for other seeds */
    uint64_t most_ops;   /* operations; 0: no bound */
    double most_seconds; /* of processor time; 0: no bound, and one of both there must be */
    uint64_t ignored;    /* bit (1 << check): such findings are not told */
    const char *options; /* of the backend; NULL is "" */
};

struct assay_campaign_result {
    bool found;
    struct assay_finding finding;
    uint64_t stream;  /* assay_swarm_stream(stream) is the one of the finding */
    uint64_t streams; /* that were run */
    uint64_t ops;     /* in them, up to the finding */
    uint64_t served;  /* requests */
    uint64_t refused;
    double seconds; /* of processor time in the children */
};

/*
 * Runs streams until the first finding. Odd ones get fenced pages, even ones recycled ones, where the
 * backend takes pages at all. A backend that lives in the process's heap gets a child for each stream, forked
 * from here where all is made ready, so that nothing that a stream does to the heap lasts.
 *
 * ASSAY_OK: *result tells. Otherwise *error does: no child, no memory, or the backend makes no heap.
 * Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status assay_campaign_run(const struct assay_backend *backend,
                                                 const struct assay_campaign_options *options,
                                                 struct assay_campaign_result *result,
                                                 struct assay_error *error);

/* The number of the n-th stream, from 0, of a campaign with this seed. */
uint64_t assay_campaign_number(uint64_t seed, uint64_t n);
/* Whether the stream with this number runs on fenced pages; else on recycled ones. */
bool assay_campaign_is_fenced(uint64_t number);
/* The word of --pages for it. */
const char *assay_campaign_pages(uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
