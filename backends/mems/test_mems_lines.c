/* test_mems_lines.c - what lines say of addresses, when they do not know, and that mems_place() does not depend on it. */
#include "mems/instance.h"

#include "assay/os_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FIRST 1000
#define SPAN ((uint64_t)MEMS_LINE_SPAN)

/* Whether table 1 is refused; it is the one thing that maps so many bytes. */
static bool refuses_tables;

static void *map(void *ctx, size_t bytes, size_t align)
{
    const struct assay_page_source *os = assay_os_pages();

    (void)ctx;
    return refuses_tables && bytes == mems_table_lines(1) * sizeof(struct mems_line)
               ? NULL
               : os->map(os->ctx, bytes, align);
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    const struct assay_page_source *os = assay_os_pages();

    (void)ctx;
    os->unmap(os->ctx, start, bytes);
}

static struct assay_page_source pages = {.map = map, .unmap = unmap, .page_size = 4096};

static struct mems *open_system(size_t page_size)
{
    struct mems *mems = mems_open(&(struct mems_setup){.pages = &pages,
                                                       .page_size = page_size,
                                                       .limit = SIZE_MAX,
                                                       .first = FIRST,
                                                       .span = INT64_MAX});
    assert_non_null(mems);
    return mems;
}

static void close_system(struct mems *mems)
{
    struct assay_damage damage = {0};

    if (mems_check(mems, &damage) != ASSAY_OK)
        fail_msg("%s", damage.what);
    mems_close(mems);
}

static enum mems_line_answer ask(const struct mems *mems, uint64_t address)
{
    uint64_t place;

    return mems_lines_ask(&mems->lines, address, &place);
}

static void test_a_line_knows_each_address_behind_the_first_segment_that_begins_in_it(void **state)
{
    struct mems *mems = open_system(4096);

    (void)state;
    assert_int_equal(mems_take(mems, 400), FIRST);
    assert_int_equal(mems_take(mems, 100), FIRST + 400);
    assert_int_equal(mems_release(mems, FIRST), ASSAY_OK);
    for (uint64_t i = 0; i < SPAN; i++)
        assert_int_equal(ask(mems, FIRST + i),
                         i >= 400 && i < 500 ? MEMS_LINE_PROCESS : MEMS_LINE_HOLE);
    assert_int_equal(ask(mems, FIRST - 1), MEMS_LINE_UNKNOWN);
    assert_int_equal(ask(mems, FIRST + SPAN), MEMS_LINE_UNKNOWN);
    assert_int_equal(ask(mems, 0), MEMS_LINE_UNKNOWN);
    assert_int_equal(ask(mems, UINT64_MAX), MEMS_LINE_UNKNOWN);
    close_system(mems);
}

static void test_in_the_midst_of_a_large_segment_the_tree_answers(void **state)
{
    struct mems *mems = open_system(4096);
    uint64_t bytes = 5 * SPAN + 10;

    (void)state;
    assert_int_equal(mems_take(mems, bytes), FIRST);
    char *start = mems_place(mems, FIRST);
    assert_int_equal(ask(mems, FIRST + SPAN - 1), MEMS_LINE_PROCESS);
    assert_int_equal(ask(mems, FIRST + SPAN), MEMS_LINE_UNKNOWN);
    for (uint64_t i = 0; i < 6 * SPAN; i++)
        assert_ptr_equal(mems_place(mems, FIRST + i), i < bytes ? start + i : NULL);
    close_system(mems);
}

static void test_a_line_of_too_many_segments_knows_nothing_until_few_are_left(void **state)
{
    const uint64_t many = 100;
    struct mems *mems = open_system(4096);

    (void)state;
    for (uint64_t i = 0; i < many; i++)
        assert_int_equal(mems_take(mems, 10), FIRST + i * 10);
    char *start = mems_place(mems, FIRST);
    assert_int_equal(ask(mems, FIRST), MEMS_LINE_UNKNOWN);
    for (uint64_t i = 0; i < many * 10; i++)
        assert_ptr_equal(mems_place(mems, FIRST + i), start + i);
    for (uint64_t i = many; i-- > 1;) {
        assert_int_equal(mems_release(mems, FIRST + i * 10), ASSAY_OK);
        assert_ptr_equal(mems_place(mems, FIRST), start);
        assert_null(mems_place(mems, FIRST + i * 10));
    }
    assert_int_equal(ask(mems, FIRST), MEMS_LINE_PROCESS);
    assert_int_equal(ask(mems, FIRST + 10), MEMS_LINE_HOLE);
    close_system(mems);
}

static void test_pages_that_lines_do_not_fit_have_none(void **state)
{
    struct mems *mems = open_system(1000);

    (void)state;
    assert_int_equal(mems_take(mems, 400), FIRST);
    assert_int_equal(ask(mems, FIRST), MEMS_LINE_UNKNOWN);
    assert_non_null(mems_place(mems, FIRST + 399));
    assert_null(mems_place(mems, FIRST + 400));
    close_system(mems);
}

static void test_a_table_that_was_refused_is_missed_by_nobody(void **state)
{
    enum { MANY = 300 }; /* in tables 0, 1, 2 and 3 */
    struct mems *mems = open_system(4096);

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        refuses_tables = mems->lines.tables == 1;
        assert_int_equal(mems_take(mems, 2 * SPAN), FIRST + i * 2 * SPAN);
    }
    refuses_tables = false;
    assert_null(mems->lines.table[1]);
    assert_non_null(mems->lines.table[2]);
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t address = FIRST + i * 2 * SPAN;
        bool lies_in_table_1 = i >= 32 && i < 64;
        assert_int_equal(ask(mems, address),
                         lies_in_table_1 ? MEMS_LINE_UNKNOWN : MEMS_LINE_PROCESS);
        assert_non_null(mems_place(mems, address));
        if (i % 2)
            assert_int_equal(mems_release(mems, address), ASSAY_OK);
        assert_int_equal(mems_place(mems, address) != NULL, i % 2 == 0);
    }
    close_system(mems);
}

static void test_a_line_that_says_something_else_than_the_tree_is_found(void **state)
{
    struct mems *mems = open_system(4096);
    struct assay_damage damage;

    (void)state;
    assert_int_equal(mems_take(mems, 400), FIRST);
    assert_int_equal(mems_take(mems, 100), FIRST + 400);
    struct mems_line *line = mems->lines.table[0];
    for (int i = 0; i < 2; i++) {
        line->mark[i] ^= 1; /* a HOLE for a PROCESS */
        assert_int_equal(mems_check(mems, &damage), ASSAY_CORRUPT);
        line->mark[i] ^= 1;
        line->mark[i] += 2; /* elsewhere */
        assert_int_equal(mems_check(mems, &damage), ASSAY_CORRUPT);
        line->mark[i] -= 2;
    }
    line->shift++;
    assert_int_equal(mems_check(mems, &damage), ASSAY_CORRUPT);
    line->shift--;
    line->count++;
    assert_int_equal(mems_check(mems, &damage), ASSAY_CORRUPT);
    line->count--;
    close_system(mems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_knows_each_address_behind_the_first_segment_that_begins_in_it),
        cmocka_unit_test(test_in_the_midst_of_a_large_segment_the_tree_answers),
        cmocka_unit_test(test_a_line_of_too_many_segments_knows_nothing_until_few_are_left),
        cmocka_unit_test(test_pages_that_lines_do_not_fit_have_none),
        cmocka_unit_test(test_a_table_that_was_refused_is_missed_by_nobody),
        cmocka_unit_test(test_a_line_that_says_something_else_than_the_tree_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
