/* bare.c - runs a stream on one heap without any check. */
#include "assay/bare.h"

#include "assay/books.h"
#include "assay/ticks.h"

#include "held.h"

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

static inline void use(struct assay_bare *bare, uint32_t slot)
{
    if (slot >= bare->used)
        bare->used = slot + 1;
}

static inline __attribute__((always_inline)) void
run_op(struct assay_bare *bare, struct assay_heap *heap, const struct assay_op *op,
       enum assay_touch touch, struct assay_bare_result *result)
{
    struct held *held = &bare->slots[op->slot];

    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
        held_take(held, heap, op, touch, result);
        use(bare, op->slot);
        break;
    case ASSAY_OP_REALLOC:
        held_resize(held, heap, op, touch, result);
        use(bare, op->slot);
        break;
    case ASSAY_OP_FREE:
        held_release(heap, held, result);
        break;
    case ASSAY_OP_FREE_NULL:
        held_free_null(heap, result);
        break;
    case ASSAY_OP_TOUCH:
        if (held->handle)
            held_touch(heap, held, ASSAY_TOUCH_ALL);
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
            held_release(heap, &bare->slots[slot], &ignored);
    bare->used = 0;
}
