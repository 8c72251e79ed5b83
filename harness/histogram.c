/* histogram.c - counts of numbers over many magnitudes. */
#include "assay/histogram.h"

#define PARTS ASSAY_HISTOGRAM_PARTS

_Static_assert(PARTS == 32, "assay_histogram_bucket() shifts by 5");

uint64_t assay_histogram_low(unsigned bucket)
{
    if (bucket < 2 * PARTS)
        return bucket;
    unsigned shift = bucket / PARTS - 1;

    return (uint64_t)(PARTS + bucket % PARTS) << shift;
}

uint64_t assay_histogram_high(unsigned bucket)
{
    return bucket + 1 < ASSAY_HISTOGRAM_BUCKETS ? assay_histogram_low(bucket + 1) - 1 : UINT64_MAX;
}

void assay_histogram_merge(struct assay_histogram *histogram, const struct assay_histogram *more)
{
    for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += more->buckets[i];
    histogram->count += more->count;
    if (more->max > histogram->max)
        histogram->max = more->max;
}

uint64_t assay_histogram_quantile(const struct assay_histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;

    for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (histogram->buckets[i] && (double)seen >= wanted) {
            uint64_t high = assay_histogram_high(i);
            return high < histogram->max ? high : histogram->max;
        }
    }
    return histogram->max;
}
