/*
 * scratch - each thread gets a small block that another one asked for, frees it, and works on its own.
 *
 * Stresses passive false sharing: the blocks that are handed out lie side by side in one cache line. An
 * allocator that gives a thread the very memory which it freed spreads that line over all
 * processors for good. Origin: the idea of the cache-scratch test of Berger and others, Hoard, 2000.
 */
#include "workloads.h"

enum { SIZES, THREADS, ROUNDS, TOUCHES };

static void make(struct making *making)
{
    uint32_t threads = (uint32_t)number(making, THREADS);

    make_blocks(making, 0, threads, SIZES);
    for (uint32_t i = 0; i < threads; i++)
        make_hand_over(making, i, i);
    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        for (making->thread = 0; making->thread < threads; making->thread++) {
            make_free(making, making->thread);
            make_alloc(making, making->thread, draw_size(making, SIZES));
        }
        make_touches(making, threads, number(making, TOUCHES));
    }
    for (making->thread = 0; making->thread < threads; making->thread++)
        make_free(making, making->thread);
}

const struct assay_workload workload_scratch = {
    "scratch",
    "threads write to small blocks, after the free of one from another thread",
    {
        [SIZES] = OF_SIZES("8"),
        [THREADS] = NUMBER("threads", "4", 1, MOST_THREADS, "threads"),
        [ROUNDS] = NUMBER("rounds", "100", 1, MOST_TIMES, "blocks of a thread"),
        [TOUCHES] = NUMBER("touches", "100", 0, MOST_TIMES, "writes to a block"),
    },
    make,
};
