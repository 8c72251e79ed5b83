/*
 * bits.c - a set of small numbers that knows the nearest member below any number.
 *
 * Each level has a bit for each word of the level below that is not zero, so a search climbs until a word
 * has a bit on the wanted side and descends from there: six levels hold 2^36 numbers.
 */
#include "region.h"

static unsigned highest(uint64_t word)
{
    return 63u - (unsigned)__builtin_clzll(word);
}

size_t region_bits_words(uint32_t count)
{
    size_t words = 0;
    size_t level = count;

    do {
        level = (level + 63) / 64;
        words += level;
    } while (level > 1);
    return words;
}

void region_bits_init(struct region_bits *bits, uint64_t *words, uint32_t count)
{
    size_t level = count;

    bits->levels = 0;
    do {
        level = (level + 63) / 64;
        bits->level[bits->levels++] = words;
        words += level;
    } while (level > 1);
}

void region_bits_set(struct region_bits *bits, uint32_t i)
{
    for (unsigned level = 0; level < bits->levels; level++, i /= 64)
        bits->level[level][i / 64] |= (uint64_t)1 << (i % 64);
}

void region_bits_clear(struct region_bits *bits, uint32_t i)
{
    for (unsigned level = 0; level < bits->levels; level++, i /= 64) {
        bits->level[level][i / 64] &= ~((uint64_t)1 << (i % 64));
        if (bits->level[level][i / 64])
            return;
    }
}

uint32_t region_bits_last(const struct region_bits *bits, uint32_t i)
{
    uint64_t below = UINT64_MAX >> (63 - i % 64);

    for (unsigned level = 0; level < bits->levels; level++) {
        uint64_t word = bits->level[level][i / 64] & below;
        if (word) {
            i = i / 64 * 64 + highest(word);
            while (level-- > 0)
                i = i * 64 + highest(bits->level[level][i]);
            return i;
        }
        i /= 64;
        below = ((uint64_t)1 << (i % 64)) - 1; /* strictly below from here on */
    }
    return UINT32_MAX;
}
