/* test_workers - each number is worked on once, whatever becomes of the worker. */
#include "workers.h"

#include "assay/guard.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT 1000

struct done {
    atomic_uint times[COUNT];
    atomic_int others; /* numbers that were worked on in another process */
    pid_t caller;
};

static void note(void *arg, size_t number)
{
    struct done *done = arg;

    done->others += getpid() != done->caller;
    done->times[number]++;
}

static void test_each_number_is_worked_on_once_in_another_process(void **state)
{
    struct done *done = assay_guard_shared(sizeof *done);

    (void)state;
    assert_non_null(done);
    done->caller = getpid();
    workers_run(note, done, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(done->times[i], 1);
    assert_int_equal(done->others, COUNT);
    assay_guard_unshare(done, sizeof *done);
}

static void die_at_first(void *arg, size_t number)
{
    if (number == 0)
        raise(SIGKILL);
    note(arg, number);
}

static void test_a_worker_that_dies_leaves_its_number_and_no_other(void **state)
{
    struct done *done = assay_guard_shared(sizeof *done);

    (void)state;
    assert_non_null(done);
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        assay_guard_unshare(done, sizeof *done);
        skip();
    }
    workers_run(die_at_first, done, COUNT);
    assert_int_equal(done->times[0], 0);
    for (size_t i = 1; i < COUNT; i++)
        assert_int_equal(done->times[i], 1);
    assay_guard_unshare(done, sizeof *done);
}

static void test_of_nothing_nothing_is_done(void **state)
{
    (void)state;
    workers_run(note, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_number_is_worked_on_once_in_another_process),
        cmocka_unit_test(test_a_worker_that_dies_leaves_its_number_and_no_other),
        cmocka_unit_test(test_of_nothing_nothing_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
