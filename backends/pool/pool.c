/*
 * pool - chunks of 96 bytes from slabs that double, last in first out.
 *
 *   [ heap: table of regions ]   [ tags ][ chunk | chunk | ... ]   [ tags ][ chunk | chunk | ... ]
 *
 * A request of up to 96 bytes is a chunk; more is refused. The first slab has 128 chunks, each next one
 * twice as many as the one before. What was given back last is given out first. Time is constant but
 * for the mapping of a slab. Slabs stay until the heap ends.
 *
 * Idea: free lists of fixed blocks, as in D. Knuth, TAOCP vol. 1, 2.2.3.
 */
#include "pool/pool.h"

#include <string.h>

#define CHUNK 96
#define FIRST_SLAB (CHUNK << 7)

struct heap {
    struct assay_pool pool;
    struct assay_regions regions;
};

static assay_status pool_create(const struct assay_backend *backend,
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
    assay_pool_init(&heap->pool, &heap->regions, CHUNK, FIRST_SLAB);
    *self = heap;
    return ASSAY_OK;
}

static void pool_destroy(void *self)
{
    struct heap *heap = self;

    assay_regions_close(&heap->regions);
}

static void *pool_alloc(void *self, size_t size)
{
    struct heap *heap = self;
    bool was_used;

    return size <= CHUNK ? assay_pool_take(&heap->pool, 1, &was_used) : NULL;
}

static void *pool_alloc_zeroed(void *self, size_t count, size_t size)
{
    struct heap *heap = self;
    size_t bytes = assay_multiply(count, size);
    bool was_used;

    if (bytes > CHUNK)
        return NULL;
    void *chunk = assay_pool_take(&heap->pool, 1, &was_used);
    return chunk && was_used ? memset(chunk, 0, bytes) : chunk;
}

/* The tag of the taken chunk at address, which may be anything; NULL if there is none. */
static uint8_t *tag_of(struct heap *heap, const void *address)
{
    const struct assay_region *slab = assay_regions_find(&heap->regions, address);

    if (!slab || slab->owner != &heap->pool)
        return NULL;
    uint8_t *tag = assay_pool_tag(&heap->pool, slab, address);
    return tag && *tag ? tag : NULL;
}

static assay_status pool_free(void *self, void *block)
{
    struct heap *heap = self;

    if (!block)
        return ASSAY_OK;
    uint8_t *tag = tag_of(heap, block);
    if (!tag)
        return ASSAY_INVALID;
    assay_pool_give(&heap->pool, block, tag);
    return ASSAY_OK;
}

static void *pool_realloc(void *self, void *block, size_t size)
{
    if (!block)
        return pool_alloc(self, size);
    return size <= CHUNK && tag_of(self, block) ? block : NULL;
}

static size_t pool_usable_size(void *self, const void *block)
{
    return tag_of(self, block) ? CHUNK : 0;
}

static bool pool_owns(void *self, const void *address)
{
    struct heap *heap = self;
    const struct assay_region *slab = assay_regions_find(&heap->regions, address);

    return slab && slab->owner == &heap->pool && assay_pool_around(&heap->pool, slab, address);
}

static assay_status pool_check(void *self, struct assay_damage *damage)
{
    struct heap *heap = self;
    const char *fault = assay_pool_fault(&heap->pool, &damage->where);

    if (!fault)
        return ASSAY_OK;
    strcpy(damage->what, fault);
    return ASSAY_CORRUPT;
}

static assay_status pool_walk(void *self, assay_visit_fn *visit, void *arg)
{
    struct heap *heap = self;

    for (const struct assay_region *region = assay_regions_next(&heap->regions, NULL); region;
         region = assay_regions_next(&heap->regions, region)) {
        struct assay_extent meta = {(const void *)region->start, region->bytes, ASSAY_EXTENT_META};
        bool goes_on =
            region->owner ? assay_pool_walk(&heap->pool, region, visit, arg) : visit(arg, &meta);
        if (!goes_on)
            break;
    }
    return ASSAY_OK;
}

static void pool_stats(void *self, struct assay_heap_stats *stats)
{
    const struct heap *heap = self;

    stats->mapped_bytes = heap->regions.mapped_bytes;
    stats->used_bytes = heap->pool.taken * CHUNK;
    stats->used_blocks = heap->pool.taken;
    stats->largest_free = heap->pool.taken < heap->pool.chunks ? CHUNK : 0;
}

const struct assay_backend assay_backend_pool = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_COALESCES |
            ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = POOL_UNIT,
    .max_size = CHUNK,
    .min_limit = 16384,
    .name = "pool",
    .summary = "chunks of 96 bytes from slabs that double, last in first out",
    .origin = "assay",
    .options_help = "",
    .create = pool_create,
    .destroy = pool_destroy,
    .alloc = pool_alloc,
    .free = pool_free,
    .alloc_zeroed = pool_alloc_zeroed,
    .realloc = pool_realloc,
    .usable_size = pool_usable_size,
    .owns = pool_owns,
    .check = pool_check,
    .walk = pool_walk,
    .stats = pool_stats,
};
