/*
 * dice.h - random numbers from a seed, the same on every machine.
 *
 * Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014.
 */
#ifndef ASSAY_DICE_H
#define ASSAY_DICE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 .. sides - 1; sides is not 0. */
static inline uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    assert(sides != 0);
    return dice_next(dice) % sides;
}

/* from .. to, both included. */
static inline uint64_t dice_between(struct dice *dice, uint64_t from, uint64_t to)
{
    return from + dice_roll(dice, to - from + 1);
}

/* True once in `rarity` times. */
static inline bool dice_once_in(struct dice *dice, uint64_t rarity)
{
    return dice_roll(dice, rarity) == 0;
}

#endif
