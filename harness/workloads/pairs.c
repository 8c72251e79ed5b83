/*
 * pairs - a block is asked for and freed at once.
 *
 * Stresses the shortest way through an allocator: the block that was freed last serves again, from a
 * cache or the front of a list. A slower common path shows here first. Origin: the first benchmark that
 * anybody writes.
 */
#include "workloads.h"

enum { SIZES, COUNT };

static void make(struct making *making)
{
    for (uint64_t i = 0; i < number(making, COUNT) && making_goes_on(making); i++) {
        make_alloc(making, 0, draw_size(making, SIZES));
        make_free(making, 0);
    }
}

const struct assay_workload workload_pairs = {
    "pairs",
    "a block, then its free",
    {[SIZES] = OF_SIZES("64"), [COUNT] = NUMBER("count", "50000", 1, MOST_TIMES, "pairs")},
    make,
};
