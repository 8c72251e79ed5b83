/*
 * drifting - random replacement while sizes slowly move from small to large and back.
 *
 * Stresses adaptation: no moment differs much from the one before, yet what was cut for small blocks must
 * in the end hold large ones. Programs that run for long do this. Origin: ours.
 */
#include "workloads.h"

enum { LIVE, FROM, TO, ROUNDS };

/* From `from` up to `to` in the first half of all rounds, then down; three quarters to five quarters of it. */
static uint64_t size_at(struct making *making, uint64_t round, uint64_t rounds)
{
    uint64_t from = number(making, FROM), to = number(making, TO);
    uint64_t half = rounds / 2 + 1, place = round < half ? round : rounds - round;
    assert(half);
    uint64_t high = from > to ? from : to, low = from > to ? to : from;
    uint64_t steps = (high - low) / half, rest = (high - low) % half;
    uint64_t way = steps * place + rest * place / half;
    uint64_t middle = from > to ? from - way : from + way;

    return dice_between(&making->dice, middle - middle / 4, middle + middle / 4);
}

static void make(struct making *making)
{
    uint32_t live = (uint32_t)number(making, LIVE);
    uint64_t rounds = number(making, ROUNDS);

    for (uint32_t slot = 0; slot < live && making_goes_on(making); slot++)
        make_alloc(making, slot, size_at(making, 0, rounds));
    for (uint64_t i = 0; i < rounds && making_goes_on(making); i++) {
        uint32_t slot = (uint32_t)dice_roll(&making->dice, live);
        make_free(making, slot);
        make_alloc(making, slot, size_at(making, i, rounds));
    }
    make_free_all(making, 0, live);
}

const struct assay_workload workload_drifting = {
    "drifting",
    "random replacement with sizes that move slowly",
    {
        [LIVE] = NUMBER("live", "4000", 1, MOST_BLOCKS, "blocks live at once"),
        [FROM] = NUMBER("from", "16", 1, SIZES_MOST / 2, "bytes at first and at last"),
        [TO] = NUMBER("to", "1k", 1, SIZES_MOST / 2, "bytes in the middle"),
        [ROUNDS] = NUMBER("rounds", "50000", 1, MOST_TIMES, "replacements"),
    },
    make,
};
