/*
 * bare.h - runs a stream on one heap without any check, as fast as calling the table by hand.
 *
 * For measuring. What the backend does not offer the harness makes up where it can
 * (heap->made_up tells), and skips where not. Misuse and faults are skipped. A touch operation writes
 * every byte that was asked for, however blocks are touched besides. Not thread-safe.
 */
#ifndef ASSAY_BARE_H
#define ASSAY_BARE_H

#include "assay/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_touch {
    ASSAY_TOUCH_NONE, /* only the heap's own accesses */
    ASSAY_TOUCH_PAGES, /* one byte of each page, as a program that uses its memory would make resident */
    ASSAY_TOUCH_ALL, /* every requested byte is written */
};

struct assay_bare_result {
    uint64_t ops;
    uint64_t skipped;
    uint64_t refused; /* allocations that gave NULL, frees that were not ASSAY_OK */
    uint64_t calls;   /* calls of the table */
};

struct assay_bare; /* the slots, kept from run to run */

struct assay_bare *assay_bare_open(void); /* NULL if there is no memory */
void assay_bare_close(struct assay_bare *bare);

/*
 * Writes to what is kept of each slot of a stream, no block being live, so that it is resident before anything
 * is measured. A fraction of what a run takes.
 */
void assay_bare_warm(struct assay_bare *bare, const struct assay_stream *stream);
/* Runs what is left in reader; *result is added to. The reader's failure is in reader->error. */
void assay_bare_run(struct assay_bare *bare, struct assay_heap *heap, struct assay_reader *reader,
                    enum assay_touch touch, struct assay_bare_result *result);
/*
 * Runs operations and stores after each what assay_ticks() says, so that one reading is the end of
 * one operation and the begin of the next. *result is added to.
 */
void assay_bare_stamp(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *ops,
                      size_t count, uint64_t *stamps, struct assay_bare_result *result);
/* Frees every block that is live, lowest slot first, and forgets all. */
void assay_bare_drain(struct assay_bare *bare, struct assay_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
