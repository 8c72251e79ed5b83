/*
 * buddy - the binary buddy system, in regions that double.
 *
 *   [ heap: lists, table of regions ]   [ map ][ 2^k | 2^j | ... ]   [ map ][ 2^i | ... ]
 *
 * A request is rounded up to a power of two, 32 bytes at least, and is as aligned as that; no block has a
 * header. The first region has 128 KiB, each next one twice as many as the one before, or what the limit
 * leaves. Regions never merge; one without a block goes back when the heap would refuse a request.
 *
 * Idea: K. Knowlton, CACM 8 (1965).
 */
#include "buddy/buddy.h"

#include <string.h>

#define LEAST 5

struct heap {
    struct assay_buddy buddy;
    struct assay_regions regions;
};

static assay_status buddy_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    struct heap *heap;

    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    heap = assay_regions_open(config, sizeof *heap, offsetof(struct heap, regions), true);
    if (!heap)
        return ASSAY_NO_MEMORY;
    assay_buddy_init(&heap->buddy, &heap->regions, LEAST, false);
    *self = heap;
    return ASSAY_OK;
}

static void buddy_destroy(void *self)
{
    struct heap *heap = self;

    assay_regions_close(&heap->regions);
}

/* The region and the order of the taken block at address, which may be anything; 0 if there is none. */
static unsigned find(struct heap *heap, const void *address, const struct assay_region **region)
{
    *region = assay_regions_find(&heap->regions, address);
    if (!*region || (*region)->owner != &heap->buddy)
        return 0;
    return assay_buddy_taken(&heap->buddy, *region, address);
}

/* A region has a map beside it, of a byte for each of its smallest blocks; the table of regions may grow. */
static bool is_worth_trimming(struct heap *heap, size_t bytes)
{
    return assay_regions_gain(&heap->regions, bytes,
                              bytes + bytes / 16 + 4 * heap->regions.pages->page_size,
                              assay_buddy_unused(&heap->buddy));
}

/* Apart, so that what is called for each block is short. */
static __attribute__((noinline)) void *take_trimmed(struct heap *heap, unsigned order)
{
    if (order >= BUDDY_ORDERS || !is_worth_trimming(heap, (size_t)1 << order))
        return NULL;
    assay_buddy_trim(&heap->buddy);
    return assay_buddy_take(&heap->buddy, order, 0);
}

static void *take(struct heap *heap, unsigned order)
{
    void *block = assay_buddy_take(&heap->buddy, order, 0);

    return block ? block : take_trimmed(heap, order);
}

static void *buddy_alloc(void *self, size_t size)
{
    struct heap *heap = self;

    return take(heap, assay_buddy_order(&heap->buddy, size));
}

static void *buddy_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = buddy_alloc(self, bytes);

    return block ? memset(block, 0, bytes) : NULL;
}

static void *buddy_alloc_aligned(void *self, size_t align, size_t size)
{
    return buddy_alloc(self, size > align ? size : align);
}

static assay_status buddy_free(void *self, void *block)
{
    struct heap *heap = self;
    const struct assay_region *region;

    if (!block)
        return ASSAY_OK;
    unsigned order = find(heap, block, &region);
    if (!order)
        return ASSAY_INVALID;
    assay_buddy_give(&heap->buddy, region, block, order);
    return ASSAY_OK;
}

static void *buddy_realloc(void *self, void *block, size_t size)
{
    struct heap *heap = self;
    const struct assay_region *region;

    if (!block)
        return buddy_alloc(self, size);
    unsigned from = find(heap, block, &region);
    unsigned to = assay_buddy_order(&heap->buddy, size);
    if (!from || to >= BUDDY_ORDERS)
        return NULL;
    if (to == from || assay_buddy_resize(&heap->buddy, region, block, from, to))
        return block;
    void *moved = take(heap, to);
    if (!moved)
        return NULL;
    memcpy(moved, block, (size_t)1 << from);
    find(heap, block, &region); /* the table may have changed */
    assay_buddy_give(&heap->buddy, region, block, from);
    return moved;
}

static size_t buddy_usable_size(void *self, const void *block)
{
    const struct assay_region *region;
    unsigned order = find(self, block, &region);

    return order ? (size_t)1 << order : 0;
}

static bool buddy_owns(void *self, const void *address)
{
    struct heap *heap = self;
    const struct assay_region *region = assay_regions_find(&heap->regions, address);
    unsigned order;

    return region && region->owner == &heap->buddy &&
           assay_buddy_around(&heap->buddy, region, address, &order);
}

static assay_status buddy_check(void *self, struct assay_damage *damage)
{
    struct heap *heap = self;
    const char *fault = assay_buddy_fault(&heap->buddy, &damage->where);

    if (!fault)
        return ASSAY_OK;
    strcpy(damage->what, fault);
    return ASSAY_CORRUPT;
}

static assay_status buddy_walk(void *self, assay_visit_fn *visit, void *arg)
{
    struct heap *heap = self;

    assay_buddy_settle(&heap->buddy);
    for (const struct assay_region *region = assay_regions_next(&heap->regions, NULL); region;
         region = assay_regions_next(&heap->regions, region)) {
        struct assay_extent meta = {(const void *)region->start, region->bytes, ASSAY_EXTENT_META};
        bool goes_on =
            region->owner ? assay_buddy_walk(&heap->buddy, region, visit, arg) : visit(arg, &meta);
        if (!goes_on)
            break;
    }
    return ASSAY_OK;
}

static void buddy_stats(void *self, struct assay_heap_stats *stats)
{
    struct heap *heap = self;

    stats->mapped_bytes = heap->regions.mapped_bytes;
    stats->used_bytes = assay_buddy_bytes(&heap->buddy);
    stats->used_blocks = assay_buddy_blocks(&heap->buddy);
    stats->largest_free = assay_buddy_largest(&heap->buddy);
}

const struct assay_backend assay_backend_buddy = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_COALESCES |
            ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = (size_t)1 << LEAST,
    .max_size = (size_t)1 << (BUDDY_ORDERS - 1),
    .min_limit = 16384,
    .name = "buddy",
    .summary = "binary buddy without headers, in regions that double, merging put off",
    .origin = "assay",
    .options_help = "",
    .create = buddy_create,
    .destroy = buddy_destroy,
    .alloc = buddy_alloc,
    .free = buddy_free,
    .alloc_zeroed = buddy_alloc_zeroed,
    .alloc_aligned = buddy_alloc_aligned,
    .realloc = buddy_realloc,
    .usable_size = buddy_usable_size,
    .owns = buddy_owns,
    .check = buddy_check,
    .walk = buddy_walk,
    .stats = buddy_stats,
};
