/* test_emalloc.c - where blocks lie, which part serves them, what their marks are, and what is no block. */
#include "test_heap.h"

/* --- who serves what --- */

static void test_0_bytes_are_null(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    assert_null(take(heap, 0));
    close_heap(heap);
}

static void test_the_largest_that_fits_is_that_of_all_parts(void **state)
{
    struct emalloc_heap *heap = open_heap();
    struct assay_heap_stats stats;
    void *medium = emalloc_heap_alloc(heap, 16, 100000, false);
    void *large = emalloc_heap_alloc(heap, 16, 140000, false);

    (void)state;
    assert_true(medium && large);
    assert_int_equal(give(heap, large), ASSAY_OK);
    emalloc_heap_stats(heap, &stats);
    assert_true(stats.largest_free >= 140000);
    assert_int_equal(give(heap, medium), ASSAY_OK);
    large = emalloc_heap_alloc(heap, 16, stats.largest_free, false);
    assert_non_null(large);
    emalloc_heap_stats(heap, &stats);
    assert_int_equal(stats.largest_free, 131072 - 32); /* the buddy's, with no mapping kept */
    assert_int_equal(give(heap, large), ASSAY_OK);
    close_heap(heap);
}

static void test_64_bytes_are_small_65_medium_and_128_KiB_large(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    assert_int_equal(kind_of(take(heap, 1)), MARK_SMALL);
    assert_int_equal(kind_of(take(heap, 64)), MARK_SMALL);
    assert_int_equal(kind_of(take(heap, 65)), MARK_MEDIUM);
    assert_int_equal(kind_of(take(heap, 131071)), MARK_MEDIUM);
    assert_int_equal(kind_of(take(heap, 131072)), MARK_LARGE);
    close_heap(heap);
}

static void test_the_mark_holds_96_or_a_power_of_two_or_the_size_and_32(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t size = 1; size <= 64; size++)
        assert_int_equal(bytes_of(take(heap, size)), 96);
    for (size_t size = 65; size < 131072; size = size * 9 / 8) {
        uint64_t bytes = bytes_of(take(heap, size));
        assert_true(assay_is_power_of_two(bytes) && bytes >= size + 32 && bytes >= 128);
        assert_true(bytes / 2 < size + 32 || bytes == 128);
    }
    for (size_t size = 131072; size < 10000000; size = size * 3 / 2 + 7)
        assert_int_equal(bytes_of(take(heap, size)), size + 32);
    close_heap(heap);
}

/* The hash, step by step. */
static uint64_t expected_magic(uintptr_t base, uint64_t kind)
{
    uint64_t product = (uint64_t)base * 6364136223846793005u;

    product %= 1442695040888963407u;
    return product - product % 4 + kind;
}

static void test_header_and_footer_are_at_both_ends_of_the_block(void **state)
{
    static const size_t sizes[] = {1, 13, 64, 65, 96, 97, 1000, 4096, 131071, 131072, 200001};
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *block = take(heap, sizes[i]), *base = block - 16;
        uint64_t bytes = word_at(base);
        uint64_t magic = expected_magic((uintptr_t)base, kind_of(block));
        assert_true(assay_is_aligned(block, 16));
        assert_true(word_at(base + 8) == magic);
        assert_true(word_at(base + bytes - 16) == magic);
        assert_true(word_at(base + bytes - 8) == bytes);
        assert_int_equal(give(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

/* --- the parts as seen from outside --- */

static void test_a_small_block_just_freed_is_given_again(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t size = 1; size <= 64; size++) {
        char *block = take(heap, size);
        assert_int_equal(give(heap, block), ASSAY_OK);
        assert_ptr_equal(take(heap, 65 - size), block);
    }
    close_heap(heap);
}

static void test_the_129th_small_block_maps_the_second_slab(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    take(heap, 1);
    uint64_t maps = meter.maps;
    for (int i = 1; i < 128; i++)
        take(heap, 1);
    assert_int_equal(meter.maps, maps);
    take(heap, 1);
    assert_int_equal(meter.maps, maps + 2); /* the slab and its tags */
    close_heap(heap);
}

static void test_the_first_slab_has_12288_bytes_and_each_next_twice_as_many(void **state)
{
    struct emalloc_heap *heap = open_heap();
    size_t chunks = 12288 / 96;

    (void)state;
    assert_int_equal(chunks, 128);
    char *first = take(heap, 1);
    for (size_t in_slab = chunks; in_slab <= chunks << 4; in_slab *= 2) {
        for (size_t i = 1; i < in_slab; i++)
            assert_ptr_equal(take(heap, 1), first + i * 96);
        assert_int_equal(heap->small.chunks, 2 * in_slab - chunks);
        first = take(heap, 1);
    }
    close_heap(heap);
}

static void test_there_are_48_lists_of_free_blocks_from_128_bytes_on(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    assert_int_equal(sizeof heap->medium.free, 48 * sizeof(struct buddy_free *));
    assert_int_equal(assay_buddy_order(&heap->medium, 1), 7);
    assert_int_equal(assay_buddy_order(&heap->medium, 128), 7);
    assert_int_equal(assay_buddy_order(&heap->medium, 129), 8);
    close_heap(heap);
}

static size_t filled_orders(struct emalloc_heap *heap)
{
    assay_buddy_settle(&heap->medium);
    return (size_t)__builtin_popcountll(heap->medium.filled);
}

static void test_medium_blocks_split_and_merge_as_buddies(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    char *first = take(heap, 65536);
    assert_int_equal(give(heap, first), ASSAY_OK);
    assert_ptr_equal(take(heap, 65536), first);
    assert_int_equal(give(heap, first), ASSAY_OK);
    assert_int_equal(filled_orders(heap), 1);
    char *left = take(heap, 65), *right = take(heap, 65);
    assert_ptr_equal(left, first);
    assert_ptr_equal(right, left + 128);
    assert_int_equal(give(heap, left), ASSAY_OK);
    assert_int_equal(give(heap, right), ASSAY_OK);
    assert_ptr_equal(take(heap, 65536), first);
    close_heap(heap);
}

static void test_a_large_block_is_mapped_and_unmapped(void **state)
{
    struct emalloc_heap *heap = open_heap();
    size_t before = meter.mapped_bytes;

    (void)state;
    for (size_t size = EMALLOC_KEEP; size < EMALLOC_KEEP + 10000; size += 999) {
        char *block = take(heap, size);
        assert_int_equal(meter.mapped_bytes, before + assay_align_up(size + 32, 4096));
        assert_int_equal(give(heap, block), ASSAY_OK);
        assert_int_equal(meter.mapped_bytes, before);
    }
    close_heap(heap);
}

static void test_some_mappings_are_kept_and_cleared_for_the_next_blocks(void **state)
{
    struct emalloc_heap *heap = open_heap();
    size_t before = meter.mapped_bytes;
    char *block[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        memset(block[i] = take(heap, 400000), 1, 400000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(give(heap, block[i]), ASSAY_OK);
    assert_true(meter.mapped_bytes <= before + EMALLOC_KEEP);
    assert_sound(heap);
    uint64_t maps = meter.maps;
    char *zeroed = emalloc_heap_alloc(heap, 16, 390000, true);
    assert_ptr_equal(zeroed, block[12]);
    assert_int_equal(meter.maps, maps);
    for (size_t i = 0; i < 390000; i++)
        assert_int_equal(zeroed[i], 0);
    assert_int_equal(give(heap, block[13]), ASSAY_INVALID);
    take(heap, 150000); /* not from one so much larger */
    assert_int_equal(meter.maps, maps + 1);
    assert_sound(heap);
    close_heap(heap);
}

/* --- what is no block --- */

static void test_what_is_no_block_is_invalid(void **state)
{
    static const size_t sizes[] = {1, 64, 65, 2000, 131072};
    struct emalloc_heap *heap = open_heap();
    int local = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char *block = take(heap, sizes[i]);
        for (long at = -200; at < 200; at++)
            if (at != 0)
                assert_int_equal(give(heap, block + at), ASSAY_INVALID);
        assert_int_equal(give(heap, block), ASSAY_OK);
        assert_int_equal(give(heap, block), ASSAY_INVALID);
    }
    assert_int_equal(give(heap, &local), ASSAY_INVALID);
    assert_int_equal(give(heap, (void *)16), ASSAY_INVALID);
    assert_int_equal(give(heap, (void *)8), ASSAY_INVALID);
    assert_int_equal(give(heap, (void *)UINTPTR_MAX), ASSAY_INVALID);
    assert_int_equal(give(heap, heap), ASSAY_INVALID);
    assert_sound(heap);
    close_heap(heap);
}

/* --- beyond the seed --- */

static void test_resizing_keeps_content_and_place_where_it_can(void **state)
{
    static const size_t sizes[] = {10,     64,     65,     90,     1000, 5000,
                                   131071, 131072, 400000, 131073, 70,   3};
    struct emalloc_heap *heap = open_heap();
    struct emalloc_fault why;
    char *block = take(heap, 3);
    void *resized;

    (void)state;
    memcpy(block, "abc", 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(emalloc_heap_resize(heap, block, sizes[i], &resized, &why), ASSAY_OK);
        block = resized;
        assert_memory_equal(block, "abc", 3);
        assert_int_equal(emalloc_heap_size(heap, block), sizes[i]);
        assert_sound(heap);
    }
    block = take(heap, 1000);
    assert_int_equal(emalloc_heap_resize(heap, block, 100, &resized, &why), ASSAY_OK);
    assert_ptr_equal(resized, block);
    assert_int_equal(emalloc_heap_resize(heap, block, 1000, &resized, &why), ASSAY_OK);
    assert_ptr_equal(resized, block);
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_0_bytes_are_null),
        cmocka_unit_test(test_64_bytes_are_small_65_medium_and_128_KiB_large),
        cmocka_unit_test(test_the_mark_holds_96_or_a_power_of_two_or_the_size_and_32),
        cmocka_unit_test(test_header_and_footer_are_at_both_ends_of_the_block),
        cmocka_unit_test(test_a_small_block_just_freed_is_given_again),
        cmocka_unit_test(test_the_129th_small_block_maps_the_second_slab),
        cmocka_unit_test(test_the_first_slab_has_12288_bytes_and_each_next_twice_as_many),
        cmocka_unit_test(test_there_are_48_lists_of_free_blocks_from_128_bytes_on),
        cmocka_unit_test(test_medium_blocks_split_and_merge_as_buddies),
        cmocka_unit_test(test_a_large_block_is_mapped_and_unmapped),
        cmocka_unit_test(test_some_mappings_are_kept_and_cleared_for_the_next_blocks),
        cmocka_unit_test(test_what_is_no_block_is_invalid),
        cmocka_unit_test(test_resizing_keeps_content_and_place_where_it_can),
        cmocka_unit_test(test_the_largest_that_fits_is_that_of_all_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
