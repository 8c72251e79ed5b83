/* test_settled - when more rounds are asked for. */
#include "measure.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* Rounds of `ns`, every other one longer by so much of it. */
static struct row row_of(unsigned rounds, double ns, double scatter)
{
    struct row row = {.passed = true, .repetitions = rounds};

    for (unsigned i = 0; i < rounds; i++)
        row.ns[i] = ns * (1 + scatter * (double)(i * 7 % rounds) / rounds);
    return row;
}

static void test_rounds_that_agree_ask_for_no_more(void **state)
{
    (void)state;
    struct row calm = row_of(15, 50, 0.02), longer = row_of(30, 50, 0.02);

    assert_true(row_is_settled(&calm));
    for (unsigned i = 0; i < 10; i++) /* neighbours came and went */
        longer.ns[i] *= 1.5;
    assert_true(row_is_settled(&longer));
}

static void test_scattered_rounds_ask_for_more_until_there_are_enough(void **state)
{
    (void)state;
    struct row few = row_of(9, 50, 0.3), many = row_of(90, 50, 0.05);

    assert_false(row_is_settled(&few));
    assert_true(row_is_settled(&many));
}

static void test_a_row_that_failed_or_has_hardly_begun_asks_for_no_more(void **state)
{
    (void)state;
    struct row failed = row_of(9, 50, 0.3), begun = row_of(2, 50, 0.3);

    failed.passed = false;
    assert_true(row_is_settled(&failed));
    assert_true(row_is_settled(&begun));
}

static void test_a_fraction_of_a_cycle_is_no_reason_for_more(void **state)
{
    (void)state;
    struct row null = row_of(15, 2, 0.2);

    assert_true(row_is_settled(&null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_that_agree_ask_for_no_more),
        cmocka_unit_test(test_scattered_rounds_ask_for_more_until_there_are_enough),
        cmocka_unit_test(test_a_row_that_failed_or_has_hardly_begun_asks_for_no_more),
        cmocka_unit_test(test_a_fraction_of_a_cycle_is_no_reason_for_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
