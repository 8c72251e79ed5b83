/*
 * bursts - threads that live shortly: many blocks at their start, some work, many frees at their end.
 *
 * Stresses what an allocator sets up for a thread and what becomes of it: caches are filled and given back
 * at once, and a tenth of the blocks outlive their thread, to be freed by one of the next
 * generation. Origin: ours; servers with a thread for each request do this.
 */
#include "workloads.h"

enum { SIZES, TOGETHER, GENERATIONS, BURST, ROUNDS };

struct shape {
    uint32_t together, burst;
    uint32_t kept; /* first slots of a thread, which outlive it */
};

/* Two halves of the slots take turns by generation, for what is kept meets the next one. */
static uint32_t first_slot(const struct shape *shape, uint64_t generation, uint32_t thread)
{
    return ((uint32_t)(generation % 2) * shape->together + thread) * shape->burst;
}

static void free_kept(struct making *making, const struct shape *shape, uint64_t generation)
{
    for (uint32_t thread = 0; thread < shape->together; thread++) {
        making->thread = (uint32_t)((generation + 1) * shape->together + thread) % ASSAY_THREADS;
        make_free_all(making, first_slot(shape, generation, thread), shape->kept);
    }
}

/* The threads of a generation take turns. */
static void live(struct making *making, const struct shape *shape, uint64_t generation)
{
    uint64_t work = number(making, ROUNDS);
    uint64_t end = shape->burst + work + shape->burst - shape->kept;

    for (uint64_t i = 0; i < end && making_goes_on(making); i++)
        for (uint32_t thread = 0; thread < shape->together; thread++) {
            uint32_t first = first_slot(shape, generation, thread);
            making->thread = (uint32_t)(generation * shape->together + thread) % ASSAY_THREADS;
            if (i < shape->burst) {
                make_alloc(making, first + (uint32_t)i, draw_size(making, SIZES));
            } else if (i < shape->burst + work) {
                uint32_t slot = first + (uint32_t)dice_roll(&making->dice, shape->burst);
                make_free(making, slot);
                make_alloc(making, slot, draw_size(making, SIZES));
            } else {
                make_free(making, first + shape->kept + (uint32_t)(i - shape->burst - work));
            }
        }
}

static void make(struct making *making)
{
    uint32_t burst = (uint32_t)number(making, BURST);
    struct shape shape = {(uint32_t)number(making, TOGETHER), burst, burst / 10};
    uint64_t generations = number(making, GENERATIONS);

    for (uint64_t generation = 0; generation < generations && making_goes_on(making);
         generation++) {
        live(making, &shape, generation);
        if (generation > 0)
            free_kept(making, &shape, generation - 1);
    }
    free_kept(making, &shape, generations - 1);
}

const struct assay_workload workload_bursts = {
    "bursts",
    "threads that live shortly, with many blocks at start and end",
    {
        [SIZES] = OF_SIZES("16-1k"),
        [TOGETHER] = NUMBER("together", "4", 1, MOST_THREADS, "threads at a time"),
        [GENERATIONS] = NUMBER("generations", "20", 1, MOST_TIMES, "one after the other"),
        [BURST] = NUMBER("burst", "200", 10, MOST_BLOCKS / MOST_THREADS, "blocks of a thread"),
        [ROUNDS] = NUMBER("rounds", "100", 0, MOST_TIMES, "replacements of a thread"),
    },
    make,
};
