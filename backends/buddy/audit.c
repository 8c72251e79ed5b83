/* audit.c - maps and lists of a buddy, held against each other. */
#include "buddy/map.h"

size_t assay_buddy_largest(struct assay_buddy *buddy)
{
    assay_buddy_settle(buddy);
    return buddy->filled ? (size_t)1 << assay_floor_log2(buddy->filled) : 0;
}

/* What maps say, added up. */
struct tally {
    size_t free[BUDDY_ORDERS];
    size_t taken[BUDDY_ORDERS];
};

/* Whether the block at `unit` fits where it is, and has not been left unmerged. */
static const char *block_fault(const struct assay_buddy *buddy, const struct assay_region *region,
                               size_t unit)
{
    unsigned state = *state_of(buddy, region, unit), order = state & BUDDY_ORDER;

    if (state < BUDDY_FREE || order < buddy->least || order > top_of(region))
        return "the map has no block where one must start";
    size_t units = (size_t)1 << (order - buddy->least);
    if (unit & (units - 1))
        return "a block is not aligned to its size";
    if (state == (BUDDY_FREE | order) && order < top_of(region) &&
        *state_of(buddy, region, unit ^ units) == state)
        return "two free buddies are not merged";
    return NULL;
}

static const char *tally_region(const struct assay_buddy *buddy, const struct assay_region *region,
                                struct tally *tally, const void **where)
{
    size_t units = region->bytes >> buddy->least;

    for (size_t unit = 0; unit < units;) {
        const char *fault = block_fault(buddy, region, unit);
        if (fault) {
            *where = (const void *)(region->start + (unit << buddy->least));
            return fault;
        }
        unsigned state = *state_of(buddy, region, unit), order = state & BUDDY_ORDER;
        if (state >= BUDDY_TAKEN) {
            tally->taken[order]++;
        } else {
            tally->free[order]++;
        }
        unit += (size_t)1 << (order - buddy->least);
    }
    return NULL;
}

/* Whether a free block of this order starts at address, which may be anything. */
static bool is_free(struct assay_buddy *buddy, const void *address, unsigned order)
{
    const struct assay_region *region = assay_regions_find(buddy->regions, address);

    return region && region->owner == buddy &&
           assay_is_aligned((const void *)((uintptr_t)address - region->start),
                            (size_t)1 << buddy->least) &&
           *state_of(buddy, region, unit_of(buddy, region, address)) == (BUDDY_FREE | order);
}

/* Links lie in free memory: none is followed before it is known that a free block is there. */
static const char *list_fault(struct assay_buddy *buddy, unsigned order, size_t count,
                              const void **where)
{
    const struct buddy_free *previous = NULL;

    for (const struct buddy_free *node = buddy->free[order]; node; node = node->next) {
        *where = previous;
        if (count-- == 0)
            return "more blocks are on a list than are free";
        if (!is_free(buddy, node, order) || node->previous != previous)
            return "a free block was written to: its links are wrong";
        previous = node;
    }
    *where = NULL;
    if (count > 0)
        return "a free block is missing from its list";
    if (!buddy->free[order] != !(buddy->filled >> order & 1))
        return "the summary of the lists is wrong";
    return NULL;
}

const char *assay_buddy_fault(struct assay_buddy *buddy, const void **where)
{
    struct tally tally = {0};
    const char *fault = NULL;

    *where = NULL;
    assay_buddy_settle(buddy);
    for (struct assay_region *region = assay_regions_next(buddy->regions, NULL); region && !fault;
         region = assay_regions_next(buddy->regions, region))
        if (region->owner == buddy)
            fault = tally_region(buddy, region, &tally, where);
    for (unsigned order = 0; order < BUDDY_ORDERS && !fault; order++) {
        fault = list_fault(buddy, order, tally.free[order], where);
        if (!fault && tally.taken[order] != buddy->taken[order])
            fault = "the counts of taken blocks are wrong";
    }
    return fault;
}

bool assay_buddy_walk(const struct assay_buddy *buddy, const struct assay_region *region,
                      assay_visit_fn *visit, void *arg)
{
    struct assay_extent extent;

    for (size_t offset = 0; offset < region->bytes; offset += extent.bytes) {
        unsigned state = *state_of(buddy, region, offset >> buddy->least);
        extent.start = (const void *)(region->start + offset);
        extent.bytes = (size_t)1 << (state & BUDDY_ORDER);
        extent.kind = state >= BUDDY_TAKEN ? ASSAY_EXTENT_USED : ASSAY_EXTENT_FREE;
        if (!visit(arg, &extent))
            return false;
    }
    return true;
}

void *assay_buddy_around(const struct assay_buddy *buddy, const struct assay_region *region,
                         const void *address, unsigned *order)
{
    size_t offset = (uintptr_t)address - region->start;

    /* Inside a block all is 0, so the first candidate that is not 0 is the block. */
    for (*order = buddy->least; *order <= top_of(region); ++*order) {
        size_t start = assay_align_down(offset, (size_t)1 << *order);
        unsigned state = *state_of(buddy, region, start >> buddy->least);
        if (state == 0)
            continue;
        if (state < BUDDY_TAKEN || start + ((size_t)1 << (state & BUDDY_ORDER)) <= offset)
            return NULL;
        *order = state & BUDDY_ORDER;
        return (void *)(region->start + start);
    }
    return NULL;
}
