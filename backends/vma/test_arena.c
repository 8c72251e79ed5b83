/* test_arena.c - the functions of vma.h on addresses and sizes that make no sense: answered, and nothing changes. */
#include "vma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void test_what_was_freed_is_freed_once(void **state)
{
    struct vma_arena *arena = vma_open(1 << 20);
    struct vma_totals totals;

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, 100), VMA_OK);
    for (uint64_t size = 10; size < 100000; size *= 10) { /* in one piece, and in several */
        assert_int_equal(vma_alloc(arena, 500, size), VMA_OK);
        assert_int_equal(vma_write(arena, 500, "abc", 3), VMA_OK);
        assert_non_null(vma_pin(arena, 500));
        assert_int_equal(vma_free(arena, 500), VMA_OK);
        vma_totals(arena, &totals);
        assert_no_start(arena, 500, false);
        assert_int_equal(vma_write(arena, 500, "abc", 3), VMA_BAD_ADDRESS);
        assert_same(arena, &totals);
        assert_int_equal(totals.content_bytes, 0);
    }
    vma_close(arena);
}

static void test_a_permission_is_three_bits_whatever_is_said(void **state)
{
    static const struct {
        unsigned said, meant;
    } permissions[] = {{0, 0},       {UINT_MAX, 7},       {(unsigned)INT_MIN, 0}, {INT_MAX, 7},
                       {8, 0},       {256 | VMA_READ, 4}, {(unsigned)-3, 5},      {0xf8, 0},
                       {VMA_EXEC, 1}};
    struct vma_arena *arena = vma_open(1000);
    struct vma_miniblock miniblock;
    uint64_t count, granted = 77;

    (void)state;
    assert_int_equal(vma_alloc(arena, 100, 50), VMA_OK);
    for (size_t i = 0; i < sizeof permissions / sizeof *permissions; i++) {
        assert_int_equal(vma_protect(arena, 100, permissions[i].said), VMA_OK);
        assert_true(vma_next_miniblock(arena, 0, &miniblock));
        assert_int_equal(miniblock.permission, permissions[i].meant);
        assert_int_equal(vma_span(arena, 120, 10, UINT_MAX, &count, &granted), VMA_DENIED);
        assert_int_equal(count, 10);
        assert_int_equal(granted, 0);
    }
    vma_close(arena);
}

static void test_a_write_ends_with_its_block(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    struct vma_piece piece;

    (void)state;
    assert_int_equal(vma_alloc(arena, 100, 4), VMA_OK);
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t at = numbers[i];
        bool inside = at == 101;
        assert_int_equal(vma_write(arena, at, NULL, 0), VMA_OK);
        assert_int_equal(vma_write(arena, at, "a", 1), inside ? VMA_OK : VMA_BAD_ADDRESS);
    }
    assert_int_equal(vma_write(arena, 102, "bcd", 3), VMA_BAD_ADDRESS);
    assert_int_equal(vma_write(arena, 99, "xyz", 3), VMA_BAD_ADDRESS);
    assert_true(vma_next_piece(arena, 0, UINT64_MAX, &piece));
    assert_int_equal(piece.size, 4);
    assert_memory_equal(piece.bytes, "\0abc", 4);
    vma_close(arena);
}

static void test_an_alignment_that_is_no_power_of_two_has_no_gap(void **state)
{
    static const uint64_t none[] = {0, 3, 6, 1000, UINT64_MAX, UINT64_MAX - 1, INT64_MAX};
    struct vma_arena *arena = vma_open(UINT64_MAX);
    uint64_t address;

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(vma_find_gap(arena, 1, none[i], &address));
    for (uint64_t align = 1; align; align *= 2)
        assert_true(vma_find_gap(arena, 1, align, &address) && address == 0);
    assert_false(vma_find_gap(arena, 0, 1, &address));
    vma_close(arena);
}

static void test_content_that_no_memory_holds_is_not_pinned(void **state)
{
    struct vma_arena *arena = vma_open(UINT64_MAX);
    struct vma_piece piece;

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, UINT64_MAX), VMA_OK);
    assert_int_equal(vma_write(arena, (uint64_t)1 << 63, "abc", 3), VMA_OK);
    assert_null(vma_pin(arena, 0));
    assert_true(vma_next_piece(arena, 0, UINT64_MAX, &piece));
    assert_memory_equal(piece.bytes + ((uint64_t)1 << 63) - piece.address, "abc", 3);
    vma_close(arena);
}

static void test_arenas_know_nothing_of_each_other_nor_a_child_of_its_parent(void **state)
{
    struct vma_arena *arena = vma_open(1000), *other = vma_open(1000);
    int status = 0;

    (void)state;
    assert_int_equal(vma_alloc(arena, 100, 50), VMA_OK);
    assert_no_start(other, 100, false);
    pid_t child = fork();
    if (child == 0) {
        bool right = vma_free(arena, 100) == VMA_OK;
        right = right && vma_free(arena, 100) == VMA_BAD_ADDRESS;
        right = right && vma_alloc(arena, 0, 1000) == VMA_OK && !vma_damage(arena);
        vma_close(arena);
        vma_close(other);
        _exit(right ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    assert_int_equal(vma_alloc(arena, 0, 1000), VMA_OVERLAP);
    assert_int_equal(vma_free(arena, 100), VMA_OK);
    vma_close(arena);
    vma_close(other);
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
        cmocka_unit_test(test_what_was_freed_is_freed_once),
        cmocka_unit_test(test_a_permission_is_three_bits_whatever_is_said),
        cmocka_unit_test(test_a_write_ends_with_its_block),
        cmocka_unit_test(test_an_alignment_that_is_no_power_of_two_has_no_gap),
        cmocka_unit_test(test_content_that_no_memory_holds_is_not_pinned),
        cmocka_unit_test(test_arenas_know_nothing_of_each_other_nor_a_child_of_its_parent),
        cmocka_unit_test(test_an_arena_of_nothing_and_no_arena_can_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
