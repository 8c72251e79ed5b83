/*
 * calls.h - calls on addresses, as tools write them down, become operations on slots.
 *
 * The stream never allocates into a full slot, nor frees or reallocates an empty one:
 *   - a refused allocation is itself, then a free of its slot;
 *   - a refused realloc is itself, then a realloc back to the size before;
 *   - realloc of NULL is a realloc of an empty slot; realloc to 0, where that frees, is a free;
 *   - free of a block that nobody was seen to allocate is left out, realloc of one allocates;
 *   - a block given out twice with no free seen between is freed first.
 *
 * Address 0 is NULL; any other number that names a block will do. Memory: about 60 bytes for each
 * block of the most that are live at once. Calls are O(1). Not thread-safe.
 */
#ifndef ASSAY_CALLS_H
#define ASSAY_CALLS_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_calls;

struct assay_calls_counts {
    uint64_t refused;          /* calls answered by NULL; each has one addition that undoes it */
    uint64_t unknown_frees;    /* of blocks that nobody was seen to allocate; left out */
    uint64_t unknown_reallocs; /* of the same; they allocate */
    uint64_t missed_frees;     /* additions: a block was given out again with no free seen */
    uint64_t peak_bytes;       /* most bytes requested and live at once */
    uint64_t peak_blocks;
};

/* NULL if there is no memory. */
struct assay_calls *assay_calls_open(void);
void assay_calls_close(struct assay_calls *calls); /* NULL is allowed */

/* The thread of the calls from here on, below ASSAY_THREADS; 0 at first. */
void assay_calls_set_thread(struct assay_calls *calls, uint16_t thread);
/* Time that has passed before the next operation; adds up. */
void assay_calls_pass(struct assay_calls *calls, uint64_t delta_ns);

/*
 * A call of malloc or its like that gave `address`. kind is an allocating one or REALLOC, which
 * stands for realloc(NULL, size); arg is as in op.h, but an alignment need not be a power of two: it is
 * rounded up to one, as memalign() does.
 */
void assay_calls_alloc(struct assay_calls *calls, enum assay_op_kind kind, uint64_t address,
                       uint64_t size, uint64_t arg);
void assay_calls_free(struct assay_calls *calls, uint64_t address);
/* realloc(before, size) gave `after`. */
void assay_calls_realloc(struct assay_calls *calls, uint64_t before, uint64_t after, uint64_t size);

/*
 * The same in two halves, for what other threads do in between may be about the address of the
 * block. before is not 0. Each begin has at most one end.
 */
struct assay_calls_realloc {
    uint64_t before;
    uint32_t slot;
};
struct assay_calls_realloc assay_calls_realloc_begin(struct assay_calls *calls, uint64_t before);
void assay_calls_realloc_end(struct assay_calls *calls, const struct assay_calls_realloc *begun,
                             uint64_t after, uint64_t size);

/* Whether a block is known at address. */
bool assay_calls_is_live(const struct assay_calls *calls, uint64_t address);

/* There is room for so many calls while assay_calls_is_full() is false. */
#define ASSAY_CALLS_AT_ONCE 8
/*
 * Takes out the operations made so far; they stay valid until the next call makes one. They must be
 * taken out once assay_calls_is_full().
 */
size_t assay_calls_ops(struct assay_calls *calls, const struct assay_op **ops);
bool assay_calls_is_full(const struct assay_calls *calls);

/* ASSAY_NO_MEMORY; ASSAY_UNSUPPORTED: more than ASSAY_SLOTS blocks at once. Nothing is made after. */
assay_status assay_calls_status(const struct assay_calls *calls);
const struct assay_calls_counts *assay_calls_counts(const struct assay_calls *calls);

#ifdef __cplusplus
}
#endif

#endif
