/* planted.c - life and allocation of the allocator with bugs; see planted.h. */
#include "planted.h"

#include "assay/sizes.h"

#include <errno.h>
#include <string.h>

#define ENOUGH_SEARCHED 3

/* --- life --- */

static assay_status create(const struct assay_backend *backend,
                           const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    size_t bytes = assay_align_down(config->limit, pages->page_size);

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    if (backend->caps & ASSAY_CAP_GROWS)
        bytes = pages->page_size;
    struct planted_heap *heap = pages->map(pages->ctx, bytes, pages->page_size);
    if (!heap)
        return ASSAY_NO_MEMORY;
    heap->backend = backend;
    heap->pages = pages;
    heap->bug = ((const struct planted *)backend)->bug;
    heap->limit = config->limit;
    heap->created_bytes = bytes;
    if (has(heap, PLANT_ODD_LENGTH_USED))
        bytes = assay_align_down(config->limit, PLANTED_ALIGN);
    planted_add_segment(heap, &heap->first, bytes, assay_align_up(sizeof *heap, PLANTED_ALIGN));
    if (has(heap, PLANT_INITIALISED_BY_ALLOC))
        heap->segments = NULL;
    *self = heap;
    return ASSAY_OK;
}

static void destroy(void *self)
{
    struct planted_heap *heap = self;
    struct assay_page_source pages = *heap->pages;
    struct segment *segment = heap->segments;
    size_t bytes = heap->created_bytes;
    bool keeps_last = has(heap, PLANT_DESTROY_FORGETS_LAST);

    while (segment) {
        struct segment *next = segment->next;
        if (segment != &heap->first && !(keeps_last && !next))
            pages.unmap(pages.ctx, segment, segment->bytes);
        segment = next;
    }
    if (has(heap, PLANT_DESTROY_LEAKS_PAGE) && bytes > pages.page_size)
        bytes -= pages.page_size;
    pages.unmap(pages.ctx, heap, bytes);
}

/* --- allocation --- */

static bool is_dead(struct planted_heap *heap)
{
    heap->calls++;
    return has(heap, PLANT_DEAD_FROM_START) ||
           (has(heap, PLANT_DEAD_WHEN_GROWN) && heap->mapped > heap->limit / 10 * 3);
}

static struct chunk *first_fit(const struct planted_heap *heap, size_t bytes)
{
    size_t searched = 0;

    for (struct chunk *chunk = heap->free_list; chunk; chunk = chunk->next_free) {
        if (has(heap, PLANT_EXACT_FIT_MISSED) && chunk->bytes == bytes)
            continue;
        if (has(heap, PLANT_SEARCHES_FIRST_SEGMENT) && chunk->segment != heap->segments)
            continue;
        if (has(heap, PLANT_SEARCH_GIVES_UP) && searched++ == ENOUGH_SEARCHED)
            return NULL;
        if (chunk->bytes >= bytes)
            return chunk;
    }
    return NULL;
}

static void *allocate(void *self, size_t size)
{
    struct planted_heap *heap = self;

    size = planted_size_taken(heap, size);
    size_t bytes = planted_chunk_bytes(heap, size);
    if (is_dead(heap) || bytes > heap->limit)
        return NULL;
    if (size == 0 && has(heap, PLANT_ZERO_SIZE_REFUSED))
        return NULL;
    if (size == 0 && has(heap, PLANT_ZERO_SIZE_SHARED) && planted_find(heap, heap->empty))
        return heap->empty;
    if (size == 0 && has(heap, PLANT_ZERO_SIZE_ALIASES) &&
        planted_first(heap->segments)->state == PLANTED_USED)
        return planted_payload(planted_first(heap->segments));
    if (has(heap, PLANT_INITIALISED_BY_ALLOC) && !heap->segments)
        heap->segments = &heap->first;
    struct chunk *chunk = first_fit(heap, bytes);
    if (!chunk && planted_grow(heap, bytes))
        chunk = heap->free_list;
    if (!chunk)
        return NULL;
    unsigned char *block = planted_take(heap, chunk, bytes, size);
    if (size == 0)
        heap->empty = block;
    if (has(heap, PLANT_SAME_BLOCK_TWICE) && heap->calls % 200 == 0)
        planted_release(heap, planted_find(heap, block));
    return block;
}

static void *allocate_zeroed(void *self, size_t count, size_t size)
{
    struct planted_heap *heap = self;
    size_t bytes = assay_multiply(count, size);

    if (has(heap, PLANT_PRODUCT_WRAPS))
        bytes = count * size;
    if (has(heap, PLANT_PRODUCT_CHECKED_BY_ONE_FACTOR) && count < (size_t)1 << 32)
        bytes = count * size;
    if (bytes > heap->limit)
        return NULL;
    void *block = allocate(self, bytes);
    if (has(heap, PLANT_ZEROES_ONE_ELEMENT))
        bytes = size < bytes ? size : bytes;
    if (has(heap, PLANT_ZEROES_WHOLE_WORDS))
        bytes = assay_align_down(bytes, 8);
    if (has(heap, PLANT_TRUSTS_OLD_PAGES) && bytes > 1000)
        bytes = 0;
    if (block)
        memset(block, 0, bytes);
    return block;
}

/* Where in a free chunk an aligned block's chunk would begin; NULL if it does not fit. */
static struct chunk *aligned_place(const struct planted_heap *heap, const struct chunk *chunk,
                                   size_t align, size_t bytes)
{
    uintptr_t start = (uintptr_t)chunk, end = start + chunk->bytes;
    uintptr_t payload = assay_align_up(start + PLANTED_HEADER, align);
    uintptr_t least = has(heap, PLANT_GAP_TOO_SMALL) ? PLANTED_ALIGN : PLANTED_MIN;

    if (payload - PLANTED_HEADER != start && payload - PLANTED_HEADER - start < least)
        payload = assay_align_up(start + least + PLANTED_HEADER, align);
    if (has(heap, PLANT_GAP_WITHOUT_HEADER) && payload < end && bytes <= chunk->bytes)
        return planted_at((void *)(payload - PLANTED_HEADER));
    if (payload > end || bytes - PLANTED_HEADER > end - payload)
        return NULL;
    return planted_at((void *)(payload - PLANTED_HEADER));
}

static void *allocate_aligned(void *self, size_t align, size_t size)
{
    struct planted_heap *heap = self;
    struct chunk *chunk, *place = NULL;

    size = planted_size_taken(heap, size);
    size_t bytes = planted_chunk_bytes(heap, size);
    if (has(heap, PLANT_ALIGNS_TO_PAGE_AT_MOST) && align > 4096)
        align = 4096;
    if (align <= PLANTED_ALIGN)
        return allocate(self, size);
    if (is_dead(heap) || bytes > heap->limit || align > heap->limit)
        return NULL;
    for (chunk = heap->free_list; chunk && !place; chunk = place ? chunk : chunk->next_free)
        place = aligned_place(heap, chunk, align, bytes);
    if (!place && planted_grow(heap, bytes + align + PLANTED_MIN)) {
        chunk = heap->free_list;
        place = aligned_place(heap, chunk, align, bytes);
    }
    if (!place)
        return NULL;
    if (place != chunk) {
        size_t gap = (size_t)((unsigned char *)place - (unsigned char *)chunk);
        place->segment = chunk->segment;
        place->before = chunk;
        place->bytes = chunk->bytes - gap;
        struct chunk *after = planted_after(place);
        if (after)
            after->before = place;
        chunk->bytes = gap;
        if (has(heap, PLANT_FRONT_GAP_LEAKED)) {
            planted_unlink_free(heap, chunk);
            planted_set_used(heap, chunk, 0);
        }
        planted_link_free(heap, place);
    }
    return planted_take(heap, place, bytes, size);
}

/* Whether a chunk could lie before address. */
static bool is_inside(const struct planted_heap *heap, const void *address)
{
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)heap);

    return offset >= heap->first.overhead + PLANTED_HEADER && offset < heap->first.bytes &&
           assay_is_aligned(address, PLANTED_ALIGN);
}

static assay_status release_block(void *self, void *block)
{
    struct planted_heap *heap = self;

    if (!block)
        return has(heap, PLANT_FREE_NULL_INVALID) ? ASSAY_INVALID : ASSAY_OK;
    if (has(heap, PLANT_FREE_TRUSTS_CALLER)) {
        struct chunk *trusted = planted_at((unsigned char *)block - PLANTED_HEADER);
        planted_release(heap, trusted);
        return ASSAY_OK;
    }
    struct chunk *chunk = planted_find(heap, block);
    if (has(heap, PLANT_DOUBLE_FREE_OF_LARGE_OK) && !chunk && is_inside(heap, block) &&
        planted_at((unsigned char *)block - PLANTED_HEADER)->asked > 256)
        return ASSAY_OK;
    if (has(heap, PLANT_DOUBLE_FREE_OK_IF_ALIGNED) && !chunk &&
        assay_is_aligned(block, PLANTED_ALIGN))
        return ASSAY_OK;
    if (has(heap, PLANT_INTERIOR_FREES) && chunk)
        block = planted_payload(chunk);
    if (has(heap, PLANT_MISALIGNED_ROUNDED_DOWN) && chunk)
        block = (void *)assay_align_down((uintptr_t)block, PLANTED_ALIGN);
    if (!chunk || block != planted_payload(chunk))
        return ASSAY_INVALID;
    if (has(heap, PLANT_FREE_OF_EMPTY_INVALID) && chunk->asked == 0)
        return ASSAY_INVALID;
    if (!planted_guard_is_whole(heap, chunk))
        return ASSAY_CORRUPT;
    planted_release(heap, chunk);
    return ASSAY_OK;
}

/* Resizes in place; false if there is no room. */
static bool resize(struct planted_heap *heap, struct chunk *chunk, size_t bytes, size_t size)
{
    struct chunk *after = planted_after(chunk);

    if (bytes > chunk->bytes) {
        if (!after || (after->state != PLANTED_FREE && !has(heap, PLANT_GROWS_INTO_USED)))
            return false;
        if (after->bytes < bytes - chunk->bytes && !has(heap, PLANT_GROWS_INTO_TOO_SMALL))
            return false;
        if (after->state == PLANTED_FREE)
            planted_unlink_free(heap, after);
        planted_merge(heap, chunk, after);
    }
    if (bytes > chunk->bytes)
        chunk->bytes = bytes;
    if (size < chunk->asked)
        chunk->former_asked = chunk->asked;
    planted_cut(heap, chunk, has(heap, PLANT_SHRINK_CUTS_TOO_MUCH) ? bytes - PLANTED_ALIGN : bytes);
    planted_set_used(heap, chunk, size);
    return true;
}

static void *reallocate(void *self, void *block, size_t size)
{
    struct planted_heap *heap = self;

    size = planted_size_taken(heap, size);
    size_t bytes = planted_chunk_bytes(heap, size);
    if (!block)
        return has(heap, PLANT_REALLOC_NULL_REFUSED) ? NULL : allocate(self, size);
    struct chunk *chunk = planted_find(heap, block);
    if (!chunk || bytes > heap->limit)
        return NULL;
    size_t kept = chunk->asked < size ? chunk->asked : size;
    if (has(heap, PLANT_SHRINK_MOVES_AND_COPIES_OLD) && size < chunk->asked)
        kept = chunk->asked;
    else if (resize(heap, chunk, bytes, size))
        return block;
    unsigned char *moved = allocate(self, size);
    if (!moved && has(heap, PLANT_REFUSED_REALLOC_FREES))
        planted_release(heap, chunk);
    if (!moved && has(heap, PLANT_REFUSED_REALLOC_RESIZES))
        chunk->asked = size < chunk->bytes - PLANTED_HEADER ? size : chunk->asked / 2;
    if (!moved)
        return NULL;
    if (has(heap, PLANT_REALLOC_COPIES_NEW_SIZE))
        kept = size;
    if (has(heap, PLANT_REALLOC_COPIES_WHOLE_WORDS))
        kept = assay_align_down(kept, 8);
    memcpy(moved, block, kept);
    if (!has(heap, PLANT_REALLOC_FORGETS_OLD))
        planted_release(heap, chunk);
    return moved;
}

/* --- errno --- */

/* What a call answers the user: refused, errno is ENOMEM. */
static void *answered(void *block)
{
    if (!block)
        errno = ENOMEM;
    return block;
}

static void *answered_alloc(void *self, size_t size)
{
    const struct planted_heap *heap = self;
    void *block = allocate(self, size);

    return has(heap, PLANT_ERRNO_ONLY_FOR_HUGE) && size <= heap->limit ? block : answered(block);
}

static void *answered_zeroed(void *self, size_t count, size_t size)
{
    const struct planted_heap *heap = self;
    void *block = allocate_zeroed(self, count, size);

    if (has(heap, PLANT_ERRNO_FORGOTTEN_FOR_PRODUCT) && assay_multiply(count, size) == SIZE_MAX)
        return block;
    return answered(block);
}

static void *answered_aligned(void *self, size_t align, size_t size)
{
    const struct planted_heap *heap = self;
    void *block = answered(allocate_aligned(self, align, size));

    if (!block && has(heap, PLANT_ERRNO_INVALID_FOR_ALIGNED))
        errno = EINVAL;
    return block;
}

static void *answered_realloc(void *self, void *block, size_t size)
{
    const struct planted_heap *heap = self;
    void *moved = reallocate(self, block, size);

    return has(heap, PLANT_ERRNO_FORGOTTEN_BY_REALLOC) && block ? moved : answered(moved);
}

static assay_status answered_free(void *self, void *block)
{
    struct planted_heap *heap = self;
    size_t mapped = heap->mapped;
    assay_status status = release_block(self, block);

    if (has(heap, PLANT_FREE_SETS_ERRNO) && heap->mapped != mapped)
        errno = EINVAL;
    return status;
}

/* --- tables --- */

struct planted planted_make(enum planted_kind kind, enum planted_bug bug)
{
    static const uint32_t caps[] = {
        [PLANTED_REGION] = ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN,
        [PLANTED_GROWS] = ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN | ASSAY_CAP_GROWS |
                          ASSAY_CAP_TRIMS,
        [PLANTED_KEEPS] = ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN | ASSAY_CAP_GROWS,
        [PLANTED_PLAIN] = 0,
        [PLANTED_PLAIN_GROWS] = ASSAY_CAP_GROWS,
    };
    bool plain = kind == PLANTED_PLAIN || kind == PLANTED_PLAIN_GROWS;
    bool keeps = kind == PLANTED_KEEPS || kind == PLANTED_PLAIN_GROWS;

    return (struct planted){
        .bug = bug,
        .backend =
            {
                .abi = ASSAY_BACKEND_ABI,
                .caps = caps[kind] | ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE |
                        ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_SETS_ERRNO |
                        (keeps ? 0u : ASSAY_CAP_COALESCES),
                .min_align = PLANTED_ALIGN,
                .max_size = SIZE_MAX,
                .min_limit = 8192,
                .name = "planted",
                .summary = "first fit over boundary tags, made for planting bugs",
                .origin = "assay",
                .options_help = "",
                .create = create,
                .destroy = destroy,
                .alloc = answered_alloc,
                .free = answered_free,
                .alloc_zeroed = answered_zeroed,
                .alloc_aligned = answered_aligned,
                .realloc = answered_realloc,
                .usable_size = plain ? NULL : planted_usable_size,
                .owns = plain ? NULL : planted_owns,
                .check = plain ? NULL : planted_check,
                .walk = plain ? NULL : planted_walk,
                .stats = plain ? NULL : planted_stats,
            },
    };
}
