/*
 * map.h - what stands in the map beside a region: a byte for each smallest block.
 *
 *   region   [ 2^3 units, taken       | 2^2 free    | 2^1 t | 1 | 1 ]
 *   map      [ T3  0  0  0 0 0 0 0    | F2  0  0  0 | T1  0 | F0| T0]      (orders counted from the least)
 *
 * Where blocks have labels the byte of each unit is the first of four, and the others are the label.
 */
#ifndef ASSAY_BUDDY_MAP_H
#define ASSAY_BUDDY_MAP_H

#include "buddy/buddy.h"

#include <string.h>

/* The high bits of a byte; the low ones are the order. 0: inside a block, or in what was split off it. */
enum { BUDDY_FREE = 0x40, BUDDY_IS_HELD = 0x80, BUDDY_TAKEN = 0xc0, BUDDY_ORDER = 0x3f };
_Static_assert(BUDDY_ORDERS <= BUDDY_ORDER, "an order fits into the low bits");

static inline unsigned top_of(const struct assay_region *region)
{
    return (unsigned)region->info;
}

static inline size_t unit_of(const struct assay_buddy *buddy, const struct assay_region *region,
                             const void *address)
{
    return ((uintptr_t)address - region->start) >> buddy->least;
}

/* What the map says of the block that begins with a unit. */
static inline uint8_t *state_of(const struct assay_buddy *buddy, const struct assay_region *region,
                                size_t unit)
{
    return (uint8_t *)region->data + (unit << buddy->width);
}

static inline uint32_t label_at(const uint8_t *state)
{
    uint16_t low;

    memcpy(&low, state + 2, sizeof low);
    return (uint32_t)state[1] << 16 | low;
}

static inline void set_label(uint8_t *state, uint32_t label)
{
    uint16_t low = (uint16_t)label;

    state[1] = (uint8_t)(label >> 16);
    memcpy(state + 2, &low, sizeof low);
}

#endif
