/*
 * test_alloc_bad_input.c - sizes and addresses that make no sense, calls before the first, after the last, twice,
 * and from a child: each is answered as alloc.h says, and nothing is lost.
 */
#include "test_api.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t absurd[] = {
    SIZE_MAX,        SIZE_MAX - 1,     SIZE_MAX - 15,  SIZE_MAX - 31,   SIZE_MAX - 47,
    SIZE_MAX / 2,    SIZE_MAX / 2 + 1, (size_t)-1000,  (size_t)INT_MIN, (size_t)LONG_MIN,
    (size_t)1 << 63, (size_t)1 << 36,  (size_t)1 << 40};

static void test_absurd_sizes_are_refused(void **state)
{
    char *block = allocate_memory(1);

    (void)state;
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        errno = 0;
        assert_null(allocate_memory(absurd[i]));
        assert_int_equal(errno, ENOMEM);
        assert_null(allocate_clear_memory(1, absurd[i]));
        assert_null(allocate_clear_memory(absurd[i], 1));
        assert_null(allocate_clear_memory(absurd[i], absurd[i]));
        assert_null(reallocate_memory(block, absurd[i]));
        assert_null(reallocate_memory(NULL, absurd[i]));
    }
    assert_int_equal(used_blocks(), 1);
}

static void test_zero_bytes_are_a_block_of_their_own(void **state)
{
    void *a = allocate_memory(0);
    void *b = allocate_clear_memory(0, SIZE_MAX);
    void *c = allocate_clear_memory(SIZE_MAX, 0);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_true(a != b && b != c && c != a);
    assert_int_equal(used_blocks(), 3);
}

static int global;

/* Freed and resized, it is answered with EINVAL, and nothing has changed. */
static void assert_no_block(void *address)
{
    size_t before = used_blocks();

    errno = 0;
    deallocate_memory(address);
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(reallocate_memory(address, 100));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(reallocate_memory(address, 0));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(reallocate_memory(address, SIZE_MAX));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(used_blocks(), before);
}

static void test_addresses_that_are_no_block_are_answered(void **state)
{
    char *block = allocate_memory(1000);
    char *freed = allocate_memory(1000);
    void *foreign = malloc(1000);
    char local[64] = {0};

    (void)state;
    deallocate_memory(freed);
    assert_no_block(freed);
    for (int offset = 1; offset < 1000; offset++)
        assert_no_block(block + offset);
    for (int offset = 1; offset <= HEADER; offset++)
        assert_no_block(block - offset);
    assert_no_block(local + 16);
    assert_no_block(&global);
    assert_no_block((void *)(uintptr_t)test_addresses_that_are_no_block_are_answered);
    assert_no_block((void *)(uintptr_t) "a constant");
    assert_no_block(foreign);
    free(foreign);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++)
        assert_no_block((void *)absurd[i]);
    for (uintptr_t address = 1; address < 100; address++)
        assert_no_block((void *)address);
    deallocate_memory(block);
    assert_no_block(block);
}

static void test_before_the_first_allocation_nothing_is_a_block(void **state)
{
    struct memory_report report;
    char local[64] = {0};

    (void)state;
    assert_no_block(local);
    assert_no_block((void *)16);
    assert_no_block((void *)SIZE_MAX);
    deallocate_memory(NULL);
    assert_true(check_memory(NULL));
    assert_true(check_memory(&report));
    assert_int_equal(report.reserved_bytes, 0);
    assert_non_null(reallocate_memory(NULL, 10));
}

static void test_the_first_call_may_be_any(void **state)
{
    (void)state;
    assert_non_null(allocate_clear_memory(3, 1000));
    finish_mutex();
    assert_non_null(allocate_memory(1 << 20));
    finish_mutex();
    assert_null(allocate_memory(SIZE_MAX));
    assert_non_null(allocate_memory(1));
    finish_mutex();
    finish_mutex();
    init_mutex();
    assert_int_equal(used_blocks(), 0);
}

static void test_initialising_again_keeps_all_blocks(void **state)
{
    (void)state;
    init_mutex();
    char *block = allocate_memory(100);
    memset(block, 4, 100);
    init_mutex();
    init_mutex();
    assert_int_equal(used_blocks(), 1);
    assert_int_equal(block[99], 4);
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 0);
}

static void test_after_the_end_blocks_are_none_and_all_begins_anew(void **state)
{
    char *block = allocate_memory(100);

    (void)state;
    finish_mutex();
    assert_no_block(block);
    char *other = allocate_memory(100);
    assert_non_null(other);
    assert_int_equal(used_blocks(), 1);
}

static void test_options_that_are_not_known_refuse_all(void **state)
{
    (void)state;
    setenv("ALLOC_OPTIONS", "check=1", 1);
    init_mutex();
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(allocate_memory(1));
    assert_int_equal(errno, EINVAL);
    deallocate_memory(NULL);
    unsetenv("ALLOC_OPTIONS");
    assert_non_null(allocate_memory(1));
}

/* --- parent and child --- */

static void test_a_forked_child_uses_and_frees_what_its_parent_allocated(void **state)
{
    char *block = allocate_memory(100000);
    int status;

    (void)state;
    memset(block, 1, 100000);
    pid_t child = fork();
    if (child == 0) {
        bool seen = block[0] == 1 && block[99999] == 1;
        char *grown = reallocate_memory(block, 200000);
        seen = seen && grown && grown[99999] == 1;
        deallocate_memory(grown);
        errno = 0;
        deallocate_memory(grown);
        _exit(seen && errno == EINVAL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(used_blocks(), 0);
    assert_no_block(block);
}

static void test_a_child_forked_before_the_first_call_has_a_heap_of_its_own(void **state)
{
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(allocate_memory(100) && used_blocks() == 1 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(used_blocks(), 0);
}

static void test_a_child_is_answered_as_its_parent_is(void **state)
{
    char *block = allocate_memory(100), *freed = allocate_memory(100);
    char local[64] = {0};
    int status;

    (void)state;
    deallocate_memory(freed);
    char *const none[] = {freed, block + 16, block - 16, local + 16, (char *)&global, (char *)16};
    pid_t child = fork();
    if (child == 0) {
        bool right = !allocate_memory(SIZE_MAX) && errno == ENOMEM;
        for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
            errno = 0;
            deallocate_memory(none[i]);
            right = right && errno == EINVAL && !reallocate_memory(none[i], 50);
        }
        init_mutex(); /* once more */
        _exit(right && used_blocks() == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 0);
}

static void test_a_child_that_finishes_takes_nothing_from_its_parent(void **state)
{
    char *block = allocate_memory(100);
    int status;

    (void)state;
    memset(block, 6, 100);
    pid_t child = fork();
    if (child == 0) {
        finish_mutex();
        deallocate_memory(block); /* no block any more */
        _exit(errno == EINVAL && allocate_memory(10) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(block[99], 6);
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_absurd_sizes_are_refused),
        TEST(test_zero_bytes_are_a_block_of_their_own),
        TEST(test_addresses_that_are_no_block_are_answered),
        TEST(test_before_the_first_allocation_nothing_is_a_block),
        TEST(test_the_first_call_may_be_any),
        TEST(test_initialising_again_keeps_all_blocks),
        TEST(test_after_the_end_blocks_are_none_and_all_begins_anew),
        TEST(test_options_that_are_not_known_refuse_all),
        TEST(test_a_forked_child_uses_and_frees_what_its_parent_allocated),
        TEST(test_a_child_forked_before_the_first_call_has_a_heap_of_its_own),
        TEST(test_a_child_is_answered_as_its_parent_is),
        TEST(test_a_child_that_finishes_takes_nothing_from_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
