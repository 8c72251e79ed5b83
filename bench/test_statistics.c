/* test_statistics - the numbers behind comparisons agree with what is known of them. */
#include "statistics.h"

#include "dice.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_near(double seen, double wanted)
{
    if (!(fabs(seen - wanted) <= 1e-9 * fmax(1, fabs(wanted))))
        fail_msg("%.12f for %.12f", seen, wanted);
}

static struct sample sample_of(size_t count, const double *values)
{
    struct sample sample = {.count = count};

    for (size_t i = 0; i < count; i++)
        sample.values[i] = values[i];
    return sample;
}

static void test_a_median_lies_in_the_middle(void **state)
{
    (void)state;
    const double values[] = {5, 1, 9, 2};
    struct sample sample = sample_of(3, values);

    assert_near(sample_median(&sample), 5);
    sample.values[sample.count++] = 2;
    assert_near(sample_median(&sample), 3.5);
    sample.count = 0;
    assert_true(isnan(sample_median(&sample)));
}

static void test_the_rank_test_is_exact_for_few_values(void **state)
{
    (void)state;
    const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10},
                 mixed[] = {1.5, 7, 2.5, 9, 3.5};
    struct sample a = sample_of(5, low), b = sample_of(5, high), c = sample_of(5, mixed);

    /* Of the 252 ways to order five and five values, two are as far apart. */
    assert_near(sample_u_test(&a, &b), 2.0 / 252);
    assert_near(sample_u_test(&b, &a), 2.0 / 252);
    /* Three and three: the least U, which is 0, in one of 20 ways, at either end. */
    a.count = b.count = 3;
    assert_near(sample_u_test(&a, &b), 0.1);
    a.count = 5;
    assert_true(sample_u_test(&a, &c) > 0.2);
}

static void test_the_rank_test_is_near_the_exact_one_for_many_values_and_ties(void **state)
{
    (void)state;
    struct sample a = {.count = 20}, b = {.count = 20}, more_a = {.count = 21}, same = {.count = 9};

    for (size_t i = 0; i < 21; i++) {
        more_a.values[i] = a.values[i % 20] = (double)i;
        b.values[i % 20] = (double)i + 6.5;
    }
    double exact = sample_u_test(&a, &b), approximate = sample_u_test(&more_a, &b);
    assert_true(exact > 0 && fabs(log(exact / approximate)) < 1);
    for (size_t i = 0; i < same.count; i++)
        same.values[i] = 7;
    assert_near(sample_u_test(&same, &same), 1);
}

static void test_correction_multiplies_by_what_is_left(void **state)
{
    (void)state;
    double probabilities[] = {0.04, 0.01, 0.5, 0.02};

    assert_int_equal(correct_for_count(probabilities, 4), 0);
    assert_near(probabilities[1], 0.04);
    assert_near(probabilities[3], 0.06);
    assert_near(probabilities[0], 0.08);
    assert_near(probabilities[2], 0.5);
}

/* Of the sums of four dice, which is nearly what rounds are scattered by. */
static struct sample draw(struct dice *dice, double middle)
{
    struct sample sample = {.count = 15};

    for (size_t i = 0; i < sample.count; i++)
        for (int k = 0; k < 4; k++)
            sample.values[i] += middle / 4 + (double)dice_between(dice, 0, 2000) / 1000 - 1;
    return sample;
}

static void test_the_interval_holds_the_difference_nearly_always(void **state)
{
    (void)state;
    struct dice dice = {7};
    int outside = 0;

    for (int i = 0; i < 100; i++) {
        struct sample a = draw(&dice, 100), b = draw(&dice, 103);
        struct interval difference = sample_difference(&a, &b);
        assert_true(difference.low <= difference.middle && difference.middle <= difference.high);
        outside += difference.low > 3 || difference.high < 3;
    }
    assert_true(outside <= 6);
}

static void test_calm_is_the_mean_of_the_lowest_third_of_three_at_least(void **state)
{
    (void)state;
    const double values[] = {9, 1, 8, 2, 7, 3, 6, 40, 50, 60, 70, 80};
    struct sample sample = sample_of(12, values);

    assert_near(sample_calm(&sample), (1 + 2 + 3 + 6) / 4.0);
    sample.count = 4;
    assert_near(sample_calm(&sample), (1 + 2 + 8) / 3.0);
    sample.count = 2;
    assert_true(isnan(sample_calm(&sample)));
}

static void test_resampled_calm_values_scatter_as_those_of_new_samples_do(void **state)
{
    (void)state;
    double resampled[SAMPLE_RESAMPLES], fresh[SAMPLE_RESAMPLES], mean = 0;
    struct dice dice = {8};

    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++) {
        struct sample sample = draw(&dice, 100);
        fresh[i] = sample_calm(&sample);
        sample_calm_resampled(&sample, i, resampled);
        mean += resampled_deviation(resampled) / SAMPLE_RESAMPLES;
    }
    assert_true(fabs(log(mean / resampled_deviation(fresh))) < 0.2);
    struct interval interval = resampled_interval(resampled, resampled[0]);
    assert_true(interval.low <= interval.middle && interval.middle <= interval.high);
    assert_true(interval.high - interval.low > 4 * resampled_deviation(resampled));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_median_lies_in_the_middle),
        cmocka_unit_test(test_the_rank_test_is_exact_for_few_values),
        cmocka_unit_test(test_the_rank_test_is_near_the_exact_one_for_many_values_and_ties),
        cmocka_unit_test(test_correction_multiplies_by_what_is_left),
        cmocka_unit_test(test_calm_is_the_mean_of_the_lowest_third_of_three_at_least),
        cmocka_unit_test(test_resampled_calm_values_scatter_as_those_of_new_samples_do),
        cmocka_unit_test(test_the_interval_holds_the_difference_nearly_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
