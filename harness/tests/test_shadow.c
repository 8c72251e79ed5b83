/* test_shadow - each promise about live blocks is seen to be broken when it is, and only then. */
#include "assay/pattern.h"
#include "assay/shadow.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARENA 65536

static unsigned char arena[ARENA] __attribute__((aligned(4096)));

static int open_shadow(void **state)
{
    memset(arena, 0, sizeof arena);
    *state = assay_shadow_open(0);
    return *state ? 0 : -1;
}

static int close_shadow(void **state)
{
    assay_shadow_close(*state);
    return 0;
}

static struct assay_block block_at(uint32_t slot, size_t offset, size_t size, size_t usable)
{
    return (struct assay_block){.op = (uint64_t)slot * 10,
                                .slot = slot,
                                .size = size,
                                .usable = usable,
                                .start = arena + offset};
}

static bool add(struct assay_shadow *shadow, struct assay_block block, size_t align, bool zeroed,
                struct assay_finding *finding)
{
    return assay_shadow_add(shadow, block.slot, &block, (void *)(uintptr_t)block.start, align,
                            zeroed, finding);
}

static void test_blocks_that_keep_apart_are_fine(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    assert_true(add(shadow, block_at(0, 0, 64, 64), 16, false, &finding));
    assert_true(add(shadow, block_at(1, 64, 60, 64), 16, false, &finding));
    assert_true(add(shadow, block_at(2, 4096, 0, 0), 16, false, &finding));
    assert_int_equal(assay_shadow_count(shadow), 3);
    assert_int_equal(assay_shadow_bytes(shadow), 124);
    assert_int_equal(assay_shadow_usable_bytes(shadow), 128);
    for (uint32_t slot = 0; slot < 3; slot++)
        assert_true(assay_shadow_remove(shadow, slot, &finding));
    assert_int_equal(assay_shadow_count(shadow), 0);
    assert_int_equal(assay_shadow_bytes(shadow), 0);
    assert_int_equal(assay_shadow_peak_bytes(shadow), 124);
}

static void test_an_overlap_names_both_blocks_and_the_bytes(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    assert_true(add(shadow, block_at(1, 0, 64, 80), 16, false, &finding));
    assert_false(add(shadow, block_at(2, 64, 64, 64), 16, false, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_OVERLAP);
    assert_true(finding.has_block && finding.has_other);
    assert_int_equal(finding.block.slot, 2);
    assert_int_equal(finding.other.slot, 1);
    assert_string_equal(finding.what, "block of 64 bytes overlaps that of op 10 by 16 bytes");
    assert_int_equal(assay_shadow_count(shadow), 1);
}

static void test_two_empty_blocks_must_not_share_an_address(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    assert_true(add(shadow, block_at(1, 64, 0, 0), 16, false, &finding));
    assert_false(add(shadow, block_at(2, 64, 0, 0), 16, false, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_OVERLAP);
}

static void test_a_misaligned_block_is_found(void **state)
{
    struct assay_finding finding = {0};

    assert_false(add(*state, block_at(0, 16, 64, 64), 32, false, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_ALIGNMENT);
}

static void test_a_block_that_wraps_around_memory_is_found(void **state)
{
    struct assay_finding finding = {0};

    assert_false(add(*state, block_at(0, 16, 64, SIZE_MAX - 16), 16, false, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_REGION);
}

static void test_a_zeroed_block_with_one_dirty_byte_is_found(void **state)
{
    struct assay_finding finding = {0};

    arena[99] = 1;
    assert_true(add(*state, block_at(0, 0, 99, 112), 16, true, &finding));
    assert_true(assay_shadow_remove(*state, 0, &finding));
    memset(arena, 0, 99);
    assert_false(add(*state, block_at(0, 0, 100, 112), 16, true, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_ZEROING);
    assert_int_equal(assay_shadow_count(*state), 0);
}

/* Any single bit of any byte, for sizes around every special case of the pattern. */
static void test_every_changed_bit_of_a_block_is_found(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    for (size_t size = 1; size < 70; size++) {
        assert_true(add(shadow, block_at(3, 128, size, size), 1, false, &finding));
        for (size_t bit = 0; bit < 8 * size; bit++) {
            arena[128 + bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_false(assay_shadow_verify(shadow, 3, &finding));
            assert_int_equal(finding.check, ASSAY_CHECK_CONTENT);
            arena[128 + bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_true(assay_shadow_remove(shadow, 3, &finding));
    }
}

static void test_content_is_written_within_the_block_and_no_further(void **state)
{
    struct assay_finding finding = {0};

    for (size_t size = 0; size < 100; size++) {
        memset(arena, 0xee, 512);
        assert_true(add(*state, block_at(1, 128, size, size), 16, false, &finding));
        assert_int_equal(arena[127], 0xee);
        assert_int_equal(arena[128 + size], 0xee);
        assert_true(assay_shadow_remove(*state, 1, &finding));
    }
}

static void test_a_block_that_holds_the_content_of_another_is_found(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    assert_true(add(shadow, block_at(1, 0, 64, 64), 16, false, &finding));
    assert_true(add(shadow, block_at(2, 64, 64, 64), 16, false, &finding));
    memcpy(arena, arena + 64, 64);
    assert_false(assay_shadow_verify_all(shadow, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_CONTENT);
    assert_int_equal(finding.block.slot, 1);
}

static void test_stale_content_of_the_same_slot_is_found(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};
    unsigned char stale[64];

    assert_true(add(shadow, block_at(1, 0, 64, 64), 16, false, &finding));
    memcpy(stale, arena, sizeof stale);
    assert_true(assay_shadow_touch(shadow, 1, &finding));
    memcpy(arena, stale, sizeof stale);
    assert_false(assay_shadow_remove(shadow, 1, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_CONTENT);
}

static void test_realloc_must_keep_what_both_requests_cover(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};

    for (size_t size = 1; size < 80; size++) {
        for (size_t next = 1; next < 80; next++) {
            struct assay_block block = block_at(1, 1024, next, next);
            size_t kept = size < next ? size : next;
            assert_true(add(shadow, block_at(1, 0, size, size + 5), 1, false, &finding));
            memset(arena + 1024, 0, 128);
            memcpy(arena + 1024, arena, kept);
            assert_true(assay_shadow_moved(shadow, 1, &block, arena + 1024, 1, &finding));
            assert_int_equal(assay_shadow_bytes(shadow), next);
            assert_true(assay_shadow_remove(shadow, 1, &finding));

            assert_true(add(shadow, block_at(1, 0, size, size + 5), 1, false, &finding));
            memcpy(arena + 1024, arena, kept);
            arena[1024 + kept - 1] ^= 1;
            assert_false(assay_shadow_moved(shadow, 1, &block, arena + 1024, 1, &finding));
            assert_int_equal(finding.check, ASSAY_CHECK_PREFIX);
            assay_shadow_clear(shadow);
        }
    }
}

static void test_a_block_may_grow_over_its_own_old_place_but_no_other(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};
    struct assay_block grown = block_at(1, 0, 128, 128);

    assert_true(add(shadow, block_at(1, 0, 64, 64), 16, false, &finding));
    assert_true(assay_shadow_moved(shadow, 1, &grown, arena, 16, &finding));
    assert_true(add(shadow, block_at(2, 128, 64, 64), 16, false, &finding));
    grown.size = grown.usable = 160;
    assert_false(assay_shadow_moved(shadow, 1, &grown, arena, 16, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_OVERLAP);
}

static void test_a_refused_realloc_that_changes_the_block_is_found(void **state)
{
    struct assay_finding finding = {0};

    assert_true(add(*state, block_at(1, 0, 64, 64), 16, false, &finding));
    assert_true(assay_shadow_kept(*state, 1, &finding));
    arena[63]++;
    assert_false(assay_shadow_kept(*state, 1, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_ROLLBACK);
}

static void test_of_a_very_large_block_both_ends_are_checked(void **state)
{
    struct assay_shadow *shadow = assay_shadow_open(256);
    struct assay_finding finding = {0};

    (void)state;
    memset(arena, 0, sizeof arena);
    assert_true(add(shadow, block_at(1, 0, 4096, 4096), 16, true, &finding));
    assert_int_equal(arena[2000], 0);
    arena[4095]++;
    assert_false(assay_shadow_verify(shadow, 1, &finding));
    arena[4095]--;
    arena[127]++;
    assert_false(assay_shadow_verify(shadow, 1, &finding));
    arena[127]--;
    struct assay_block block = block_at(1, 8192, 8192, 8192);
    memcpy(arena + 8192, arena, 4096);
    assert_true(assay_shadow_moved(shadow, 1, &block, arena + 8192, 16, &finding));
    block.size = block.usable = 8100;
    arena[8192 + 8099]++;
    assert_false(assay_shadow_moved(shadow, 1, &block, arena + 8192, 16, &finding));
    assert_int_equal(finding.check, ASSAY_CHECK_PREFIX);
    assay_shadow_close(shadow);
}

static void test_clearing_forgets_everything(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};
    struct assay_block block;

    assert_true(add(shadow, block_at(ASSAY_SLOTS - 1, 0, 64, 64), 16, false, &finding));
    assay_shadow_clear(shadow);
    assert_int_equal(assay_shadow_count(shadow), 0);
    assert_int_equal(assay_shadow_peak_bytes(shadow), 0);
    assert_null(assay_shadow_slot(shadow, ASSAY_SLOTS - 1)->handle);
    assert_false(assay_shadow_next(shadow, NULL, &block));
}

static void test_blocks_are_found_by_address_and_visited_in_order(void **state)
{
    struct assay_shadow *shadow = *state;
    struct assay_finding finding = {0};
    struct assay_block block;

    assert_true(add(shadow, block_at(1, 512, 64, 64), 16, false, &finding));
    assert_true(add(shadow, block_at(2, 128, 64, 64), 16, false, &finding));
    assert_true(assay_shadow_find(shadow, arena + 512 + 63, &block));
    assert_int_equal(block.slot, 1);
    assert_false(assay_shadow_find(shadow, arena + 512 + 64, &block));
    assert_true(assay_shadow_next(shadow, NULL, &block));
    assert_int_equal(block.slot, 2);
    assert_true(assay_shadow_next(shadow, arena + 129, &block));
    assert_int_equal(block.slot, 1);
    assert_false(assay_shadow_next(shadow, arena + 513, &block));
}

static void test_pattern_takes_both_values_in_every_bit(void **state)
{
    uint64_t words[64], ones = 0, zeros = 0;

    (void)state;
    assay_pattern_write((unsigned char *)words, sizeof words, assay_pattern_seed(0, 1));
    for (int i = 0; i < 16; i += 2) { /* where headers sit: at multiples of 16 */
        ones |= words[i];
        zeros |= ~words[i];
    }
    for (uint32_t slot = 0; slot < 64; slot++) {
        ones |= assay_pattern_seed(slot, 1);
        zeros |= ~assay_pattern_seed(slot, 1);
    }
    assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
}

#define SHADOW_TEST(test) cmocka_unit_test_setup_teardown(test, open_shadow, close_shadow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHADOW_TEST(test_blocks_that_keep_apart_are_fine),
        SHADOW_TEST(test_an_overlap_names_both_blocks_and_the_bytes),
        SHADOW_TEST(test_two_empty_blocks_must_not_share_an_address),
        SHADOW_TEST(test_a_misaligned_block_is_found),
        SHADOW_TEST(test_a_block_that_wraps_around_memory_is_found),
        SHADOW_TEST(test_a_zeroed_block_with_one_dirty_byte_is_found),
        SHADOW_TEST(test_every_changed_bit_of_a_block_is_found),
        SHADOW_TEST(test_content_is_written_within_the_block_and_no_further),
        SHADOW_TEST(test_a_block_that_holds_the_content_of_another_is_found),
        SHADOW_TEST(test_stale_content_of_the_same_slot_is_found),
        SHADOW_TEST(test_realloc_must_keep_what_both_requests_cover),
        SHADOW_TEST(test_a_block_may_grow_over_its_own_old_place_but_no_other),
        SHADOW_TEST(test_a_refused_realloc_that_changes_the_block_is_found),
        SHADOW_TEST(test_of_a_very_large_block_both_ends_are_checked),
        SHADOW_TEST(test_clearing_forgets_everything),
        SHADOW_TEST(test_blocks_are_found_by_address_and_visited_in_order),
        cmocka_unit_test(test_pattern_takes_both_values_in_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
