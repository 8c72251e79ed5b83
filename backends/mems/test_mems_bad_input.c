/*
 * test_mems_bad_input.c - sizes and addresses that make no sense, calls before the first and after the last, twice, and
 * from a child: each is answered as mems.h says, and nothing is lost.
 */
#include "test_api.h"

#include <limits.h>
#include <sys/wait.h>

static int global;

/* Freed, it is complained about and nothing has changed; asked for, it is nowhere. */
static void assert_no_segment(void *v_ptr, bool is_inside)
{
    char *before = strdup(stats());

    assert_true((mems_get(v_ptr) != NULL) == is_inside);
    assert_non_null(strstr(complaint(v_ptr), "mems_free: no PROCESS begins at "));
    assert_string_equal(stats(), before);
    free(before);
}

static void test_absurd_sizes_are_refused(void **state)
{
    static const size_t absurd[] = {
        SIZE_MAX,        SIZE_MAX - 1,     SIZE_MAX - 4095,     SIZE_MAX - 4096,
        SIZE_MAX / 2,    SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 1,    (size_t)-1,
        (size_t)-1000,   (size_t)INT_MIN,  (size_t)LONG_MIN,    (size_t)1 << 63,
        (size_t)1 << 62, (size_t)1 << 50,  SIZE_MAX / 2 - 4096, SIZE_MAX / 2 - 4095};

    (void)state;
    assert_ptr_equal(mems_malloc(10), address(1000));
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++)
        assert_null(mems_malloc(absurd[i]));
    assert_non_null(strstr(stats(), "Pages used:\t1\nSpace unused:\t4086\n"));
    assert_ptr_equal(mems_malloc(10), address(1010));
}

static void test_addresses_that_begin_no_segment_change_nothing(void **state)
{
    static const uintptr_t numbers[] = {
        1,       8,          999,          3000,         5095,         5096,
        9191,    9192,       SIZE_MAX,     SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
        INT_MAX, UINT32_MAX, (size_t)-1000};
    int local = 0;
    void *foreign = malloc(100);

    (void)state;
    assert_no_segment(address(1000), false); /* of a system without any */
    assert_ptr_equal(mems_malloc(1000), address(1000));
    assert_ptr_equal(mems_malloc(1000), address(2000));
    assert_ptr_equal(mems_malloc(4096), address(5096));
    mems_free(address(5096));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_no_segment(address(numbers[i]), false);
    assert_no_segment(NULL, false);
    assert_no_segment(&local, false);
    assert_no_segment(&global, false);
    assert_no_segment(foreign, false);
    assert_no_segment((void *)(uintptr_t)assert_no_segment, false);
    assert_no_segment(mems_get(address(1000)), false); /* where the bytes are, not their address */
    for (uintptr_t inside = 1001; inside < 2000; inside += 7)
        assert_no_segment(address(inside), true);
    free(foreign);
}

static void test_freeing_twice_changes_nothing(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < 4; i++)
        assert_ptr_equal(mems_malloc(100), address(1000 + i * 100));
    mems_free(address(1100));
    assert_no_segment(address(1100), false);
    mems_free(address(1000));
    assert_no_segment(address(1000), false);
    assert_no_segment(address(1100), false);
    assert_ptr_equal(mems_malloc(200), address(1000));
    assert_no_segment(address(1100), true);
}

static void test_a_complaint_names_the_address(void **state)
{
    (void)state;
    assert_string_equal(complaint(address(4711)), "mems_free: no PROCESS begins at 4711\n");
}

static void test_without_a_system_nothing_is_allocated(void **state)
{
    (void)state;
    mems_finish();
    for (int round = 0; round < 2; round++) {
        mems_finish(); /* once more */
        assert_null(mems_malloc(1));
        assert_null(mems_malloc(0));
        assert_null(mems_malloc(SIZE_MAX));
        assert_null(mems_get(address(1000)));
        assert_null(mems_get(NULL));
        assert_string_equal(complaint(address(1000)),
                            "mems_free: there is no system: mems_init() makes one\n");
        struct capture capture = capture_begin(stderr);
        assert_string_equal(stats(), "");
        assert_string_equal(capture_end(&capture),
                            "mems_print_stats: there is no system: mems_init() makes one\n");
        mems_init();
        assert_ptr_equal(mems_malloc(1), address(1000));
        mems_finish();
    }
}

static void test_before_the_first_init_there_is_no_system(void **state)
{
    (void)state;
    assert_null(mems_malloc(1));
    assert_null(mems_get(address(1000)));
    assert_string_equal(complaint(address(1000)),
                        "mems_free: there is no system: mems_init() makes one\n");
    mems_finish();
}

static void test_init_twice_starts_afresh_and_loses_no_pages(void **state)
{
    (void)state;
    /* Together more than any process has addresses for (2^47 bytes), each small enough for what a sanitizer leaves. */
    for (int i = 0; i < 2100; i++) {
        mems_init();
        assert_ptr_equal(mems_malloc((size_t)1 << 36), address(1000));
        assert_ptr_equal(mems_malloc(1), address(1000 + ((uintptr_t)1 << 36)));
    }
}

static void test_pages_of_no_bytes_or_too_many_make_no_system(void **state)
{
    static const size_t sizes[] = {0, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, (size_t)1 << 62};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct capture capture = capture_begin(stderr);
        mems_init_pages(sizes[i]);
        assert_non_null(strstr(capture_end(&capture), "mems_init: no memory for pages of "));
        assert_null(mems_malloc(1));
    }
    mems_init();
    assert_ptr_equal(mems_malloc(1), address(1000));
}

static void test_a_forked_child_has_a_copy(void **state)
{
    int status = 0;

    (void)state;
    strcpy(mems_get(mems_malloc(100)), "the parent's");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int wrong = strcmp(mems_get(address(1000)), "the parent's") != 0;
        strcpy(mems_get(address(1000)), "the child's");
        mems_free(address(1000));
        wrong |= mems_get(address(1000)) != NULL || mems_malloc(4096) != address(1000);
        mems_finish();
        mems_init();
        wrong |= mems_malloc(7) != address(1000);
        _exit(wrong);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    assert_string_equal(mems_get(address(1000)), "the parent's");
    assert_ptr_equal(mems_malloc(1), address(1100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_first_init_there_is_no_system),
        TEST(test_absurd_sizes_are_refused),
        TEST(test_addresses_that_begin_no_segment_change_nothing),
        TEST(test_freeing_twice_changes_nothing),
        TEST(test_a_complaint_names_the_address),
        TEST(test_without_a_system_nothing_is_allocated),
        TEST(test_init_twice_starts_afresh_and_loses_no_pages),
        TEST(test_pages_of_no_bytes_or_too_many_make_no_system),
        TEST(test_a_forked_child_has_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
