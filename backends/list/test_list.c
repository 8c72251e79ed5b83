/*
 * test_list.c - what allocators of the list's kind get wrong, and what walk and check of the list cannot see.
 */
#include "test_heap.h"

/* --- one test for each known mistake --- */

static void test_every_payload_is_16_byte_aligned(void **state)
{
    void *heap = open_heap(1 << 20, "");

    (void)state;
    for (size_t size = 0; size < 500; size++) {
        void *block = list->alloc(heap, size);
        assert_non_null(block);
        assert_true(assay_is_aligned(block, 16));
        assert_true(assay_is_aligned(list->realloc(heap, block, size * 3 + 1), 16));
    }
    close_heap(heap);
}

static void test_a_write_to_freed_memory_is_found_on_reuse_and_by_check(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 4000; offset += 7) {
        void *heap = open_heap(1 << 16, "checked=1");
        unsigned char *block = list->alloc(heap, 4000);
        unsigned char *after = list->alloc(heap, 100);
        assert_int_equal(list->free(heap, block), ASSAY_OK);
        assert_sound(heap);
        block[offset] ^= (unsigned char)(1u << offset % 8);
        assert_damaged(heap, "freed memory");
        assert_null(list->alloc(heap, 4000));
        block[offset] ^= (unsigned char)(1u << offset % 8);
        assert_ptr_equal(list->alloc(heap, 4000), block);
        assert_sound(heap);
        assert_non_null(after);
        close_heap(heap);
    }
}

static void test_a_write_to_freed_memory_is_found_after_merging(void **state)
{
    void *heap = open_heap(1 << 16, "checked=1");
    unsigned char *block[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        block[i] = list->alloc(heap, 200);
    for (int i = 0; i < 3; i++)
        assert_int_equal(list->free(heap, block[(i + 1) % 3]), ASSAY_OK);
    assert_sound(heap);
    for (unsigned char *at = block[0]; at < block[2] + 200; at++) {
        *at ^= 0x10;
        assert_damaged(heap, "freed memory");
        *at ^= 0x10;
    }
    assert_sound(heap);
    close_heap(heap);
}

/* Three blocks of which the middle one is used or free, and one bit of its header wrong. */
static void damage_one_bit(size_t bit, bool middle_is_free)
{
    void *heap = open_heap(1 << 16, "");
    void *before = list->alloc(heap, 100);
    void *middle = list->alloc(heap, 100);
    void *after = list->alloc(heap, 100);
    unsigned char *byte = (unsigned char *)header_of(middle) + bit / 8;
    struct list_header saved_before = *header_of(before), saved_after = *header_of(after);

    if (middle_is_free) {
        assert_int_equal(list->free(heap, middle), ASSAY_OK);
        saved_before = *header_of(before);
        saved_after = *header_of(after);
    }
    *byte ^= (unsigned char)(1u << bit % 8);
    assert_damaged(heap, "header");
    assert_int_equal(list->free(heap, middle), ASSAY_CORRUPT);
    assert_int_equal(list->free(heap, before), ASSAY_CORRUPT);
    assert_int_equal(list->free(heap, after), ASSAY_CORRUPT);
    assert_int_equal(list->usable_size(heap, middle), 0);
    assert_null(list->realloc(heap, middle, 50));
    assert_null(list->realloc(heap, before, 60000));
    void *elsewhere = list->alloc(heap, 16);
    assert_true(!elsewhere || (char *)elsewhere > (char *)after);
    assert_memory_equal(&saved_before, header_of(before), LIST_HEADER);
    assert_memory_equal(&saved_after, header_of(after), LIST_HEADER);
    *byte ^= (unsigned char)(1u << bit % 8);
    assert_sound(heap);
    assert_int_equal(list->free(heap, before), ASSAY_OK);
    close_heap(heap);
}

static void test_a_damaged_header_is_reported_and_never_followed(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < (size_t)8 * LIST_HEADER; bit++) {
        damage_one_bit(bit, false);
        damage_one_bit(bit, true);
    }
}

static void test_a_damaged_edge_is_reported(void **state)
{
    void *heap = open_heap(PAGE, "");
    size_t whole = largest_free(heap);
    char *block = list->alloc(heap, whole);

    (void)state;
    assert_non_null(block);
    for (size_t i = 0; i < LIST_HEADER; i++) {
        block[whole + i] ^= 0x40;
        assert_damaged(heap, "header");
        assert_int_equal(list->free(heap, block), ASSAY_CORRUPT);
        block[whole + i] ^= 0x40;
    }
    assert_int_equal(list->free(heap, block), ASSAY_OK);
    close_heap(heap);
}

static void test_allocation_does_not_look_at_live_blocks(void **state)
{
    enum { BLOCKS = 20000, SIZE = 464 };
    void *heap = open_heap((size_t)BLOCKS * (SIZE + LIST_HEADER) + (1 << 20), "");
    char *low[2], *high[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        low[i] = list->alloc(heap, SIZE);
    char *first = list->alloc(heap, SIZE);
    char *last = first;
    for (int i = 1; i < BLOCKS; i++)
        last = list->alloc(heap, SIZE);
    for (int i = 0; i < 2; i++)
        high[i] = list->alloc(heap, SIZE);
    assert_int_equal(list->free(heap, low[0]), ASSAY_OK);

    /* Any look at a block in between ends in a signal. */
    char *wall = (char *)assay_align_up((uintptr_t)first + SIZE, PAGE);
    size_t bytes = assay_align_down((size_t)(last - LIST_HEADER - wall), PAGE);
    assert_int_equal(mprotect(wall, bytes, PROT_NONE), 0);
    void *above = list->alloc(heap, SIZE + 1);
    assert_true((char *)above > high[1]);
    assert_ptr_equal(list->alloc(heap, SIZE), low[0]);
    assert_int_equal(list->free(heap, above), ASSAY_OK);
    assert_int_equal(list->free(heap, high[1]), ASSAY_OK);
    assert_true(largest_free(heap) > SIZE);
    assert_int_equal(mprotect(wall, bytes, PROT_READ | PROT_WRITE), 0);
    assert_sound(heap);
    close_heap(heap);
}

static void test_requests_above_64_KiB_are_served(void **state)
{
    void *heap = open_heap((size_t)8 << 30, "");

    (void)state;
    for (size_t size = 65535; size < ((size_t)4 << 30); size = size * 2 + 1) {
        char *block = list->alloc(heap, size);
        assert_non_null(block);
        block[0] = block[size - 1] = 1;
        assert_true(list->usable_size(heap, block) >= size);
        assert_int_equal(list->free(heap, block), ASSAY_OK);
    }
    assert_sound(heap);
    close_heap(heap);
}

static void test_a_shrinking_realloc_returns_the_payload_address(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *block = list->alloc(heap, 1000);
    char *wall = list->alloc(heap, 16);

    (void)state;
    memset(block, 7, 1000);
    for (size_t size = 1000; size > 0; size--) {
        assert_ptr_equal(list->realloc(heap, block, size), block);
        assert_true(block[size - 1] == 7);
    }
    assert_int_equal(list->usable_size(heap, block), 16);
    assert_ptr_equal(list->alloc(heap, 1000 - 16 - LIST_HEADER), block + 16 + LIST_HEADER);
    assert_non_null(wall);
    assert_sound(heap);
    close_heap(heap);
}

static void test_a_growing_realloc_takes_the_free_right_neighbour(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *block = list->alloc(heap, 100);
    char *right = list->alloc(heap, 100);
    char *wall = list->alloc(heap, 100);

    (void)state;
    assert_int_equal(list->free(heap, right), ASSAY_OK);
    for (size_t size = 100; size <= 112 + LIST_HEADER + 112; size++) {
        assert_ptr_equal(list->realloc(heap, block, size), block);
        assert_sound(heap);
    }
    assert_true((char *)list->realloc(heap, block, 112 + LIST_HEADER + 113) > wall);
    assert_sound(heap);
    close_heap(heap);
}

static void test_realloc_of_null_allocates_and_to_zero_frees(void **state)
{
    void *heap = open_heap(1 << 16, "");
    void *block = list->realloc(heap, NULL, 100);

    (void)state;
    assert_non_null(block);
    assert_int_equal(used_blocks(heap), 1);
    assert_null(list->realloc(heap, block, 0));
    assert_int_equal(used_blocks(heap), 0);
    close_heap(heap);
}

static void test_a_failed_realloc_leaves_the_block_valid(void **state)
{
    const size_t absurd[] = {1 << 17,      SIZE_MAX,        SIZE_MAX - 8,          SIZE_MAX - 48,
                             SIZE_MAX / 2, (size_t)1 << 36, (size_t)UINT32_MAX + 9};
    void *heap = open_heap(1 << 16, "");
    char *block = list->alloc(heap, 100);

    (void)state;
    memset(block, 9, 100);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        assert_null(list->realloc(heap, block, absurd[i]));
        assert_null(list->alloc(heap, absurd[i]));
        assert_null(list->alloc_aligned(heap, 4096, absurd[i]));
        assert_int_equal(list->usable_size(heap, block), 112);
        for (int k = 0; k < 100; k++)
            assert_int_equal(block[k], 9);
        assert_sound(heap);
    }
    close_heap(heap);
}

static void test_count_times_size_that_overflows_gives_null(void **state)
{
    void *heap = open_heap(1 << 16, "");

    (void)state;
    assert_null(list->alloc_zeroed(heap, SIZE_MAX / 16 + 2, 16));
    assert_null(list->alloc_zeroed(heap, 16, SIZE_MAX / 16 + 2));
    assert_null(list->alloc_zeroed(heap, (size_t)1 << 32, ((size_t)1 << 32) + 1));
    assert_null(list->alloc_zeroed(heap, SIZE_MAX, SIZE_MAX));
    assert_non_null(list->alloc_zeroed(heap, 0, SIZE_MAX));
    close_heap(heap);
}

static void test_zeroed_memory_is_zero_on_dirty_memory(void **state)
{
    void *heap = open_heap(1 << 16, "");

    (void)state;
    for (size_t size = 1; size < 3000; size += 13) {
        char *dirty = list->alloc(heap, size * 2);
        memset(dirty, 0xff, size * 2);
        assert_int_equal(list->free(heap, dirty), ASSAY_OK);
        char *block = list->alloc_zeroed(heap, size, 3);
        for (size_t i = 0; i < size * 3; i++)
            assert_int_equal(block[i], 0);
        assert_int_equal(list->free(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

static void test_freeing_null_does_nothing(void **state)
{
    void *heap = open_heap(1 << 16, "");

    (void)state;
    assert_int_equal(list->free(heap, NULL), ASSAY_OK);
    assert_sound(heap);
    close_heap(heap);
}

static void test_double_free_and_foreign_pointers_are_answered(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *block[4];
    int local = 0;

    (void)state;
    for (int i = 0; i < 4; i++)
        block[i] = list->alloc(heap, 200);
    /* Alone, merged into the left one, merged with both, merged with the rest of the region. */
    for (int i = 0; i < 3; i++) {
        int k = (int[]){0, 2, 1}[i];
        assert_int_equal(list->free(heap, block[k]), ASSAY_OK);
        assert_int_equal(list->free(heap, block[k]), ASSAY_INVALID);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(list->free(heap, block[i]), ASSAY_INVALID);
    for (size_t offset = 1; offset < 200; offset++)
        assert_int_equal(list->free(heap, block[3] + offset), ASSAY_INVALID);
    assert_int_equal(list->free(heap, &local), ASSAY_INVALID);
    assert_int_equal(list->free(heap, heap), ASSAY_INVALID);
    for (size_t offset = 0; offset < 1 << 16; offset++) {
        if ((char *)heap + offset != block[3])
            assert_int_equal(list->free(heap, (char *)heap + offset), ASSAY_INVALID);
    }
    assert_int_equal(list->free(heap, (char *)heap + (1 << 16)), ASSAY_INVALID);
    assert_int_equal(list->free(heap, (void *)(UINTPTR_MAX - 15)), ASSAY_INVALID);
    assert_int_equal(list->free(heap, (void *)16), ASSAY_INVALID);
    assert_sound(heap);
    assert_int_equal(list->free(heap, block[3]), ASSAY_OK);
    assert_int_equal(list->free(heap, block[3]), ASSAY_INVALID);
    close_heap(heap);
}

static void test_a_header_copied_by_the_program_is_no_block(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *block = list->alloc(heap, 400);
    char *other = list->alloc(heap, 400);

    (void)state;
    for (size_t offset = 0; offset < 352; offset += 16) {
        memcpy(block + offset, header_of(block), LIST_HEADER);
        assert_int_equal(list->free(heap, block + offset + LIST_HEADER), ASSAY_INVALID);
        memcpy(block + offset, header_of(other), LIST_HEADER);
        assert_int_equal(list->free(heap, block + offset + LIST_HEADER), ASSAY_INVALID);
    }
    assert_sound(heap);
    close_heap(heap);
}

static void test_a_header_written_back_where_a_block_was_is_no_block(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *left = list->alloc(heap, 400);
    char *right = list->alloc(heap, 400);
    struct list_header saved = *header_of(right);

    (void)state;
    assert_int_equal(list->free(heap, right), ASSAY_OK);
    assert_int_equal(list->free(heap, left), ASSAY_OK);
    char *both = list->alloc(heap, 2000);
    memcpy(header_of(right), &saved, LIST_HEADER);
    assert_int_not_equal(list->free(heap, right), ASSAY_OK);
    assert_sound(heap);
    assert_int_equal(list->free(heap, both), ASSAY_OK);
    assert_sound(heap);
    close_heap(heap);
}

/* --- regions --- */

static void test_a_region_is_filled_to_its_last_byte(void **state)
{
    (void)state;
    for (size_t region = 1; region < 70; region++) {
        void *heap = open_heap(region * PAGE, "");
        size_t whole = largest_free(heap);
        assert_null(list->alloc(heap, whole + 1));
        char *block = list->alloc(heap, whole);
        assert_non_null(block);
        memset(block, 1, whole);
        assert_ptr_equal(block + whole + LIST_HEADER, (char *)heap + region * PAGE);
        assert_int_equal(largest_free(heap), 0);
        assert_null(list->alloc(heap, 0));
        assert_sound(heap);
        assert_tiled(heap, region * PAGE, 1);
        assert_int_equal(list->free(heap, block), ASSAY_OK);

        size_t blocks = 0;
        while (list->alloc(heap, 16))
            blocks++;
        assert_int_equal(blocks, (whole + LIST_HEADER) / LIST_BLOCK_MIN);
        assert_sound(heap);
        close_heap(heap);
    }
}

static void test_an_odd_limit_uses_its_whole_pages(void **state)
{
    void *heap;

    (void)state;
    for (size_t limit = PAGE; limit < (size_t)3 * PAGE; limit += 37) {
        heap = open_heap(limit, "");
        assert_tiled(heap, assay_align_down(limit, PAGE), 0);
        close_heap(heap);
    }
    assert_int_equal(try_open(&heap, PAGE - 1, ""), ASSAY_NO_MEMORY);
    assert_int_equal(try_open(&heap, 0, ""), ASSAY_NO_MEMORY);
}

static void test_the_largest_region_works_at_both_ends(void **state)
{
    void *heap = open_heap(SIZE_MAX, "");
    size_t whole = largest_free(heap);

    (void)state;
    char *block = list->alloc(heap, whole - 4096);
    assert_non_null(block);
    char *end = list->alloc(heap, 4096 - LIST_HEADER);
    assert_ptr_equal(end, block + whole - 4096 + LIST_HEADER);
    assert_null(list->alloc(heap, 1));
    memset(end, 1, 4096 - LIST_HEADER);
    assert_int_equal(list->free(heap, block), ASSAY_OK);
    assert_int_equal(list->free(heap, end), ASSAY_OK);
    assert_int_equal(largest_free(heap), whole);
    close_heap(heap);
}

static void test_options_are_refused_unless_known(void **state)
{
    const char *const wrong[] = {"checked", "checked=",   "checked=2",  "checked=1,",
                                 "x=1",     ",checked=1", "checked=10", "checked=1,x"};
    void *heap;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(try_open(&heap, 1 << 16, wrong[i]), ASSAY_INVALID);
    close_heap(open_heap(1 << 16, "checked=0"));
    close_heap(open_heap(1 << 16, "checked=0,checked=1"));
}

static void test_owns_knows_usable_bytes_from_all_others(void **state)
{
    void *heap = open_heap(1 << 16, "");
    char *block[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        block[i] = list->alloc(heap, 160);
    assert_int_equal(list->free(heap, block[1]), ASSAY_OK);
    for (char *at = heap; at <= (char *)heap + (1 << 16); at++) {
        bool expected =
            (at >= block[0] && at < block[0] + 160) || (at >= block[2] && at < block[2] + 160);
        assert_int_equal(list->owns(heap, at), expected);
    }
    close_heap(heap);
}

static void test_a_damaged_index_is_reported(void **state)
{
    void *heap = open_heap(1 << 20, "");
    void *block[100];

    (void)state;
    for (int i = 0; i < 100; i++)
        block[i] = list->alloc(heap, 300);
    for (int i = 0; i < 100; i += 2)
        assert_int_equal(list->free(heap, block[i]), ASSAY_OK);
    assert_sound(heap);
    unsigned char *inner = (unsigned char *)heap + 64; /* the list behind the instance */
    const struct assay_list *inside = (const struct assay_list *)(const void *)inner;
    for (unsigned level = 0; level < inside->levels; level++) {
        inner[inside->level[level]] ^= 1;
        assert_damaged(heap, "index");
        inner[inside->level[level]] ^= 1;
    }
    inner[inside->bits + 8] ^= 1;
    assert_damaged(heap, "index");
    inner[inside->bits + 8] ^= 1;
    assert_sound(heap);
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_payload_is_16_byte_aligned),
        cmocka_unit_test(test_a_write_to_freed_memory_is_found_on_reuse_and_by_check),
        cmocka_unit_test(test_a_write_to_freed_memory_is_found_after_merging),
        cmocka_unit_test(test_a_damaged_header_is_reported_and_never_followed),
        cmocka_unit_test(test_a_damaged_edge_is_reported),
        cmocka_unit_test(test_allocation_does_not_look_at_live_blocks),
        cmocka_unit_test(test_requests_above_64_KiB_are_served),
        cmocka_unit_test(test_a_shrinking_realloc_returns_the_payload_address),
        cmocka_unit_test(test_a_growing_realloc_takes_the_free_right_neighbour),
        cmocka_unit_test(test_realloc_of_null_allocates_and_to_zero_frees),
        cmocka_unit_test(test_a_failed_realloc_leaves_the_block_valid),
        cmocka_unit_test(test_count_times_size_that_overflows_gives_null),
        cmocka_unit_test(test_zeroed_memory_is_zero_on_dirty_memory),
        cmocka_unit_test(test_freeing_null_does_nothing),
        cmocka_unit_test(test_double_free_and_foreign_pointers_are_answered),
        cmocka_unit_test(test_a_header_copied_by_the_program_is_no_block),
        cmocka_unit_test(test_a_header_written_back_where_a_block_was_is_no_block),
        cmocka_unit_test(test_a_region_is_filled_to_its_last_byte),
        cmocka_unit_test(test_an_odd_limit_uses_its_whole_pages),
        cmocka_unit_test(test_the_largest_region_works_at_both_ends),
        cmocka_unit_test(test_options_are_refused_unless_known),
        cmocka_unit_test(test_owns_knows_usable_bytes_from_all_others),
        cmocka_unit_test(test_a_damaged_index_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
