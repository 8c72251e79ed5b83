/*
 * places.h - where the live blocks lie: what ranges.h does, made for many small blocks.
 *
 * A map of the address space with a bit for 16 bytes says which are taken and where blocks start, so
 * that coming and going costs a line or two of the cache instead of a way through a tree. Blocks that
 * the map cannot hold (large, empty, or sharing 16 bytes with another) are kept in a tree.
 * Extents of blocks are read from the slots of the shadow. Not thread-safe.
 */
#ifndef ASSAY_PLACES_H
#define ASSAY_PLACES_H

#include "assay/ranges.h"
#include "assay/shadow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_places;

/* slots: the array of the shadow, which must outlive it. NULL if there is no memory. */
struct assay_places *assay_places_open(const struct assay_shadow_slot *slots);
void assay_places_close(struct assay_places *places); /* NULL is allowed */
/* Needs the slots as they are. O(blocks still there). */
void assay_places_clear(struct assay_places *places);
size_t assay_places_count(const struct assay_places *places);

/* As assay_ranges_insert(), value being the slot. O(bytes / 1024) for small blocks. */
ASSAY_MUST_CHECK bool assay_places_insert(struct assay_places *places, struct assay_range range,
                                          struct assay_range *conflict);
/* Removes exactly what was inserted. */
void assay_places_remove(struct assay_places *places, struct assay_range range);
bool assay_places_find(const struct assay_places *places, uintptr_t address,
                       struct assay_range *found);
/* The lowest block with start >= from. */
bool assay_places_next(const struct assay_places *places, uintptr_t from,
                       struct assay_range *found);
/*
 * How many granules of 16 bytes are free right below and right above `range`, a block or where one was: at most
 * ASSAY_PLACES_FAR, which is also said where it cannot be seen. What is in the tree is not seen. O(1).
 */
#define ASSAY_PLACES_FAR 64u
void assay_places_gaps(const struct assay_places *places, struct assay_range range, unsigned *below,
                       unsigned *above);
/* Brings what insert or remove of a block at address will need into the cache. */
void assay_places_fetch(const struct assay_places *places, uintptr_t address);

#ifdef __cplusplus
}
#endif

#endif
