/*
 * pattern.c - writes and compares content by 16 bytes at a time.
 *
 *   [ word 0 | word 1 | word 2 | ... | word n ][ tail ]
 *                                        ^ cut off where the tail begins, anywhere in a word
 *
 * The tail sits at the very end, whatever its alignment. So every length is written with whole
 * vectors, the last two overlapping, and compared without a branch that depends on length modulo
 * 16. Blocks below 16 bytes do the same with words of 8 or 4 bytes.
 *
 * Most blocks are small and of many lengths, and a loop that ends after one vector or after four
 * ends unforeseen by the processor. So up to SHORT, and up to MIDDLING bytes, there are always as
 * many vectors as the longest has; those beyond the tail fall on it, and count for nothing.
 */
#include "assay/pattern.h"

#include <stdbool.h>
#include <string.h>

typedef uint64_t vector __attribute__((vector_size(16)));
#define VECTOR sizeof(vector)
#define SHORT ((size_t)64)
#define MIDDLING ((size_t)256)
#define STEP UINT64_C(0x9e3779b97f4a7c15)

static inline vector load(const unsigned char *from)
{
    vector value;

    memcpy(&value, from, sizeof value);
    return value;
}

static inline vector first_words(uint64_t seed)
{
    return (vector){seed, seed + STEP};
}

static inline vector tail_words(uint64_t seed)
{
    return (vector){seed * 5 ^ UINT64_C(0x2545f4914f6cdd1d),
                    (seed << 23 | seed >> 41) ^ UINT64_C(0x5851f42d4c957f2d)};
}

static inline vector step_by(uint64_t vectors)
{
    return (vector){2 * vectors * STEP, 2 * vectors * STEP};
}

static void write_small(unsigned char *start, size_t bytes, uint64_t seed)
{
    uint64_t tail = tail_words(seed)[0];

    if (bytes >= 8) {
        memcpy(start, &seed, 8);
        memcpy(start + bytes - 8, &tail, 8);
    } else if (bytes >= 4) {
        memcpy(start, &seed, 4);
        memcpy(start + bytes - 4, &tail, 4);
    } else {
        for (size_t i = 0; i < bytes; i++)
            start[i] = (unsigned char)(tail >> 8 * i);
    }
}

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* VECTOR <= bytes <= at_most, which is a constant: no branch depends on bytes. */
static inline void write_at_most(size_t at_most, unsigned char *start, size_t bytes, uint64_t seed)
{
    const vector step = step_by(1);
    size_t last = bytes - VECTOR;
    vector words = first_words(seed);

    for (size_t at = 0; at < at_most - VECTOR; at += VECTOR) {
        memcpy(start + least(at, last), &words, VECTOR);
        words += step;
    }
    words = tail_words(seed);
    memcpy(start + last, &words, VECTOR);
}

static void write_long(unsigned char *start, size_t bytes, uint64_t seed)
{
    const vector step = step_by(1);
    unsigned char *last = start + bytes - VECTOR;
    vector words = first_words(seed);

    while (start < last) {
        memcpy(start, &words, VECTOR);
        words += step;
        start += VECTOR;
    }
    words = tail_words(seed);
    memcpy(last, &words, VECTOR);
}

void assay_pattern_write(unsigned char *start, size_t bytes, uint64_t seed)
{
    if (bytes < VECTOR)
        write_small(start, bytes, seed);
    else if (bytes <= SHORT)
        write_at_most(SHORT, start, bytes, seed);
    else if (bytes <= MIDDLING)
        write_at_most(MIDDLING, start, bytes, seed);
    else
        write_long(start, bytes, seed);
}

/* The byte at offset of the pattern of seed and bytes. For saying where, not for speed. */
static unsigned char byte_at(size_t offset, size_t bytes, uint64_t seed)
{
    unsigned char small[VECTOR];
    vector words;

    if (bytes < VECTOR) {
        write_small(small, bytes, seed);
        return small[offset];
    }
    if (offset >= bytes - VECTOR) {
        words = tail_words(seed);
        offset -= bytes - VECTOR;
    } else {
        words = first_words(seed) + step_by(offset / VECTOR);
        offset %= VECTOR;
    }
    memcpy(small, &words, VECTOR);
    return small[offset];
}

static size_t first_wrong(const unsigned char *start, size_t from, size_t to, size_t bytes,
                          uint64_t seed)
{
    for (size_t i = from; i < to; i++)
        if (start[i] != byte_at(i, bytes, seed))
            return i;
    return to;
}

static inline uint64_t any(vector bits)
{
    return bits[0] | bits[1];
}

/* Loading at keep_first + VECTOR - n gives ones in the first n bytes. */
static const unsigned char keep_first[2 * VECTOR] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                     255, 255, 255, 255, 255, 255, 255, 255};

/* As write_at_most(). */
static inline bool is_right_at_most(size_t at_most, const unsigned char *start, size_t bytes,
                                    uint64_t seed)
{
    const vector step = step_by(1);
    size_t last = bytes - VECTOR;
    vector words = first_words(seed);
    vector wrong = load(start + last) ^ tail_words(seed);

    for (size_t at = 0; at < at_most - VECTOR; at += VECTOR) {
        size_t body = last - least(at, last); /* bytes from here to the tail */
        wrong |=
            (load(start + last - body) ^ words) & load(keep_first + VECTOR - least(body, VECTOR));
        words += step;
    }
    return any(wrong) == 0;
}

static bool is_right_long(const unsigned char *start, size_t bytes, uint64_t seed)
{
    const vector step = step_by(1);
    const unsigned char *at = start, *last = start + bytes - VECTOR;
    vector words = first_words(seed), wrong = {0, 0};

    while ((size_t)(last - at) >= VECTOR) {
        wrong |= load(at) ^ words;
        words += step;
        at += VECTOR;
    }
    wrong |= (load(at) ^ words) & load(keep_first + VECTOR - (size_t)(last - at));
    /* Last of all: memory comes in the order in which it is asked for. */
    wrong |= load(last) ^ tail_words(seed);
    return any(wrong) == 0;
}

size_t assay_pattern_verify(const unsigned char *start, size_t bytes, uint64_t seed)
{
    bool is_right = false;

    if (bytes >= VECTOR && bytes <= SHORT)
        is_right = is_right_at_most(SHORT, start, bytes, seed);
    else if (bytes >= VECTOR && bytes <= MIDDLING)
        is_right = is_right_at_most(MIDDLING, start, bytes, seed);
    else if (bytes >= VECTOR)
        is_right = is_right_long(start, bytes, seed);
    return is_right ? bytes : first_wrong(start, 0, bytes, bytes, seed);
}

size_t assay_pattern_verify_prefix(const unsigned char *start, size_t prefix, size_t bytes,
                                   uint64_t seed)
{
    const vector step = step_by(1);
    const unsigned char *at = start;
    size_t body = bytes < VECTOR ? 0 : bytes - VECTOR;
    vector words = first_words(seed), wrong = {0, 0};

    if (prefix == bytes)
        return assay_pattern_verify(start, bytes, seed);
    for (size_t left = prefix < body ? prefix : body; left >= VECTOR; left -= VECTOR) {
        wrong |= load(at) ^ words;
        words += step;
        at += VECTOR;
    }
    return first_wrong(start, any(wrong) ? 0 : (size_t)(at - start), prefix, bytes, seed);
}

size_t assay_pattern_verify_zero(const unsigned char *start, size_t bytes)
{
    size_t whole = bytes / VECTOR * VECTOR;
    vector seen = {0, 0};

    for (size_t i = 0; i < whole; i += VECTOR)
        seen |= load(start + i);
    for (size_t i = any(seen) ? 0 : whole; i < bytes; i++)
        if (start[i] != 0)
            return i;
    return bytes;
}
