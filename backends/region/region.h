/*
 * region.h - the parts of a region heap, shared by its files.
 *
 *   [ instance | roots | starts | holes ][ header | bytes ][ header | bytes ] ... [ tail ]
 *                                        ^ base, counted in units from here
 *
 * A place is a block's first unit. `starts` has a bit for each place where a block begins, free or not, and
 * `holes` says which of them are free; both lie outside what the caller writes. So the block around any
 * address, and the left neighbour of a block, are the nearest bit below: O(log64 n), without footers.
 */
#ifndef REGION_H
#define REGION_H

#include "assay/backend.h"

#define REGION_HEADER 8u
#define REGION_LEVELS 6u
#define REGION_UNITS_MAX 0x7fffffffu
#define REGION_EXACT_MAX 512u
#define REGION_BIN_WORDS (REGION_EXACT_MAX / 64 + 1)

/* Which free block serves a request; the lowest address among equals. */
enum region_policy { REGION_BEST, REGION_WORST, REGION_FIRST };

/* A bit for each unit, and above it a bit for each word that is not zero, up to a single word. */
struct region_bits {
    uint64_t *level[REGION_LEVELS];
    unsigned levels;
};

struct region_block {
    uint32_t units; /* header included */
    uint32_t
        extra;     /* used: bytes behind the requested ones; free, first fit: most units below it */
    uint32_t left; /* free only: place + 1 of the subtrees' roots, 0 for none */
    uint32_t right;
};
_Static_assert(sizeof(struct region_block) == 16, "the smallest block holds a free block's record");

/* The free blocks, in one bin or in a bin for each size or range of sizes; a tree for each bin. */
struct region_holes {
    uint32_t *roots; /* of each bin, as `left` */
    uint32_t exact;  /* below so many units a bin for each size, above one for each power of two */
    unsigned exact_bits;
    unsigned place_bits;
    uint64_t filled[REGION_BIN_WORDS]; /* a bit for each bin that is not empty */
};

struct region {
    const struct assay_page_source *pages;
    size_t mapped;
    unsigned char *base;
    uint32_t units;
    uint32_t unit;  /* bytes: 8 or 16 */
    uint32_t least; /* units of the smallest block */
    enum region_policy policy;
    bool damaged; /* a record was found overwritten: no more requests are served */
    size_t used_bytes;
    size_t used_blocks;
    struct region_bits starts;
    uint64_t *holes;
    struct region_holes index;
};

static inline struct region_block *region_at(const struct region *region, uint32_t place)
{
    return (struct region_block *)(void *)(region->base + (size_t)place * region->unit);
}

static inline bool region_bits_has(const struct region_bits *bits, uint32_t i)
{
    return bits->level[0][i / 64] >> (i % 64) & 1;
}

/* Whether a free block starts at place. */
static inline bool region_is_hole(const struct region *region, uint32_t place)
{
    return region->holes[place / 64] >> (place % 64) & 1;
}

/* bits.c: all O(log64 n). */
size_t region_bits_words(uint32_t count);
void region_bits_init(struct region_bits *bits, uint64_t *words, uint32_t count);
void region_bits_set(struct region_bits *bits, uint32_t i);
void region_bits_clear(struct region_bits *bits, uint32_t i);
/* The last set bit at or below i; UINT32_MAX if there is none. */
uint32_t region_bits_last(const struct region_bits *bits, uint32_t i);

/*
 * tree.c: the free blocks. A block is named by its place, a find answers place + 1 or 0. All O(log n) of the
 * units, whatever the order of calls. A link that cannot be one is not followed and sets damaged.
 */
/* How many roots a region of so many units has. */
size_t region_tree_roots(uint32_t units);
void region_tree_init(struct region *region, uint32_t *roots);
void region_tree_insert(struct region *region, uint32_t place);
void region_tree_remove(struct region *region, uint32_t place);
/* The block that the policy picks for `units`. */
uint32_t region_tree_find(struct region *region, uint32_t units);
/* Of the blocks of at least `units` the next one behind `after`, which is what was found before; 0: the first. */
uint32_t region_tree_next(struct region *region, uint32_t units, uint32_t after);
uint32_t region_tree_largest(struct region *region);
/* How many blocks the trees hold; their order is verified on the way. O(n). */
size_t region_tree_count(struct region *region);

/* blocks.c */

/*
 * Maps a region. With `inside`, `bytes` is all that is mapped; else it is what blocks and their headers may take, and
 * the instance and its bits come on top. `unit` is the alignment of blocks, 8 or 16. NULL if it cannot be.
 */
struct region *region_open(const struct assay_page_source *pages, size_t bytes, bool inside,
                           uint32_t unit, enum region_policy policy);
void region_close(struct region *region);
/* NULL if size is 0 or no free block can hold it. */
void *region_take(struct region *region, size_t size);
/*
 * The same at a multiple of align, a power of two. O(log n) for each free block tried: of those that could hold
 * size bytes, the ones in which no multiple lies well.
 */
void *region_take_aligned(struct region *region, size_t align, size_t size);
/*
 * Gives the block at address, its first byte, another size where it is, at the cost of the free block behind it. False, and
 * nothing has changed, if that cannot be.
 */
bool region_resize(struct region *region, void *address, size_t size);
/* Frees the block that address falls within, any of the bytes asked for. */
ASSAY_MUST_CHECK assay_status region_release(struct region *region, const void *address);
/* The size asked for of the block around address, 0 if there is none. */
size_t region_size(const struct region *region, const void *address);
/* Whether address is the first byte of a used block. */
bool region_is_block(const struct region *region, const void *address);

/* audit.c */
ASSAY_MUST_CHECK assay_status region_check(struct region *region, struct assay_damage *damage);
ASSAY_MUST_CHECK assay_status region_walk(const struct region *region, assay_visit_fn *visit,
                                          void *arg);

#endif
