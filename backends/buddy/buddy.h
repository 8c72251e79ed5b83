/*
 * buddy.h - the binary buddy system: blocks of 2^k bytes, each aligned to its size within its region.
 *
 * What is where is written in a map beside each region, a byte for each smallest block; a block itself
 * holds nothing of ours while it is taken. So it is known of any address whether a taken block starts
 * there. Where asked for, each block also has a number of its user's, its label.
 *
 * A freed block is not merged at once: up to BUDDY_HELD of each of the smaller orders are held as they are,
 * for the next requests of that order. All of them are merged before any request goes to the page source,
 * before it is refused, and before anyone looks: what the heap can serve is what an eager buddy can.
 *
 * Nothing here locks: who has the buddy does.
 */
#ifndef ASSAY_BUDDY_H
#define ASSAY_BUDDY_H

#include "regions/regions.h"

#define BUDDY_ORDERS 48
#define BUDDY_FIRST_REGION 17
#define BUDDY_HELD 24 /* blocks of one order */
#define BUDDY_HELD_ORDERS 12
#define BUDDY_LABEL_BITS 24

struct buddy_free {
    struct buddy_free *next;
    struct buddy_free *previous;
};

/* A block that waits for the next request of its order, and what the map says of it. */
struct buddy_held {
    void *block;
    uint8_t *state;
};

struct assay_buddy {
    struct assay_regions *regions;
    unsigned least;   /* order of the smallest block */
    unsigned width;   /* logarithm of the map's bytes for a smallest block; above 0: with labels */
    unsigned refills; /* regions of full size that there have been */
    uint64_t filled;  /* bit k: free[k] is not empty */
    struct buddy_free *free[BUDDY_ORDERS];
    size_t taken[BUDDY_ORDERS];            /* blocks of each order */
    uint8_t held_count[BUDDY_HELD_ORDERS]; /* of order least + i */
    struct buddy_held held[BUDDY_HELD_ORDERS][BUDDY_HELD];
};

/* An empty buddy with blocks of at least 2^least bytes, which must hold a struct buddy_free. */
void assay_buddy_init(struct assay_buddy *buddy, struct assay_regions *regions, unsigned least,
                      bool labelled);

/* The order of the smallest block of this buddy that holds bytes; BUDDY_ORDERS if none does. */
static inline unsigned assay_buddy_order(const struct assay_buddy *buddy, size_t bytes)
{
    if (bytes <= (size_t)1 << buddy->least)
        return buddy->least;
    unsigned order = assay_floor_log2(bytes - 1) + 1;
    return order < BUDDY_ORDERS ? order : BUDDY_ORDERS;
}

/*
 * A block of 2^order bytes, aligned to as much, with its label of BUDDY_LABEL_BITS; NULL if there is no memory.
 * O(orders).
 */
void *assay_buddy_take(struct assay_buddy *buddy, unsigned order, uint32_t label);

/* The order of the taken block that starts at address in a region of this buddy; 0 if none starts there. */
unsigned assay_buddy_taken(const struct assay_buddy *buddy, const struct assay_region *region,
                           const void *address);

/* The label of the taken block at address, and another one for it. */
uint32_t assay_buddy_label(const struct assay_buddy *buddy, const struct assay_region *region,
                           const void *address);
void assay_buddy_name(const struct assay_buddy *buddy, const struct assay_region *region,
                      const void *address, uint32_t label);

/* Gives back a taken block of that order. O(orders). */
void assay_buddy_give(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                      unsigned order);

/* Makes a taken block of one order one of another, where it is; false, with nothing changed, if it cannot. */
bool assay_buddy_resize(struct assay_buddy *buddy, const struct assay_region *region, void *block,
                        unsigned from, unsigned to);

/* How many blocks are taken, and their bytes. O(orders). */
size_t assay_buddy_blocks(const struct assay_buddy *buddy);
size_t assay_buddy_bytes(const struct assay_buddy *buddy);

/* Merges what is held. */
void assay_buddy_settle(struct assay_buddy *buddy);

/* Settles; bytes of regions without a taken block, maps included. */
size_t assay_buddy_unused(struct assay_buddy *buddy);

/* Settles, and unmaps every region without a taken block; whether there was one. */
bool assay_buddy_trim(struct assay_buddy *buddy);

/* --- audit; all settle first --- */

/* Bytes of the largest free block. */
size_t assay_buddy_largest(struct assay_buddy *buddy);

/* What is wrong with maps and lists, or NULL; *where is then the address to blame, or NULL. */
const char *assay_buddy_fault(struct assay_buddy *buddy, const void **where);

/* Shows the blocks of one region; false if the visitor had enough. The buddy is settled. */
bool assay_buddy_walk(const struct assay_buddy *buddy, const struct assay_region *region,
                      assay_visit_fn *visit, void *arg);

/* The taken block in whose bytes address lies, and its order; NULL if there is none. O(orders). */
void *assay_buddy_around(const struct assay_buddy *buddy, const struct assay_region *region,
                         const void *address, unsigned *order);

#endif
