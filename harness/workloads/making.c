/* making.c - one operation after the other, until there is no room. */
#include "making.h"

#include <stdlib.h>

static void add(struct making *making, struct assay_op op)
{
    if (!making_goes_on(making))
        return;
    if (making->stream->count == ASSAY_WORKLOAD_MOST_OPS) {
        making->status = ASSAY_INVALID;
        assay_error_set(making->error, "it would have more than %zu operations",
                        ASSAY_WORKLOAD_MOST_OPS);
        return;
    }
    op.thread = (uint16_t)making->thread;
    assert(assay_op_is_valid(&op) && "parameters keep operations valid");
    making->status = assay_stream_append(making->stream, &op);
}

void make_alloc(struct making *making, uint32_t slot, uint64_t size)
{
    add(making, (struct assay_op){.kind = ASSAY_OP_ALLOC, .slot = slot, .size = size});
}

void make_realloc(struct making *making, uint32_t slot, uint64_t size)
{
    add(making, (struct assay_op){.kind = ASSAY_OP_REALLOC, .slot = slot, .size = size});
}

void make_free(struct making *making, uint32_t slot)
{
    add(making, (struct assay_op){.kind = ASSAY_OP_FREE, .slot = slot});
}

void make_touch(struct making *making, uint32_t slot)
{
    add(making, (struct assay_op){.kind = ASSAY_OP_TOUCH, .slot = slot});
}

void make_hand_over(struct making *making, uint32_t slot, uint32_t thread)
{
    add(making, (struct assay_op){.kind = ASSAY_OP_HAND_OVER, .slot = slot, .arg = thread});
}

void make_blocks(struct making *making, uint32_t first, uint32_t count, unsigned sizes)
{
    for (uint32_t i = 0; i < count && making_goes_on(making); i++)
        make_alloc(making, first + i, draw_size(making, sizes));
}

void make_replacements(struct making *making, uint32_t first, uint32_t count, unsigned sizes,
                       uint64_t times)
{
    for (uint64_t i = 0; i < times && making_goes_on(making); i++) {
        uint32_t slot = first + (uint32_t)dice_roll(&making->dice, count);
        make_free(making, slot);
        make_alloc(making, slot, draw_size(making, sizes));
    }
}

void make_touches(struct making *making, uint32_t threads, uint64_t times)
{
    for (uint64_t i = 0; i < times && making_goes_on(making); i++)
        for (making->thread = 0; making->thread < threads; making->thread++)
            make_touch(making, making->thread);
}

void make_free_all(struct making *making, uint32_t first, uint64_t count)
{
    for (uint32_t i = 0; i < count && making_goes_on(making); i++)
        make_free(making, first + i);
}

void *make_room(struct making *making, size_t count, size_t size)
{
    void *room = calloc(count ? count : 1, size);

    if (!room)
        making->status = ASSAY_NO_MEMORY;
    return room;
}

uint32_t *make_order(struct making *making, size_t count)
{
    uint32_t *order = make_room(making, count, sizeof *order);

    if (!order)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = (size_t)dice_roll(&making->dice, i + 1);
        order[i] = order[other];
        order[other] = (uint32_t)i;
    }
    return order;
}
