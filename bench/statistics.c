/* statistics.c - medians, a bootstrap, a rank test. */
#include "statistics.h"

#include "dice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000
#define LEFT_OUT (RESAMPLES / 200) /* at either end */
#define EXACT_MOST 20
#define CALM_LEFT_OUT (SAMPLE_RESAMPLES / 200)

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_of_sorted(const double *values, size_t n)
{
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double median_of(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof *values, compare);
    return median_of_sorted(values, n);
}

double sample_median(const struct sample *sample)
{
    double sorted[SAMPLE_MOST];

    memcpy(sorted, sample->values, sample->count * sizeof *sorted);
    return median_of(sorted, sample->count);
}

/* Of n values, how many are calm. */
static size_t calm_count(size_t n)
{
    return n / 3 > SAMPLE_CALM_LEAST ? n / 3 : SAMPLE_CALM_LEAST;
}

static void sort_into(double *sorted, const struct sample *sample)
{
    memcpy(sorted, sample->values, sample->count * sizeof *sorted);
    qsort(sorted, sample->count, sizeof *sorted, compare);
}

double sample_spread(const struct sample *sample)
{
    double sorted[SAMPLE_MOST];
    size_t n = sample->count;

    if (n < 3)
        return NAN;
    sort_into(sorted, sample);
    return sorted[n - 1 - n / 4] - sorted[n / 4];
}

double sample_calm(const struct sample *sample)
{
    double sorted[SAMPLE_MOST], sum = 0;
    size_t count = calm_count(sample->count);

    if (sample->count < SAMPLE_CALM_LEAST)
        return NAN;
    sort_into(sorted, sample);
    for (size_t i = 0; i < count; i++)
        sum += sorted[i];
    return sum / (double)count;
}

void sample_calm_resampled(const struct sample *sample, uint64_t seed, double out[SAMPLE_RESAMPLES])
{
    double sorted[SAMPLE_MOST];
    size_t n = sample->count, count = calm_count(n);
    struct dice dice = {seed};

    assert(n >= SAMPLE_CALM_LEAST && n <= SAMPLE_MOST);
    sort_into(sorted, sample);
    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++) {
        unsigned drawn[SAMPLE_MOST] = {0}; /* how often each */
        double sum = 0;
        for (size_t k = 0; k < n; k++)
            drawn[dice_roll(&dice, n)]++;
        for (size_t k = 0, left = count; left; k++) {
            size_t taken = drawn[k] < left ? drawn[k] : left;
            sum += sorted[k] * (double)taken;
            left -= taken;
        }
        out[i] = sum / (double)count;
    }
}

double resampled_deviation(const double values[SAMPLE_RESAMPLES])
{
    double mean = 0, sum = 0;

    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++)
        mean += values[i] / SAMPLE_RESAMPLES;
    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sqrt(sum / (SAMPLE_RESAMPLES - 1));
}

struct interval resampled_interval(double values[SAMPLE_RESAMPLES], double middle)
{
    qsort(values, SAMPLE_RESAMPLES, sizeof *values, compare);
    return (struct interval){fmin(values[CALM_LEFT_OUT], middle), middle,
                             fmax(values[SAMPLE_RESAMPLES - 1 - CALM_LEFT_OUT], middle)};
}

static double resampled_median(const struct sample *sample, struct dice *dice)
{
    double drawn[SAMPLE_MOST] = {0};

    assert(sample->count && sample->count <= SAMPLE_MOST);
    /* By insertion: there are some dozen. */
    for (size_t i = 0; i < sample->count; i++) {
        double value = sample->values[dice_roll(dice, sample->count)];
        size_t place = i;
        for (; place > 0 && drawn[place - 1] > value; place--)
            drawn[place] = drawn[place - 1];
        drawn[place] = value;
    }
    return median_of_sorted(drawn, sample->count);
}

struct interval sample_difference(const struct sample *a, const struct sample *b)
{
    double differences[RESAMPLES];
    struct dice dice = {1};

    for (size_t i = 0; i < RESAMPLES; i++)
        differences[i] = resampled_median(b, &dice) - resampled_median(a, &dice);
    qsort(differences, RESAMPLES, sizeof *differences, compare);
    return (struct interval){differences[LEFT_OUT], sample_median(b) - sample_median(a),
                             differences[RESAMPLES - 1 - LEFT_OUT]};
}

/* Twice the number of pairs in which the value of `a` is less, ties counting once. */
static size_t twice_u(const struct sample *a, const struct sample *b, size_t *ties)
{
    size_t u = 0;

    *ties = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            bool is_tie = a->values[i] == b->values[k];
            u += is_tie ? 1 : a->values[i] < b->values[k] ? 2 : 0;
            *ties += is_tie;
        }
    return u;
}

/*
 * In how many of the orders of n and m values U is at most `u`, over all: ways[j][v] counts those with
 * j of the m values so far and U = v.
 */
static double exact_tail(size_t n, size_t m, size_t u)
{
    static double ways[EXACT_MOST + 1][EXACT_MOST * EXACT_MOST + 1];
    double all = 0, tail = 0;

    memset(ways, 0, sizeof ways);
    ways[0][0] = 1;
    /* Value after value, each of m is passed by i of the n, or the next of the n comes. */
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 1; j <= m; j++)
            for (size_t v = i; v <= n * m; v++)
                ways[j][v] += ways[j - 1][v - i];
    for (size_t v = 0; v <= n * m; v++) {
        all += ways[m][v];
        tail += v <= u ? ways[m][v] : 0;
    }
    return tail / all;
}

/* The sum of t^3 - t over groups of equal values among both. */
static double tie_term(const struct sample *a, const struct sample *b)
{
    double all[2 * SAMPLE_MOST], sum = 0;
    size_t n = a->count + b->count;

    memcpy(all, a->values, a->count * sizeof *all);
    memcpy(all + a->count, b->values, b->count * sizeof *all);
    qsort(all, n, sizeof *all, compare);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && all[end] == all[i]; end++)
            continue;
        double t = (double)(end - i);
        sum += t * t * t - t;
    }
    return sum;
}

double sample_u_test(const struct sample *a, const struct sample *b)
{
    size_t n = a->count, m = b->count, ties;

    if (n == 0 || m == 0)
        return 1;
    size_t twice = twice_u(a, b, &ties), most = 2 * n * m;
    size_t least = twice < most - twice ? twice : most - twice;
    if (ties == 0 && n <= EXACT_MOST && m <= EXACT_MOST)
        return fmin(1, 2 * exact_tail(n, m, least / 2));
    double all = (double)(n + m), product = (double)n * (double)m;
    double variance = product / 12 * (all + 1 - tie_term(a, b) / (all * (all - 1)));
    if (variance <= 0)
        return 1;
    double distance = product / 2 - (double)least / 2 - 0.5;
    return fmin(1, erfc(fmax(0, distance) / sqrt(2 * variance)));
}

static int compare_places(const void *a, const void *b)
{
    const double *const *x = a, *const *y = b;

    return compare(*x, *y);
}

int correct_for_count(double *probabilities, size_t count)
{
    double **sorted = malloc((count ? count : 1) * sizeof *sorted);
    double floor = 0;

    if (!sorted)
        return -1;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &probabilities[i];
    qsort(sorted, count, sizeof *sorted, compare_places);
    for (size_t i = 0; i < count; i++) {
        floor = fmax(floor, fmin(1, *sorted[i] * (double)(count - i)));
        *sorted[i] = floor;
    }
    free(sorted);
    return 0;
}
