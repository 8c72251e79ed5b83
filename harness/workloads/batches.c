/*
 * batches - many blocks at once, then the free of all, in a chosen order.
 *
 * Stresses how free blocks are put away and found again: in order they merge with the one before, from
 * the last they are taken off a stack, in random order they leave holes that close late. A cache that
 * is smaller than a batch overflows in each. Origin: ours.
 */
#include "workloads.h"

#include <stdlib.h>

enum { SIZES, BATCH, ROUNDS, ORDER };
enum { FIRST, LAST, RANDOM };

static void free_batch(struct making *making, uint32_t batch, const uint32_t *order)
{
    for (uint32_t i = 0; i < batch; i++)
        make_free(making, making->values[ORDER].word == RANDOM ? order[i]
                          : making->values[ORDER].word == LAST ? batch - 1 - i
                                                               : i);
}

static void make(struct making *making)
{
    uint32_t batch = (uint32_t)number(making, BATCH);
    uint32_t *order = make_order(making, batch);

    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        make_blocks(making, 0, batch, SIZES);
        free_batch(making, batch, order);
    }
    free(order);
}

const struct assay_workload workload_batches = {
    "batches",
    "many blocks, then the free of all",
    {
        [SIZES] = OF_SIZES("64"),
        [BATCH] = NUMBER("batch", "1000", 1, MOST_BLOCKS, "blocks live at once"),
        [ROUNDS] = NUMBER("rounds", "50", 1, MOST_TIMES, "batches"),
        [ORDER] = WORD("order", "first", "first last random", "which is freed first"),
    },
    make,
};
