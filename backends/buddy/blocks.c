/*
 * blocks.c - blocks are split when they are taken, held when they are given back, merged when need be.
 *
 *   [ ------ 2^k free ------ ]  =>  [ 2^(k-1) taken ][ 2^(k-1) free ]       the lower half is given
 *
 * The buddy of a block of 2^k bytes lies at its address with bit k turned over. D. Knuth, TAOCP vol. 1, 2.5,
 * algorithms R and S; that merging is put off is due to C. Kaufman, CACM 27 (1984).
 */
#include "buddy/map.h"

void assay_buddy_init(struct assay_buddy *buddy, struct assay_regions *regions, unsigned least,
                      bool labelled)
{
    *buddy = (struct assay_buddy){.regions = regions, .least = least, .width = labelled ? 2 : 0};
}

uint32_t assay_buddy_label(const struct assay_buddy *buddy, const struct assay_region *region,
                           const void *address)
{
    return label_at(state_of(buddy, region, unit_of(buddy, region, address)));
}

void assay_buddy_name(const struct assay_buddy *buddy, const struct assay_region *region,
                      const void *address, uint32_t label)
{
    set_label(state_of(buddy, region, unit_of(buddy, region, address)), label);
}

unsigned assay_buddy_taken(const struct assay_buddy *buddy, const struct assay_region *region,
                           const void *address)
{
    size_t offset = (uintptr_t)address - region->start;
    unsigned state;

    if (offset & (((size_t)1 << buddy->least) - 1))
        return 0;
    state = *state_of(buddy, region, offset >> buddy->least);
    return state >= BUDDY_TAKEN ? state & BUDDY_ORDER : 0;
}

/* --- lists of free blocks --- */

static void push(struct assay_buddy *buddy, uint8_t *state, void *block, unsigned order)
{
    struct buddy_free *node = block;

    *state = (uint8_t)(BUDDY_FREE | order);
    node->previous = NULL;
    node->next = buddy->free[order];
    if (node->next)
        node->next->previous = node;
    buddy->free[order] = node;
    buddy->filled |= (uint64_t)1 << order;
}

static void unlink_free(struct assay_buddy *buddy, struct buddy_free *node, unsigned order)
{
    if (node->next)
        node->next->previous = node->previous;
    if (node->previous) {
        node->previous->next = node->next;
        return;
    }
    buddy->free[order] = node->next;
    if (!node->next)
        buddy->filled &= ~((uint64_t)1 << order);
}

/* Frees a block for good: merges it with its buddy as long as that one is free and whole. */
static void merge(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                  unsigned order)
{
    size_t unit = unit_of(buddy, region, block);
    unsigned top = top_of(region);

    *state_of(buddy, region, unit) = 0;
    for (; order < top; order++) {
        size_t other = unit ^ ((size_t)1 << (order - buddy->least));
        uint8_t *state = state_of(buddy, region, other);
        if (*state != (BUDDY_FREE | order))
            break;
        unlink_free(buddy, (void *)(region->start + (other << buddy->least)), order);
        *state = 0;
        unit = unit < other ? unit : other;
    }
    push(buddy, state_of(buddy, region, unit), (void *)(region->start + (unit << buddy->least)),
         order);
}

/* --- held blocks --- */

/* Merges the `count` oldest blocks held of order least + level. */
static void merge_held(struct assay_buddy *buddy, unsigned level, unsigned count)
{
    struct buddy_held *held = buddy->held[level];

    for (unsigned i = 0; i < count; i++)
        merge(buddy, assay_regions_find(buddy->regions, held[i].block), held[i].block,
              buddy->least + level);
    buddy->held_count[level] = (uint8_t)(buddy->held_count[level] - count);
    for (unsigned i = 0; i < buddy->held_count[level]; i++)
        held[i] = held[i + count];
}

void assay_buddy_settle(struct assay_buddy *buddy)
{
    for (unsigned level = 0; level < BUDDY_HELD_ORDERS; level++)
        merge_held(buddy, level, buddy->held_count[level]);
}

/* --- counts --- */

size_t assay_buddy_blocks(const struct assay_buddy *buddy)
{
    size_t blocks = 0;

    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        blocks += buddy->taken[order];
    return blocks;
}

size_t assay_buddy_bytes(const struct assay_buddy *buddy)
{
    size_t bytes = 0;

    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        bytes += buddy->taken[order] << order;
    return bytes;
}

/* --- regions --- */

/* Of the map of a region. */
static size_t bytes_beside(const struct assay_buddy *buddy, size_t bytes)
{
    return assay_regions_round(buddy->regions, bytes >> buddy->least << buddy->width);
}

/* False without asking for a page if the limit has no room for it. */
static bool add_region(struct assay_buddy *buddy, unsigned order)
{
    struct assay_regions *regions = buddy->regions;
    size_t page = regions->pages->page_size;
    size_t bytes = (size_t)1 << order;

    if (bytes + bytes_beside(buddy, bytes) > regions->limit - regions->mapped_bytes)
        return false;
    struct assay_region *record =
        assay_regions_map(regions, bytes_beside(buddy, bytes), page, NULL);
    if (!record)
        return false;
    void *map = (void *)record->start;
    struct assay_region *region =
        assay_regions_map(regions, bytes, bytes > page ? bytes : page, buddy);
    if (!region) {
        assay_regions_unmap(regions, (uintptr_t)map);
        return false;
    }
    region->data = map;
    region->info = order;
    push(buddy, map, (void *)region->start, order);
    return true;
}

/* The next region, twice as large as the last one; smaller where that is more than there is. */
static bool grow(struct assay_buddy *buddy, unsigned order)
{
    unsigned page = assay_floor_log2(buddy->regions->pages->page_size);
    unsigned full = BUDDY_FIRST_REGION + buddy->refills;
    unsigned least = order > page ? order : page;

    for (unsigned top = full > least ? full : least; top >= least; top--) {
        if (add_region(buddy, top)) {
            buddy->refills += top >= full && full < 30;
            return true;
        }
    }
    return false;
}

static bool is_unused(const struct assay_buddy *buddy, const struct assay_region *region)
{
    return region->owner == buddy && *state_of(buddy, region, 0) == (BUDDY_FREE | top_of(region));
}

size_t assay_buddy_unused(struct assay_buddy *buddy)
{
    const struct assay_regions *regions = buddy->regions;
    size_t bytes = 0;

    assay_buddy_settle(buddy);
    for (const struct assay_region *region = assay_regions_next(regions, NULL); region;
         region = assay_regions_next(regions, region))
        if (is_unused(buddy, region))
            bytes += region->bytes + bytes_beside(buddy, region->bytes);
    return bytes;
}

bool assay_buddy_trim(struct assay_buddy *buddy)
{
    struct assay_regions *regions = buddy->regions;
    bool any = false;

    assay_buddy_settle(buddy);
    for (const struct assay_region *region = assay_regions_next(regions, NULL); region;) {
        if (!is_unused(buddy, region)) {
            region = assay_regions_next(regions, region);
            continue;
        }
        uintptr_t start = region->start, map = (uintptr_t)region->data;
        unlink_free(buddy, (void *)start, top_of(region));
        assay_regions_unmap(regions, start);
        assay_regions_unmap(regions, map);
        any = true;
        region = assay_regions_after(regions, start);
    }
    if (any && assay_buddy_blocks(buddy) == 0)
        buddy->refills = 0;
    return any;
}

/* --- take and give --- */

/* Takes a block off the lists and splits it down to the order; its upper halves stay free. */
static struct buddy_held split(struct assay_buddy *buddy, unsigned order)
{
    unsigned from = order + (unsigned)__builtin_ctzll(buddy->filled >> order);
    struct buddy_free *node = buddy->free[from];
    const struct assay_region *region = assay_regions_find(buddy->regions, node);
    size_t unit = unit_of(buddy, region, node);

    unlink_free(buddy, node, from);
    while (from > order) {
        from--;
        push(buddy, state_of(buddy, region, unit + ((size_t)1 << (from - buddy->least))),
             (char *)node + ((size_t)1 << from), from);
    }
    return (struct buddy_held){node, state_of(buddy, region, unit)};
}

static inline void *hand_out(struct assay_buddy *buddy, struct buddy_held taken, unsigned order,
                             uint32_t label)
{
    *taken.state = (uint8_t)(BUDDY_TAKEN | order);
    if (buddy->width > 0)
        set_label(taken.state, label);
    buddy->taken[order]++;
    return taken.block;
}

/* Apart, so that to take a held one is short. */
static __attribute__((noinline)) void *take_new(struct assay_buddy *buddy, unsigned order,
                                                uint32_t label)
{
    if (order >= BUDDY_ORDERS)
        return NULL;
    if (!(buddy->filled >> order))
        assay_buddy_settle(buddy);
    if (!(buddy->filled >> order) && !grow(buddy, order))
        return NULL;
    return hand_out(buddy, split(buddy, order), order, label);
}

void *assay_buddy_take(struct assay_buddy *buddy, unsigned order, uint32_t label)
{
    unsigned level = order - buddy->least;

    if (level >= BUDDY_HELD_ORDERS || buddy->held_count[level] == 0)
        return take_new(buddy, order, label);
    return hand_out(buddy, buddy->held[level][--buddy->held_count[level]], order, label);
}

static inline void hold(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                        unsigned level)
{
    uint8_t *state = state_of(buddy, region, unit_of(buddy, region, block));

    *state = (uint8_t)(BUDDY_IS_HELD | (buddy->least + level));
    buddy->held[level][buddy->held_count[level]++] = (struct buddy_held){block, state};
}

/* Of an order that is not held, or of which as many are held as may be. */
static __attribute__((noinline)) void give_merging(struct assay_buddy *buddy,
                                                   const struct assay_region *region, void *block,
                                                   unsigned level)
{
    if (level >= BUDDY_HELD_ORDERS) {
        merge(buddy, region, block, buddy->least + level);
        return;
    }
    merge_held(buddy, level, BUDDY_HELD / 2);
    hold(buddy, region, block, level);
}

void assay_buddy_give(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                      unsigned order)
{
    unsigned level = order - buddy->least;

    buddy->taken[order]--;
    if (level >= BUDDY_HELD_ORDERS || buddy->held_count[level] == BUDDY_HELD)
        give_merging(buddy, region, block, level);
    else
        hold(buddy, region, block, level);
}

/* --- resize --- */

/* Whether the upper halves up to order `to` are free, so that the block can become their lower half. */
static bool can_grow(const struct assay_buddy *buddy, const struct assay_region *region,
                     const void *block, unsigned from, unsigned to)
{
    size_t unit = unit_of(buddy, region, block);

    if (to > top_of(region) || unit & (((size_t)1 << (to - buddy->least)) - 1))
        return false;
    for (; from < to; from++)
        if (*state_of(buddy, region, unit + ((size_t)1 << (from - buddy->least))) !=
            (BUDDY_FREE | from))
            return false;
    return true;
}

bool assay_buddy_resize(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                        unsigned from, unsigned to)
{
    size_t unit = unit_of(buddy, region, block);

    if (to > from && !can_grow(buddy, region, block, from, to))
        return false;
    buddy->taken[from]--;
    buddy->taken[to]++;
    *state_of(buddy, region, unit) = (uint8_t)(BUDDY_TAKEN | to);
    for (; from < to; from++) {
        char *upper = (char *)block + ((size_t)1 << from);
        unlink_free(buddy, (struct buddy_free *)(void *)upper, from);
        *state_of(buddy, region, unit_of(buddy, region, upper)) = 0;
    }
    while (from > to) {
        from--;
        char *upper = (char *)block + ((size_t)1 << from);
        push(buddy, state_of(buddy, region, unit_of(buddy, region, upper)), upper, from);
    }
    return true;
}
