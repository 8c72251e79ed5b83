/*
 * churn - a full house in which one block after the other is replaced.
 *
 * Stresses placement: which hole a request takes decides whether room is left for the next large one. With
 * lifetimes `even` every block is as likely to go (so lifetimes fall off geometrically), with `young` nine
 * of ten replacements hit one tenth of the blocks, as in most programs, and with `oldest` the house is a
 * queue, where neighbours die together. Origin: the model of Knuth's simulations (TAOCP vol. 1, 2.5).
 */
#include "workloads.h"

enum { SIZES, LIVE, ROUNDS, LIFETIMES };
enum { EVEN, YOUNG, OLDEST };

static uint32_t choose(struct making *making, uint32_t live, uint64_t round)
{
    uint32_t nursery = live / 10 + 1;

    assert(live);
    switch (making->values[LIFETIMES].word) {
    case OLDEST:
        return (uint32_t)(round % live);
    case YOUNG:
        if (!dice_once_in(&making->dice, 10))
            return (uint32_t)dice_roll(&making->dice, nursery);
        return (uint32_t)dice_roll(&making->dice, live);
    default:
        return (uint32_t)dice_roll(&making->dice, live);
    }
}

static void make(struct making *making)
{
    uint32_t live = (uint32_t)number(making, LIVE);

    make_blocks(making, 0, live, SIZES);
    for (uint64_t i = 0; i < number(making, ROUNDS) && making_goes_on(making); i++) {
        uint32_t slot = choose(making, live, i);
        make_free(making, slot);
        make_alloc(making, slot, draw_size(making, SIZES));
    }
    make_free_all(making, 0, live);
}

const struct assay_workload workload_churn = {
    "churn",
    "random replacement among many live blocks",
    {
        [SIZES] = OF_SIZES("mixed"),
        [LIVE] = NUMBER("live", "10000", 1, MOST_BLOCKS, "blocks live at once"),
        [ROUNDS] = NUMBER("rounds", "100000", 0, MOST_TIMES, "replacements"),
        [LIFETIMES] = WORD("lifetimes", "even", "even young oldest", "which block is replaced"),
    },
    make,
};
