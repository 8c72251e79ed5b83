/* test_arena.c - the functions of vma.h on addresses and sizes that make no sense: answered, and nothing changes. */
#include "vma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t numbers[] = {0,
                                   1,
                                   99,
                                   101,
                                   149,
                                   150,
                                   999,
                                   1000,
                                   UINT32_MAX,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   UINT64_MAX - 1,
                                   UINT64_MAX / 2 + 1,
                                   (uint64_t)-1000};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static void assert_same(const struct vma_arena *arena, const struct vma_totals *before)
{
    struct vma_totals now;

    vma_totals(arena, &now);
    assert_int_equal(now.size, before->size);
    assert_int_equal(now.allocated, before->allocated);
    assert_int_equal(now.blocks, before->blocks);
    assert_int_equal(now.miniblocks, before->miniblocks);
    assert_null(vma_damage(arena));
}

/* `number` begins no miniblock; whether it lies in one is told. */
static void assert_no_start(struct vma_arena *arena, uint64_t number, bool inside)
{
    uint64_t count = 0, granted = 0;

    assert_int_equal(vma_free(arena, number), VMA_BAD_ADDRESS);
    assert_int_equal(vma_protect(arena, number, VMA_READ), VMA_BAD_ADDRESS);
    assert_null(vma_pin(arena, number));
    assert_int_equal(vma_span(arena, number, UINT64_MAX, VMA_READ, &count, &granted),
                     inside ? VMA_OK : VMA_BAD_ADDRESS);
    assert_int_equal(vma_span(arena, number, 0, 0, &count, NULL),
                     inside ? VMA_OK : VMA_BAD_ADDRESS);
}

static void test_addresses_where_nothing_begins_are_answered(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    struct vma_totals totals;

    (void)state;
    for (int live = 0; live < 2; live++) {
        vma_totals(arena, &totals);
        for (size_t i = 0; i < NUMBERS; i++)
            assert_no_start(arena, numbers[i], live && numbers[i] > 100 && numbers[i] < 150);
        assert_same(arena, &totals);
        assert_int_equal(vma_alloc(arena, 100, 50), live ? VMA_OVERLAP : VMA_OK);
    }
    vma_close(arena);
}

static void test_ranges_that_make_no_sense_are_refused_in_the_documented_order(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    struct vma_totals totals;
    uint64_t address;

    (void)state;
    assert_int_equal(vma_alloc(arena, 100, 50), VMA_OK);
    vma_totals(arena, &totals);
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t at = numbers[i];
        assert_int_equal(vma_alloc(arena, at, 0), VMA_INVALID);
        assert_int_equal(vma_alloc(arena, at, UINT64_MAX), at < 1000 ? VMA_PAST_END : VMA_OUTSIDE);
        assert_int_equal(vma_alloc(arena, at, 1001), at < 1000 ? VMA_PAST_END : VMA_OUTSIDE);
    }
    assert_false(vma_find_gap(arena, UINT64_MAX, 1, &address));
    assert_false(vma_find_gap(arena, 1, (uint64_t)1 << 63, &address) && address != 0);
    assert_same(arena, &totals);
    vma_close(arena);
}

static void test_there_is_nothing_behind_the_last(void **state)
{
    struct vma_arena *arena = vma_open(UINT64_MAX);
    struct vma_miniblock miniblock;
    struct vma_block block;
    struct vma_piece piece;

    (void)state;
    assert_int_equal(vma_alloc(arena, UINT64_MAX - 1, 1), VMA_OK);
    assert_true(vma_next_miniblock(arena, 0, &miniblock) && miniblock.end == UINT64_MAX);
    assert_false(vma_next_miniblock(arena, UINT64_MAX, &miniblock));
    assert_false(vma_next_block(arena, UINT64_MAX, &block));
    assert_false(vma_next_piece(arena, 0, UINT64_MAX, &piece));
    assert_false(vma_next_piece(arena, UINT64_MAX, 0, &piece));
    vma_close(arena);
}

static void test_an_arena_of_nothing_and_no_arena_can_be_closed(void **state)
{
    struct vma_arena *arena = vma_open(0);

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, 1), VMA_OUTSIDE);
    assert_int_equal(vma_free(arena, 0), VMA_BAD_ADDRESS);
    vma_close(arena);
    vma_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_where_nothing_begins_are_answered),
        cmocka_unit_test(test_ranges_that_make_no_sense_are_refused_in_the_documented_order),
        cmocka_unit_test(test_there_is_nothing_behind_the_last),
        cmocka_unit_test(test_an_arena_of_nothing_and_no_arena_can_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
