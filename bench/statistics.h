/*
 * statistics.h - what a few noisy numbers say. All are deterministic: bootstrap dice have a fixed seed.
 */
#ifndef ASSAY_BENCH_STATISTICS_H
#define ASSAY_BENCH_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Most numbers that a sample may have. */
#define SAMPLE_MOST 100

struct sample {
    double values[SAMPLE_MOST];
    size_t count;
};

struct interval {
    double low, middle, high;
};

/* The middle value, or the mean of both middle ones; NAN of none. Sorts the values. O(n log n). */
double median_of(double *values, size_t n);
double sample_median(const struct sample *sample);
/* How far the middle half lies apart. NAN below three values. O(n log n). */
double sample_spread(const struct sample *sample);
/*
 * What times are where nothing disturbs them: the mean of the calm third of the values, the lowest, of three at least.
 * Neighbours make rounds longer, never shorter, and mostly by half: a median is then that of calm rounds or of others, as
 * it happens. NAN below three values. O(n log n).
 */
#define SAMPLE_CALM_LEAST 3
double sample_calm(const struct sample *sample);
/*
 * The same of so many samples that are drawn from this one (bootstrap), by dice of that seed. At least three values.
 */
#define SAMPLE_RESAMPLES 500
void sample_calm_resampled(const struct sample *sample, uint64_t seed,
                           double out[SAMPLE_RESAMPLES]);
/* By how much resampled values scatter: their standard deviation. */
double resampled_deviation(const double values[SAMPLE_RESAMPLES]);
/* The interval that holds 99 in 100 of them, which are sorted by it, around `middle`. */
struct interval resampled_interval(double values[SAMPLE_RESAMPLES], double middle);
/*
 * By how much the median of `b` is above that of `a`, as b - a, with the interval that holds 99 in 100 of
 * what resampled values give (percentile bootstrap). Both have at least one value.
 */
struct interval sample_difference(const struct sample *a, const struct sample *b);
/*
 * Mann-Whitney U, two-sided: how probable it is that two samples from the same source lie at least as far
 * apart. Exact up to 20 values each without ties, else by the normal approximation, corrected for ties.
 */
double sample_u_test(const struct sample *a, const struct sample *b);
/*
 * Holm: raises count probabilities to what they are worth where so many questions are asked at once; in
 * the order given. O(n log n); -1 if there is no memory, else 0.
 */
int correct_for_count(double *probabilities, size_t count);

#endif
