/*
 * held.h - what a slot holds while a stream is run without checks, and what operations do to it.
 *
 * Inlined where they are used: one operation costs little more than the call of the table.
 */
#ifndef ASSAY_HELD_H
#define ASSAY_HELD_H

#include "assay/bare.h"
#include "assay/sizes.h"

#include <string.h>

#define HELD_PAGE 4096

struct held {
    void *handle; /* NULL: the slot is empty */
    size_t size;
};

static inline void held_touch(const struct assay_heap *heap, const struct held *held,
                              enum assay_touch touch)
{
    unsigned char *start = assay_heap_resolve(heap, held->handle);

    if (touch == ASSAY_TOUCH_ALL)
        memset(start, 0x5a, held->size);
    if (touch != ASSAY_TOUCH_PAGES || held->size == 0)
        return;
    for (size_t i = 0; i < held->size; i += HELD_PAGE)
        *(volatile unsigned char *)(start + i) = 0x5a;
    *(volatile unsigned char *)(start + held->size - 1) = 0x5a;
}

/* Allocating operations: the block, or NULL where there is no such function or no memory. */
static inline void *held_allocate(struct assay_heap *heap, const struct assay_op *op, size_t *size,
                                  bool *is_offered)
{
    const struct assay_backend *backend = heap->backend;

    *size = op->size;
    *is_offered = true;
    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
        return backend->alloc(heap->self, op->size);
    case ASSAY_OP_ALLOC_ZEROED:
        *size = assay_multiply(op->arg, op->size);
        return backend->alloc_zeroed ? backend->alloc_zeroed(heap->self, op->arg, op->size)
                                     : assay_heap_made_up_zeroed(heap, op->arg, op->size);
    default:
        *is_offered = backend->alloc_aligned;
        return *is_offered ? backend->alloc_aligned(heap->self, op->arg, op->size) : NULL;
    }
}

static inline void held_take(struct held *held, struct assay_heap *heap, const struct assay_op *op,
                             enum assay_touch touch, struct assay_bare_result *result)
{
    bool is_offered;
    size_t size;

    if (held->handle) {
        result->skipped++;
        return;
    }
    void *block = held_allocate(heap, op, &size, &is_offered);
    if (!block) {
        result->refused += is_offered;
        result->skipped += !is_offered;
        result->calls += is_offered;
        return;
    }
    result->calls++;
    held->handle = block;
    held->size = size;
    if (touch != ASSAY_TOUCH_NONE)
        held_touch(heap, held, touch);
}

static inline void held_resize(struct held *held, struct assay_heap *heap,
                               const struct assay_op *op, enum assay_touch touch,
                               struct assay_bare_result *result)
{
    const struct assay_backend *backend = heap->backend;
    void *block = backend->realloc
                      ? backend->realloc(heap->self, held->handle, op->size)
                      : assay_heap_made_up_realloc(heap, held->handle, held->size, op->size);

    result->calls++;
    if (!block) {
        result->refused++;
        return;
    }
    held->handle = block;
    held->size = op->size;
    if (touch != ASSAY_TOUCH_NONE)
        held_touch(heap, held, touch);
}

static inline void held_free_null(struct assay_heap *heap, struct assay_bare_result *result)
{
    result->calls++;
    if (heap->backend->free(heap->self, NULL) != ASSAY_OK)
        result->refused++;
}

static inline void held_release(struct assay_heap *heap, struct held *held,
                                struct assay_bare_result *result)
{
    if (!held->handle) {
        result->skipped++;
        return;
    }
    result->calls++;
    if (heap->backend->free(heap->self, held->handle) != ASSAY_OK)
        result->refused++;
    held->handle = NULL;
}

#endif
