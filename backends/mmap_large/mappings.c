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

void assay_large_init(struct assay_large *large, struct assay_regions *regions, size_t keep_bytes)
{
    *large = (struct assay_large){.regions = regions, .keep_bytes = keep_bytes};
}

/* --- kept mappings --- */

static struct assay_region *kept_at(const struct assay_large *large, unsigned i)
{
    return assay_regions_find(large->regions, (const void *)large->kept[i]);
}

static void forget(struct assay_large *large, unsigned i)
{
    large->kept_bytes -= kept_at(large, i)->bytes;
    large->kept_count--;
    for (; i < large->kept_count; i++)
        large->kept[i] = large->kept[i + 1];
}

/* The smallest kept mapping of at least `least` and at most `most` bytes, no longer kept; NULL if there is none. */
static struct assay_region *take_kept(struct assay_large *large, size_t least, size_t most)
{
    struct assay_region *best = NULL;
    unsigned place = 0;

    for (unsigned i = 0; i < large->kept_count; i++) {
        struct assay_region *region = kept_at(large, i);
        if (region->bytes >= least && region->bytes <= (best ? best->bytes - 1 : most)) {
            best = region;
            place = i;
        }
    }
    if (best)
        forget(large, place);
    return best;
}

static void unmap_oldest(struct assay_large *large)
{
    uintptr_t start = large->kept[0];

    forget(large, 0);
    assay_regions_unmap(large->regions, start);
}

static void keep(struct assay_large *large, struct assay_region *region)
{
    uintptr_t start = region->start;
    size_t bytes = region->bytes;

    region->data = LARGE_NO_BLOCK;
    while (large->kept_count == LARGE_KEPT || large->kept_bytes > large->keep_bytes - bytes)
        unmap_oldest(large);
    large->kept[large->kept_count++] = start;
    large->kept_bytes += bytes;
}

bool assay_large_trim(struct assay_large *large)
{
    bool any = large->kept_count > 0;

    while (large->kept_count > 0)
        unmap_oldest(large);
    return any;
}

size_t assay_large_largest(const struct assay_large *large)
{
    size_t largest = 0;

    for (unsigned i = 0; i < large->kept_count; i++) {
        size_t bytes = kept_at(large, i)->bytes;
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

/* --- blocks --- */

static struct assay_region *map(struct assay_large *large, size_t whole, size_t align,
                                bool *was_used)
{
    size_t page = large->regions->pages->page_size;
    struct assay_region *region = NULL;

    *was_used = true;
    if (align <= page) /* not one more than twice as large, unless no other can be had */
        region = take_kept(large, whole, whole <= SIZE_MAX / 2 ? 2 * whole : SIZE_MAX);
    if (region)
        return region;
    *was_used = false;
    region = assay_regions_map(large->regions, whole, align > page ? align : page, large);
    if (region || align > page)
        return region;
    *was_used = true;
    return take_kept(large, whole, SIZE_MAX);
}

void *assay_large_take(struct assay_large *large, size_t lead, size_t align, size_t bytes,
                       bool *was_used)
{
    struct assay_regions *regions = large->regions;
    size_t page = regions->pages->page_size;
    size_t offset = assay_align_up(lead, align);
    size_t whole = assay_regions_round(regions, assay_add(offset, bytes ? bytes : 1));

    if (whole == SIZE_MAX)
        return NULL;
    struct assay_region *region = map(large, whole, align, was_used);
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

void assay_large_give(struct assay_large *large, struct assay_region *region)
{
    large->taken--;
    large->taken_bytes -= region->bytes;
    if (region->bytes <= large->keep_bytes)
        keep(large, region);
    else
        assay_regions_unmap(large->regions, region->start);
}
