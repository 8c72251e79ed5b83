/* test_places - the map of small blocks answers as a plain ordered set of ranges does. */
#include "assay/places.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SLOTS 200

static struct assay_shadow_slot slots[SLOTS];
static uint64_t seed = 77;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed >> 8;
}

/* Addresses are never read. Around a border of two windows, at any byte, of all kinds of sizes. */
static struct assay_range random_range(uint32_t slot)
{
    static const size_t spans[] = {1, 40, 300, 5000, 20000, 200000};
    uintptr_t start = ((uintptr_t)5 << 32) - 150000 + next_random() % 300000;
    size_t bytes = next_random() % spans[next_random() % 6];

    if (next_random() % 2)
        start &= ~(uintptr_t)15;
    return (struct assay_range){start, start + bytes, slot};
}

static void fill_slot(struct assay_range range)
{
    slots[range.value].start = (unsigned char *)range.start;
    slots[range.value].usable = range.end - range.start;
    slots[range.value].live = true;
}

static void expect_same_order(const struct assay_places *places, const struct assay_ranges *ranges)
{
    struct assay_range a, b;
    uintptr_t from = 0;

    assert_int_equal(assay_places_count(places), assay_ranges_count(ranges));
    while (assay_ranges_next(ranges, from, &b)) {
        assert_true(assay_places_next(places, from, &a));
        assert_true(a.start == b.start && a.end == b.end && a.value == b.value);
        from = b.start + 1;
    }
    assert_false(assay_places_next(places, from, &a));
}

static void test_random_blocks_are_placed_as_in_an_ordered_set(void **state)
{
    struct assay_places *places = assay_places_open(slots);
    struct assay_ranges *ranges = assay_ranges_open();
    struct assay_range a, b;

    (void)state;
    assert_true(places && ranges);
    for (int i = 0; i < 60000; i++) {
        uint32_t slot = (uint32_t)(next_random() % SLOTS);
        if (slots[slot].live) {
            uintptr_t start = (uintptr_t)slots[slot].start;
            assay_places_remove(places,
                                (struct assay_range){start, start + slots[slot].usable, slot});
            assert_true(assay_ranges_remove(ranges, start, NULL));
            slots[slot].live = false;
        } else {
            struct assay_range range = random_range(slot);
            bool fits = assay_ranges_insert(ranges, range, &b);
            assert_int_equal(assay_places_insert(places, range, &a), fits);
            if (fits)
                fill_slot(range);
            else
                assert_true(slots[a.value].live && (uintptr_t)slots[a.value].start == a.start);
        }
        uintptr_t address = random_range(0).start;
        bool found = assay_ranges_find(ranges, address, &b);
        assert_int_equal(assay_places_find(places, address, &a), found);
        assert_true(!found || (a.start == b.start && a.value == b.value));
        if (i % 100 == 0)
            expect_same_order(places, ranges);
        if (i % 20000 == 19999) {
            assay_places_clear(places);
            assay_ranges_clear(ranges);
            memset(slots, 0, sizeof slots);
            expect_same_order(places, ranges);
        }
    }
    assay_places_close(places);
    assay_ranges_close(ranges);
}

static struct assay_range at(uint32_t slot, uintptr_t start, size_t bytes)
{
    uintptr_t base = (uintptr_t)9 << 32;

    return (struct assay_range){base + start, base + start + bytes, slot};
}

static void test_room_beside_a_block_is_told_as_far_as_64_granules(void **state)
{
    struct assay_places *places = assay_places_open(slots);
    struct assay_range conflict;
    const struct assay_range middle = at(1, 1008, 32);
    unsigned below, above;

    (void)state;
    memset(slots, 0, sizeof slots);
    fill_slot(middle);
    assert_true(assay_places_insert(places, middle, &conflict));
    assay_places_gaps(places, middle, &below, &above);
    assert_int_equal(below, ASSAY_PLACES_FAR);
    assert_int_equal(above, ASSAY_PLACES_FAR);
    fill_slot(at(2, 960, 20));
    assert_true(assay_places_insert(places, at(2, 960, 20), &conflict));
    fill_slot(at(3, 1040, 16));
    assert_true(assay_places_insert(places, at(3, 1040, 16), &conflict));
    assay_places_gaps(places, middle, &below, &above);
    assert_int_equal(below, 1);
    assert_int_equal(above, 0);
    assay_places_remove(places, at(3, 1040, 16));
    fill_slot(at(3, 1040 + 63 * 16, 16));
    assert_true(assay_places_insert(places, at(3, 1040 + 63 * 16, 16), &conflict));
    assay_places_gaps(places, middle, &below, &above);
    assert_int_equal(above, 63);
    assay_places_close(places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_blocks_are_placed_as_in_an_ordered_set),
        cmocka_unit_test(test_room_beside_a_block_is_told_as_far_as_64_granules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
