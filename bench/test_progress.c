/* test_progress.c - how long a run of bench will take yet. */
#include "progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_before_the_first_round_nothing_is_known(void **state)
{
    struct progress progress;

    (void)state;
    progress_open(&progress, 3, 5);
    progress_start(&progress, 0, PROGRESS_BEFORE_ROUNDS);
    progress_end(&progress);
    assert_true(progress_left_s(&progress) < 0);
}

static void test_what_has_not_been_timed_counts_as_the_others_do(void **state)
{
    struct progress progress;

    (void)state;
    progress_open(&progress, 3, 2);
    progress.seconds[0] = 4;
    progress.part = 1;
    /* Of the first round two parts are left, of the second all three. */
    assert_true(progress_left_s(&progress) == 4 * (2 + 3));
}

static void test_each_part_takes_as_long_as_in_its_last_round(void **state)
{
    struct progress progress;

    (void)state;
    progress_open(&progress, 2, 3);
    progress.seconds[0] = 1;
    progress.seconds[1] = 10;
    progress.round = 1;
    progress.part = 1;
    assert_true(progress_left_s(&progress) == 1 * 1 + 10 * 2);
}

static void test_after_the_last_part_only_that_part_is_left(void **state)
{
    struct progress progress;

    (void)state;
    progress_open(&progress, 2, 3);
    progress.seconds[0] = 1;
    progress.seconds[1] = 10;
    progress.round = 2;
    progress.part = 1;
    assert_true(progress_left_s(&progress) == 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_first_round_nothing_is_known),
        cmocka_unit_test(test_what_has_not_been_timed_counts_as_the_others_do),
        cmocka_unit_test(test_each_part_takes_as_long_as_in_its_last_round),
        cmocka_unit_test(test_after_the_last_part_only_that_part_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
