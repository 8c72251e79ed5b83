/* test_guard - a child that returns, exits, crashes or hangs is told apart, and how far it got. */
#include "assay/guard.h"

#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static struct assay_guard_outcome guard(void (*run)(void *, volatile uint64_t *), void *arg,
                                        unsigned seconds)
{
    struct assay_guard_outcome outcome;

    assert_int_equal(assay_guard_run(run, arg, seconds, true, &outcome), ASSAY_OK);
    return outcome;
}

static void add_up(void *arg, volatile uint64_t *progress)
{
    unsigned *sum = arg;

    for (unsigned i = 1; i <= 100; i++) {
        *progress = i;
        *sum += i;
    }
}

static void test_a_function_that_returns_has_ended_and_its_results_are_shared(void **state)
{
    (void)state;
    unsigned *sum = assay_guard_shared(sizeof *sum);

    assert_non_null(sum);
    for (unsigned seconds = 0; seconds < 60; seconds += 30) {
        *sum = 0;
        struct assay_guard_outcome outcome = guard(add_up, sum, seconds);
        assert_int_equal(outcome.ending, ASSAY_ENDED);
        assert_int_equal(outcome.code, 0);
        assert_int_equal(outcome.progress, 100);
        assert_int_equal(*sum, 5050);
    }
    assay_guard_unshare(sum, sizeof *sum);
}

static void leave(void *arg, volatile uint64_t *progress)
{
    *progress = 7;
    _exit(*(int *)arg);
}

static void test_leaving_by_exit_is_not_returning(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code += 85) {
        struct assay_guard_outcome outcome = guard(leave, &code, 30);
        assert_int_equal(outcome.ending, ASSAY_EXITED);
        assert_int_equal(outcome.code, code);
        assert_int_equal(outcome.progress, 7);
    }
}

static void crash(void *arg, volatile uint64_t *progress)
{
    *progress = 13;
    raise(*(int *)arg);
}

static void test_a_crash_is_told_by_its_signal_and_where_it_was(void **state)
{
    (void)state;
    int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE};

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct assay_guard_outcome outcome = guard(crash, &signals[i], 30);
        assert_int_equal(outcome.ending, ASSAY_CRASHED);
        assert_int_equal(outcome.code, signals[i]);
        assert_int_equal(outcome.progress, 13);
    }
}

static void hang(void *arg, volatile uint64_t *progress)
{
    (void)arg;
    *progress = 99;
    for (;;)
        pause();
}

static void test_a_hang_is_ended_and_told(void **state)
{
    (void)state;
    struct assay_guard_outcome outcome = guard(hang, NULL, 1);

    assert_int_equal(outcome.ending, ASSAY_HUNG);
    assert_int_equal(outcome.progress, 99);
}

static void compute(void *arg, volatile uint64_t *progress)
{
    assay_guard_limit(*(const double *)arg);
    for (;;)
        ++*progress;
}

static void test_what_computes_beyond_its_limit_is_hung(void **state)
{
    (void)state;
    double limits[] = {0, 1e-9, 0.01};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct assay_guard_outcome outcome = guard(compute, &limits[i], 0);
        assert_true(assay_guard_hung(&outcome));
    }
}

#define STEP ((size_t)1 << 20)

/* Takes memory until it has *arg bytes more. */
static void grow(void *arg, volatile uint64_t *progress)
{
    const size_t wanted = *(const size_t *)arg;

    assay_guard_memory(16 * STEP);
    for (*progress = 0; *progress < wanted; *progress += STEP) {
        void *pages = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages != MAP_FAILED)
            memset(pages, 1, STEP);
    }
}

static void test_what_takes_more_memory_than_it_may_is_ended_and_told(void **state)
{
    (void)state;
    size_t without_end = SIZE_MAX;
    struct assay_guard_outcome outcome = guard(grow, &without_end, 0);

    assert_int_equal(outcome.ending, ASSAY_CRASHED);
    assert_int_equal(outcome.memory, 16 * STEP);
    assert_false(assay_guard_hung(&outcome));
    assert_true(outcome.progress >= 8 * STEP);
}

static void test_what_takes_less_memory_is_left_alone(void **state)
{
    (void)state;
    size_t little = 8 * STEP;
    struct assay_guard_outcome outcome = guard(grow, &little, 30);

    assert_int_equal(outcome.ending, ASSAY_ENDED);
    assert_int_equal(outcome.memory, 0);
    assert_int_equal(outcome.progress, little);
}

static void complain(void *arg, volatile uint64_t *progress)
{
    (void)arg;
    (void)progress;
    fputs("a complaint\n", stderr);
}

static long complaint_length(bool quiet)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    struct assay_guard_outcome outcome;

    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    assay_status status = assay_guard_run(complain, NULL, 30, quiet, &outcome);
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(status, ASSAY_OK);
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    fclose(file);
    return length;
}

static void test_standard_error_is_dropped_only_if_asked(void **state)
{
    (void)state;
    assert_int_equal(complaint_length(true), 0);
    assert_int_equal(complaint_length(false), 12);
}

static void test_the_parents_unwritten_output_is_not_written_twice(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    unsigned sum = 0;

    assert_non_null(file);
    fputs("once", file);
    guard(add_up, &sum, 30);
    assert_int_equal(sum, 0); /* the child's copy is its own */
    fflush(file);
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 4);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_function_that_returns_has_ended_and_its_results_are_shared),
        cmocka_unit_test(test_leaving_by_exit_is_not_returning),
        cmocka_unit_test(test_a_crash_is_told_by_its_signal_and_where_it_was),
        cmocka_unit_test(test_a_hang_is_ended_and_told),
        cmocka_unit_test(test_what_computes_beyond_its_limit_is_hung),
        cmocka_unit_test(test_what_takes_more_memory_than_it_may_is_ended_and_told),
        cmocka_unit_test(test_what_takes_less_memory_is_left_alone),
        cmocka_unit_test(test_standard_error_is_dropped_only_if_asked),
        cmocka_unit_test(test_the_parents_unwritten_output_is_not_written_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
