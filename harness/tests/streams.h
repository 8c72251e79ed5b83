/* streams.h - random streams and random numbers for tests, the same for the same seed. */
#ifndef ASSAY_TESTS_STREAMS_H
#define ASSAY_TESTS_STREAMS_H

#include "assay/op.h"

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A number of any magnitude, the extremes often. */
static inline uint64_t random_value(uint64_t *state, uint64_t least, uint64_t most)
{
    uint64_t draw = random_next(state), value = random_next(state) >> (draw & 63);

    if (draw >> 60 == 0)
        return least;
    if (draw >> 60 == 1)
        return most;
    if (draw >> 60 == 2)
        value = UINT64_MAX - value % 5000;
    if (most - least != UINT64_MAX)
        value %= most - least + 1;
    return least + value;
}

/* A valid operation; with_time: delta_ns too. */
static inline struct assay_op random_op(uint64_t *state, bool with_time)
{
    struct assay_op op = {.kind = (uint8_t)(random_next(state) % ASSAY_OP_KINDS)};
    const struct assay_op_shape *shape = &assay_op_shapes[op.kind];

    op.thread = (uint16_t)random_value(state, 0, ASSAY_THREADS - 1);
    if (shape->has_slot)
        op.slot = (uint32_t)random_value(state, 0, ASSAY_SLOTS - 1);
    if (shape->has_size)
        op.size = random_value(state, shape->size_min, shape->size_max);
    if (shape->has_arg)
        op.arg = random_value(state, shape->arg_min, shape->arg_max);
    if (shape->arg_is_power_of_two)
        op.arg = UINT64_C(1) << (random_next(state) & 63);
    if (with_time)
        op.delta_ns = random_value(state, 0, UINT64_MAX);
    return op;
}

/* Replaces *stream with `count` random operations and a random set-up; false without memory. */
static inline bool random_stream(struct assay_stream *stream, uint64_t *state, size_t count,
                                 bool with_time)
{
    stream->count = 0;
    stream->setup.limit = random_value(state, 0, UINT64_MAX);
    stream->setup.seed = random_value(state, 0, UINT64_MAX);
    for (size_t i = 0; i < count; i++) {
        struct assay_op op = random_op(state, with_time);
        if (assay_stream_append(stream, &op) != ASSAY_OK)
            return false;
    }
    return true;
}

#endif
