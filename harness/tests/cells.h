/*
 * cells.h - a small heap with a switch for each planted fault, for the tests of the replay.
 *
 * One region of equal cells, its records at the front. What it claims is set by the test.
 */
#ifndef ASSAY_TESTS_CELLS_H
#define ASSAY_TESTS_CELLS_H

#include "assay/backend.h"

#define CELL 256
#define CELLS 60
#define LIMIT 65536

enum fault {
    NONE,
    OVERLAPS,
    OUTSIDE,
    MISALIGNED,
    SCRIBBLES,
    LOSES_PREFIX,
    DIRTY_ZEROS,
    SMALL_USABLE,
    REFUSES_ALL,
    REFUSES_AGAINST_STATS,
    SERVES_HUGE,
    ROLLS_NOTHING_BACK,
    ZERO_IS_NULL,
    DENIES_NULL,
    DENIES_FREE,
    TAKES_DOUBLE_FREE,
    HARMS_BY_DOUBLE_FREE,
    OVERRUN_UNSEEN,
    CHECK_FAILS,
    WALK_SKIPS,
    WALK_LOSES_BYTES,
    COUNTS_WRONG,
    UNDERSTATES_ROOM,
    OWNS_NOTHING,
    MAPS_MORE,
    LOSES_CELLS,
    KEEPS_PAGES,
    LEAKS,
    FAULT_DAMAGES,
    FAULT_KILLS,
    DIES_LATER,
};

/* Of all heaps there are. */
extern enum fault planted;
/* Claims and offers everything. */
extern const struct assay_backend cells_backend;

#endif
