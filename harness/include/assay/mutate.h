/*
 * mutate.h - edits of a stream that keep what a change of bytes breaks: which free belongs to which block.
 *
 * Total and deterministic: any bytes and any seed give some stream, the same ones the same. Not for traces:
 * an edit may look at all operations.
 */
#ifndef ASSAY_MUTATE_H
#define ASSAY_MUTATE_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A lifetime is all that is done with a slot from an allocating operation to the free. */
enum assay_edit {
    ASSAY_EDIT_INSERT,    /* one new operation */
    ASSAY_EDIT_DELETE,    /* a run of operations goes */
    ASSAY_EDIT_DUPLICATE, /* one operation once more, right behind */
    ASSAY_EDIT_SWAP,      /* two operations change places */
    ASSAY_EDIT_MOVE,      /* one operation to another place */
    ASSAY_EDIT_SPLICE,    /* a lifetime once more, on another slot, later */
    ASSAY_EDIT_RETARGET,  /* one operation to another slot */
    ASSAY_EDIT_RESIZE,    /* one size to, or next to, where allocators change their mind */
    ASSAY_EDIT_REPEAT,    /* a run of operations several times in a row */
    ASSAY_EDIT_SCALE,     /* all sizes of a run doubled or halved */
    ASSAY_EDIT_REORDER, /* the frees of a run among themselves: LIFO, FIFO, random, every other first */
    ASSAY_EDITS
};

/*
 * Makes one edit of *stream, chosen within it by seed. A stream that has nothing for it to work on stays
 * as it was. At most 64 operations are added. ASSAY_NO_MEMORY leaves a valid stream.
 */
ASSAY_MUST_CHECK assay_status assay_mutate_edit(struct assay_stream *stream, enum assay_edit edit,
                                                uint64_t seed);

/*
 * Replaces data[0 .. size), the fuzzer's form, by its mutation of one edit or a few, or now and then by a new
 * random stream (swarm.h), and returns the new length, at most room; size is at most room. What does not fit is cut off between records. Out of memory:
 * data stays.
 */
size_t assay_mutate(uint8_t *data, size_t size, size_t room, uint64_t seed);

/*
 * Writes to data such a new stream, as long as room allows, and returns its length. Out of memory: 0. Most bugs fall
 * to one of the first few hundred of these, so an engine does well to begin with them alone.
 */
size_t assay_mutate_renew(uint8_t *data, size_t room, uint64_t seed);
#define ASSAY_MUTATE_FRESH 256 /* so many */

/*
 * Writes to out the first part of stream a and then the last part of b, both in the fuzzer's form, under
 * the set-up of a. Returns the length, at most room; 0 if out of memory.
 */
size_t assay_mutate_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                          uint8_t *out, size_t room, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
