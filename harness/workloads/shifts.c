/*
 * shifts - batches of one size each, of which several overlap, freed from either end.
 *
 * Stresses size classes and the reuse between them: a batch has one size, small ones more often, and is
 * freed some batches later, forwards and backwards in turn, while others of other sizes came. Origin: like
 * the single-threaded test of MicroQuill's SmartHeap that is known as sh6bench.
 */
#include "workloads.h"

enum { SIZES, BATCH, OVERLAP, ROUNDS };

static void free_batch(struct making *making, uint32_t first, uint32_t batch, bool backwards)
{
    for (uint32_t i = 0; i < batch; i++)
        make_free(making, first + (backwards ? batch - 1 - i : i));
}

static void make(struct making *making)
{
    uint32_t batch = (uint32_t)number(making, BATCH);
    uint64_t overlap = number(making, OVERLAP), rounds = number(making, ROUNDS);

    for (uint64_t round = 0; round < rounds + overlap && making_goes_on(making); round++) {
        uint32_t first = (uint32_t)(round % overlap) * batch;
        if (round >= overlap && round - overlap < rounds)
            free_batch(making, first, batch, round % 2);
        uint64_t one = draw_size(making, SIZES), other = draw_size(making, SIZES);
        for (uint32_t i = 0; round < rounds && i < batch; i++)
            make_alloc(making, first + i, one < other ? one : other);
    }
}

const struct assay_workload workload_shifts = {
    "shifts",
    "overlapping batches of one size each, freed from either end",
    {
        [SIZES] = OF_SIZES("8-1k"),
        [BATCH] = NUMBER("batch", "100", 1, MOST_BLOCKS / 1000, "blocks of a batch"),
        [OVERLAP] = NUMBER("overlap", "20", 1, 1000, "batches live at once"),
        [ROUNDS] = NUMBER("rounds", "500", 1, MOST_TIMES, "batches"),
    },
    make,
};
