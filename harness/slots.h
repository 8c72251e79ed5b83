/*
 * slots.h - which slot stands for the block at an address, while calls become operations.
 *
 * The slot emptied last is filled first, which is what the trace's encoder expects. Memory: about
 * 60 bytes for each block of the most that are live at once. Operations are O(1).
 */
#ifndef ASSAY_SLOTS_H
#define ASSAY_SLOTS_H

#include "assay/op.h"

#define ASSAY_NO_SLOT UINT32_MAX

struct assay_slot_entry {
    uint64_t address; /* 0: nothing here */
    uint32_t slot;
};

/* Zero-initialise; free with assay_slots_clear(). */
struct assay_slots {
    struct assay_slot_entry *entries; /* a hash table, linear probing */
    size_t capacity;                  /* a power of two, or 0 */
    size_t count;
    uint64_t *sizes; /* of the block in a slot, as requested */
    uint32_t *empty; /* slots below `used` without a block, the one emptied last on top */
    uint32_t empties;
    uint32_t used; /* slots that ever had a block */
    uint32_t room; /* slots that sizes and empty have room for */
};

/* Takes an empty slot; ASSAY_NO_SLOT if there is no memory or all ASSAY_SLOTS are in use. */
uint32_t assay_slots_take(struct assay_slots *slots);
/* Makes a slot that was taken empty. */
void assay_slots_give(struct assay_slots *slots, uint32_t slot);
/* Notes that the block at address, which has no slot, is in `slot`. */
ASSAY_MUST_CHECK assay_status assay_slots_bind(struct assay_slots *slots, uint64_t address,
                                               uint32_t slot);
/* The slot of the block at address; ASSAY_NO_SLOT if it has none. */
uint32_t assay_slots_find(const struct assay_slots *slots, uint64_t address);
/* The slot of the block at address, which has none from here on; ASSAY_NO_SLOT if it had none. */
uint32_t assay_slots_unbind(struct assay_slots *slots, uint64_t address);
void assay_slots_clear(struct assay_slots *slots);

#endif
