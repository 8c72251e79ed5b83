/*
 * mmap_large - one mapping for each block.
 *
 *   [ heap: table of regions ]      [ block ........ ]      [ block ... ]
 *
 * A block begins a page and has whole pages, of which it may use all. What is freed goes back to the page
 * source at once; so time is the page source's, and some ways through the tree of regions.
 */
#include "mmap_large/large.h"

#include <string.h>

#define PAGE 4096

struct heap {
    struct assay_large large;
    struct assay_regions regions;
};

static assay_status large_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    struct heap *heap;

    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    heap = assay_regions_open(config, sizeof *heap, offsetof(struct heap, regions), false);
    if (!heap)
        return ASSAY_NO_MEMORY;
    assay_large_init(&heap->large, &heap->regions, 0);
    *self = heap;
    return ASSAY_OK;
}

static void large_destroy(void *self)
{
    struct heap *heap = self;

    assay_regions_close(&heap->regions);
}

static void *large_alloc(void *self, size_t size)
{
    struct heap *heap = self;
    bool was_used;

    return assay_large_take(&heap->large, 0, PAGE, size, &was_used);
}

static void *large_alloc_zeroed(void *self, size_t count, size_t size)
{
    return large_alloc(self, assay_multiply(count, size)); /* pages are zero as they come */
}

static void *large_alloc_aligned(void *self, size_t align, size_t size)
{
    struct heap *heap = self;
    bool was_used;

    return assay_large_take(&heap->large, 0, align, size, &was_used);
}

static assay_status large_free(void *self, void *block)
{
    struct heap *heap = self;

    if (!block)
        return ASSAY_OK;
    struct assay_region *region = assay_large_find(&heap->large, block);
    if (!region)
        return ASSAY_INVALID;
    assay_large_give(&heap->large, region);
    return ASSAY_OK;
}

static void *large_realloc(void *self, void *block, size_t size)
{
    struct heap *heap = self;
    struct assay_region *region;

    if (!block)
        return large_alloc(self, size);
    region = assay_large_find(&heap->large, block);
    if (!region)
        return NULL;
    if (assay_large_resize(&heap->large, region, size))
        return block;
    size_t kept = assay_large_room(region); /* less than size, or it would not move */
    void *moved = large_alloc(self, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, kept);
    assay_large_give(&heap->large, assay_large_find(&heap->large, block));
    return moved;
}

static size_t large_usable_size(void *self, const void *block)
{
    struct heap *heap = self;
    const struct assay_region *region = assay_large_find(&heap->large, block);

    return region ? assay_large_room(region) : 0;
}

static bool large_owns(void *self, const void *address)
{
    struct heap *heap = self;
    const struct assay_region *region = assay_regions_find(&heap->regions, address);

    return region && region->owner == &heap->large;
}

static assay_status large_check(void *self, struct assay_damage *damage)
{
    const struct heap *heap = self;
    size_t taken = 0, bytes = 0;
    uintptr_t end = 0;

    for (const struct assay_region *region = assay_regions_next(&heap->regions, NULL); region;
         region = assay_regions_next(&heap->regions, region)) {
        if (end > region->start) {
            damage->where = (const void *)region->start;
            strcpy(damage->what, "two mappings overlap in the table");
            return ASSAY_CORRUPT;
        }
        taken += region->owner == &heap->large;
        bytes += region->owner == &heap->large ? region->bytes : 0;
        end = region->start + region->bytes;
    }
    if (taken == heap->large.taken && bytes == heap->large.taken_bytes)
        return ASSAY_OK;
    damage->where = NULL;
    strcpy(damage->what, "the counts of blocks and bytes are wrong");
    return ASSAY_CORRUPT;
}

static assay_status large_walk(void *self, assay_visit_fn *visit, void *arg)
{
    const struct heap *heap = self;

    for (const struct assay_region *region = assay_regions_next(&heap->regions, NULL); region;
         region = assay_regions_next(&heap->regions, region)) {
        struct assay_extent extent = {(const void *)region->start, region->bytes,
                                      region->owner ? ASSAY_EXTENT_USED : ASSAY_EXTENT_META};
        if (!visit(arg, &extent))
            break;
    }
    return ASSAY_OK;
}

static void large_stats(void *self, struct assay_heap_stats *stats)
{
    const struct heap *heap = self;

    stats->mapped_bytes = heap->regions.mapped_bytes;
    stats->used_bytes = heap->large.taken_bytes;
    stats->used_blocks = heap->large.taken;
    stats->largest_free = 0;
}

const struct assay_backend assay_backend_mmap_large = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_COALESCES |
            ASSAY_CAP_TRIMS | ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = PAGE,
    .max_size = SIZE_MAX,
    .min_limit = 16384,
    .name = "mmap_large",
    .summary = "one mapping for each block",
    .origin = "assay",
    .options_help = "",
    .create = large_create,
    .destroy = large_destroy,
    .alloc = large_alloc,
    .free = large_free,
    .alloc_zeroed = large_alloc_zeroed,
    .alloc_aligned = large_alloc_aligned,
    .realloc = large_realloc,
    .usable_size = large_usable_size,
    .owns = large_owns,
    .check = large_check,
    .walk = large_walk,
    .stats = large_stats,
};
