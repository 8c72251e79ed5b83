/*
 * heap.c - who serves a request, where a block's mark is, and what is verified before it goes.
 *
 *   small    [ S magic | request | slack | magic S ]      a chunk; its tag is the request
 *   medium   [ S magic | request | slack | magic S ]      2^k bytes; the label has request and alignment
 *   large    [ S magic | request | magic S | rest  ]      a mapping; its region has the request
 *
 * So the heap knows from its own records, which no overrun reaches, where a block is and what was asked for;
 * the mark is compared with that and never trusted. For an alignment above 16 bytes the mark begins behind the
 * start of the block, so that the request is aligned:
 *
 *   medium   [ align - 16 ][ S magic | request | slack | magic S ]      S is less than 2^k by that
 */
#include "emalloc/heap.h"

/* A label is the request, and above it the logarithm of the alignment. */
#define LABEL_SHIFT EMALLOC_MEDIUM_ORDER
#define LABEL_SIZE (((uint32_t)1 << LABEL_SHIFT) - 1)
_Static_assert(LABEL_SHIFT + 5 <= BUDDY_LABEL_BITS,
               "an alignment of up to EMALLOC_LARGE fits above");

static inline uint32_t label_of(size_t align, size_t size)
{
    return (uint32_t)size | assay_floor_log2(align) << LABEL_SHIFT;
}

assay_status emalloc_heap_open(const struct assay_heap_config *config, struct emalloc_heap **heap)
{
    struct emalloc_heap *opened =
        assay_regions_open(config, sizeof *opened, offsetof(struct emalloc_heap, regions), true);

    if (!opened)
        return ASSAY_NO_MEMORY;
    assay_pool_init(&opened->small, &opened->regions, EMALLOC_CHUNK, EMALLOC_FIRST_SLAB);
    assay_buddy_init(&opened->medium, &opened->regions, EMALLOC_LEAST_ORDER, true);
    assay_large_init(&opened->large, &opened->regions, EMALLOC_KEEP);
    *heap = opened;
    return ASSAY_OK;
}

void emalloc_heap_close(struct emalloc_heap *heap)
{
    assay_regions_close(&heap->regions);
}

/* --- taking --- */

/* Each gives the user pointer of a marked block, or NULL. */

static inline __attribute__((always_inline)) void *take_small(struct emalloc_heap *heap,
                                                              size_t size, bool zeroed)
{
    bool was_used;
    char *chunk = assay_pool_take(&heap->small, (uint8_t)size, &was_used);

    if (!chunk)
        return NULL;
    if (zeroed && was_used)
        memset(chunk + MARK_HEAD, 0, size);
    mark_write(chunk, EMALLOC_CHUNK, size, MARK_SMALL);
    return chunk + MARK_HEAD;
}

static __attribute__((noinline)) void *take_medium(struct emalloc_heap *heap, size_t align,
                                                   size_t size, bool zeroed)
{
    size_t lead = align - MARK_HEAD;
    unsigned order = assay_buddy_order(&heap->medium, lead + size + MARK_BYTES);
    char *start = assay_buddy_take(&heap->medium, order, label_of(align, size));

    if (!start)
        return NULL;
    if (zeroed)
        memset(start + align, 0, size);
    mark_write(start + lead, ((size_t)1 << order) - lead, size, MARK_MEDIUM);
    return start + align;
}

static __attribute__((noinline)) void *take_large(struct emalloc_heap *heap, size_t align,
                                                  size_t size, bool zeroed)
{
    bool was_used;
    char *block =
        assay_large_take(&heap->large, MARK_HEAD, align, size + MARK_BYTES - MARK_HEAD, &was_used);

    if (block && zeroed && was_used)
        memset(block, 0, size);
    if (block)
        mark_write(block - MARK_HEAD, size + MARK_BYTES, size, MARK_LARGE);
    return block;
}

/* Without a page more than there are, a request may also be served by the parts for larger ones. */
static inline __attribute__((always_inline)) void *take(struct emalloc_heap *heap, size_t align,
                                                        size_t size, bool zeroed)
{
    void *block = NULL;

    if (size <= EMALLOC_SMALL && align == EMALLOC_ALIGN)
        block = take_small(heap, size, zeroed);
    if (!block && size < EMALLOC_LARGE && align <= EMALLOC_LARGE &&
        align + size + MARK_HEAD <= (size_t)1 << EMALLOC_MEDIUM_ORDER)
        block = take_medium(heap, align, size, zeroed);
    return block ? block : take_large(heap, align, size, zeroed);
}

/* Unmaps what is not used, if the request can be served then. */
static bool trim(struct emalloc_heap *heap, size_t align, size_t size)
{
    size_t page = heap->regions.pages->page_size;
    /* A mapping begins with a page for the mark at most, and the table of regions may grow. */
    size_t least = size + MARK_BYTES, most = least + align + 4 * page;
    size_t unused = assay_pool_unused(&heap->small) + assay_buddy_unused(&heap->medium) +
                    heap->large.kept_bytes;

    if (!assay_regions_gain(&heap->regions, least, most, unused))
        return false;
    assay_pool_trim(&heap->small);
    assay_buddy_trim(&heap->medium);
    assay_large_trim(&heap->large);
    return true;
}

/* Apart, so that what is called for each block is short. */
static __attribute__((noinline)) void *take_trimmed(struct emalloc_heap *heap, size_t align,
                                                    size_t size, bool zeroed)
{
    return trim(heap, align, size) ? take(heap, align, size, zeroed) : NULL;
}

static inline __attribute__((always_inline)) void *alloc(struct emalloc_heap *heap, size_t align,
                                                         size_t size, bool zeroed)
{
    void *block = take(heap, align, size, zeroed);

    if (!block)
        block = take_trimmed(heap, align, size, zeroed);
    if (block)
        heap->used_bytes += size;
    return block;
}

void *emalloc_heap_alloc(struct emalloc_heap *heap, size_t align, size_t size, bool zeroed)
{
    if (size == 0 || assay_add(size, align) > PTRDIFF_MAX - MARK_BYTES ||
        size > heap->regions.limit)
        return NULL;
    align = align < EMALLOC_ALIGN ? EMALLOC_ALIGN : align;
    bool locked = lock_enter(&heap->lock);
    void *block = alloc(heap, align, size, zeroed);
    lock_leave(&heap->lock, locked);
    return block;
}

/* --- finding --- */

struct emalloc_block emalloc_medium(struct emalloc_heap *heap, struct assay_region *region,
                                    char *start, unsigned order)
{
    uint32_t label = assay_buddy_label(&heap->medium, region, start);
    size_t lead = ((size_t)1 << (label >> LABEL_SHIFT)) - MARK_HEAD;

    return (struct emalloc_block){.kind = MARK_MEDIUM,
                                  .region = region,
                                  .start = start,
                                  .base = start + lead,
                                  .bytes = ((size_t)1 << order) - lead,
                                  .size = label & LABEL_SIZE,
                                  .order = order};
}

static inline bool find_small(struct emalloc_heap *heap, struct assay_region *region, char *base,
                              struct emalloc_block *block)
{
    uint8_t *tag = assay_pool_tag(&heap->small, region, base);

    if (!tag || *tag == 0)
        return false;
    *block = (struct emalloc_block){.kind = MARK_SMALL,
                                    .region = region,
                                    .start = base,
                                    .base = base,
                                    .bytes = EMALLOC_CHUNK,
                                    .size = *tag,
                                    .tag = tag};
    return true;
}

static inline bool find_medium(struct emalloc_heap *heap, struct assay_region *region, char *base,
                               struct emalloc_block *block)
{
    unsigned order = assay_buddy_taken(&heap->medium, region, base);
    char *start = base;

    if (!order) /* an aligned one, or none */
        start = assay_buddy_around(&heap->medium, region, base, &order);
    if (!start)
        return false;
    *block = emalloc_medium(heap, region, start, order);
    return block->base == base;
}

static bool find_large(struct emalloc_heap *heap, struct assay_region *region, char *base,
                       struct emalloc_block *block)
{
    if (assay_large_find(&heap->large, base + MARK_HEAD) != region)
        return false;
    size_t size = region->info - (MARK_BYTES - MARK_HEAD);
    *block = (struct emalloc_block){.kind = MARK_LARGE,
                                    .region = region,
                                    .start = base,
                                    .base = base,
                                    .bytes = size + MARK_BYTES,
                                    .size = size};
    return true;
}

/* Of a block that is neither small nor medium. */
static bool find_other(struct emalloc_heap *heap, struct assay_region *region, char *base,
                       struct emalloc_block *block)
{
    return region->owner == &heap->large && find_large(heap, region, base, block);
}

bool emalloc_find(struct emalloc_heap *heap, const void *address, struct emalloc_block *block)
{
    char *base = (char *)((uintptr_t)address - MARK_HEAD);
    struct assay_region *region = assay_regions_find(&heap->regions, base);

    if (!region)
        return false;
    if (region->owner == &heap->small)
        return find_small(heap, region, base, block);
    if (region->owner == &heap->medium)
        return find_medium(heap, region, base, block);
    return find_other(heap, region, base, block);
}

/* --- giving back --- */

/* Whether the mark of a block is intact; else why not. */
static inline __attribute__((always_inline)) assay_status intact(const struct emalloc_block *block,
                                                                 struct emalloc_fault *why)
{
    *why = (struct emalloc_fault){emalloc_verify(block), block->kind};
    return why->fault == MARK_INTACT ? ASSAY_OK : ASSAY_CORRUPT;
}

static inline __attribute__((always_inline)) void give(struct emalloc_heap *heap,
                                                       const struct emalloc_block *block)
{
    heap->used_bytes -= block->size;
    if (block->kind == MARK_LARGE) {
        assay_large_give(&heap->large, block->region);
        return;
    }
    mark_wipe(block->base);
    if (block->kind == MARK_SMALL)
        assay_pool_give(&heap->small, block->start, block->tag);
    else
        assay_buddy_give(&heap->medium, block->region, block->start, block->order);
}

static inline __attribute__((always_inline)) assay_status
release(struct emalloc_heap *heap, const struct emalloc_block *block, struct emalloc_fault *why)
{
    assay_status status = intact(block, why);

    if (status == ASSAY_OK)
        give(heap, block);
    return status;
}

/* Of a block that is not small. */
static __attribute__((noinline)) assay_status release_other(struct emalloc_heap *heap,
                                                            struct assay_region *region, char *base,
                                                            struct emalloc_fault *why)
{
    struct emalloc_block block;

    if (region->owner == &heap->medium)
        return find_medium(heap, region, base, &block) ? release(heap, &block, why) : ASSAY_INVALID;
    return find_other(heap, region, base, &block) ? release(heap, &block, why) : ASSAY_INVALID;
}

/* Each kind has a way of its own, for of one that is known at run time only each part must be written and read. */
static inline __attribute__((always_inline)) assay_status
release_at(struct emalloc_heap *heap, char *base, struct emalloc_fault *why)
{
    struct assay_region *region = assay_regions_find(&heap->regions, base);
    struct emalloc_block block;

    if (!region)
        return ASSAY_INVALID;
    if (region->owner != &heap->small)
        return release_other(heap, region, base, why);
    return find_small(heap, region, base, &block) ? release(heap, &block, why) : ASSAY_INVALID;
}

assay_status emalloc_heap_free(struct emalloc_heap *heap, void *address, struct emalloc_fault *why)
{
    /* Both ends of a small block, on their way while the lock is taken; any address will do. */
    __builtin_prefetch((void *)((uintptr_t)address - MARK_HEAD), 1);
    __builtin_prefetch((void *)((uintptr_t)address + EMALLOC_SMALL), 1);
    bool locked = lock_enter(&heap->lock);
    assay_status status = release_at(heap, (char *)((uintptr_t)address - MARK_HEAD), why);
    lock_leave(&heap->lock, locked);
    return status;
}

/* --- resizing --- */

static bool resize_medium(struct emalloc_heap *heap, const struct emalloc_block *block, size_t size)
{
    size_t lead = (size_t)(block->base - block->start);
    unsigned order = assay_buddy_order(&heap->medium, lead + size + MARK_BYTES);

    if (order > EMALLOC_MEDIUM_ORDER)
        return false;
    if (order != block->order &&
        !assay_buddy_resize(&heap->medium, block->region, block->start, block->order, order))
        return false;
    assay_buddy_name(&heap->medium, block->region, block->start, label_of(lead + MARK_HEAD, size));
    mark_write(block->base, ((size_t)1 << order) - lead, size, MARK_MEDIUM);
    return true;
}

/* Whether the block is one of size bytes now, where it was. */
static bool resize(struct emalloc_heap *heap, const struct emalloc_block *block, size_t size)
{
    switch (block->kind) {
    case MARK_SMALL:
        if (size > EMALLOC_SMALL)
            return false;
        *block->tag = (uint8_t)size;
        mark_write(block->base, EMALLOC_CHUNK, size, MARK_SMALL);
        return true;
    case MARK_MEDIUM:
        return resize_medium(heap, block, size);
    case MARK_LARGE:
        if (size < EMALLOC_LARGE ||
            !assay_large_resize(&heap->large, block->region, size + MARK_BYTES - MARK_HEAD))
            return false;
        mark_write(block->base, size + MARK_BYTES, size, MARK_LARGE);
        return true;
    }
    return false;
}

static void *move(struct emalloc_heap *heap, void *address, struct emalloc_block *block,
                  size_t size)
{
    void *moved = alloc(heap, EMALLOC_ALIGN, size, false);

    if (!moved)
        return NULL;
    memcpy(moved, address, size < block->size ? size : block->size);
    if (emalloc_find(heap, address, block)) /* the table of regions may have changed */
        give(heap, block);
    return moved;
}

assay_status emalloc_heap_resize(struct emalloc_heap *heap, void *address, size_t size,
                                 void **resized, struct emalloc_fault *why)
{
    struct emalloc_block block;

    *resized = NULL;
    bool locked = lock_enter(&heap->lock);
    assay_status status = emalloc_find(heap, address, &block) ? intact(&block, why) : ASSAY_INVALID;
    if (status == ASSAY_OK && size <= heap->regions.limit && size <= PTRDIFF_MAX - MARK_BYTES) {
        if (resize(heap, &block, size)) {
            heap->used_bytes += size - block.size;
            *resized = address;
        } else {
            *resized = move(heap, address, &block, size);
        }
    }
    lock_leave(&heap->lock, locked);
    return status == ASSAY_OK && !*resized ? ASSAY_NO_MEMORY : status;
}

size_t emalloc_heap_size(struct emalloc_heap *heap, const void *address)
{
    struct emalloc_block block;

    bool locked = lock_enter(&heap->lock);
    size_t size = emalloc_find(heap, address, &block) ? block.size : 0;
    lock_leave(&heap->lock, locked);
    return size;
}
