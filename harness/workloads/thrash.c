/*
 * thrash - threads ask for small blocks in turn, write to them many times, and free them.
 *
 * Stresses active false sharing: an allocator that serves requests from one place puts blocks of
 * different threads into one cache line, and every write takes it away from the other processor. Origin:
 * the idea of the cache-thrash test of Berger and others, Hoard, 2000.
 */
#include "workloads.h"

enum { SIZES, THREADS, ROUNDS, TOUCHES };

static void make(struct making *making)
{
    uint32_t threads = (uint32_t)number(making, THREADS);

    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        for (making->thread = 0; making->thread < threads; making->thread++)
            make_alloc(making, making->thread, draw_size(making, SIZES));
        make_touches(making, threads, number(making, TOUCHES));
        for (making->thread = 0; making->thread < threads; making->thread++)
            make_free(making, making->thread);
    }
}

const struct assay_workload workload_thrash = {
    "thrash",
    "threads ask for small blocks in turn and write to them",
    {
        [SIZES] = OF_SIZES("8"),
        [THREADS] = NUMBER("threads", "4", 1, MOST_THREADS, "threads"),
        [ROUNDS] = NUMBER("rounds", "100", 1, MOST_TIMES, "blocks of a thread"),
        [TOUCHES] = NUMBER("touches", "100", 0, MOST_TIMES, "writes to a block"),
    },
    make,
};
