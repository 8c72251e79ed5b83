/*
 * swap - threads fill batches of mixed sizes, exchange them, and free what they were given.
 *
 * Stresses frees by other threads in bulk: a batch is asked for by one thread and freed by its neighbour in
 * one go, mixed in size, every second one backwards. Origin: like the multi-threaded test of MicroQuill's
 * SmartHeap that is known as sh8bench.
 */
#include "workloads.h"

enum { SIZES, THREADS, BATCH, ROUNDS };

static void make_batches(struct making *making, uint32_t threads, uint32_t batch)
{
    for (uint32_t i = 0; i < batch && making_goes_on(making); i++)
        for (making->thread = 0; making->thread < threads; making->thread++)
            make_alloc(making, making->thread * batch + i, draw_size(making, SIZES));
}

static void exchange(struct making *making, uint32_t threads, uint32_t batch)
{
    for (making->thread = 0; making->thread < threads; making->thread++)
        for (uint32_t i = 0; i < batch && making_goes_on(making); i++)
            make_hand_over(making, making->thread * batch + i, (making->thread + 1) % threads);
}

static void free_batches(struct making *making, uint32_t threads, uint32_t batch, bool backwards)
{
    for (uint32_t i = 0; i < batch && making_goes_on(making); i++)
        for (uint32_t owner = 0; owner < threads; owner++) {
            making->thread = (owner + 1) % threads;
            make_free(making, owner * batch + (backwards ? batch - 1 - i : i));
        }
}

static void make(struct making *making)
{
    uint32_t threads = (uint32_t)number(making, THREADS), batch = (uint32_t)number(making, BATCH);

    for (uint64_t round = 0; round < number(making, ROUNDS) && making_goes_on(making); round++) {
        make_batches(making, threads, batch);
        exchange(making, threads, batch);
        free_batches(making, threads, batch, round % 2);
    }
}

const struct assay_workload workload_swap = {
    "swap",
    "threads exchange batches of mixed sizes and free what they got",
    {
        [SIZES] = OF_SIZES("8-1k"),
        [THREADS] = NUMBER("threads", "4", 1, MOST_THREADS, "threads"),
        [BATCH] = NUMBER("batch", "100", 1, MOST_BLOCKS / MOST_THREADS, "blocks of a thread"),
        [ROUNDS] = NUMBER("rounds", "60", 1, MOST_TIMES, "exchanges"),
    },
    make,
};
