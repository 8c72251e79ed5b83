/* test_regions.c - the table of mappings: search, order, its own memory, refusals. */
#include "regions/regions.h"

#include "assay/os_pages.h"
#include "assay/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PAGE 4096
#define MOST 300

struct record {
    int before;
    struct assay_regions regions;
};

static struct assay_meter meter;

static struct assay_regions *open_regions(size_t limit, bool remembers)
{
    struct assay_heap_config config = {.limit = limit, .pages = &meter.source, .options = ""};

    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    struct record *record =
        assay_regions_open(&config, sizeof *record, offsetof(struct record, regions), remembers);
    return record ? &record->regions : NULL;
}

static void close_regions(struct assay_regions *regions)
{
    assay_regions_close(regions);
    assert_int_equal(meter.mapped_bytes, 0);
    assert_int_equal(meter.bad_unmaps, 0);
    assay_meter_close(&meter);
}

static void assert_found(struct assay_regions *regions, uintptr_t start, size_t bytes)
{
    for (int again = 0; again < 2; again++) {
        assert_int_equal(assay_regions_find(regions, (void *)start)->start, start);
        assert_int_equal(assay_regions_find(regions, (void *)(start + bytes - 1))->start, start);
    }
}

static void assert_in_order(const struct assay_regions *regions)
{
    size_t bytes = 0, count = 0;
    uintptr_t end = 0;

    for (const struct assay_region *region = assay_regions_next(regions, NULL); region;
         region = assay_regions_next(regions, region)) {
        assert_true(region->start >= end);
        assert_ptr_equal(assay_regions_after(regions, region->start - 1), region);
        bytes += region->bytes;
        end = region->start + region->bytes;
        count++;
    }
    assert_int_equal(count, regions->count);
    assert_int_equal(bytes, meter.mapped_bytes);
    assert_int_equal(regions->mapped_bytes, meter.mapped_bytes);
}

static void run_many(bool remembers)
{
    static const int owner;
    struct assay_regions *regions = open_regions(SIZE_MAX, remembers);
    uintptr_t starts[MOST];
    size_t bytes[MOST];

    for (size_t i = 0; i < MOST; i++) {
        bytes[i] = (1 + i % 5) * PAGE;
        starts[i] = assay_regions_map(regions, bytes[i], PAGE, &owner)->start;
        for (size_t k = 0; k <= i; k += 7)
            assert_found(regions, starts[k], bytes[k]);
        assert_in_order(regions);
    }
    for (size_t i = 0; i < MOST; i++) {
        assay_regions_unmap(regions, starts[i]);
        const struct assay_region *gone = assay_regions_find(regions, (void *)starts[i]);
        assert_true(gone == NULL || gone->owner == NULL); /* or the table moved there */
        for (size_t k = i + 1; k < MOST; k += 5)
            assert_found(regions, starts[k], bytes[k]);
        assert_in_order(regions);
    }
    assert_int_equal(regions->count, 1);
    assert_int_equal(meter.mapped_bytes, PAGE);
    close_regions(regions);
}

static void test_what_is_mapped_is_found_and_an_emptied_table_has_one_page(void **state)
{
    (void)state;
    run_many(true);
    run_many(false);
}

static void test_other_addresses_are_not_found(void **state)
{
    static const int owner;
    struct assay_regions *regions = open_regions(SIZE_MAX, true);
    int local = 0;

    (void)state;
    uintptr_t start = assay_regions_map(regions, PAGE, PAGE, &owner)->start;
    assert_null(assay_regions_find(regions, NULL));
    assert_null(assay_regions_find(regions, &local));
    assert_null(assay_regions_find(regions, (void *)16));
    assert_null(assay_regions_find(regions, (void *)UINTPTR_MAX));
    assay_regions_unmap(regions, start);
    assert_null(assay_regions_find(regions, (void *)start));
    close_regions(regions);
}

static void test_nothing_is_mapped_above_the_limit(void **state)
{
    static const int owner;
    struct assay_regions *regions = open_regions((size_t)8 * PAGE + 100, true);

    (void)state;
    assert_null(assay_regions_map(regions, (size_t)8 * PAGE, PAGE, &owner));
    assert_null(assay_regions_map(regions, SIZE_MAX - PAGE + 1, PAGE, &owner));
    assert_non_null(assay_regions_map(regions, (size_t)7 * PAGE, PAGE, &owner));
    assert_null(assay_regions_map(regions, PAGE, PAGE, &owner));
    assert_int_equal(meter.peak_bytes, 8 * PAGE);
    close_regions(regions);
    assert_null(open_regions(PAGE - 1, true));
    assay_meter_close(&meter);
}

static void test_a_refused_page_leaves_the_table_as_it_was(void **state)
{
    static const int owner;
    struct assay_regions *regions = open_regions(SIZE_MAX, true);
    size_t served = 0, refused = 0;

    (void)state;
    /* Each second request; one of them is for the table's own pages. */
    while (served < MOST) {
        size_t count = regions->count, mapped = meter.mapped_bytes;
        meter.budget = refused % 2 ? SIZE_MAX : PAGE;
        if (assay_regions_map(regions, PAGE, PAGE, &owner)) {
            served++;
        } else {
            assert_int_equal(regions->count, count);
            assert_int_equal(meter.mapped_bytes, mapped);
            refused++;
            meter.budget = SIZE_MAX;
            assert_non_null(assay_regions_map(regions, PAGE, PAGE, &owner));
        }
        assert_in_order(regions);
    }
    assert_true(refused > 0);
    close_regions(regions);
}

/* Nodes on the longest way down from `place`. */
static unsigned depth(const struct assay_regions *regions, uint32_t place)
{
    if (place == 0)
        return 0;
    unsigned left = depth(regions, regions->at[place].left);
    unsigned right = depth(regions, regions->at[place].right);
    return 1 + (left > right ? left : right);
}

static void test_the_tree_stays_low_when_addresses_come_in_order(void **state)
{
    enum { COUNT = 1 << 13 };
    struct assay_regions *regions = open_regions(SIZE_MAX, false);
    static uintptr_t starts[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        starts[i] = assay_regions_map(regions, PAGE, PAGE, NULL)->start;
    assert_true(depth(regions, regions->at[0].right) <= 3 * 13);
    for (size_t i = 0; i < COUNT; i++)
        if (i % 8 != 0)
            assay_regions_unmap(regions, starts[i]);
    assert_true(depth(regions, regions->at[0].right) <= 3 * 13);
    assert_in_order(regions);
    close_regions(regions);
}

static void test_a_region_can_lose_both_ends(void **state)
{
    static const int owner;
    struct assay_regions *regions = open_regions(SIZE_MAX, true);

    (void)state;
    struct assay_region *region = assay_regions_map(regions, (size_t)8 * PAGE, PAGE, &owner);
    uintptr_t start = region->start;
    assert_found(regions, start, (size_t)8 * PAGE);
    assay_regions_cut(regions, region, PAGE, (size_t)2 * PAGE);
    assert_found(regions, start + PAGE, (size_t)5 * PAGE);
    assert_null(assay_regions_find(regions, (void *)(start + (size_t)6 * PAGE)));
    assert_in_order(regions);
    close_regions(regions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_mapped_is_found_and_an_emptied_table_has_one_page),
        cmocka_unit_test(test_other_addresses_are_not_found),
        cmocka_unit_test(test_nothing_is_mapped_above_the_limit),
        cmocka_unit_test(test_a_refused_page_leaves_the_table_as_it_was),
        cmocka_unit_test(test_the_tree_stays_low_when_addresses_come_in_order),
        cmocka_unit_test(test_a_region_can_lose_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
