/* heap.c - one heap: an instance of a backend on a metered page source. */
#include "assay/heap.h"

#include "assay/sizes.h"

#include <string.h>

static size_t granted_limit(const struct assay_backend *backend, size_t limit)
{
    if (limit == 0)
        limit = ASSAY_HEAP_LIMIT;
    return limit < backend->min_limit ? backend->min_limit : limit;
}

static assay_status create(struct assay_heap *heap, uint64_t seed, const char *options)
{
    const struct assay_heap_config config = {
        .limit = heap->limit,
        .pages = &heap->meter.source,
        .seed = seed,
        .options = options ? options : "",
    };

    heap->made_up = 0;
    heap->self = NULL;
    assay_status status = heap->backend->create(heap->backend, &config, &heap->self);
    if (status != ASSAY_OK)
        heap->self = NULL; /* whatever it stored there */
    return status;
}

assay_status assay_heap_open(struct assay_heap *heap, const struct assay_backend *backend,
                             const struct assay_page_source *pages, size_t limit, uint64_t seed,
                             const char *options)
{
    heap->backend = backend;
    heap->limit = granted_limit(backend, limit);
    assay_status status = assay_meter_open(&heap->meter, pages, heap->limit);
    if (status != ASSAY_OK)
        return status;
    status = create(heap, seed, options);
    if (status != ASSAY_OK)
        assay_heap_close(heap, NULL);
    return status;
}

assay_status assay_heap_reopen(struct assay_heap *heap, size_t limit, uint64_t seed,
                               const char *options)
{
    heap->limit = granted_limit(heap->backend, limit);
    assay_meter_reset(&heap->meter, heap->limit);
    return create(heap, seed, options);
}

void assay_heap_destroy(struct assay_heap *heap, size_t *leaked_bytes)
{
    if (heap->self)
        heap->backend->destroy(heap->self);
    heap->self = NULL;
    if (leaked_bytes)
        *leaked_bytes = heap->meter.mapped_bytes;
}

void assay_heap_close(struct assay_heap *heap, size_t *leaked_bytes)
{
    assay_heap_destroy(heap, leaked_bytes);
    assay_meter_reset(&heap->meter, 0);
    assay_meter_close(&heap->meter);
}

bool assay_backend_offers(const struct assay_backend *backend, enum assay_op_kind kind)
{
    switch (kind) {
    case ASSAY_OP_ALLOC_ZEROED:
        return backend->alloc_zeroed;
    case ASSAY_OP_ALLOC_ALIGNED:
        return backend->alloc_aligned;
    case ASSAY_OP_REALLOC:
        return backend->realloc;
    case ASSAY_OP_CHECK:
        return backend->check || backend->walk || backend->stats;
    default:
        return true; /* required functions, or none */
    }
}

void *assay_heap_made_up_zeroed(struct assay_heap *heap, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = bytes == SIZE_MAX ? NULL : heap->backend->alloc(heap->self, bytes);

    heap->made_up |= 1u << ASSAY_OP_ALLOC_ZEROED;
    if (block)
        memset(assay_heap_resolve(heap, block), 0, bytes);
    return block;
}

void *assay_heap_made_up_realloc(struct assay_heap *heap, void *block, size_t old_size, size_t size)
{
    void *fresh = heap->backend->alloc(heap->self, size);

    heap->made_up |= 1u << ASSAY_OP_REALLOC;
    if (!fresh || !block)
        return fresh;
    memcpy(assay_heap_resolve(heap, fresh), assay_heap_resolve(heap, block),
           old_size < size ? old_size : size);
    if (heap->backend->free(heap->self, block) != ASSAY_OK)
        return NULL; /* it denies its own block, which so stays; only the copy is lost */
    return fresh;
}

const char *assay_cap_name(unsigned bit)
{
    static const char *const names[] = {
        "thread_safe",
        "many_heaps",
        "page_source",
        "grows",
        "coalesces",
        "trims",
        "zero_size_block",
        "free_interior",
        "detects_bad_free",
        "detects_overrun",
        "sets_errno",
        "detects_underrun",
        "detects_write_after_free",
        "realloc_zero_frees",
        "realloc_zero_block",
    };

    return bit < sizeof names / sizeof *names ? names[bit] : NULL;
}

const char *assay_status_text(assay_status status)
{
    switch (status) {
    case ASSAY_OK:
        return "ok";
    case ASSAY_NO_MEMORY:
        return "out of memory";
    case ASSAY_INVALID:
        return "invalid argument";
    case ASSAY_CORRUPT:
        return "heap corrupt";
    case ASSAY_UNSUPPORTED:
        return "not offered";
    }
    return "unknown status";
}
