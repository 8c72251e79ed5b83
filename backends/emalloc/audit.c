/* audit.c - every block's mark against the records, and the records against each other. */
#include "emalloc/heap.h"

#include <stdio.h>

/* What is shown of each block while the regions are walked. */
typedef bool visit_block_fn(void *arg, const struct emalloc_block *block);

struct blocks {
    struct emalloc_heap *heap;
    struct assay_region *region;
    visit_block_fn *visit;
    void *arg;
};

/* An extent that is used holds a block, which find() knows; only a medium one needs its order. */
static bool visit_extent(void *arg, const struct assay_extent *extent)
{
    struct blocks *blocks = arg;
    struct emalloc_block block;
    char *start = (char *)(uintptr_t)extent->start;

    if (extent->kind != ASSAY_EXTENT_USED)
        return true;
    if (blocks->region->owner == &blocks->heap->medium) {
        unsigned order = assay_floor_log2(extent->bytes);
        block = emalloc_medium(blocks->heap, blocks->region, start, order);
    } else if (!emalloc_find(blocks->heap, start + MARK_HEAD, &block)) {
        return true;
    }
    return blocks->visit(blocks->arg, &block);
}

static bool walk_large(struct blocks *blocks)
{
    const struct assay_region *region = blocks->region;
    struct emalloc_block block;

    return assay_large_is_kept(region) ||
           !emalloc_find(blocks->heap, (char *)region->start + (uintptr_t)region->data, &block) ||
           blocks->visit(blocks->arg, &block);
}

/* False if the visitor had enough. The medium part is settled. */
static bool visit_all(struct emalloc_heap *heap, visit_block_fn *visit, void *arg)
{
    bool goes_on = true;

    for (struct assay_region *region = assay_regions_next(&heap->regions, NULL); region && goes_on;
         region = assay_regions_next(&heap->regions, region)) {
        struct blocks blocks = {heap, region, visit, arg};
        if (region->owner == &heap->small)
            goes_on = assay_pool_walk(&heap->small, region, visit_extent, &blocks);
        else if (region->owner == &heap->medium)
            goes_on = assay_buddy_walk(&heap->medium, region, visit_extent, &blocks);
        else if (region->owner == &heap->large)
            goes_on = walk_large(&blocks);
    }
    return goes_on;
}

/* --- check --- */

struct audit {
    size_t used_bytes;
    size_t used_blocks;
    struct assay_damage *damage;
};

static bool verify(void *arg, const struct emalloc_block *block)
{
    static const char *const parts[] = {"", "the header", "the slack behind the request",
                                        "the footer"};
    struct audit *audit = arg;
    enum mark_fault fault = emalloc_verify(block);

    audit->used_bytes += block->size;
    audit->used_blocks++;
    if (fault == MARK_INTACT)
        return true;
    audit->damage->where = block->base + MARK_HEAD;
    snprintf(audit->damage->what, sizeof audit->damage->what,
             "%s of a block of %zu bytes was overwritten", parts[fault], block->size);
    return false;
}

static assay_status report(struct assay_damage *damage, const char *what)
{
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

static size_t count(const struct emalloc_heap *heap)
{
    return heap->small.taken + assay_buddy_blocks(&heap->medium) + heap->large.taken;
}

static assay_status check(struct emalloc_heap *heap, struct assay_damage *damage)
{
    struct audit audit = {.damage = damage};

    damage->where = NULL;
    const char *fault = assay_pool_fault(&heap->small, &damage->where);
    if (!fault)
        fault = assay_buddy_fault(&heap->medium, &damage->where);
    if (fault)
        return report(damage, fault);
    if (!visit_all(heap, verify, &audit))
        return ASSAY_CORRUPT;
    if (audit.used_blocks != count(heap) || audit.used_bytes != heap->used_bytes)
        return report(damage, "the counts of blocks and bytes are wrong");
    return ASSAY_OK;
}

assay_status emalloc_heap_check(struct emalloc_heap *heap, struct assay_damage *damage)
{
    bool locked = lock_enter(&heap->lock);
    assay_status status = check(heap, damage);
    lock_leave(&heap->lock, locked);
    return status;
}

/* --- walk, owns, stats --- */

static bool walk_region(struct emalloc_heap *heap, const struct assay_region *region,
                        assay_visit_fn *visit, void *arg)
{
    struct assay_extent whole = {(const void *)region->start, region->bytes, ASSAY_EXTENT_META};

    if (region->owner == &heap->small)
        return assay_pool_walk(&heap->small, region, visit, arg);
    if (region->owner == &heap->medium)
        return assay_buddy_walk(&heap->medium, region, visit, arg);
    if (region->owner == &heap->large)
        whole.kind = assay_large_is_kept(region) ? ASSAY_EXTENT_FREE : ASSAY_EXTENT_USED;
    return visit(arg, &whole);
}

assay_status emalloc_heap_walk(struct emalloc_heap *heap, assay_visit_fn *visit, void *arg)
{
    bool locked = lock_enter(&heap->lock);
    assay_buddy_settle(&heap->medium);
    for (const struct assay_region *region = assay_regions_next(&heap->regions, NULL); region;
         region = assay_regions_next(&heap->regions, region))
        if (!walk_region(heap, region, visit, arg))
            break;
    lock_leave(&heap->lock, locked);
    return ASSAY_OK;
}

static bool owns(struct emalloc_heap *heap, const char *address)
{
    struct assay_region *region = assay_regions_find(&heap->regions, address);
    struct emalloc_block block;
    char *start = NULL;
    unsigned order;

    if (!region)
        return false;
    if (region->owner == &heap->medium) {
        start = assay_buddy_around(&heap->medium, region, address, &order);
        if (!start)
            return false;
        block = emalloc_medium(heap, region, start, order);
    } else {
        if (region->owner == &heap->small)
            start = assay_pool_around(&heap->small, region, address);
        else if (region->owner == &heap->large && !assay_large_is_kept(region))
            start = (char *)region->start + (uintptr_t)region->data - MARK_HEAD;
        if (!start || !emalloc_find(heap, start + MARK_HEAD, &block))
            return false;
    }
    return (uintptr_t)address - (uintptr_t)(block.base + MARK_HEAD) < block.size;
}

bool emalloc_heap_owns(struct emalloc_heap *heap, const void *address)
{
    bool locked = lock_enter(&heap->lock);
    bool owned = owns(heap, address);
    lock_leave(&heap->lock, locked);
    return owned;
}

/* The largest request that needs no mapping. */
static size_t largest(struct emalloc_heap *heap)
{
    size_t medium = assay_buddy_largest(&heap->medium);
    size_t large = assay_large_largest(&heap->large);
    size_t most = heap->small.taken < heap->small.chunks ? EMALLOC_SMALL : 0;

    medium = medium > 0 ? medium - MARK_BYTES : 0;
    medium = medium < EMALLOC_LARGE ? medium : EMALLOC_LARGE - 1;
    large = large > 0 ? large - MARK_BYTES : 0;
    most = medium > most ? medium : most;
    return large > most ? large : most;
}

void emalloc_heap_stats(struct emalloc_heap *heap, struct assay_heap_stats *stats)
{
    bool locked = lock_enter(&heap->lock);
    stats->mapped_bytes = heap->regions.mapped_bytes;
    stats->used_bytes = heap->used_bytes;
    stats->used_blocks = count(heap);
    stats->largest_free = largest(heap);
    lock_leave(&heap->lock, locked);
}
