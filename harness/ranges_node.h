/*
 * ranges_node.h - the nodes of the tree in ranges.c, and what is done inside one of them.
 *
 * Addresses come in no order that a branch predictor could learn, and a wrong guess costs as much as
 * a search; so searches and moves inside a node do the same steps whatever they find. Unused starts
 * and lows are UINTPTR_MAX for that. Only starts are kept in order: `order` is a list of eight numbers
 * of four bits, the first `count` of which say where the end and the value of each start are, the
 * others which places are free.
 */
#ifndef ASSAY_RANGES_NODE_H
#define ASSAY_RANGES_NODE_H

#include "assay/ranges.h"

#include <string.h>

#define LEAF 8u
#define FANOUT 14u
#define UNUSED UINTPTR_MAX
#define NONE UINT32_MAX
#define IN_ORDER UINT32_C(0x76543210)

struct leaf {
    uintptr_t starts[LEAF];
    uintptr_t ends[LEAF];
    uint32_t values[LEAF];
    uint32_t order;
    uint32_t count;
    uint32_t previous, next;
};

struct inner {
    uintptr_t lows[FANOUT];
    uint32_t children[FANOUT];
    uint32_t count;
};

struct node {
    union {
        struct leaf leaf;
        struct inner inner;
        uint32_t next_free;
    };
    uintptr_t low, last; /* of a leaf: every key from low to last belongs here; else low > last */
} __attribute__((aligned(64)));

/* How many starts of leaf are at most key. */
static inline unsigned rank(const struct leaf *leaf, uintptr_t key)
{
    const uintptr_t *keys = leaf->starts;
    size_t below = 2 * (size_t)((keys[1] <= key) + (keys[3] <= key) + (keys[5] <= key));

    keys += below;
    below += (size_t)(keys[0] <= key) + (keys[1] <= key);
    /* UNUSED is a possible address, too. */
    return below < leaf->count ? (unsigned)below : leaf->count;
}
_Static_assert(LEAF == 8, "rank() looks at four blocks of two, order has eight places");

/* Which child of inner key belongs to. */
static inline unsigned child_position(const struct inner *inner, uintptr_t key)
{
    const uintptr_t *keys = inner->lows;
    size_t below = 0;

#pragma GCC unroll 14
    for (unsigned i = 0; i < FANOUT; i++)
        below += keys[i] <= key;
    return (below < inner->count ? (unsigned)below : inner->count) - 1;
}

/* Where the end and the value of start number `i` are; for i == count, a free place if there is one. */
static inline unsigned place(const struct leaf *leaf, unsigned i)
{
    return leaf->order >> 4 * i & 15;
}

static inline struct assay_range entry(const struct leaf *leaf, unsigned i)
{
    unsigned at = place(leaf, i);

    return (struct assay_range){leaf->starts[i], leaf->ends[at], leaf->values[at]};
}

/* Two starts at once; the compiler makes machine code of it where there is any for this. */
typedef uintptr_t two_starts __attribute__((vector_size(16), aligned(8), may_alias));

/* masks[LEAF - n + i]: all ones for i >= n. */
static const uintptr_t masks[2 * LEAF] = {[LEAF] = UINTPTR_MAX, UINTPTR_MAX, UINTPTR_MAX,
                                          UINTPTR_MAX,          UINTPTR_MAX, UINTPTR_MAX,
                                          UINTPTR_MAX,          UINTPTR_MAX};

static inline two_starts load_two(const uintptr_t *starts)
{
    return *(const two_starts *)(const void *)starts;
}

/* Writes to two starts what is at other, in those lanes where i >= n. */
static inline void choose_two(uintptr_t *starts, const uintptr_t *other, unsigned i, unsigned n)
{
    two_starts mask = load_two(&masks[LEAF - n + i]);
    two_starts chosen = (load_two(other) & mask) | (load_two(starts) & ~mask);

    *(two_starts *)(void *)starts = chosen;
}

/* starts[n ..] move up by one; n > 0. */
static inline void move_up(uintptr_t *starts, unsigned n)
{
#pragma GCC unroll 4
    for (unsigned i = LEAF - 2; i >= 2; i -= 2)
        choose_two(&starts[i], &starts[i - 1], i, n);
    starts[1] = n <= 1 ? starts[0] : starts[1];
}

/* starts[n + 1 ..] move down by one. */
static inline void move_down(uintptr_t *starts, unsigned n)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < LEAF - 2; i += 2)
        choose_two(&starts[i], &starts[i + 1], i, n);
    starts[LEAF - 2] = n <= LEAF - 2 ? starts[LEAF - 1] : starts[LEAF - 2];
    starts[LEAF - 1] = UNUSED;
}

/* Moves the last number of order[at .. last] to the front of these, or the first to the end. */
static inline uint32_t last_to_front(uint32_t order, unsigned at, unsigned last)
{
    uint32_t moved = UINT32_MAX >> 4 * (LEAF - 1 - last) & UINT32_MAX << 4 * at;
    uint32_t number = (order >> 4 * last) & 15;

    return (order & ~moved) | ((order & moved) << 4 & moved) | number << 4 * at;
}

static inline uint32_t first_to_end(uint32_t order, unsigned at, unsigned last)
{
    uint32_t moved = UINT32_MAX >> 4 * (LEAF - 1 - last) & UINT32_MAX << 4 * at;
    uint32_t number = (order >> 4 * at) & 15;

    return (order & ~moved) | ((order & moved) >> 4 & moved) | number << 4 * last;
}

/* Puts range in front of start number `at` of a leaf that is not full. */
static inline void put_entry(struct leaf *leaf, unsigned at, struct assay_range range)
{
    unsigned free_place = place(leaf, leaf->count);

    move_up(leaf->starts, at + 1);
    leaf->starts[at] = range.start;
    leaf->ends[free_place] = range.end;
    leaf->values[free_place] = range.value;
    leaf->order = last_to_front(leaf->order, at, leaf->count);
    leaf->count++;
}

static inline void put_child(struct inner *inner, unsigned at, uintptr_t low, uint32_t child)
{
    size_t after = inner->count - at;

    memmove(&inner->lows[at + 1], &inner->lows[at], after * sizeof inner->lows[0]);
    memmove(&inner->children[at + 1], &inner->children[at], after * sizeof inner->children[0]);
    inner->lows[at] = low;
    inner->children[at] = child;
    inner->count++;
}

/* Moves entries [from, count) to the end of another leaf. */
static inline void move_entries(struct leaf *source, unsigned from, struct leaf *target)
{
    for (unsigned i = from; i < source->count; i++) {
        struct assay_range range = entry(source, i);
        unsigned at = place(target, target->count);
        target->starts[target->count++] = range.start;
        target->ends[at] = range.end;
        target->values[at] = range.value;
        source->starts[i] = UNUSED;
    }
    source->count = from;
}

/* Moves children [from, count) to the end of another node. */
static inline void move_children(struct inner *source, unsigned from, struct inner *target)
{
    for (unsigned i = from; i < source->count; i++) {
        target->lows[target->count] = source->lows[i];
        target->children[target->count++] = source->children[i];
        source->lows[i] = UNUSED;
    }
    source->count = from;
}

static inline void drop_entry(struct leaf *leaf, unsigned at)
{
    leaf->count--;
    leaf->order = first_to_end(leaf->order, at, leaf->count);
    move_down(leaf->starts, at);
}

static inline void drop_child(struct inner *inner, unsigned at)
{
    size_t after = --inner->count - at;

    memmove(&inner->lows[at], &inner->lows[at + 1], after * sizeof inner->lows[0]);
    memmove(&inner->children[at], &inner->children[at + 1], after * sizeof inner->children[0]);
    inner->lows[inner->count] = UNUSED;
    inner->lows[0] = 0;
}

#endif
