/* test_nearest - a mistyped word finds the one that was meant, a foreign one finds none. */
#include "assay/nearest.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char *const words[] = {"null", "system", "list", "buddy", "jemalloc", "mmap_large"};
#define COUNT (sizeof words / sizeof *words)

static void test_one_slip_finds_the_word(void **state)
{
    (void)state;
    assert_string_equal(assay_nearest("budy", words, COUNT), "buddy");
    assert_string_equal(assay_nearest("buuddy", words, COUNT), "buddy");
    assert_string_equal(assay_nearest("bubdy", words, COUNT), "buddy");
    assert_string_equal(assay_nearest("lsit", words, COUNT), "list");
    assert_string_equal(assay_nearest("BUDDY", words, COUNT), "buddy");
    assert_string_equal(assay_nearest("jmealoc", words, COUNT), "jemalloc");
}

static void test_the_beginning_of_a_word_finds_it(void **state)
{
    (void)state;
    assert_string_equal(assay_nearest("mmap", words, COUNT), "mmap_large");
    assert_string_equal(assay_nearest("sys", words, COUNT), "system");
    assert_null(assay_nearest("mm", words, COUNT));
}

static void test_what_is_far_from_all_finds_nothing(void **state)
{
    char endless[1000];

    (void)state;
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    assert_null(assay_nearest("", words, COUNT));
    assert_null(assay_nearest("tcmalloc_minimal", words, COUNT));
    assert_null(assay_nearest("xyzzy", words, COUNT));
    assert_null(assay_nearest(endless, words, COUNT));
    assert_null(assay_nearest("list", words, 0));
}

static void test_the_first_of_equally_near_words_is_given(void **state)
{
    (void)state;
    const char *const twins[] = {"alloc_b", "alloc_c"};
    assert_string_equal(assay_nearest("alloc_d", twins, 2), "alloc_b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_slip_finds_the_word),
        cmocka_unit_test(test_the_beginning_of_a_word_finds_it),
        cmocka_unit_test(test_what_is_far_from_all_finds_nothing),
        cmocka_unit_test(test_the_first_of_equally_near_words_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
