/*
 * journal.h - what is being changed, for whoever has to go on when the process that did it is gone.
 *
 * A journal lies at a fixed distance from its list; a list without one (`journal` 0) logs nothing. While
 * `change` is not LIST_NOTHING, the headers in `logged` have been, or are about to be, overwritten, and
 * `was` is what they were. Setting it back to LIST_NOTHING is the one store that makes a change final.
 *
 *   begin: block, bytes, touched, reach, count = 0     then change
 *   log:   logged[count]                               then count, then the header
 *   end:   granted, if a block was taken               then change = LIST_NOTHING
 *
 * The stores of a process that was killed were done in program order up to where it was killed, so only
 * the compiler has to be kept from moving them.
 */
#ifndef ASSAY_LIST_JOURNAL_H
#define ASSAY_LIST_JOURNAL_H

#include "list.h"

enum list_change { LIST_NOTHING, LIST_TAKE, LIST_RELEASE, LIST_RESIZE };

/* A release writes most: the left neighbour, the follower, the block itself, the right neighbour. */
#define LIST_LOGGED_MAX 4

struct list_journal {
    uint64_t change;  /* enum list_change */
    uint64_t block;   /* offset of the header of what is taken, released, or resized */
    uint64_t bytes;   /* of the block when done; 0 if released */
    uint64_t touched; /* of the list, before */
    uint64_t reach;   /* nothing at or behind it, other than the edge, is written to */
    uint64_t granted; /* offset of a block that was taken but not yet given to the caller, or 0 */
    uint64_t count;
    struct list_logged {
        uint64_t offset;
        struct list_header was;
    } logged[LIST_LOGGED_MAX];
};

static inline struct list_journal *list_journal(const struct assay_list *list)
{
    return (struct list_journal *)(void *)((char *)(uintptr_t)list + list->journal);
}

/* --- journal.c: what programs do while all is well --- */

void assay_list_begin(struct assay_list *list, enum list_change change, uint64_t block,
                      uint64_t bytes, uint64_t reach);
void assay_list_end(struct assay_list *list);

static inline void list_begin(struct assay_list *list, enum list_change change, uint64_t block,
                              uint64_t bytes, uint64_t reach)
{
    if (list->journal)
        assay_list_begin(list, change, block, bytes, reach);
}

static inline void list_end(struct assay_list *list)
{
    if (list->journal)
        assay_list_end(list);
}

/* --- repair.c: what the next one does --- */

/*
 * Makes the list whole after its user was ended at any point. What was being taken is taken back, so is
 * what had been taken but not given to the caller; what was being released or resized, is.
 *
 * May be ended itself at any point, and is then called again. ASSAY_CORRUPT if a header is not as it
 * was written, which no end of a process does: the list is then of no use. O(what was ever touched).
 */
ASSAY_MUST_CHECK assay_status assay_list_repair(struct assay_list *list);

#endif
