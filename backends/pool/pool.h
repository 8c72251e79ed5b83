/*
 * pool.h - chunks of one size: taken and given back in constant time, last in first out.
 *
 * A pool does not know what its chunks are used for. For each one there is a tag, a byte that lies apart from
 * the chunks: 0 while the chunk is free, and what the user says while it is taken. So it is known of any
 * address whether a taken chunk starts there. What a free chunk holds is sealed, so that one that is written to
 * after it was given back leads nowhere: nothing in it is followed unless the seal is right. The whole of
 * what the same chunk held when it was free before has a right seal, and is not noticed.
 *
 * Nothing here locks: who has the pool does.
 */
#ifndef ASSAY_POOL_H
#define ASSAY_POOL_H

#include "regions/regions.h"

#define POOL_UNIT 16
#define POOL_CHUNK_MAX 1024
#define POOL_SLAB_MAX ((size_t)1 << 30)

struct pool_chunk {
    struct pool_chunk *next;
    uint8_t *tag; /* of this one */
    uintptr_t seal;
};

struct assay_pool {
    struct assay_regions *regions;
    struct pool_chunk *free; /* given back; the last one first */
    char *fresh;             /* chunks of the newest slab that were never taken */
    char *fresh_end;
    size_t chunk;        /* bytes of each */
    size_t first_slab;   /* bytes of the first slab; each next one has twice as many */
    uint64_t reciprocal; /* 2^32 / (chunk / POOL_UNIT), rounded up */
    unsigned refills;    /* slabs of full size that there have been */
    size_t taken;
    size_t chunks; /* in all slabs */
};

/*
 * An empty pool. chunk is a multiple of POOL_UNIT that holds a struct pool_chunk, of at most POOL_CHUNK_MAX bytes;
 * first_slab is one of chunk.
 */
void assay_pool_init(struct assay_pool *pool, struct assay_regions *regions, size_t chunk,
                     size_t first_slab);

/*
 * A chunk, with its tag set to a number that is not 0. NULL if there is no memory, or if a chunk was written
 * to after it was given back. *was_used tells whether it may hold anything but zeros.
 */
void *assay_pool_take(struct assay_pool *pool, uint8_t tag, bool *was_used);

/* The tag of the chunk that starts at address in `region`, a region of this pool; NULL if none starts there. */
uint8_t *assay_pool_tag(const struct assay_pool *pool, const struct assay_region *region,
                        const void *address);

/* Gives back a taken chunk, whose tag this is. */
void assay_pool_give(struct assay_pool *pool, void *chunk, uint8_t *tag);

/* Bytes of slabs without a taken chunk, tags included. O(all chunks). */
size_t assay_pool_unused(const struct assay_pool *pool);

/* Unmaps every slab without a taken chunk; whether there was one. O(all chunks). */
bool assay_pool_trim(struct assay_pool *pool);

/* --- audit --- */

/* What is wrong with the free chunks, or NULL; *where is then the address to blame, or NULL. O(all chunks). */
const char *assay_pool_fault(const struct assay_pool *pool, const void **where);

/* Shows the chunks of one slab; false if the visitor had enough. */
bool assay_pool_walk(const struct assay_pool *pool, const struct assay_region *slab,
                     assay_visit_fn *visit, void *arg);

/* The taken chunk in whose bytes address lies; NULL if there is none. */
void *assay_pool_around(const struct assay_pool *pool, const struct assay_region *slab,
                        const void *address);

#endif
