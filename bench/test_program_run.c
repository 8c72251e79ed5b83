/* test_program_run - what a program did is told, however it ended. */
#include "program_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static char shell[] = "sh", option[] = "-c", sort[] = "sort", nowhere[] = "/nowhere/program";

static struct program_run run_shell(const char *script, unsigned seconds)
{
    char *const command[] = {shell, option, (char *)script, NULL};
    struct program_run run;
    struct assay_error error = {""};

    if (program_run(&run, command, NULL, seconds, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return run;
}

static void test_the_same_output_has_the_same_hash_and_another_one_another(void **unused)
{
    (void)unused;
    struct program_run one = run_shell("echo hello", 0), other = run_shell("printf 'hello\\n'", 0);
    assert_int_equal(one.output_bytes, 6);
    assert_int_equal(one.output_hash, other.output_hash);
    other = run_shell("echo hallo", 0);
    assert_int_not_equal(one.output_hash, other.output_hash);
}

static void test_status_signal_and_last_words_are_kept_apart(void **unused)
{
    (void)unused;
    struct program_run run = run_shell("echo one >&2; echo two >&2; exit 7", 0);
    assert_int_equal(run.status, 7);
    assert_int_equal(run.signal, 0);
    assert_string_equal(run.complaint, "two");
    run = run_shell("kill -ABRT $$", 0);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.signal, SIGABRT);
    assert_false(run.hung);
}

static void test_a_program_that_does_not_end_is_ended(void **unused)
{
    (void)unused;
    struct program_run run = run_shell("exec sleep 600", 1);
    assert_true(run.hung);
    assert_int_equal(run.signal, SIGKILL);
    assert_true(run.wall_s >= 1);
}

static void test_costs_are_those_of_the_program_and_what_it_started(void **unused)
{
    (void)unused;
    struct program_run run =
        run_shell("sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'", 0);
    assert_true(run.cpu_s > 0);
    assert_true(run.peak_resident_bytes > 65536);
    assert_true(run.faults > 0);
}

static void test_what_cannot_be_started_is_said(void **unused)
{
    (void)unused;
    char *const command[] = {nowhere, NULL};
    struct program_run run;
    struct assay_error error = {""};
    assert_int_equal(program_run(&run, command, NULL, 0, &error), ASSAY_INVALID);
    assert_string_equal(error.what, "cannot run /nowhere/program: No such file or directory");
}

static void test_only_a_library_that_is_there_is_loaded(void **unused)
{
    (void)unused;
    char *const command[] = {sort, NULL};
    assert_true(program_loads(command, "libm.so.6"));
    assert_false(program_loads(command, "libnowhere.so.1"));
    assert_false(program_loads(command, "/nowhere/lib.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_output_has_the_same_hash_and_another_one_another),
        cmocka_unit_test(test_status_signal_and_last_words_are_kept_apart),
        cmocka_unit_test(test_a_program_that_does_not_end_is_ended),
        cmocka_unit_test(test_costs_are_those_of_the_program_and_what_it_started),
        cmocka_unit_test(test_what_cannot_be_started_is_said),
        cmocka_unit_test(test_only_a_library_that_is_there_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
