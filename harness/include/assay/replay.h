/*
 * replay.h - runs a stream on one heap under the shadow: every check that needs one thread.
 *
 * Operations run in stream order on the calling thread, whatever thread they name. At the end the faults
 * are lifted, everything is freed, and conservation, service, trimming and leaks are checked.
 */
#ifndef ASSAY_REPLAY_H
#define ASSAY_REPLAY_H

#include "assay/finding.h"
#include "assay/heap.h"
#include "assay/shadow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_watch;  /* watch.h */
struct assay_replay; /* shadow, meter and heap, kept from stream to stream */

struct assay_replay_options {
    /* Self-check, walk and statistics against the shadow each so many operations; 0: only at
     * check operations and at the end. */
    uint64_t check_interval;
    size_t content_bytes;                  /* as assay_shadow_open() */
    const char *options;                   /* of the backend; NULL is "" */
    const struct assay_page_source *pages; /* NULL: the system's */
    /* Called before every replayed stream to make `pages` anew; NULL: nothing to do. */
    void (*reset_pages)(void *ctx);
    void *reset_ctx;
    /* Counts refusals of pages that the meter does not see, of a gate in front of a library's own calls:
     * a request during which it rises may be refused, one during which it does not may not. The whole
     * stream counts as one with faults. NULL: there are none. */
    const uint64_t *page_refusals;
    bool transcript;  /* compute result.transcript */
    uint64_t ignored; /* bit (1 << check): such a finding is not told. The stream goes on, or where
                       * it cannot, ends there as if all were well. */
    /* Called when a promise is broken, while the heap is still there to be asked, which may end the process:
     * closed already where destroy broke it. NULL: nobody wants to know. */
    void (*tell)(void *ctx, const struct assay_finding *finding, const struct assay_replay *replay);
    void *tell_ctx;
    struct assay_watch *watch; /* marks what the heap does; NULL: nobody wants to know */
    volatile uint64_t
        *progress; /* where the index of the operation under way is put; NULL: nowhere */
};

struct assay_replay_result {
    uint64_t ops;                     /* operations seen, skipped ones included */
    uint64_t skipped[ASSAY_OP_KINDS]; /* wrong state, or not offered */
    uint64_t refused;                 /* allocating operations that gave NULL */
    uint64_t served;                  /* allocating operations that gave a block */
    uint64_t checks;                  /* single promises that were checked and kept */
    size_t peak_live_bytes;
    size_t peak_mapped_bytes; /* 0 without PAGE_SOURCE */
    uint64_t transcript;      /* hash of what was answered, as slot and offset relations */
    bool found;
    struct assay_finding finding;
};

/* options is copied, what it points to is not. NULL if there is no memory. backend must outlive it. */
struct assay_replay *assay_replay_open(const struct assay_backend *backend,
                                       const struct assay_replay_options *options);
void assay_replay_close(struct assay_replay *replay); /* NULL is allowed */

/*
 * Runs one stream from a fresh heap to its destruction, or to the first finding. ASSAY_OK: *result
 * tells, finding or not. Otherwise *error does: the heap could not be created, or the reader failed.
 */
ASSAY_MUST_CHECK assay_status assay_replay_run(struct assay_replay *replay,
                                               struct assay_reader *reader,
                                               struct assay_replay_result *result,
                                               struct assay_error *error);

/*
 * --- the same, an operation at a time ---
 *
 * begin, steps, and end do to the heap what assay_replay_run() does with the same operations. *result is
 * filled in by the step that broke a promise, or by the end.
 */

/* What an operation came to. */
enum assay_outcome {
    ASSAY_OUTCOME_DONE,        /* it ran; what it says is in the result's counters */
    ASSAY_OUTCOME_SERVED,      /* a request, and there is a block */
    ASSAY_OUTCOME_REFUSED,     /* a request, and there is none */
    ASSAY_OUTCOME_SKIPPED,     /* not for this slot, or not where its block lies: see op.h */
    ASSAY_OUTCOME_NOT_OFFERED, /* not by this backend */
};

struct assay_answer {
    enum assay_outcome outcome;
    bool page_refused;        /* the page source refused something meanwhile */
    struct assay_block block; /* of the operation's slot, whether or not it is live */
};

/* A fresh heap. result stays until the end; without ASSAY_OK there is nothing to end. */
ASSAY_MUST_CHECK assay_status assay_replay_begin(struct assay_replay *replay,
                                                 const struct assay_setup *setup,
                                                 struct assay_replay_result *result,
                                                 struct assay_error *error);
/*
 * Runs *op, which is valid. False: no further step. Either *result has a finding and the heap is gone, or
 * the heap answered an overrun and can no longer be judged.
 */
ASSAY_MUST_CHECK bool assay_replay_step(struct assay_replay *replay, const struct assay_op *op,
                                        struct assay_answer *answer);
/* Frees all, checks the emptied heap and destroys it; nothing to do after a finding. */
void assay_replay_end(struct assay_replay *replay);
/* Takes the pages from under the heap, which is not called again: an end that nobody judges. */
void assay_replay_drop(struct assay_replay *replay);
/* The heap between two steps, to be asked and not to be changed, and what is live in it. */
const struct assay_heap *assay_replay_heap(const struct assay_replay *replay);
const struct assay_shadow *assay_replay_shadow(const struct assay_replay *replay);

#ifdef __cplusplus
}
#endif

#endif
