/*
 * making.h - what a workload has in hand while it makes its stream.
 *
 * What goes wrong is kept in `status` and ends all loops that ask making_goes_on(): a workload checks
 * nothing else.
 */
#ifndef ASSAY_WORKLOADS_MAKING_H
#define ASSAY_WORKLOADS_MAKING_H

#include "sizes.h"

#include "assay/workload.h"

#include <assert.h>

/* A parameter's value; which member counts is the parameter's kind. */
union value {
    uint64_t number;
    struct sizes sizes;
    unsigned word; /* its place in `words` */
    const char *path;
};

struct making {
    struct assay_stream *stream;
    union value values[ASSAY_WORKLOAD_PARAMETERS]; /* in the order of the parameters */
    struct dice dice;
    uint32_t thread; /* of the operations to come */
    assay_status status;
    struct assay_error *error;
};

static inline bool making_goes_on(const struct making *making)
{
    return making->status == ASSAY_OK;
}

/* The number called by its place among the parameters. */
static inline uint64_t number(const struct making *making, unsigned parameter)
{
    return making->values[parameter].number;
}

/* A size drawn from the parameter at this place. */
static inline uint64_t draw_size(struct making *making, unsigned parameter)
{
    return sizes_draw(&making->values[parameter].sizes, &making->dice);
}

/* One operation of the present thread each. */
void make_alloc(struct making *making, uint32_t slot, uint64_t size);
void make_realloc(struct making *making, uint32_t slot, uint64_t size);
void make_free(struct making *making, uint32_t slot);
/* Reads and writes the whole block. */
void make_touch(struct making *making, uint32_t slot);
void make_hand_over(struct making *making, uint32_t slot, uint32_t thread);

/* Asks for blocks in slots first .. first + count - 1, of sizes drawn from the parameter `sizes`. */
void make_blocks(struct making *making, uint32_t first, uint32_t count, unsigned sizes);
/* So often frees one of these slots, any of them, and asks for another block in its place. */
void make_replacements(struct making *making, uint32_t first, uint32_t count, unsigned sizes,
                       uint64_t times);
/* Threads 0 .. threads - 1 touch the slots of their numbers in turn, so many times each. */
void make_touches(struct making *making, uint32_t threads, uint64_t times);
/* Frees slots first .. first + count - 1, lowest first. */
void make_free_all(struct making *making, uint32_t first, uint64_t count);
/* Puts 0 .. count - 1 in random order into a new array, which the caller frees; NULL ends the making. */
uint32_t *make_order(struct making *making, size_t count);
/* Zeroed memory, which the caller frees; NULL ends the making. */
void *make_room(struct making *making, size_t count, size_t size);

#endif
