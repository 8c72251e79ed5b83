/*
 * aged - a heap that was littered: most of what filled it is gone, the rest lies everywhere.
 *
 * Stresses an allocator as it is after days: first many blocks come, of which a few, at random, stay to the
 * end; in what is left between them runs a churn. A fresh heap hides the length of searches and the
 * pages that a single block keeps resident. Littering is part of the stream; with more `rounds`
 * its share falls. Origin: ours.
 */
#include "workloads.h"

enum { SIZES, LITTER, STAY, LIVE, ROUNDS };

/* Frees all but one in STAY of the litter. */
static void sweep(struct making *making, uint32_t litter)
{
    for (uint32_t slot = 0; slot < litter && making_goes_on(making); slot++)
        if (!dice_once_in(&making->dice, number(making, STAY)))
            make_free(making, slot);
}

/* Frees what the sweep left, by the same dice. */
static void end_litter(struct making *making, uint32_t litter, struct dice sweeping)
{
    for (uint32_t slot = 0; slot < litter && making_goes_on(making); slot++)
        if (dice_once_in(&sweeping, number(making, STAY)))
            make_free(making, slot);
}

static void make(struct making *making)
{
    uint32_t litter = (uint32_t)number(making, LITTER), live = (uint32_t)number(making, LIVE);

    make_blocks(making, 0, litter, SIZES);
    struct dice sweeping = making->dice;
    sweep(making, litter);
    make_blocks(making, litter, live, SIZES);
    make_replacements(making, litter, live, SIZES, number(making, ROUNDS));
    make_free_all(making, litter, live);
    end_litter(making, litter, sweeping);
}

const struct assay_workload workload_aged = {
    "aged",
    "random replacement in a heap full of litter",
    {
        [SIZES] = OF_SIZES("mixed"),
        [LITTER] = NUMBER("litter", "20000", 1, MOST_BLOCKS, "blocks that come first"),
        [STAY] = NUMBER("stay", "10", 1, MOST_BLOCKS, "one in so many of them stays"),
        [LIVE] = NUMBER("live", "2000", 1, MOST_BLOCKS, "blocks live at once besides"),
        [ROUNDS] = NUMBER("rounds", "50000", 0, MOST_TIMES, "replacements"),
    },
    make,
};
