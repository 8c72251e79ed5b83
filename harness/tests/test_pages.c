/* test_pages - each page source keeps its rules: the system's, the meter, the recycler. */
#include "assay/pages.h"

#include "assay/os_pages.h"
#include "assay/sizes.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define PAGE ((size_t)4096)

static bool is_zero(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* --- os --- */

static void test_the_system_gives_zeroed_pages_as_aligned_as_asked(void **state)
{
    (void)state;
    const struct assay_page_source *os = assay_os_pages();

    for (size_t align = os->page_size; align <= (size_t)64 << 20; align *= 4) {
        unsigned char *start = os->map(os->ctx, 5 * os->page_size, align);
        assert_non_null(start);
        assert_true(assay_is_aligned(start, align));
        assert_true(is_zero(start, 5 * os->page_size));
        memset(start, 1, 5 * os->page_size);
        os->unmap(os->ctx, start, 5 * os->page_size);
    }
}

static void test_the_system_refuses_nothing_at_all_and_absurd_sizes(void **state)
{
    (void)state;
    const struct assay_page_source *os = assay_os_pages();

    assert_null(os->map(os->ctx, 0, os->page_size));
    assert_null(os->map(os->ctx, SIZE_MAX, os->page_size));
    assert_null(os->map(os->ctx, (size_t)1 << 62, (size_t)1 << 62));
}

/* --- meter --- */

static struct assay_meter meter;

static int open_meter(void **state)
{
    (void)state;
    return assay_meter_open(&meter, assay_os_pages(), 100 * PAGE) == ASSAY_OK ? 0 : -1;
}

static int close_meter(void **state)
{
    (void)state;
    assay_meter_reset(&meter, 0);
    assay_meter_close(&meter);
    return 0;
}

static unsigned char *map(size_t pages)
{
    return meter.source.map(meter.source.ctx, pages * PAGE, PAGE);
}

static void unmap(unsigned char *start, size_t pages)
{
    meter.source.unmap(meter.source.ctx, start, pages * PAGE);
}

static void test_the_meter_counts_what_is_mapped_and_its_peak(void **state)
{
    (void)state;
    unsigned char *a = map(3), *b = map(4);

    assert_int_equal(meter.mapped_bytes, 7 * PAGE);
    unmap(a, 3);
    assert_int_equal(meter.mapped_bytes, 4 * PAGE);
    assert_int_equal(meter.peak_bytes, 7 * PAGE);
    unmap(b, 4);
    assert_int_equal(meter.mapped_bytes, 0);
    assert_int_equal(meter.maps, 2);
    assert_int_equal(meter.unmaps, 2);
    assert_int_equal(meter.refusals, 0);
}

static void test_the_limit_is_reached_exactly_and_not_passed(void **state)
{
    (void)state;
    unsigned char *a = map(99);

    assert_non_null(a);
    assert_null(map(2));
    assert_non_null(map(1));
    assert_null(map(1));
    assert_int_equal(meter.refusals, 2);
    unmap(a, 99);
    assert_non_null(map(99));
}

static void test_part_of_a_page_counts_as_a_page(void **state)
{
    (void)state;
    assay_meter_reset(&meter, PAGE + 1);
    unsigned char *start = meter.source.map(meter.source.ctx, PAGE + 1, PAGE);
    assert_non_null(start);
    assert_int_equal(meter.mapped_bytes, 2 * PAGE);
    assert_null(map(1));
    meter.source.unmap(meter.source.ctx, start, PAGE + 1);
    assert_int_equal(meter.mapped_bytes, 0);
}

static void test_the_next_requests_are_refused_as_often_as_asked(void **state)
{
    (void)state;
    meter.refuse_next = 2;
    assert_null(map(1));
    assert_null(map(1));
    assert_non_null(map(1));
    assert_int_equal(meter.refusals, 2);
}

static void test_a_budget_is_used_up_and_not_refilled_by_unmapping(void **state)
{
    (void)state;
    meter.budget = 5 * PAGE;
    unsigned char *a = map(4);
    assert_non_null(a);
    unmap(a, 4);
    assert_null(map(2));
    assert_non_null(map(1));
    assert_int_equal(meter.budget, 0);
    assert_null(map(1));
    meter.budget = SIZE_MAX;
    assert_non_null(map(50));
    assert_true(meter.budget == SIZE_MAX);
}

static void test_unmapping_what_is_not_mapped_is_counted_and_not_passed_on(void **state)
{
    (void)state;
    unsigned char *a = map(4);

    unmap(a + PAGE, 4);                                /* beyond the end */
    meter.source.unmap(meter.source.ctx, a + 1, PAGE); /* not a page */
    unmap(a, 0);
    meter.source.unmap(meter.source.ctx, a, SIZE_MAX);
    unmap(NULL, 1);
    assert_int_equal(meter.bad_unmaps, 5);
    memset(a, 1, 4 * PAGE); /* still there */
    unmap(a, 4);
    unmap(a, 4);
    assert_int_equal(meter.bad_unmaps, 6);
    assert_int_equal(meter.unmaps, 1);
}

static void test_part_of_a_mapping_may_go_back(void **state)
{
    (void)state;
    unsigned char *a = map(10);
    uint32_t mapping;
    size_t offset;

    unmap(a + 4 * PAGE, 2);
    assert_int_equal(meter.mapped_bytes, 8 * PAGE);
    assert_true(assay_meter_holds(&meter, a, 4 * PAGE));
    assert_false(assay_meter_holds(&meter, a, 5 * PAGE));
    assert_false(assay_meter_holds(&meter, a + 5 * PAGE, PAGE));
    assert_true(assay_meter_holds(&meter, a + 6 * PAGE, 4 * PAGE));
    assert_true(assay_meter_locate(&meter, a + 6 * PAGE + 5, &mapping, &offset));
    assert_int_equal(mapping, 0);
    assert_int_equal(offset, 5);
    unmap(a, 1);
    unmap(a + 9 * PAGE, 1);
    unmap(a + PAGE, 3);
    unmap(a + 6 * PAGE, 3);
    assert_int_equal(meter.mapped_bytes, 0);
    assert_int_equal(meter.bad_unmaps, 0);
}

static void test_adjoining_mappings_are_held_together_and_may_go_back_together(void **state)
{
    (void)state;
    struct assay_recycler recycler;
    struct assay_meter over;

    assert_int_equal(assay_recycler_open(&recycler, 64 * PAGE, NULL), ASSAY_OK);
    assert_int_equal(assay_meter_open(&over, &recycler.source, 64 * PAGE), ASSAY_OK);
    unsigned char *a = over.source.map(over.source.ctx, 2 * PAGE, PAGE);
    unsigned char *b = over.source.map(over.source.ctx, 2 * PAGE, PAGE);
    assert_ptr_equal(b, a + 2 * PAGE);
    assert_true(assay_meter_holds(&over, a + PAGE, 2 * PAGE));
    assert_true(assay_meter_holds(&over, a, 4 * PAGE));
    over.source.unmap(over.source.ctx, a + PAGE, 2 * PAGE);
    assert_int_equal(over.bad_unmaps, 0);
    assert_int_equal(over.mapped_bytes, 2 * PAGE);
    assay_meter_close(&over);
    assay_recycler_close(&recycler);
}

static void test_an_address_is_told_by_mapping_and_offset(void **state)
{
    (void)state;
    unsigned char *a = map(1), *b = map(3);
    uint32_t mapping;
    size_t offset;

    assert_true(assay_meter_locate(&meter, b + 777, &mapping, &offset));
    assert_int_equal(mapping, 1);
    assert_int_equal(offset, 777);
    assert_true(assay_meter_locate(&meter, a, &mapping, &offset));
    assert_int_equal(mapping, 0);
    unmap(a, 1);
    assert_false(assay_meter_locate(&meter, a, &mapping, &offset));
}

static void test_a_reset_takes_everything_back_and_lifts_the_faults(void **state)
{
    (void)state;
    map(3);
    map(4);
    unmap(NULL, 1);
    meter.refuse_next = 9;
    meter.budget = 0;
    assay_meter_reset(&meter, 10 * PAGE);
    assert_int_equal(meter.mapped_bytes, 0);
    assert_int_equal(meter.maps, 0);
    assert_int_equal(meter.bad_unmaps, 0);
    assert_non_null(map(10));
    assert_null(map(1));
}

static void *map_and_unmap(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        unsigned char *start = map(1 + (size_t)i % 4);
        if (start) {
            start[0] = 1;
            unmap(start, 1 + (size_t)i % 4);
        }
    }
    return NULL;
}

static void test_threads_may_map_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, map_and_unmap, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(meter.mapped_bytes, 0);
    assert_int_equal(meter.maps, meter.unmaps);
    assert_int_equal(meter.bad_unmaps, 0);
}

/* --- recycler --- */

static void test_a_recycler_gives_the_lowest_pages_and_clears_them_when_reset(void **state)
{
    (void)state;
    struct assay_recycler recycler;

    assert_int_equal(assay_recycler_open(&recycler, 20 * PAGE, NULL), ASSAY_OK);
    for (int round = 0; round < 3; round++) {
        unsigned char *a = recycler.source.map(recycler.source.ctx, 3 * PAGE, PAGE);
        unsigned char *b = recycler.source.map(recycler.source.ctx, 17 * PAGE, PAGE);
        assert_ptr_equal(a, recycler.base);
        assert_ptr_equal(b, recycler.base + 3 * PAGE);
        assert_null(recycler.source.map(recycler.source.ctx, PAGE, PAGE));
        assert_true(is_zero(a, 20 * PAGE));
        memset(a, 0xa5, 20 * PAGE);
        assay_recycler_reset(&recycler);
        assert_int_equal(recycler.given, 0);
        assert_true(is_zero(recycler.base, 20 * PAGE));
    }
    assay_recycler_close(&recycler);
}

static void test_pages_that_come_back_are_given_again_and_zero(void **state)
{
    (void)state;
    struct assay_recycler recycler;

    assert_int_equal(assay_recycler_open(&recycler, 20 * PAGE, NULL), ASSAY_OK);
    unsigned char *a = recycler.source.map(recycler.source.ctx, 10 * PAGE, PAGE);
    memset(a, 1, 10 * PAGE);
    recycler.source.unmap(recycler.source.ctx, a + 2 * PAGE, 2 * PAGE);
    recycler.source.unmap(recycler.source.ctx, a + 6 * PAGE, 3 * PAGE);
    assert_ptr_equal(recycler.source.map(recycler.source.ctx, 3 * PAGE, PAGE), a + 6 * PAGE);
    assert_true(is_zero(a + 6 * PAGE, 3 * PAGE));
    assert_ptr_equal(recycler.source.map(recycler.source.ctx, 2 * PAGE, PAGE), a + 2 * PAGE);
    assert_true(is_zero(a + 2 * PAGE, 2 * PAGE));
    assert_ptr_equal(recycler.source.map(recycler.source.ctx, 2 * PAGE, PAGE), a + 10 * PAGE);
    assay_recycler_reset(&recycler);
    assert_true(is_zero(recycler.base, 20 * PAGE));
    assay_recycler_close(&recycler);
}

static void test_a_recycler_serves_alignments_above_a_page(void **state)
{
    (void)state;
    struct assay_recycler recycler;

    assert_int_equal(assay_recycler_open(&recycler, (size_t)1 << 24, NULL), ASSAY_OK);
    assert_non_null(recycler.source.map(recycler.source.ctx, PAGE, PAGE));
    unsigned char *a = recycler.source.map(recycler.source.ctx, PAGE, (size_t)1 << 20);
    assert_non_null(a);
    assert_true(assay_is_aligned(a, (size_t)1 << 20));
    assert_ptr_equal(recycler.source.map(recycler.source.ctx, PAGE, PAGE), recycler.base + PAGE);
    assert_null(recycler.source.map(recycler.source.ctx, PAGE, (size_t)1 << 60));
    assert_null(recycler.source.map(recycler.source.ctx, SIZE_MAX, PAGE));
    assert_null(recycler.source.map(recycler.source.ctx, 0, PAGE));
    assay_recycler_close(&recycler);
}

static void test_a_recycler_sits_where_it_was_asked_to_or_says_it_cannot(void **state)
{
    (void)state;
    struct assay_recycler recycler, second;

    assert_int_equal(assay_recycler_open(&recycler, (size_t)1 << 24, ASSAY_RECYCLER_BASE),
                     ASSAY_OK);
    assert_ptr_equal(recycler.base, ASSAY_RECYCLER_BASE);
    recycler.base[0] = 1;
    assert_int_equal(assay_recycler_open(&second, (size_t)1 << 24, ASSAY_RECYCLER_BASE),
                     ASSAY_INVALID);
    assert_int_equal(recycler.base[0], 1);
    assay_recycler_close(&recycler);
}

#define METER_TEST(name) cmocka_unit_test_setup_teardown(name, open_meter, close_meter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_system_gives_zeroed_pages_as_aligned_as_asked),
        cmocka_unit_test(test_the_system_refuses_nothing_at_all_and_absurd_sizes),
        METER_TEST(test_the_meter_counts_what_is_mapped_and_its_peak),
        METER_TEST(test_the_limit_is_reached_exactly_and_not_passed),
        METER_TEST(test_part_of_a_page_counts_as_a_page),
        METER_TEST(test_the_next_requests_are_refused_as_often_as_asked),
        METER_TEST(test_a_budget_is_used_up_and_not_refilled_by_unmapping),
        METER_TEST(test_unmapping_what_is_not_mapped_is_counted_and_not_passed_on),
        METER_TEST(test_part_of_a_mapping_may_go_back),
        METER_TEST(test_adjoining_mappings_are_held_together_and_may_go_back_together),
        METER_TEST(test_an_address_is_told_by_mapping_and_offset),
        METER_TEST(test_a_reset_takes_everything_back_and_lifts_the_faults),
        METER_TEST(test_threads_may_map_at_once),
        cmocka_unit_test(test_a_recycler_gives_the_lowest_pages_and_clears_them_when_reset),
        cmocka_unit_test(test_pages_that_come_back_are_given_again_and_zero),
        cmocka_unit_test(test_a_recycler_serves_alignments_above_a_page),
        cmocka_unit_test(test_a_recycler_sits_where_it_was_asked_to_or_says_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
