/*
 * pattern.h - the content that the shadow gives to blocks, and looks for again.
 *
 * 64-bit words that count up from the seed in steps of an odd number, and a tail of its own over
 * the last 16 bytes, so that a shift, a swap, a copy of another block and a stale header all
 * show. Words of a block take both values in every bit, low ones included. Bytes are those of
 * the machine's order.
 */
#ifndef ASSAY_PATTERN_H
#define ASSAY_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The seed of what a slot holds in its generation. */
static inline uint64_t assay_pattern_seed(uint32_t slot, uint32_t generation)
{
    uint64_t seed = ((uint64_t)generation << 32 | slot) * UINT64_C(0xd6e8feb86659fd93);

    seed ^= seed >> 32;
    return seed * UINT64_C(0xd6e8feb86659fd93) ^ generation;
}

/* Writes the pattern of seed and bytes to start[0 .. bytes). */
void assay_pattern_write(unsigned char *start, size_t bytes, uint64_t seed);
/* The offset of the first byte that is not as written, or bytes. */
size_t assay_pattern_verify(const unsigned char *start, size_t bytes, uint64_t seed);
/* The same for start[0 .. prefix) of a pattern that was written with bytes; prefix <= bytes. */
size_t assay_pattern_verify_prefix(const unsigned char *start, size_t prefix, size_t bytes,
                                   uint64_t seed);
/* The offset of the first byte that is not zero, or bytes. */
size_t assay_pattern_verify_zero(const unsigned char *start, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
