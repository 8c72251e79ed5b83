/*
 * pipeline - producers ask for blocks, consumers free them.
 *
 * Stresses one-way traffic: no thread ever frees what it asked for, so memory that is kept with the
 * thread that freed it is of no use to the one that needs it. An allocator that does not bring it back
 * grows without bound ("blowup": Berger, McKinley, Blumofe and Wilson, Hoard, 2000).
 */
#include "workloads.h"

enum { SIZES, PRODUCERS, CONSUMERS, DEPTH, ITEMS };

static void produce(struct making *making, uint32_t slot, uint64_t item)
{
    uint64_t producers = number(making, PRODUCERS), consumers = number(making, CONSUMERS);

    making->thread = (uint32_t)(item % producers);
    make_alloc(making, slot, draw_size(making, SIZES));
    make_touch(making, slot);
    make_hand_over(making, slot, (uint32_t)(producers + item % consumers));
}

static void consume(struct making *making, uint32_t slot, uint64_t item)
{
    making->thread = (uint32_t)(number(making, PRODUCERS) + item % number(making, CONSUMERS));
    make_touch(making, slot);
    make_free(making, slot);
}

static void make(struct making *making)
{
    uint64_t depth = number(making, DEPTH), items = number(making, ITEMS);
    uint64_t produced = 0, consumed = 0;

    assert(depth);
    while (consumed < items && making_goes_on(making)) {
        if (produced - consumed == depth || produced == items) {
            consume(making, (uint32_t)(consumed % depth), consumed);
            consumed++;
        } else {
            produce(making, (uint32_t)(produced % depth), produced);
            produced++;
        }
    }
}

const struct assay_workload workload_pipeline = {
    "pipeline",
    "producers ask for blocks, consumers free them",
    {
        [SIZES] = OF_SIZES("32-1k"),
        [PRODUCERS] = NUMBER("producers", "2", 1, MOST_THREADS, "threads that ask"),
        [CONSUMERS] = NUMBER("consumers", "2", 1, MOST_THREADS, "threads that free"),
        [DEPTH] = NUMBER("depth", "1000", 1, MOST_BLOCKS, "blocks on the way at once"),
        [ITEMS] = NUMBER("items", "20000", 1, MOST_TIMES, "blocks in all"),
    },
    make,
};
