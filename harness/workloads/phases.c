/*
 * phases - every other block is freed, then larger ones are asked for; again and again.
 *
 * Stresses fragmentation at its worst: half of the memory is free, in holes of one size, and the next phase
 * needs blocks that fit into none. What an allocator with size classes keeps for the old size is lost
 * to the new one. Origin: the standard example of external fragmentation (Robson, 1971, bounds it).
 */
#include "workloads.h"

enum { FROM, BLOCKS, PHASES, PERCENT };

/* Slots of even numbers change in even phases, the others in odd ones. */
static void make(struct making *making)
{
    uint32_t blocks = (uint32_t)number(making, BLOCKS);
    uint64_t size = number(making, FROM), phases = number(making, PHASES);

    for (uint32_t slot = 0; slot < blocks && making_goes_on(making); slot++)
        make_alloc(making, slot, size);
    for (uint64_t phase = 1; phase < phases && making_goes_on(making); phase++) {
        if (size < SIZES_MOST / 16)
            size += size * number(making, PERCENT) / 100 + 1;
        for (uint32_t slot = phase % 2; slot < blocks; slot += 2)
            make_free(making, slot);
        for (uint32_t slot = phase % 2; slot < blocks; slot += 2)
            make_alloc(making, slot, size);
    }
    make_free_all(making, 0, blocks);
}

const struct assay_workload workload_phases = {
    "phases",
    "every other block is freed, then larger ones come",
    {
        [FROM] = NUMBER("from", "32", 1, SIZES_MOST / 16, "bytes of the first blocks"),
        [BLOCKS] = NUMBER("blocks", "5000", 2, MOST_BLOCKS, "live at once"),
        [PHASES] = NUMBER("phases", "12", 2, MOST_TIMES, "of one size each"),
        [PERCENT] = NUMBER("percent", "50", 1, 1000, "of the size that a phase adds"),
    },
    make,
};
