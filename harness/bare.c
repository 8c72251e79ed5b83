/* bare.c - runs a stream on one heap without any check. */
#include "assay/bare.h"

#include "assay/books.h"
#include "assay/sizes.h"
#include "assay/ticks.h"

#include <string.h>

#define PAGE 4096

struct held {
    void *handle; /* NULL: the slot is empty */
    size_t size;
};

struct assay_bare {
    struct held slots[ASSAY_SLOTS];
    uint32_t used; /* slots[used ...] are empty */
};

struct assay_bare *assay_bare_open(void)
{
    return assay_books_open(sizeof(struct assay_bare));
}

void assay_bare_close(struct assay_bare *bare)
{
    assay_books_close(bare, sizeof *bare);
}

void assay_bare_warm(struct assay_bare *bare, const struct assay_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++)
        *(void *volatile *)&bare->slots[stream->ops[i].slot].handle = NULL;
}

static void touch_block(const struct assay_heap *heap, const struct held *held,
                        enum assay_touch touch)
{
    unsigned char *start = assay_heap_resolve(heap, held->handle);

    if (touch == ASSAY_TOUCH_ALL)
        memset(start, 0x5a, held->size);
    if (touch != ASSAY_TOUCH_PAGES || held->size == 0)
        return;
    for (size_t i = 0; i < held->size; i += PAGE)
        *(volatile unsigned char *)(start + i) = 0x5a;
    *(volatile unsigned char *)(start + held->size - 1) = 0x5a;
}

/* Allocating operations: the block, or NULL where there is no such function or no memory. */
static inline void *allocate(struct assay_heap *heap, const struct assay_op *op, size_t *size,
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

static inline void take(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *op,
                        enum assay_touch touch, struct assay_bare_result *result)
{
    struct held *held = &bare->slots[op->slot];
    bool is_offered;
    size_t size;

    if (held->handle) {
        result->skipped++;
        return;
    }
    void *block = allocate(heap, op, &size, &is_offered);
    if (!block) {
        result->refused += is_offered;
        result->skipped += !is_offered;
        result->calls += is_offered;
        return;
    }
    result->calls++;
    held->handle = block;
    held->size = size;
    if (op->slot >= bare->used)
        bare->used = op->slot + 1;
    if (touch != ASSAY_TOUCH_NONE)
        touch_block(heap, held, touch);
}

static inline void resize(struct assay_bare *bare, struct assay_heap *heap,
                          const struct assay_op *op, enum assay_touch touch,
                          struct assay_bare_result *result)
{
    const struct assay_backend *backend = heap->backend;
    struct held *held = &bare->slots[op->slot];
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
    if (op->slot >= bare->used)
        bare->used = op->slot + 1;
    if (touch != ASSAY_TOUCH_NONE)
        touch_block(heap, held, touch);
}

static inline void release(struct assay_heap *heap, struct held *held,
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

static inline __attribute__((always_inline)) void
run_op(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *op,
       enum assay_touch touch, struct assay_bare_result *result)
{
    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
        take(bare, heap, op, touch, result);
        break;
    case ASSAY_OP_REALLOC:
        resize(bare, heap, op, touch, result);
        break;
    case ASSAY_OP_FREE:
        release(heap, &bare->slots[op->slot], result);
        break;
    case ASSAY_OP_FREE_NULL:
        result->calls++;
        if (heap->backend->free(heap->self, NULL) != ASSAY_OK)
            result->refused++;
        break;
    case ASSAY_OP_TOUCH:
        if (bare->slots[op->slot].handle)
            touch_block(heap, &bare->slots[op->slot], ASSAY_TOUCH_ALL);
        break;
    case ASSAY_OP_HAND_OVER: /* one thread runs all */
        break;
    default: /* checks, misuse, faults */
        result->skipped++;
    }
}

static inline __attribute__((always_inline)) void
run_batch(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *ops,
          size_t count, enum assay_touch touch, struct assay_bare_result *result)
{
    for (const struct assay_op *op = ops; op < ops + count; op++)
        run_op(bare, heap, op, touch, result);
    result->ops += count;
}

void assay_bare_stamp(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *ops,
                      size_t count, uint64_t *stamps, struct assay_bare_result *result)
{
    for (size_t i = 0; i < count; i++) {
        run_op(bare, heap, &ops[i], ASSAY_TOUCH_NONE, result);
        stamps[i] = assay_ticks();
    }
    result->ops += count;
}

void assay_bare_run(struct assay_bare *bare, struct assay_heap *heap, struct assay_reader *reader,
                    enum assay_touch touch, struct assay_bare_result *result)
{
    const struct assay_op *ops;
    size_t count;

    while ((count = reader->next(reader, &ops)) != 0) {
        if (touch == ASSAY_TOUCH_NONE)
            run_batch(bare, heap, ops, count, ASSAY_TOUCH_NONE, result);
        else
            run_batch(bare, heap, ops, count, touch, result);
    }
}

void assay_bare_drain(struct assay_bare *bare, struct assay_heap *heap)
{
    struct assay_bare_result ignored = {0};

    for (uint32_t slot = 0; slot < bare->used; slot++)
        if (bare->slots[slot].handle)
            release(heap, &bare->slots[slot], &ignored);
    bare->used = 0;
}
