/*
 * ranges.h - ranges of addresses that do not overlap, in a B+-tree that is kind to caches.
 *
 *   inner     0          300           where the ranges below a child begin,
 *             - 180, 5   - 420, 10      where they end, and the largest gap between two of them
 *               |            \
 *   leaf      0     40     150    ->  300     410       where ranges begin,
 *             - 35  - 145  - 180      - 400   - 420     and where they end
 *
 * Keys, where the entries of a node begin, stand apart from the entries, in four lines of cache that are asked for at
 * one time; behind the last key stands UINT64_MAX, where no range begins. Each node but the root is at least half full,
 * so there are at most 80 bytes of nodes for a range, and 1 KiB for the first. To look up, add and remove is
 * O(log n): of 10^5 ranges, all but the leaf is in a cache close by.
 *
 * Idea: R. Bayer and E. McCreight, Organization and maintenance of large ordered indexes, 1972.
 */
#ifndef VMA_RANGES_H
#define VMA_RANGES_H

#include "vma.h"

#define VMA_FAN 31   /* entries of a node */
#define VMA_LEAST 15 /* of one that is not the root */

/* What is known of a range besides its start. The tree looks at its end alone. */
struct vma_range {
    uint64_t end;
    void *content;
    uint8_t permission;
    bool is_pinned;
};

struct vma_node;

/* What is known of a child besides its lowest address. */
struct vma_below {
    uint64_t end; /* its highest */
    struct vma_node *child;
    uint64_t gap; /* the largest between two of its ranges */
};

struct vma_node {
    uint64_t keys[VMA_FAN + 1]; /* rising; the last is always UINT64_MAX */
    union {
        struct vma_range range; /* of a leaf */
        struct vma_below below; /* of an inner node */
    } entries[VMA_FAN];
    struct vma_node *behind; /* of a leaf: the next one */
    unsigned count;
};

/* All zero: none. */
struct vma_ranges {
    struct vma_node *root;
    unsigned height; /* of inner nodes above a leaf */
    size_t count;
    size_t runs;  /* of ranges that touch */
    size_t nodes; /* in memory */
};

/* Where a range is, until one is added or removed. Without a leaf: nowhere. */
struct vma_place {
    struct vma_node *leaf;
    unsigned index;
};

static inline uint64_t vma_start(struct vma_place place)
{
    return place.leaf->keys[place.index];
}

static inline struct vma_range *vma_range(struct vma_place place)
{
    return &place.leaf->entries[place.index].range;
}

/* The first range that ends behind address. */
struct vma_place vma_ranges_from(const struct vma_ranges *ranges, uint64_t address);
/* The range behind the one at place. O(1). */
struct vma_place vma_ranges_next(struct vma_place place);

/*
 * Adds [start, end), which is not empty, and tells where; the rest of its record is zero. VMA_OVERLAP; VMA_NO_MEMORY
 * leaves all as it was.
 */
enum vma_status vma_ranges_add(struct vma_ranges *ranges, uint64_t start, uint64_t end,
                               struct vma_place *place);
/* Takes the range that begins at start out, into *removed; false if none does. */
bool vma_ranges_remove(struct vma_ranges *ranges, uint64_t start, struct vma_range *removed);
/* Gives the nodes back, not what the records lead to. O(n). */
void vma_ranges_clear(struct vma_ranges *ranges);

/*
 * The lowest start, a multiple of align, of `size` free bytes that end at or before `end`, which is no lower than
 * the end of the last range. O(log n) where size and all starts are multiples of align; else gaps that are too small
 * only by their alignment are looked at too.
 */
bool vma_ranges_gap(const struct vma_ranges *ranges, uint64_t end, uint64_t size, uint64_t align,
                    uint64_t *start);

/* What is wrong with the nodes, as a sentence; NULL: nothing. O(n). */
const char *vma_ranges_damage(const struct vma_ranges *ranges);

#endif
