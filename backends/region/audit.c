/*
 * audit.c - whether a region's records agree with each other, and what it consists of. O(n log n).
 *
 * Sizes are followed from block to block and must meet each start and no other; the tree must hold each free
 * block once, in order. So whatever was written over a free block's record is seen.
 */
#include "region.h"

#include <stdio.h>

static assay_status report(struct region *region, struct assay_damage *damage, const void *where,
                           const char *what)
{
    region->damaged = true;
    damage->where = where;
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

assay_status region_check(struct region *region, struct assay_damage *damage)
{
    size_t free_blocks = 0;
    size_t used_blocks = 0;
    size_t used_bytes = 0;
    bool was_free = false;

    if (region->damaged)
        return report(region, damage, NULL, "a free block's record was overwritten");
    for (uint32_t place = 0; place < region->units;) {
        const struct region_block *block = region_at(region, place);
        bool is_free = region_is_hole(region, place);
        if (block->units < region->least || block->units > region->units - place)
            return report(region, damage, block, "a block's size is impossible");
        if (region_bits_last(&region->starts, place + block->units - 1) != place)
            return report(region, damage, block, "a block's size and the next start disagree");
        if (is_free && was_free)
            return report(region, damage, block, "two free blocks lie side by side");
        size_t room = (size_t)block->units * region->unit - REGION_HEADER;
        if (!is_free && block->extra >= room)
            return report(region, damage, block, "a block's requested size is impossible");
        free_blocks += is_free;
        used_blocks += !is_free;
        used_bytes += is_free ? 0 : room - block->extra;
        was_free = is_free;
        place += block->units;
    }
    if (used_blocks != region->used_blocks || used_bytes != region->used_bytes)
        return report(region, damage, NULL, "the counts of used blocks and bytes are wrong");
    if (region_tree_count(region) != free_blocks || region->damaged)
        return report(region, damage, NULL,
                      "the trees of free blocks are not the free blocks in order");
    return ASSAY_OK;
}

static bool show(assay_visit_fn *visit, void *arg, const unsigned char *start, size_t bytes,
                 enum assay_extent_kind kind)
{
    struct assay_extent extent = {.start = start, .bytes = bytes, .kind = kind};

    return bytes == 0 || visit(arg, &extent);
}

assay_status region_walk(const struct region *region, assay_visit_fn *visit, void *arg)
{
    const unsigned char *map = (const unsigned char *)region;
    const unsigned char *end = region->base + (size_t)region->units * region->unit;

    if (!show(visit, arg, map, (size_t)(region->base - map), ASSAY_EXTENT_META))
        return ASSAY_OK;
    for (uint32_t place = 0; place < region->units;) {
        const struct region_block *block = region_at(region, place);
        if (block->units == 0 || block->units > region->units - place)
            return ASSAY_CORRUPT;
        if (!show(visit, arg, (const unsigned char *)block, (size_t)block->units * region->unit,
                  region_is_hole(region, place) ? ASSAY_EXTENT_FREE : ASSAY_EXTENT_USED))
            return ASSAY_OK;
        place += block->units;
    }
    show(visit, arg, end, region->mapped - (size_t)(end - map), ASSAY_EXTENT_META);
    return ASSAY_OK;
}
