/*
 * chunks.c - slabs are cut into chunks; free ones hang on a list, last in first out.
 *
 *   slab   [ chunk | chunk | chunk | ... | fresh | fresh ]     12288 << n bytes
 *   tags   [ 0 5 1 ... 0 0 ]                                   a byte each, in a mapping of their own
 *
 *   free -> chunk -> chunk -> ...       through the first word of each; no slab holds a header
 *   free chunk   [ next | where its tag is | seal | ... ]
 *
 * A slab's bytes and its tags are two regions; the slab's `data` is where the tags are.
 */
#include "pool/pool.h"

#include <string.h>

void assay_pool_init(struct assay_pool *pool, struct assay_regions *regions, size_t chunk,
                     size_t first_slab)
{
    size_t units = chunk / POOL_UNIT;

    *pool = (struct assay_pool){.regions = regions,
                                .chunk = chunk,
                                .first_slab = first_slab,
                                .reciprocal = (((uint64_t)1 << 32) + units - 1) / units};
}

/*
 * offset / chunk without a division, for multiples of POOL_UNIT: below POOL_SLAB_MAX there are 2^26 units, and
 * a rounded reciprocal of 32 bits is exact up to 2^32 / 64 of them.
 */
static size_t index_of(const struct assay_pool *pool, size_t offset)
{
    return (size_t)((uint64_t)(offset / POOL_UNIT) * pool->reciprocal >> 32);
}
_Static_assert(POOL_SLAB_MAX / POOL_UNIT <= ((uint64_t)1 << 32) / (POOL_CHUNK_MAX / POOL_UNIT),
               "the reciprocal is exact");

uint8_t *assay_pool_tag(const struct assay_pool *pool, const struct assay_region *region,
                        const void *address)
{
    size_t offset = (uintptr_t)address - region->start;
    size_t index = index_of(pool, offset);

    if (index * pool->chunk != offset || offset + pool->chunk > region->bytes)
        return NULL;
    return (uint8_t *)region->data + index;
}

/* --- slabs --- */

static bool is_slab(const struct assay_pool *pool, const struct assay_region *region)
{
    return region && region->owner == pool;
}

static bool add_slab(struct assay_pool *pool, size_t bytes)
{
    struct assay_regions *regions = pool->regions;
    size_t page = regions->pages->page_size;
    size_t chunks = bytes / pool->chunk;

    struct assay_region *tags =
        assay_regions_map(regions, assay_regions_round(regions, chunks), page, NULL);
    if (!tags)
        return false;
    uint8_t *first_tag = (uint8_t *)tags->start;
    struct assay_region *slab = assay_regions_map(regions, bytes, page, pool);
    if (!slab) {
        assay_regions_unmap(regions, (uintptr_t)first_tag);
        return false;
    }
    slab->data = first_tag;
    pool->fresh = (char *)slab->start;
    pool->fresh_end = pool->fresh + chunks * pool->chunk;
    pool->chunks += chunks;
    return true;
}

/* The next slab, twice as large as the last one; smaller where that is more than there is. */
static bool refill(struct assay_pool *pool)
{
    size_t page = pool->regions->pages->page_size;
    size_t full = pool->first_slab;

    for (unsigned i = 0; i < pool->refills && full < POOL_SLAB_MAX / 2; i++)
        full *= 2;
    for (size_t bytes = full; bytes >= page; bytes = assay_align_down(bytes / 2, page)) {
        if (add_slab(pool, assay_align_up(bytes, page))) {
            pool->refills += bytes == full;
            return true;
        }
    }
    return false;
}

/* --- chunks --- */

/* A hash of what a free chunk at this address holds: neither copied there nor of one byte again and again. */
static inline uintptr_t seal_of(const struct pool_chunk *chunk)
{
    uintptr_t tag = (uintptr_t)chunk->tag;

    return (uintptr_t)chunk->next ^ (tag << 23 | tag >> (8 * sizeof tag - 23)) ^ (uintptr_t)chunk ^
           (uintptr_t)0x9e3779b97f4a7c15u;
}

static inline void link_to(struct pool_chunk *chunk, struct pool_chunk *next)
{
    chunk->next = next;
    chunk->seal = seal_of(chunk);
}

__attribute__((noinline)) static void *take_fresh(struct assay_pool *pool, uint8_t tag)
{
    if (pool->fresh == pool->fresh_end && !refill(pool))
        return NULL;
    void *chunk = pool->fresh;
    pool->fresh += pool->chunk;
    *assay_pool_tag(pool, assay_regions_find(pool->regions, chunk), chunk) = tag;
    pool->taken++;
    return chunk;
}

/* The slab in which an intact free chunk lies at address, which may be anything; NULL if there is none. */
static const struct assay_region *slab_of_free(const struct assay_pool *pool, const void *address)
{
    const struct assay_region *slab = assay_regions_find(pool->regions, address);
    const struct pool_chunk *chunk = address;

    if (!is_slab(pool, slab))
        return NULL;
    const uint8_t *tag = assay_pool_tag(pool, slab, address);
    return tag && *tag == 0 && chunk->tag == tag && chunk->seal == seal_of(chunk) ? slab : NULL;
}

void *assay_pool_take(struct assay_pool *pool, uint8_t tag, bool *was_used)
{
    struct pool_chunk *chunk = pool->free;

    *was_used = chunk != NULL;
    if (!chunk)
        return take_fresh(pool, tag);
    if (chunk->seal != seal_of(chunk) || *chunk->tag != 0)
        return NULL;
    *chunk->tag = tag;
    pool->free = chunk->next;
    pool->taken++;
    __builtin_prefetch(pool->free, 1); /* the next one to be taken */
    return chunk;
}

void assay_pool_give(struct assay_pool *pool, void *chunk, uint8_t *tag)
{
    struct pool_chunk *given = chunk;

    *tag = 0;
    given->tag = tag;
    link_to(given, pool->free);
    pool->free = given;
    pool->taken--;
}

/* --- trim --- */

static bool is_empty(const struct assay_pool *pool, const struct assay_region *slab)
{
    const uint8_t *tags = slab->data;
    size_t chunks = slab->bytes / pool->chunk;

    for (size_t i = 0; i < chunks; i++)
        if (tags[i] != 0)
            return false;
    return true;
}

/* Takes the chunks of slabs that are marked out of the list of free ones. */
static void forget_marked(struct assay_pool *pool)
{
    struct pool_chunk *kept = NULL, *chunk = pool->free;

    pool->free = NULL;
    for (size_t left = pool->chunks; chunk && left > 0; left--) {
        const struct assay_region *slab = slab_of_free(pool, chunk);
        if (!slab) /* written to after it was given back: nothing behind it can be found */
            return;
        struct pool_chunk *next = chunk->next;
        if (!slab->info) {
            if (kept)
                link_to(kept, chunk);
            else
                pool->free = chunk;
            link_to(chunk, NULL);
            kept = chunk;
        }
        chunk = next;
    }
}

static void unmap_marked(struct assay_pool *pool)
{
    struct assay_regions *regions = pool->regions;

    for (const struct assay_region *slab = assay_regions_next(regions, NULL); slab;) {
        if (!is_slab(pool, slab) || !slab->info) {
            slab = assay_regions_next(regions, slab);
            continue;
        }
        uintptr_t start = slab->start, tags = (uintptr_t)slab->data;
        pool->chunks -= slab->bytes / pool->chunk;
        if ((uintptr_t)pool->fresh_end - start - 1 < slab->bytes)
            pool->fresh = pool->fresh_end = NULL;
        assay_regions_unmap(regions, start);
        assay_regions_unmap(regions, tags);
        slab = assay_regions_after(regions, start);
    }
}

size_t assay_pool_unused(const struct assay_pool *pool)
{
    const struct assay_regions *regions = pool->regions;
    size_t bytes = 0;

    for (const struct assay_region *slab = assay_regions_next(regions, NULL); slab;
         slab = assay_regions_next(regions, slab)) {
        if (is_slab(pool, slab) && is_empty(pool, slab))
            bytes += slab->bytes + assay_regions_round(regions, slab->bytes / pool->chunk);
    }
    return bytes;
}

bool assay_pool_trim(struct assay_pool *pool)
{
    bool any = false;

    for (struct assay_region *slab = assay_regions_next(pool->regions, NULL); slab;
         slab = assay_regions_next(pool->regions, slab)) {
        if (is_slab(pool, slab)) {
            slab->info = is_empty(pool, slab);
            any = any || slab->info;
        }
    }
    if (!any)
        return false;
    forget_marked(pool);
    unmap_marked(pool);
    if (pool->chunks == 0)
        pool->refills = 0;
    return true;
}

/* --- audit --- */

const char *assay_pool_fault(const struct assay_pool *pool, const void **where)
{
    size_t fresh = (size_t)(pool->fresh_end - pool->fresh) / pool->chunk;
    size_t left = pool->chunks - pool->taken - fresh;

    for (const struct pool_chunk *chunk = pool->free; chunk; chunk = chunk->next) {
        *where = chunk;
        if (left-- == 0)
            return "more chunks are on the list than are free";
        if (!slab_of_free(pool, chunk)) {
            *where = NULL;
            return "a free chunk was written to: it leads to no free chunk";
        }
    }
    *where = NULL;
    return left == 0 ? NULL : "free chunks are missing from the list";
}

bool assay_pool_walk(const struct assay_pool *pool, const struct assay_region *slab,
                     assay_visit_fn *visit, void *arg)
{
    const uint8_t *tags = slab->data;
    size_t chunks = slab->bytes / pool->chunk;
    struct assay_extent extent = {.bytes = pool->chunk};

    for (size_t i = 0; i < chunks; i++) {
        extent.start = (const char *)slab->start + i * pool->chunk;
        extent.kind = tags[i] ? ASSAY_EXTENT_USED : ASSAY_EXTENT_FREE;
        if (!visit(arg, &extent))
            return false;
    }
    extent.start = (const char *)slab->start + chunks * pool->chunk;
    extent.bytes = slab->bytes - chunks * pool->chunk;
    extent.kind = ASSAY_EXTENT_META;
    return extent.bytes == 0 || visit(arg, &extent);
}

void *assay_pool_around(const struct assay_pool *pool, const struct assay_region *slab,
                        const void *address)
{
    size_t index = ((uintptr_t)address - slab->start) / pool->chunk;
    const uint8_t *tags = slab->data;

    if ((index + 1) * pool->chunk > slab->bytes || tags[index] == 0)
        return NULL;
    return (char *)slab->start + index * pool->chunk;
}
