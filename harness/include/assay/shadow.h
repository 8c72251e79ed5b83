/*
 * shadow.h - the independent model of what must be true of the live blocks.
 *
 * The shadow writes every usable byte of every block with a pattern bound to (slot, generation)
 * and keeps its books outside the heap under test. It never calls the heap. Each function below
 * returns false when a promise is broken and fills in check, blocks and sentence of *finding;
 * operation, backend and seed are the caller's. Addresses are resolved ones. O(log n) plus the
 * bytes of the block. Not thread-safe.
 */
#ifndef ASSAY_SHADOW_H
#define ASSAY_SHADOW_H

#include "assay/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_shadow;

/*
 * content_bytes: of a block larger than this, only the first and last content_bytes / 2 are
 * written and checked. 0 means the default, 64 MiB. NULL if there is no memory.
 */
struct assay_shadow *assay_shadow_open(size_t content_bytes);
void assay_shadow_close(struct assay_shadow *shadow); /* NULL is allowed */
/* Forgets all blocks. Cost in proportion to what was used, without a system call for small use. */
void assay_shadow_clear(struct assay_shadow *shadow);

/* What a slot holds. The handle is what the backend returned, start what it resolves to. */
struct assay_shadow_slot {
    void *handle; /* of the live block, or of the last one if not live; NULL: never used */
    unsigned char *start;
    size_t size;
    size_t usable;
    uint64_t op;         /* index of the operation that made the block */
    uint32_t generation; /* counts blocks of this slot; part of the pattern */
    bool live;
} __attribute__((aligned(64)));
/* Valid until the shadow is closed; slot < ASSAY_SLOTS. All slots are one array, in order. */
const struct assay_shadow_slot *assay_shadow_slot(const struct assay_shadow *shadow, uint32_t slot);

/* A block came: checks alignment and overlap, and, if zeroed, that size bytes are zero; then writes
 * the pattern to the last usable byte. The slot is not live before. */
ASSAY_MUST_CHECK bool assay_shadow_add(struct assay_shadow *shadow, uint32_t slot,
                                       const struct assay_block *block, void *handle, size_t align,
                                       bool zeroed, struct assay_finding *finding);
/* A block is about to be freed: checks its content and takes it out. The slot is live. */
ASSAY_MUST_CHECK bool assay_shadow_remove(struct assay_shadow *shadow, uint32_t slot,
                                          struct assay_finding *finding);
/*
 * Realloc is about to be called, check content (it may be gone afterwards), and after it:
 * moved() takes out the old block, checks the new one as add() does, and that the first min(old
 * size, new size) bytes are the old pattern (ASSAY_CHECK_PREFIX). kept() is for a refused
 * realloc: the old block must be as it was (ASSAY_CHECK_ROLLBACK).
 */
ASSAY_MUST_CHECK bool assay_shadow_verify(struct assay_shadow *shadow, uint32_t slot,
                                          struct assay_finding *finding);
ASSAY_MUST_CHECK bool assay_shadow_moved(struct assay_shadow *shadow, uint32_t slot,
                                         const struct assay_block *block, void *handle,
                                         size_t align, struct assay_finding *finding);
ASSAY_MUST_CHECK bool assay_shadow_kept(struct assay_shadow *shadow, uint32_t slot,
                                        struct assay_finding *finding);
/* Checks the content of a live block and writes a new pattern. */
ASSAY_MUST_CHECK bool assay_shadow_touch(struct assay_shadow *shadow, uint32_t slot,
                                         struct assay_finding *finding);
/* Checks the content of every live block. O(all bytes). */
ASSAY_MUST_CHECK bool assay_shadow_verify_all(struct assay_shadow *shadow,
                                              struct assay_finding *finding);

size_t assay_shadow_count(const struct assay_shadow *shadow); /* live blocks */
size_t assay_shadow_bytes(const struct assay_shadow *shadow); /* their requested bytes */
size_t assay_shadow_usable_bytes(const struct assay_shadow *shadow);
size_t assay_shadow_peak_bytes(const struct assay_shadow *shadow);

/* The live block that holds address; false if none does. */
bool assay_shadow_find(const struct assay_shadow *shadow, const void *address,
                       struct assay_block *block);
/* The live blocks by rising address: the lowest with start >= from; false past the last. */
bool assay_shadow_next(const struct assay_shadow *shadow, const void *from,
                       struct assay_block *block);

/* As assay_places_gaps(): of the block that a slot holds. */
void assay_shadow_gaps(const struct assay_shadow *shadow, const struct assay_shadow_slot *slot,
                       unsigned *below, unsigned *above);

/* For samples: the block of the number-th slot that was used, modulo their count; false if it is not live. */
bool assay_shadow_pick(const struct assay_shadow *shadow, uint64_t number,
                       struct assay_block *block);

/* Brings what the next operation on the block of slot will need into the cache. */
void assay_shadow_fetch(const struct assay_shadow *shadow, uint32_t slot);
/* The same for a block that just came to start, before it is added. */
void assay_shadow_fetch_place(const struct assay_shadow *shadow, const void *start);

#ifdef __cplusplus
}
#endif

#endif
