/* test_histogram - buckets tile all numbers, and quantiles are as exact as buckets are narrow. */
#include "assay/histogram.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_buckets_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
        uint64_t low = assay_histogram_low(i), high = assay_histogram_high(i);
        assert_int_equal(assay_histogram_bucket(low), i);
        assert_int_equal(assay_histogram_bucket(high), i);
        assert_true(high - low <= low / ASSAY_HISTOGRAM_PARTS);
        if (i > 0)
            assert_int_equal(assay_histogram_high(i - 1) + 1, low);
    }
    assert_int_equal(assay_histogram_bucket(UINT64_MAX), ASSAY_HISTOGRAM_BUCKETS - 1);
}

static struct assay_histogram histogram, other;

static void test_quantiles_are_within_a_bucket_of_the_exact_ones(void **state)
{
    (void)state;
    static const double shares[] = {0.0001, 0.5, 0.9, 0.99, 0.999, 1};

    memset(&histogram, 0, sizeof histogram);
    for (uint64_t i = 1; i <= 100000; i++)
        assay_histogram_add(&histogram, i);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        uint64_t exact = (uint64_t)(shares[i] * 100000);
        assert_in_range(assay_histogram_quantile(&histogram, shares[i]), exact,
                        exact + exact / ASSAY_HISTOGRAM_PARTS);
    }
    assert_int_equal(assay_histogram_quantile(&histogram, 1), 100000);
    assert_int_equal(histogram.max, 100000);
}

static void test_a_merged_histogram_counts_all_of_both(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
    assert_int_equal(assay_histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t i = 0; i < 10; i++)
        assay_histogram_add(&histogram, 5);
    for (uint64_t i = 0; i < 30; i++)
        assay_histogram_add(&other, 7000);
    assay_histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, 40);
    assert_int_equal(assay_histogram_quantile(&histogram, 0.25), 5);
    assert_int_equal(assay_histogram_quantile(&histogram, 0.26), 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_follow_each_other_without_a_gap),
        cmocka_unit_test(test_quantiles_are_within_a_bucket_of_the_exact_ones),
        cmocka_unit_test(test_a_merged_histogram_counts_all_of_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
