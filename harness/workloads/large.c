/*
 * large - few blocks that are larger than what allocators cut from shared pages.
 *
 * Stresses the way to the system: whether each block costs a mapping and the faults on its pages, and how
 * much is kept for the next. Most allocators change their ways once or twice between 64 KiB and 8
 * MiB. Origin: ours.
 */
#include "workloads.h"

enum { SIZES, LIVE, ROUNDS };

static void make(struct making *making)
{
    uint32_t live = (uint32_t)number(making, LIVE);

    make_blocks(making, 0, live, SIZES);
    make_replacements(making, 0, live, SIZES, number(making, ROUNDS));
    make_free_all(making, 0, live);
}

const struct assay_workload workload_large = {
    "large",
    "random replacement among few large blocks",
    {
        [SIZES] = OF_SIZES("64k-8m"),
        [LIVE] = NUMBER("live", "16", 1, MOST_BLOCKS, "blocks live at once"),
        [ROUNDS] = NUMBER("rounds", "400", 0, MOST_TIMES, "replacements"),
    },
    make,
};
