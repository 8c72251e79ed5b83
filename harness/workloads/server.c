/*
 * server - threads that replace blocks of their own, and now and then inherit those of another thread.
 *
 * Stresses frees by another thread than the one that asked: each thread works on an array of blocks, and after
 * a while hands the whole array to the next thread, as a server hands a connection over. What an
 * allocator keeps by thread drifts away from who uses it. Origin: the idea of P. Larson and M. Krishnan,
 * Memory Allocation for Long-Running Server Applications, 1998.
 */
#include "workloads.h"

enum { SIZES, THREADS, LIVE, SHIFTS, ROUNDS };

/* Array number `array`, block number `block` of it. */
static uint32_t slot_of(const struct making *making, uint32_t array, uint32_t block)
{
    return array * (uint32_t)number(making, LIVE) + block;
}

/* All threads take turns by one replacement each. */
static void work(struct making *making, uint32_t threads, uint64_t shift)
{
    for (uint64_t i = 0; i < number(making, ROUNDS) && making_goes_on(making); i++)
        for (uint32_t array = 0; array < threads; array++) {
            uint32_t block = (uint32_t)dice_roll(&making->dice, number(making, LIVE));
            making->thread = (uint32_t)((array + shift) % threads);
            make_free(making, slot_of(making, array, block));
            make_alloc(making, slot_of(making, array, block), draw_size(making, SIZES));
        }
}

static void hand_over(struct making *making, uint32_t threads, uint64_t shift)
{
    for (uint32_t array = 0; array < threads && making_goes_on(making); array++)
        for (uint32_t block = 0; block < number(making, LIVE); block++) {
            making->thread = (uint32_t)((array + shift) % threads);
            make_hand_over(making, slot_of(making, array, block),
                           (uint32_t)((array + shift + 1) % threads));
        }
}

static void make(struct making *making)
{
    uint32_t threads = (uint32_t)number(making, THREADS);
    uint64_t last = number(making, SHIFTS) - 1;

    for (uint32_t array = 0; array < threads && making_goes_on(making); array++)
        for (uint32_t block = 0; block < number(making, LIVE); block++) {
            making->thread = array;
            make_alloc(making, slot_of(making, array, block), draw_size(making, SIZES));
        }
    for (uint64_t shift = 0; shift <= last && making_goes_on(making); shift++) {
        work(making, threads, shift);
        if (shift < last)
            hand_over(making, threads, shift);
    }
    for (uint32_t array = 0; array < threads && making_goes_on(making); array++) {
        making->thread = (uint32_t)((array + last) % threads);
        make_free_all(making, slot_of(making, array, 0), number(making, LIVE));
    }
}

const struct assay_workload workload_server = {
    "server",
    "threads that replace blocks, and free what others asked for",
    {
        [SIZES] = OF_SIZES("16-1k"),
        [THREADS] = NUMBER("threads", "4", 1, MOST_THREADS, "threads"),
        [LIVE] = NUMBER("live", "500", 1, MOST_BLOCKS / MOST_THREADS, "blocks of each thread"),
        [SHIFTS] = NUMBER("shifts", "5", 1, MOST_TIMES, "times of work, each handed over"),
        [ROUNDS] = NUMBER("rounds", "2000", 1, MOST_TIMES, "replacements of a thread at a time"),
    },
    make,
};
