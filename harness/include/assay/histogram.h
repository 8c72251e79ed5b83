/*
 * histogram.h - counts of numbers over many magnitudes, in log-linear buckets: each power of two is cut
 * into ASSAY_HISTOGRAM_PARTS equal parts, so that a bucket is at most 1/32 as wide as its numbers are
 * large, and numbers below 64 have one each.
 *
 *     0 1 2 ... 63 | 64-65 66-67 ... 126-127 | 128-131 ... 252-255 | ...
 *
 * Idea: G. Tene, HdrHistogram. Adding is O(1) without a branch but for small numbers.
 */
#ifndef ASSAY_HISTOGRAM_H
#define ASSAY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_HISTOGRAM_PARTS 32u
#define ASSAY_HISTOGRAM_BUCKETS (60u * ASSAY_HISTOGRAM_PARTS)

/* Zero-initialise. */
struct assay_histogram {
    uint64_t buckets[ASSAY_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max; /* exact */
};

/* In which bucket a number is counted. */
static inline unsigned assay_histogram_bucket(uint64_t number)
{
    if (number < ASSAY_HISTOGRAM_PARTS)
        return (unsigned)number;
    unsigned power = 63u - (unsigned)__builtin_clzll(number);
    unsigned shift = power - 5u; /* 2^5 parts */

    return shift * ASSAY_HISTOGRAM_PARTS + (unsigned)(number >> shift);
}

/* The least and the greatest number of a bucket. */
uint64_t assay_histogram_low(unsigned bucket);
uint64_t assay_histogram_high(unsigned bucket);

static inline void assay_histogram_add(struct assay_histogram *histogram, uint64_t number)
{
    histogram->buckets[assay_histogram_bucket(number)]++;
    histogram->count++;
    if (number > histogram->max)
        histogram->max = number;
}

/* Adds all of `more`. */
void assay_histogram_merge(struct assay_histogram *histogram, const struct assay_histogram *more);
/*
 * The least number that at least `share` (0 to 1) of all are not above: the upper end of its bucket,
 * and never above the maximum. 0 if there are none. O(buckets).
 */
uint64_t assay_histogram_quantile(const struct assay_histogram *histogram, double share);

#ifdef __cplusplus
}
#endif

#endif
