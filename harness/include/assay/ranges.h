/*
 * ranges.h - an ordered set of disjoint address ranges [start, end), each with a number.
 *
 * The shadow keeps the live blocks in one, the meter the mappings. A B+ tree in books of its own: insert,
 * remove and find are O(log n), and a handful of ranges costs one cache line or two. Empty ranges
 * (start == end) stand for blocks of no bytes: they conflict only with a range that holds their address
 * strictly inside, or starts at the same address. Not thread-safe.
 */
#ifndef ASSAY_RANGES_H
#define ASSAY_RANGES_H

#include "assay/backend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_range {
    uintptr_t start;
    uintptr_t end;
    uint32_t value;
};

struct assay_ranges; /* opaque */

/* NULL if there is no memory. Holds at most 2^24 ranges. */
struct assay_ranges *assay_ranges_open(void);
void assay_ranges_close(struct assay_ranges *ranges); /* NULL is allowed */
/* Empties the set without giving memory back. O(1) or O(what was used). */
void assay_ranges_clear(struct assay_ranges *ranges);
size_t assay_ranges_count(const struct assay_ranges *ranges);

/* Adds a range. If it overlaps one that is there, adds nothing, copies that one (the lowest) to *conflict
 * and returns false. */
ASSAY_MUST_CHECK bool assay_ranges_insert(struct assay_ranges *ranges, struct assay_range range,
                                          struct assay_range *conflict);
/* Removes the range that starts at start; false if there is none. *removed may be NULL. */
bool assay_ranges_remove(struct assay_ranges *ranges, uintptr_t start, struct assay_range *removed);
/* The range that holds address (an empty one: starts there); false if there is none. */
bool assay_ranges_find(const struct assay_ranges *ranges, uintptr_t address,
                       struct assay_range *found);
/* The lowest range with start >= from; false if there is none. For visiting all in order. */
bool assay_ranges_next(const struct assay_ranges *ranges, uintptr_t from,
                       struct assay_range *found);

#ifdef __cplusplus
}
#endif

#endif
