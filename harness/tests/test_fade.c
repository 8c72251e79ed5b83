/* test_fade - counters of a fuzz target that all inputs have are not shown to the engine again and again. */
#include "fuzz.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t counters[100] FUZZ_COUNTERS;

static void test_a_counter_fades_after_255_inputs_that_had_it(void **state)
{
    (void)state;
    for (int input = 0; input < 255; input++) {
        counters[3] = counters[99] = 1;
        fuzz_fade_counters();
        assert_int_equal(counters[3], 1);
    }
    counters[3] = counters[4] = 1;
    fuzz_fade_counters();
    assert_int_equal(counters[3], 0);
    assert_int_equal(counters[4], 1);
}

static void test_a_counter_that_no_input_had_stays_0(void **state)
{
    (void)state;
    counters[5] = 0;
    fuzz_fade_counters();
    assert_int_equal(counters[5], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_counter_fades_after_255_inputs_that_had_it),
        cmocka_unit_test(test_a_counter_that_no_input_had_stays_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
