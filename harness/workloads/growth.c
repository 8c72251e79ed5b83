/*
 * growth - buffers that grow by realloc, side by side.
 *
 * Stresses realloc: whether a block grows where it is, and what it costs when its neighbour, which grows
 * too, is in the way. By steps, as naive strings do, the copies are quadratic unless the allocator
 * leaves room; by a factor, as vectors do, the holes left behind decide. Origin: ours.
 */
#include "workloads.h"

enum { BY, BUFFERS, FROM, TO, STEP, PERCENT, ROUNDS };
enum { STEPS, FACTOR };

static uint64_t grown(const struct making *making, uint64_t size)
{
    uint64_t more = making->values[BY].word == STEPS ? number(making, STEP)
                                                     : size * number(making, PERCENT) / 100 + 1;

    return size + more < number(making, TO) ? size + more : number(making, TO);
}

static void make(struct making *making)
{
    uint32_t buffers = (uint32_t)number(making, BUFFERS);
    uint64_t from = number(making, FROM);

    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        for (uint32_t i = 0; i < buffers; i++)
            make_alloc(making, i, from);
        for (uint64_t size = from; size < number(making, TO) && making_goes_on(making);) {
            size = grown(making, size);
            for (uint32_t i = 0; i < buffers; i++)
                make_realloc(making, i, size);
        }
        make_free_all(making, 0, buffers);
    }
}

const struct assay_workload workload_growth = {
    "growth",
    "buffers that grow by realloc side by side",
    {
        [BY] = WORD("by", "steps", "steps factor", "how they grow"),
        [BUFFERS] = NUMBER("buffers", "16", 1, MOST_BLOCKS, "that grow at once"),
        [FROM] = NUMBER("from", "16", 1, SIZES_MOST, "bytes at first"),
        [TO] = NUMBER("to", "32k", 1, SIZES_MOST, "bytes at last"),
        [STEP] = NUMBER("step", "64", 1, SIZES_MOST, "bytes that steps add"),
        [PERCENT] = NUMBER("percent", "50", 1, 1000, "of its size that a factor adds"),
        [ROUNDS] = NUMBER("rounds", "2", 1, MOST_TIMES, "times from first to last"),
    },
    make,
};
