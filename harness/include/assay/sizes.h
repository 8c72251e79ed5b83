/*
 * sizes.h - arithmetic on sizes and alignments that every allocator needs.
 *
 * Alignments are powers of two. All functions are constant time and thread-safe.
 */
#ifndef ASSAY_SIZES_H
#define ASSAY_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether n is a power of two; 0 is not. */
static inline bool assay_is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* n rounded down to a multiple of align. */
static inline size_t assay_align_down(size_t n, size_t align)
{
    return n & ~(align - 1);
}

/* n rounded up to a multiple of align, or SIZE_MAX where that does not fit. */
static inline size_t assay_align_up(size_t n, size_t align)
{
    return n > SIZE_MAX - (align - 1) ? SIZE_MAX : (n + (align - 1)) & ~(align - 1);
}

/* a + b, or SIZE_MAX where that does not fit. */
static inline size_t assay_add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/* a * b, or SIZE_MAX where that does not fit. */
static inline size_t assay_multiply(size_t a, size_t b)
{
    return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

/* The position of the highest bit set in n; n is not 0. */
static inline unsigned assay_floor_log2(size_t n)
{
    return (unsigned)(63 - __builtin_clzll((unsigned long long)n));
}

/* Whether address is a multiple of align. */
static inline bool assay_is_aligned(const void *address, size_t align)
{
    return ((uintptr_t)address & (align - 1)) == 0;
}

#endif
