/*
 * swarm_state.h - what the files of the random streams share: swarm.c draws a mood and its habits,
 * swarm_sizes.c the sizes that it asks for.
 */
#ifndef ASSAY_SWARM_STATE_H
#define ASSAY_SWARM_STATE_H

#include "assay/swarm.h"
#include "dice.h"

#define SWARM_SLOTS 12000
#define SWARM_FEW_SIZES 3
#define SWARM_SIZES_DRAWN 3

enum swarm_size {
    SWARM_TINY,
    SWARM_SMALL,
    SWARM_MEDIUM,
    SWARM_POWERS, /* around powers of two */
    SWARM_PAGES,  /* around multiples of pages */
    SWARM_FEW,    /* always the same three */
    SWARM_SHARES, /* around a whole part of the limit, the limit itself among them */
    SWARM_LOG,    /* as many of each order of magnitude */
    SWARM_SIZE_KINDS
};

/* A stream in the making. Which slots are live is what a heap that refuses nothing would have. */
struct swarm {
    struct assay_stream *stream;
    struct dice dice;
    size_t most; /* operations */
    uint64_t limit;
    bool has_memory; /* false once an operation could not be appended */

    /* The mood. */
    enum swarm_size sizes[SWARM_SIZES_DRAWN];
    unsigned size_kinds;
    bool rare_sizes; /* 0, and what no heap can serve */
    unsigned align_bits;
    uint64_t few[SWARM_FEW_SIZES];
    uint32_t slots;
    uint64_t weights[ASSAY_OP_KINDS];
    uint64_t weights_sum;
    uint32_t habits; /* bit (1 << habit) */

    uint32_t live[SWARM_SLOTS]; /* oldest first */
    size_t live_count;
    uint32_t empty[SWARM_SLOTS];
    size_t empty_count;
};

/* --- swarm_sizes.c --- */

/* Draws what sizes there will be; the limit is known. */
void swarm_draw_sizes(struct swarm *swarm);
uint64_t swarm_size(struct swarm *swarm);
uint64_t swarm_alignment(struct swarm *swarm);
/* Fills in size and count of a zeroed block. */
void swarm_product(struct swarm *swarm, struct assay_op *op);

#endif
