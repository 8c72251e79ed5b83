/*
 * null - a bump pointer that never reuses: what the harness itself costs.
 *
 *   [ heap | block | block | ... next                       end ]
 *
 * free() does nothing at all, so a stream runs until the region is full. Memory that was never
 * written stays unmapped by the system, which makes a large region cost nothing.
 */
#include "assay/backend.h"
#include "assay/sizes.h"

#define ALIGN 16

struct null_heap {
    const struct assay_page_source *pages;
    size_t bytes;
    char *next;
    char *end;
};

static assay_status null_create(const struct assay_backend *backend,
                                const struct assay_heap_config *config, void **self)
{
    (void)backend;
    size_t bytes = assay_align_down(config->limit, config->pages->page_size);
    struct null_heap *heap =
        bytes ? config->pages->map(config->pages->ctx, bytes, config->pages->page_size) : NULL;
    if (!heap)
        return ASSAY_NO_MEMORY;
    heap->pages = config->pages;
    heap->bytes = bytes;
    heap->next = (char *)heap + assay_align_up(sizeof *heap, ALIGN);
    heap->end = (char *)heap + bytes;
    *self = heap;
    return ASSAY_OK;
}

static void null_destroy(void *self)
{
    struct null_heap *heap = self;

    heap->pages->unmap(heap->pages->ctx, heap, heap->bytes);
}

static void *take(struct null_heap *heap, char *block, size_t size)
{
    size_t room = assay_align_up(size ? size : 1, ALIGN);

    if (block > heap->end || room > (size_t)(heap->end - block))
        return NULL;
    heap->next = block + room;
    return block;
}

static void *null_alloc(void *self, size_t size)
{
    struct null_heap *heap = self;

    return take(heap, heap->next, size);
}

static void *null_alloc_zeroed(void *self, size_t count, size_t size)
{
    /* Never reused, so still zero from the page source. */
    return null_alloc(self, assay_multiply(count, size));
}

static void *null_alloc_aligned(void *self, size_t align, size_t size)
{
    struct null_heap *heap = self;
    size_t padding = -(uintptr_t)heap->next & (align - 1);

    if (padding > (size_t)(heap->end - heap->next))
        return NULL;
    return take(heap, heap->next + padding, size);
}

static assay_status null_free(void *self, void *block)
{
    (void)self;
    (void)block;
    return ASSAY_OK;
}

const struct assay_backend assay_backend_null = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = ALIGN,
    .max_size = SIZE_MAX,
    .min_limit = 4096,
    .name = "null",
    .summary = "bump pointer that never reuses: what the harness itself costs",
    .origin = "assay",
    .options_help = "",
    .create = null_create,
    .destroy = null_destroy,
    .alloc = null_alloc,
    .free = null_free,
    .alloc_zeroed = null_alloc_zeroed,
    .alloc_aligned = null_alloc_aligned,
};
