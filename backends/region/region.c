/*
 * region - one mapping, 8-byte headers, free by any address inside a block; best, worst or first fit.
 *
 *   [ instance | roots | starts | holes ][ header | bytes ][ header | bytes ] ... [ tail ]
 *
 * A bitmap of block starts, with a summary of its words above it, finds the block around an address
 * (bits.c); free blocks are nodes of trees (tree.c), so no operation is linear in the number of blocks. What was
 * asked for is what may be used: an address behind it is in no block.
 */
#include "region.h"

#include <string.h>

static bool parse_policy(const char *options, enum region_policy *policy)
{
    static const char *const names[] = {"policy=best", "policy=worst", "policy=first"};

    *policy = REGION_BEST;
    if (!*options)
        return true;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(options, names[i]) == 0) {
            *policy = (enum region_policy)i;
            return true;
        }
    }
    return false;
}

static assay_status region_create(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    enum region_policy policy;

    if (!parse_policy(config->options, &policy))
        return ASSAY_INVALID;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    struct region *region = region_open(config->pages, config->limit, true, 16, policy);
    if (!region)
        return ASSAY_NO_MEMORY;
    *self = region;
    return ASSAY_OK;
}

static void region_destroy(void *self)
{
    region_close(self);
}

static void *region_alloc(void *self, size_t size)
{
    return region_take(self, size);
}

static void *region_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *block = region_take(self, bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

static void *region_alloc_aligned(void *self, size_t align, size_t size)
{
    return region_take_aligned(self, align, size);
}

static void *region_realloc(void *self, void *block, size_t size)
{
    struct region *region = self;

    if (!block)
        return region_take(region, size);
    if (region_resize(region, block, size))
        return block;
    size_t before = region_is_block(region, block) ? region_size(region, block) : 0;
    void *moved = before ? region_take(region, size) : NULL;
    if (!moved)
        return NULL;
    memcpy(moved, block, before < size ? before : size);
    if (region_release(region, block) != ASSAY_OK)
        region->damaged = true; /* the old block is lost, with all that is free */
    return moved;
}

static assay_status region_free(void *self, void *block)
{
    return block ? region_release(self, block) : ASSAY_OK;
}

static size_t region_usable_size(void *self, const void *block)
{
    return region_size(self, block);
}

static bool region_owns(void *self, const void *address)
{
    return region_size(self, address) > 0;
}

static assay_status region_self_check(void *self, struct assay_damage *damage)
{
    return region_check(self, damage);
}

static assay_status region_extents(void *self, assay_visit_fn *visit, void *arg)
{
    return region_walk(self, visit, arg);
}

static void region_stats(void *self, struct assay_heap_stats *stats)
{
    struct region *region = self;
    size_t largest = (size_t)region_tree_largest(region) * region->unit;

    stats->mapped_bytes = region->mapped;
    stats->used_bytes = region->used_bytes;
    stats->used_blocks = region->used_blocks;
    stats->largest_free = largest ? largest - REGION_HEADER : 0;
}

const struct assay_backend assay_backend_region = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_COALESCES |
            ASSAY_CAP_FREE_INTERIOR | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = 16,
    .max_size = (size_t)REGION_UNITS_MAX * 16,
    .min_limit = 4096,
    .name = "region",
    .summary = "one mapping, 8-byte headers, freed by any inner address; best, worst or first fit",
    .origin = "assay",
    .options_help = "policy=best: or worst, or first: which free block serves a request",
    .create = region_create,
    .destroy = region_destroy,
    .alloc = region_alloc,
    .free = region_free,
    .alloc_zeroed = region_alloc_zeroed,
    .alloc_aligned = region_alloc_aligned,
    .realloc = region_realloc,
    .usable_size = region_usable_size,
    .owns = region_owns,
    .check = region_self_check,
    .walk = region_extents,
    .stats = region_stats,
};
