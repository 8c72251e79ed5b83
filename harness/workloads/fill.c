/*
 * fill - a small arena is filled until it refuses, emptied in random order, and filled again.
 *
 * Stresses the edge: how much of its memory an allocator can give away before it says no, how long it
 * searches when it is nearly full, and whether it is whole again afterwards. Each round asks for more than
 * the arena has, so that some requests are refused by every heap that keeps its limit; one
 * without (system, dl:) serves them all. Origin: ours; needs a heap with a limit, as embedded systems have.
 */
#include "workloads.h"

#include <stdlib.h>

enum { SIZES, ARENA, ROUNDS };

/* Slots 0 up to the returned number hold what was asked for. */
static uint32_t fill(struct making *making)
{
    uint64_t asked = 0;
    uint32_t slot = 0;

    while (asked <= number(making, ARENA) && slot < ASSAY_SLOTS && making_goes_on(making)) {
        uint64_t size = draw_size(making, SIZES);
        make_alloc(making, slot++, size);
        asked += size;
    }
    return slot;
}

static void make(struct making *making)
{
    making->stream->setup.limit = number(making, ARENA);
    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        uint32_t blocks = fill(making);
        uint32_t *order = make_order(making, blocks);
        for (uint32_t i = 0; i < blocks && making_goes_on(making); i++)
            make_free(making, order[i]);
        free(order);
    }
}

const struct assay_workload workload_fill = {
    "fill",
    "a small arena is filled until it refuses, and emptied",
    {
        [SIZES] = OF_SIZES("mixed"),
        [ARENA] = NUMBER("arena", "1m", 4096, SIZES_MOST, "bytes of the heap"),
        [ROUNDS] = NUMBER("rounds", "20", 1, MOST_TIMES, "times it is filled"),
    },
    make,
};
