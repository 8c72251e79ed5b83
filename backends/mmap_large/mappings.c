/*
 * mappings.c - a block in a mapping of its own.
 *
 *   [ lead | block ............ | rest of the last page ]
 *   ^ start  ^ start + data                             ^ start + bytes
 *
 * For an alignment above a page the mapping is made as aligned as the block, and the pages before the one in
 * which the lead begins go back at once.
 */
#include "mmap_large/large.h"

void assay_large_init(struct assay_large *large, struct assay_regions *regions)
{
    *large = (struct assay_large){.regions = regions};
}

void *assay_large_take(struct assay_large *large, size_t lead, size_t align, size_t bytes)
{
    struct assay_regions *regions = large->regions;
    size_t page = regions->pages->page_size;
    size_t offset = assay_align_up(lead, align);
    size_t whole = assay_regions_round(regions, assay_add(offset, bytes ? bytes : 1));

    if (whole == SIZE_MAX)
        return NULL;
    struct assay_region *region =
        assay_regions_map(regions, whole, align > page ? align : page, large);
    if (!region)
        return NULL;
    size_t front = assay_align_down(offset - lead, page);
    assay_regions_cut(regions, region, front, 0);
    region->data = (void *)(offset - front);
    region->info = bytes;
    large->taken++;
    large->taken_bytes += region->bytes;
    return (void *)(region->start + (offset - front));
}

struct assay_region *assay_large_find(const struct assay_large *large, const void *address)
{
    struct assay_region *region = assay_regions_find(large->regions, address);

    if (!region || region->owner != large ||
        (uintptr_t)address - region->start != (uintptr_t)region->data)
        return NULL;
    return region;
}

bool assay_large_resize(struct assay_large *large, struct assay_region *region, size_t bytes)
{
    if (bytes > assay_large_room(region))
        return false;
    size_t used =
        assay_regions_round(large->regions, (uintptr_t)region->data + (bytes ? bytes : 1));
    large->taken_bytes -= region->bytes - used;
    assay_regions_cut(large->regions, region, 0, region->bytes - used);
    region->info = bytes;
    return true;
}

void assay_large_give(struct assay_large *large, const struct assay_region *region)
{
    large->taken--;
    large->taken_bytes -= region->bytes;
    assay_regions_unmap(large->regions, region->start);
}
