/*
 * emalloc - three strategies by size behind one lock, and a mark around every block.
 *
 *   [ heap ]   [ chunk | chunk | ... ]   [ 2^k | 2^j | ... ]   [ mapping ]   [ mapping ]
 *                up to 64 bytes            below 128 KiB         128 KiB and more
 *
 * Small requests are chunks of the pool, medium ones blocks of the buddy, large ones mappings. Each block is
 * marked at both ends, and what lies between the request and the end is filled: a byte written past the
 * request is found by free() and by check(). A block may be freed by any thread.
 */
#include "emalloc/heap.h"

static assay_status emalloc_create(const struct assay_backend *backend,
                                   const struct assay_heap_config *config, void **self)
{
    struct emalloc_heap *heap;

    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    assay_status status = emalloc_heap_open(config, &heap);
    if (status == ASSAY_OK)
        *self = heap;
    return status;
}

static void emalloc_destroy(void *self)
{
    emalloc_heap_close(self);
}

static void *emalloc_alloc(void *self, size_t size)
{
    return emalloc_heap_alloc(self, EMALLOC_ALIGN, size, false);
}

static void *emalloc_alloc_zeroed(void *self, size_t count, size_t size)
{
    return emalloc_heap_alloc(self, EMALLOC_ALIGN, assay_multiply(count, size), true);
}

static void *emalloc_alloc_aligned(void *self, size_t align, size_t size)
{
    return emalloc_heap_alloc(self, align, size, false);
}

static assay_status emalloc_free(void *self, void *block)
{
    struct emalloc_fault why;

    return block ? emalloc_heap_free(self, block, &why) : ASSAY_OK;
}

static void *emalloc_realloc(void *self, void *block, size_t size)
{
    struct emalloc_fault why;
    void *resized;

    if (!block)
        return emalloc_alloc(self, size);
    assay_status status = size > 0 ? emalloc_heap_resize(self, block, size, &resized, &why)
                                   : emalloc_heap_free(self, block, &why);
    return status == ASSAY_OK && size > 0 ? resized : NULL;
}

static size_t emalloc_usable_size(void *self, const void *block)
{
    return emalloc_heap_size(self, block);
}

static bool emalloc_owns(void *self, const void *address)
{
    return emalloc_heap_owns(self, address);
}

static assay_status emalloc_check(void *self, struct assay_damage *damage)
{
    return emalloc_heap_check(self, damage);
}

static assay_status emalloc_walk(void *self, assay_visit_fn *visit, void *arg)
{
    return emalloc_heap_walk(self, visit, arg);
}

static void emalloc_stats(void *self, struct assay_heap_stats *stats)
{
    emalloc_heap_stats(self, stats);
}

const struct assay_backend assay_backend_emalloc = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS |
            ASSAY_CAP_COALESCES | ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN |
            ASSAY_CAP_DETECTS_UNDERRUN | ASSAY_CAP_REALLOC_ZERO_FREES,
    .min_align = EMALLOC_ALIGN,
    .max_size = SIZE_MAX,
    .min_limit = 32768,
    .name = "emalloc",
    .summary = "pool, buddy and mappings behind one lock, a mark around every block",
    .origin = "assay",
    .options_help = "",
    .create = emalloc_create,
    .destroy = emalloc_destroy,
    .alloc = emalloc_alloc,
    .free = emalloc_free,
    .alloc_zeroed = emalloc_alloc_zeroed,
    .alloc_aligned = emalloc_alloc_aligned,
    .realloc = emalloc_realloc,
    .usable_size = emalloc_usable_size,
    .owns = emalloc_owns,
    .check = emalloc_check,
    .walk = emalloc_walk,
    .stats = emalloc_stats,
};
