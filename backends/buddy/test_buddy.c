/* test_buddy.c - where blocks lie, what merges when, and sizes of regions. */
#include "buddy/buddy.h"

#include "assay/os_pages.h"
#include "assay/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

extern const struct assay_backend assay_backend_buddy;
static const struct assay_backend *const buddy = &assay_backend_buddy;
static struct assay_meter meter;

static void *open_heap(size_t limit)
{
    struct assay_heap_config config = {.limit = limit, .pages = &meter.source, .options = ""};
    void *heap;

    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    assert_int_equal(buddy->create(buddy, &config, &heap), ASSAY_OK);
    return heap;
}

static void assert_sound(void *heap)
{
    struct assay_damage damage = {0};

    if (buddy->check(heap, &damage) != ASSAY_OK)
        fail_msg("check: %s", damage.what);
}

static void close_heap(void *heap)
{
    assert_sound(heap);
    buddy->destroy(heap);
    assert_int_equal(meter.mapped_bytes, 0);
    assay_meter_close(&meter);
}

static void test_blocks_are_aligned_to_their_size(void **state)
{
    void *heap = open_heap(SIZE_MAX);

    (void)state;
    for (size_t size = 1; size <= 1 << 20; size = size * 5 / 4 + 1) {
        char *block = buddy->alloc(heap, size);
        size_t usable = buddy->usable_size(heap, block);
        assert_true(assay_is_power_of_two(usable) && usable >= size);
        assert_true(usable == 32 || usable / 2 < size);
        assert_true(assay_is_aligned(block, usable));
    }
    close_heap(heap);
}

static void test_halves_of_one_block_adjoin_and_merge_again(void **state)
{
    void *heap = open_heap(SIZE_MAX);
    char *whole = buddy->alloc(heap, 1 << 17);

    (void)state;
    assert_int_equal(buddy->free(heap, whole), ASSAY_OK);
    char *left = buddy->alloc(heap, 1 << 16);
    char *right = buddy->alloc(heap, 1 << 16);
    assert_ptr_equal(left, whole);
    assert_ptr_equal(right, whole + (1 << 16));
    assert_int_equal(buddy->free(heap, left), ASSAY_OK);
    assert_int_equal(buddy->free(heap, right), ASSAY_OK);
    assert_ptr_equal(buddy->alloc(heap, 1 << 17), whole);
    close_heap(heap);
}

static void test_a_block_just_freed_is_given_again_without_splitting(void **state)
{
    void *heap = open_heap(SIZE_MAX);

    (void)state;
    for (size_t size = 32; size <= 1 << 14; size *= 2) {
        void *block = buddy->alloc(heap, size);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(buddy->free(heap, block), ASSAY_OK);
            assert_ptr_equal(buddy->alloc(heap, size), block);
        }
        assert_int_equal(buddy->free(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

static void test_regions_double_and_never_merge(void **state)
{
    void *heap = open_heap(SIZE_MAX);
    size_t next = 1 << 17;

    (void)state;
    for (int region = 0; region < 5; region++, next *= 2) {
        uint64_t maps = meter.maps;
        for (size_t served = 0; served < next; served += 1 << 12) {
            assert_non_null(buddy->alloc(heap, 1 << 12));
            assert_int_equal(meter.maps, maps + 2); /* the region and its map */
        }
    }
    close_heap(heap);
}

static void test_what_the_limit_leaves_is_used_in_smaller_regions(void **state)
{
    void *heap = open_heap(1 << 20);
    size_t served = 0;

    (void)state;
    while (buddy->alloc(heap, 4096))
        served += 4096;
    assert_true(served > (size_t)(1 << 20) * 9 / 10);
    assert_true(meter.peak_bytes <= 1 << 20);
    close_heap(heap);
}

static void test_an_unused_region_makes_room_for_a_larger_one(void **state)
{
    void *heap = open_heap(1 << 20);
    void *block[8];

    (void)state;
    for (int i = 0; i < 7; i++)
        block[i] = buddy->alloc(heap, 1 << 16);
    for (int i = 0; i < 7; i++)
        assert_int_equal(buddy->free(heap, block[i]), ASSAY_OK);
    assert_non_null(buddy->alloc(heap, 1 << 19));
    assert_null(buddy->alloc(heap, 1 << 19));
    close_heap(heap);
}

static void test_realloc_grows_into_free_upper_halves_and_gives_them_back(void **state)
{
    void *heap = open_heap(SIZE_MAX);
    char *block = buddy->alloc(heap, 40);

    (void)state;
    memset(block, 7, 40);
    assert_ptr_equal(buddy->realloc(heap, block, 50000), block);
    for (int i = 0; i < 40; i++)
        assert_int_equal(block[i], 7);
    assert_sound(heap);
    assert_ptr_equal(buddy->realloc(heap, block, 40), block);
    assert_int_equal(buddy->usable_size(heap, block), 64);
    assert_sound(heap);
    char *neighbour = buddy->alloc(heap, 64);
    assert_ptr_equal(neighbour, block + 64);
    char *moved = buddy->realloc(heap, block, 65);
    assert_ptr_not_equal(moved, block);
    assert_int_equal(moved[39], 7);
    close_heap(heap);
}

static void test_every_address_but_a_blocks_own_is_refused(void **state)
{
    void *heap = open_heap(SIZE_MAX);
    char *block[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        block[i] = buddy->alloc(heap, 128);
    assert_int_equal(buddy->free(heap, block[1]), ASSAY_OK);
    for (char *at = block[0]; at < block[0] + 4096; at++) {
        bool owned = at < block[0] + 128 || (at >= block[2] && at < block[2] + 128);
        assert_int_equal(buddy->owns(heap, at), owned);
        if (at != block[0] && at != block[2])
            assert_int_equal(buddy->free(heap, at), ASSAY_INVALID);
    }
    close_heap(heap);
}

static void test_links_overwritten_in_free_memory_are_reported_and_not_followed(void **state)
{
    void *heap = open_heap(SIZE_MAX);
    struct assay_damage damage;
    char *block = buddy->alloc(heap, 1 << 17);

    (void)state;
    assert_int_equal(buddy->free(heap, block), ASSAY_OK);
    assert_sound(heap);
    void *saved[2];
    memcpy(saved, block, sizeof saved);
    memset(block, 0x5a, sizeof saved);
    assert_int_equal(buddy->check(heap, &damage), ASSAY_CORRUPT);
    memcpy(block, saved, sizeof saved);
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_aligned_to_their_size),
        cmocka_unit_test(test_halves_of_one_block_adjoin_and_merge_again),
        cmocka_unit_test(test_a_block_just_freed_is_given_again_without_splitting),
        cmocka_unit_test(test_regions_double_and_never_merge),
        cmocka_unit_test(test_what_the_limit_leaves_is_used_in_smaller_regions),
        cmocka_unit_test(test_an_unused_region_makes_room_for_a_larger_one),
        cmocka_unit_test(test_realloc_grows_into_free_upper_halves_and_gives_them_back),
        cmocka_unit_test(test_every_address_but_a_blocks_own_is_refused),
        cmocka_unit_test(test_links_overwritten_in_free_memory_are_reported_and_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
