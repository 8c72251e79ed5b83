/* test_alloc.c - the functions of alloc.h in one process: what allocators of its kind get wrong. */
#include "test_api.h"

#include <sys/mman.h>

static void assert_damaged(const char *what)
{
    struct memory_report report;

    assert_false(check_memory(&report));
    assert_non_null(strstr(report.what, what));
    assert_non_null(report.where);
}

/* --- one test for each known mistake --- */

static void test_every_block_is_16_byte_aligned(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++) {
        void *block = allocate_memory(size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        assert_int_equal((uintptr_t)allocate_clear_memory(3, size) % 16, 0);
        assert_int_equal((uintptr_t)reallocate_memory(block, size * 7 + 1) % 16, 0);
    }
}

static void test_exactly_32_bytes_lie_between_blocks(void **state)
{
    char *first = allocate_memory(64);
    char *second = allocate_memory(64);

    (void)state;
    assert_ptr_equal(second, first + 64 + HEADER);
}

static void test_a_write_to_freed_memory_is_found_when_asked_for(void **state)
{
    (void)state;
    setenv("ALLOC_OPTIONS", "checked=1", 1);
    char *block = allocate_memory(400);
    assert_non_null(allocate_memory(16));
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 1);
    block[100] ^= 1;
    assert_damaged("freed memory was written to");
    assert_null(allocate_memory(400));
    block[100] ^= 1;
    assert_ptr_equal(allocate_memory(400), block);
}

static void test_a_write_over_a_header_is_answered_and_never_followed(void **state)
{
    char *before = allocate_memory(64);
    char *block = allocate_memory(64);
    char *after = allocate_memory(64);

    (void)state;
    for (int i = 1; i <= HEADER; i++) {
        block[-i] ^= 0x10;
        assert_damaged("header");
        errno = 0;
        deallocate_memory(block);
        assert_int_equal(errno, ENOTRECOVERABLE);
        errno = 0;
        deallocate_memory(before);
        assert_int_equal(errno, ENOTRECOVERABLE);
        errno = 0;
        deallocate_memory(after);
        assert_int_equal(errno, ENOTRECOVERABLE);
        errno = 0;
        assert_null(reallocate_memory(block, 10));
        assert_int_equal(errno, ENOTRECOVERABLE);
        block[-i] ^= 0x10;
    }
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 2);
}

static void test_an_overrun_of_one_byte_behind_the_payload_is_found(void **state)
{
    char *block = allocate_memory(64);

    (void)state;
    assert_non_null(allocate_memory(64));
    block[64] = 0;
    assert_damaged("header");
}

static void test_allocation_does_not_look_at_live_blocks(void **state)
{
    enum { BLOCKS = 20000, SIZE = 464, PAGE = 4096 };
    char *low = allocate_memory(SIZE);
    char *first = allocate_memory(SIZE);
    char *last = first;

    (void)state;
    for (int i = 1; i < BLOCKS; i++)
        last = allocate_memory(SIZE);
    assert_non_null(allocate_memory(SIZE));
    deallocate_memory(low);
    /* Any look at a block in between ends in a signal. */
    char *wall = first + (-((uintptr_t)first + SIZE) & (PAGE - 1)) + SIZE;
    size_t bytes = (size_t)(last - HEADER - wall) & ~(size_t)(PAGE - 1);
    assert_int_equal(mprotect(wall, bytes, PROT_NONE), 0);
    char *above = allocate_memory(SIZE + 1);
    assert_true(above > last);
    assert_ptr_equal(allocate_memory(SIZE), low);
    deallocate_memory(above);
    assert_int_equal(mprotect(wall, bytes, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(used_blocks(), BLOCKS + 2);
}

static void test_blocks_above_64_KiB_keep_their_content(void **state)
{
    static const size_t sizes[] = {65535, 65536, 65537, 100000, 1 << 20, (1 << 24) + 1};
    char *blocks[sizeof sizes / sizeof *sizes];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        blocks[i] = allocate_memory(sizes[i]);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(blocks[i][0], i + 1);
        assert_memory_equal(blocks[i], blocks[i] + 1, sizes[i] - 1);
        deallocate_memory(blocks[i]);
    }
    assert_int_equal(used_blocks(), 0);
}

static void test_a_shrinking_reallocation_returns_the_same_block(void **state)
{
    char *block = allocate_memory(1000);

    (void)state;
    memset(block, 7, 1000);
    for (size_t size = 1000; size > 0; size -= 9 < size ? 9 : size) {
        assert_ptr_equal(reallocate_memory(block, size), block);
        assert_int_equal(block[size - 1], 7);
    }
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 0);
}

static void test_a_growing_reallocation_keeps_the_content(void **state)
{
    char *block = allocate_memory(100);

    (void)state;
    memset(block, 5, 100);
    assert_non_null(allocate_memory(16));
    char *moved = reallocate_memory(block, 200000);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, block);
    for (int i = 0; i < 100; i++)
        assert_int_equal(moved[i], 5);
    assert_ptr_equal(allocate_memory(100), block);
}

static void test_reallocating_null_allocates(void **state)
{
    (void)state;
    assert_non_null(reallocate_memory(NULL, 100));
    assert_non_null(reallocate_memory(NULL, 0));
    assert_int_equal(used_blocks(), 2);
}

static void test_reallocating_to_zero_frees(void **state)
{
    void *block = allocate_memory(100);

    (void)state;
    errno = 77;
    assert_null(reallocate_memory(block, 0));
    assert_int_equal(errno, 77);
    assert_int_equal(used_blocks(), 0);
}

static void test_a_failed_reallocation_leaves_the_block(void **state)
{
    char *block = allocate_memory(100);

    (void)state;
    memset(block, 3, 100);
    errno = 0;
    assert_null(reallocate_memory(block, SIZE_MAX));
    assert_int_equal(errno, ENOMEM);
    assert_null(reallocate_memory(block, (size_t)1 << 40));
    for (int i = 0; i < 100; i++)
        assert_int_equal(block[i], 3);
    deallocate_memory(block);
    assert_int_equal(used_blocks(), 0);
}

static void test_a_product_that_overflows_gives_null(void **state)
{
    (void)state;
    assert_null(allocate_clear_memory(SIZE_MAX / 16 + 2, 16));
    assert_int_equal(errno, ENOMEM);
    assert_null(allocate_clear_memory(16, SIZE_MAX / 16 + 2));
    assert_null(allocate_clear_memory((size_t)1 << 32, ((size_t)1 << 32) + 1));
    assert_null(allocate_clear_memory(SIZE_MAX, SIZE_MAX));
    assert_int_equal(used_blocks(), 0);
}

static void test_cleared_memory_is_zero_where_it_was_dirty(void **state)
{
    char *dirty = allocate_memory(4000);

    (void)state;
    memset(dirty, 0xff, 4000);
    deallocate_memory(dirty);
    char *block = allocate_clear_memory(60, 100);
    assert_ptr_equal(block, dirty);
    for (int i = 0; i < 6000; i++)
        assert_int_equal(block[i], 0);
}

static void test_freeing_null_does_nothing(void **state)
{
    (void)state;
    errno = 77;
    deallocate_memory(NULL);
    assert_int_equal(errno, 77);
    assert_int_equal(used_blocks(), 0);
}

static void test_neighbours_on_both_sides_become_one_block(void **state)
{
    struct memory_report before, after;
    char *block[3];

    (void)state;
    init_mutex();
    assert_true(check_memory(&before));
    for (int i = 0; i < 3; i++)
        block[i] = allocate_memory(1000);
    deallocate_memory(block[0]);
    deallocate_memory(block[2]);
    deallocate_memory(block[1]);
    assert_true(check_memory(&after));
    assert_int_equal(after.largest_free, before.largest_free);
    assert_ptr_equal(allocate_memory(3000), block[0]);
}

static void test_a_request_past_the_end_gives_null_and_the_rest_is_served(void **state)
{
    struct memory_report report;

    (void)state;
    init_mutex();
    assert_true(check_memory(&report));
    assert_null(allocate_memory(report.largest_free + 1));
    assert_int_equal(errno, ENOMEM);
    char *most = allocate_memory(report.largest_free - 1000);
    assert_non_null(most);
    assert_null(allocate_memory(1000));
    assert_non_null(allocate_memory(16));
    deallocate_memory(most);
    assert_int_equal(used_blocks(), 1);
}

static void test_what_succeeds_leaves_errno_alone(void **state)
{
    (void)state;
    errno = 77;
    init_mutex();
    void *block = allocate_memory(10);
    block = reallocate_memory(block, 1000);
    deallocate_memory(block);
    block = allocate_clear_memory(10, 10);
    deallocate_memory(block);
    assert_int_equal(errno, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_block_is_16_byte_aligned),
        TEST(test_exactly_32_bytes_lie_between_blocks),
        TEST(test_a_write_to_freed_memory_is_found_when_asked_for),
        TEST(test_a_write_over_a_header_is_answered_and_never_followed),
        TEST(test_an_overrun_of_one_byte_behind_the_payload_is_found),
        TEST(test_allocation_does_not_look_at_live_blocks),
        TEST(test_blocks_above_64_KiB_keep_their_content),
        TEST(test_a_shrinking_reallocation_returns_the_same_block),
        TEST(test_a_growing_reallocation_keeps_the_content),
        TEST(test_reallocating_null_allocates),
        TEST(test_reallocating_to_zero_frees),
        TEST(test_a_failed_reallocation_leaves_the_block),
        TEST(test_a_product_that_overflows_gives_null),
        TEST(test_cleared_memory_is_zero_where_it_was_dirty),
        TEST(test_freeing_null_does_nothing),
        TEST(test_neighbours_on_both_sides_become_one_block),
        TEST(test_a_request_past_the_end_gives_null_and_the_rest_is_served),
        TEST(test_what_succeeds_leaves_errno_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
