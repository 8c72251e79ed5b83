/*
 * mutator_aflpp.c - AFL++'s custom mutator, from the same edits of operations as libFuzzer's (AFL_CUSTOM_MUTATOR_LIBRARY).
 *
 * AFL++'s own mutations of bytes go on beside it.
 */
#include "assay/mutate.h"

#include <stdlib.h>
#include <string.h>

struct afl_state;
void *afl_custom_init(struct afl_state *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t most);
void afl_custom_deinit(void *data);

/* One in so many is a crossover with another input of the queue. */
#define CROSSES_IN 4

struct mutator {
    uint64_t seed;  /* of the next one */
    unsigned fresh; /* so many new streams to begin with */
    uint8_t *bytes;
    size_t room;
};

void *afl_custom_init(struct afl_state *afl, unsigned seed)
{
    struct mutator *mutator = calloc(1, sizeof *mutator);

    (void)afl;
    if (mutator)
        *mutator = (struct mutator){.seed = (uint64_t)seed << 32, .fresh = ASSAY_MUTATE_FRESH};
    return mutator;
}

static int make_room(struct mutator *mutator, size_t room)
{
    if (mutator->room < room) {
        uint8_t *bytes = realloc(mutator->bytes, room);
        if (!bytes)
            return 0;
        mutator->bytes = bytes;
        mutator->room = room;
    }
    return 1;
}

size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t most)
{
    struct mutator *mutator = data;
    const uint64_t seed = mutator->seed++;

    *out = input;
    if (!make_room(mutator, most > size ? most : size))
        return size;
    *out = mutator->bytes;
    if (mutator->fresh && mutator->fresh--)
        return assay_mutate_renew(mutator->bytes, most, seed);
    if (other && seed % CROSSES_IN == 0) {
        size_t length =
            assay_mutate_cross(input, size, other, other_size, mutator->bytes, most, seed);
        if (length)
            return length;
    }
    memcpy(mutator->bytes, input, size);
    return assay_mutate(mutator->bytes, size, most, seed);
}

void afl_custom_deinit(void *data)
{
    struct mutator *mutator = data;

    free(mutator->bytes);
    free(mutator);
}
