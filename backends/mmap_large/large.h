/*
 * large.h - one mapping for each block: mapped when it is asked for, unmapped when it is given back.
 *
 * The table of regions is all there is of records. A block's region has its length in `info` and, in `data`,
 * how far behind the start of the mapping the block begins. Nothing here locks: who has the blocks does.
 *
 * Where asked for, some mappings are kept for the next blocks when they are given back, for to fault pages in anew
 * takes longer than all else; never more than LARGE_KEPT of them, and `keep_bytes` in all.
 */
#ifndef ASSAY_LARGE_H
#define ASSAY_LARGE_H

#include "regions/regions.h"

#define LARGE_KEPT 8
/* `data` of the region of a kept mapping: no block begins there. */
#define LARGE_NO_BLOCK ((void *)UINTPTR_MAX)

struct assay_large {
    struct assay_regions *regions;
    size_t keep_bytes; /* most bytes that are kept; 0: none */
    size_t kept_bytes;
    unsigned kept_count;
    uintptr_t kept[LARGE_KEPT]; /* starts of mappings, the oldest first */
    size_t taken;
    size_t taken_bytes; /* of their mappings */
};

void assay_large_init(struct assay_large *large, struct assay_regions *regions, size_t keep_bytes);

/*
 * A mapping that holds `bytes` from a place on that is aligned to align, any power of two, with at least
 * `lead` bytes before it; that place, or NULL. lead is a multiple of 16 below a page, bytes may be 0.
 * *was_used tells whether it may hold anything but zeros.
 */
void *assay_large_take(struct assay_large *large, size_t lead, size_t align, size_t bytes,
                       bool *was_used);

/* The region of the block at address, which may be anything; NULL if there is none. */
struct assay_region *assay_large_find(const struct assay_large *large, const void *address);

/* Bytes from the block's start to the end of its mapping. */
static inline size_t assay_large_room(const struct assay_region *region)
{
    return region->bytes - (uintptr_t)region->data;
}

/* Makes a block longer or shorter within its mapping, whose pages behind it are unmapped; false if it must move. */
bool assay_large_resize(struct assay_large *large, struct assay_region *region, size_t bytes);

/* Unmaps a block, or keeps its mapping. */
void assay_large_give(struct assay_large *large, struct assay_region *region);

/* Unmaps what is kept; whether there was anything. */
bool assay_large_trim(struct assay_large *large);

/* Bytes of the largest mapping that is kept. */
size_t assay_large_largest(const struct assay_large *large);

static inline bool assay_large_is_kept(const struct assay_region *region)
{
    return region->data == LARGE_NO_BLOCK;
}

#endif
