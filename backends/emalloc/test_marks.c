/* test_marks.c - that each byte of a mark counts, and what becomes of a block whose mark is damaged. */
#include "test_heap.h"

static void assert_reported(struct emalloc_heap *heap, char *block, enum mark_fault expected)
{
    struct assay_damage damage = {0};
    struct emalloc_fault why;

    assert_int_equal(emalloc_heap_check(heap, &damage), ASSAY_CORRUPT);
    assert_ptr_equal(damage.where, block);
    assert_int_equal(emalloc_heap_free(heap, block, &why), ASSAY_CORRUPT);
    assert_int_equal(why.fault, expected);
}

static void assert_bits_found(struct emalloc_heap *heap, char *block, long at, int bits,
                              enum mark_fault expected)
{
    block[at] = (char)(block[at] ^ bits);
    assert_reported(heap, block, expected);
    block[at] = (char)(block[at] ^ bits);
    assert_sound(heap);
}

static void assert_found(struct emalloc_heap *heap, char *block, long at, enum mark_fault expected)
{
    assert_bits_found(heap, block, at, 1, expected);
}

static void test_one_byte_past_the_request_is_found_by_check_and_by_free(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t size = 1; size < 300000; size = size < 300 ? size + 1 : size * 7 / 5) {
        char *block = take(heap, size);
        bool slack = bytes_of(block) > size + 32;
        assert_found(heap, block, (long)size, slack ? MARK_SLACK : MARK_FOOTER);
        assert_int_equal(give(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

static void test_each_of_the_first_32_bytes_of_slack_counts(void **state)
{
    static const size_t full[] = {64, 224}; /* requests that leave no slack */
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t slack = 1; slack <= 40; slack++) {
            size_t size = full[i] - slack, looked_at = slack < 32 ? slack : 32;
            char *block = take(heap, size);
            assert_int_equal(bytes_of(block), full[i] + 32);
            for (size_t at = 0; at < looked_at; at++)
                assert_found(heap, block, (long)(size + at), MARK_SLACK);
            assert_found(heap, block, (long)full[i], MARK_FOOTER);
            assert_int_equal(give(heap, block), ASSAY_OK);
        }
    }
    close_heap(heap);
}

static void test_a_terminator_past_the_request_is_found_unless_the_block_is_full(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t size = 1; size < 1000; size++) {
        char *block = take(heap, size), saved = block[size];
        if (bytes_of(block) == size + 32)
            continue;
        block[size] = 0;
        assert_int_equal(give(heap, block), ASSAY_CORRUPT);
        block[size] = saved;
        assert_int_equal(give(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

static void test_every_bit_of_a_mark_counts(void **state)
{
    static const size_t sizes[] = {20, 100, 131072};
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *block = take(heap, sizes[i]);
        long end = (long)bytes_of(block) - 32;
        for (long bit = 0; bit < 128; bit++) {
            assert_bits_found(heap, block, bit / 8 - 16, 1 << bit % 8, MARK_HEADER);
            assert_bits_found(heap, block, end + bit / 8, 1 << bit % 8, MARK_FOOTER);
        }
    }
    close_heap(heap);
}

/* Writes word over one of a mark, wants it reported, and puts back what was there. */
static void assert_word_found(struct emalloc_heap *heap, char *block, char *at, uint64_t word,
                              enum mark_fault expected)
{
    uint64_t before = word_at(at);

    memcpy(at, &word, sizeof word);
    assert_reported(heap, block, expected);
    memcpy(at, &before, sizeof before);
}

static void test_kind_3_and_the_kind_of_another_part_are_never_valid(void **state)
{
    static const size_t sizes[] = {20, 100, 131072};
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *block = take(heap, sizes[i]), *footer = block + bytes_of(block) - 32;
        uint64_t hash = word_at(block - 8) & ~(uint64_t)3;
        for (uint64_t kind = 0; kind <= 3; kind++) {
            if (kind == i)
                continue;
            assert_word_found(heap, block, block - 8, hash | kind, MARK_HEADER);
            assert_word_found(heap, block, footer, hash | kind, MARK_FOOTER);
        }
    }
    close_heap(heap);
}

static void test_a_size_in_a_mark_is_compared_and_never_followed(void **state)
{
    static const size_t sizes[] = {20, 100, 131072};
    static const uint64_t wrong[] = {0,         1,         16, 32, 95, 224, (uint64_t)1 << 40,
                                     INT64_MAX, UINT64_MAX};
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *block = take(heap, sizes[i]), *footer = block + bytes_of(block) - 24;
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            assert_word_found(heap, block, block - 16, wrong[k], MARK_HEADER);
            assert_word_found(heap, block, footer, wrong[k], MARK_FOOTER);
        }
        assert_int_equal(give(heap, block), ASSAY_OK);
    }
    close_heap(heap);
}

static void test_a_damaged_block_is_not_resized(void **state)
{
    struct emalloc_heap *heap = open_heap();
    struct emalloc_fault why;
    char *block = take(heap, 100);
    void *resized;

    (void)state;
    block[100] ^= 1;
    assert_int_equal(emalloc_heap_resize(heap, block, 50, &resized, &why), ASSAY_CORRUPT);
    assert_null(resized);
    block[100] ^= 1;
    assert_int_equal(emalloc_heap_resize(heap, block, 50, &resized, &why), ASSAY_OK);
    assert_ptr_equal(resized, block);
    close_heap(heap);
}

static void test_aligned_blocks_have_marks_too(void **state)
{
    struct emalloc_heap *heap = open_heap();

    (void)state;
    for (size_t align = 1; align <= (size_t)1 << 20; align *= 2)
        for (size_t size = 1; size < 300000; size = size * 5 + 3) {
            char *block = emalloc_heap_alloc(heap, align, size, false);
            assert_true(assay_is_aligned(block, align));
            bool slack = bytes_of(block) > size + 32;
            assert_found(heap, block, (long)size, slack ? MARK_SLACK : MARK_FOOTER);
            assert_int_equal(give(heap, block), ASSAY_OK);
            assert_int_equal(give(heap, block), ASSAY_INVALID);
        }
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_byte_past_the_request_is_found_by_check_and_by_free),
        cmocka_unit_test(test_each_of_the_first_32_bytes_of_slack_counts),
        cmocka_unit_test(test_a_terminator_past_the_request_is_found_unless_the_block_is_full),
        cmocka_unit_test(test_every_bit_of_a_mark_counts),
        cmocka_unit_test(test_kind_3_and_the_kind_of_another_part_are_never_valid),
        cmocka_unit_test(test_a_size_in_a_mark_is_compared_and_never_followed),
        cmocka_unit_test(test_a_damaged_block_is_not_resized),
        cmocka_unit_test(test_aligned_blocks_have_marks_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
