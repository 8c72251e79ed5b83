/* test_ranges - the ordered set of ranges answers as a naive model does, in any order of use. */
#include "assay/ranges.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <cmocka.h>

static struct assay_ranges *ranges;

static int open_ranges(void **state)
{
    (void)state;
    ranges = assay_ranges_open();
    return ranges ? 0 : -1;
}

static int close_ranges(void **state)
{
    (void)state;
    assay_ranges_close(ranges);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static bool insert(uintptr_t start, uintptr_t end, uint32_t value)
{
    struct assay_range conflict;

    return assay_ranges_insert(ranges, (struct assay_range){start, end, value}, &conflict);
}

/* The model: one cell for each address of a small space. */
#define SPACE 6000u
struct model {
    bool starts[SPACE];
    struct assay_range range[SPACE];
    size_t count;
};

static bool conflicts(const struct assay_range *a, const struct assay_range *b)
{
    if (a->start == b->start)
        return true;
    if (a->start == a->end || b->start == b->end)
        return (b->start < a->start && a->start < b->end) ||
               (a->start < b->start && b->start < a->end);
    return a->start < b->end && b->start < a->end;
}

static const struct assay_range *model_conflict(const struct model *model,
                                                const struct assay_range *range)
{
    for (size_t i = 0; i < range->end + 1 && i < SPACE; i++)
        if (model->starts[i] && conflicts(&model->range[i], range))
            return &model->range[i];
    return NULL;
}

static const struct assay_range *model_find(const struct model *model, uintptr_t address)
{
    if (model->starts[address])
        return &model->range[address];
    for (size_t i = address; i-- > 0;)
        if (model->starts[i])
            return model->range[i].end > address ? &model->range[i] : NULL;
    return NULL;
}

static const struct assay_range *model_next(const struct model *model, uintptr_t from)
{
    for (size_t i = from; i < SPACE; i++)
        if (model->starts[i])
            return &model->range[i];
    return NULL;
}

static void expect_same(bool answered, const struct assay_range *seen,
                        const struct assay_range *expected)
{
    assert_int_equal(answered, expected != NULL);
    if (expected) {
        assert_int_equal(seen->start, expected->start);
        assert_int_equal(seen->end, expected->end);
        assert_int_equal(seen->value, expected->value);
    }
}

static void step(struct model *model, uint64_t *seed, unsigned inserts_of_100, uint32_t value)
{
    uintptr_t start = next_random(seed) % SPACE;
    struct assay_range range = {start, start + next_random(seed) % 4, value}, seen;
    const struct assay_range *expected;

    if (next_random(seed) % 100 < inserts_of_100) {
        expected = model_conflict(model, &range);
        expect_same(!assay_ranges_insert(ranges, range, &seen), &seen, expected);
        if (!expected) {
            model->starts[start] = true;
            model->range[start] = range;
            model->count++;
        }
    } else {
        expected = model->starts[start] ? &model->range[start] : NULL;
        expect_same(assay_ranges_remove(ranges, start, &seen), &seen, expected);
        model->count -= model->starts[start];
        model->starts[start] = false;
    }
    assert_int_equal(assay_ranges_count(ranges), model->count);
    uintptr_t address = next_random(seed) % SPACE;
    expect_same(assay_ranges_find(ranges, address, &seen), &seen, model_find(model, address));
    expect_same(assay_ranges_next(ranges, address, &seen), &seen, model_next(model, address));
}

static void test_random_use_answers_as_a_naive_model_does(void **state)
{
    (void)state;
    struct model *model = calloc(1, sizeof *model);
    uint64_t seed = 88172645463325252u;

    assert_non_null(model);
    for (unsigned round = 0; round < 12; round++) /* fills up and runs empty, again and again */
        for (uint32_t i = 0; i < 10000; i++)
            step(model, &seed, round % 2 ? 3 : 90, i);
    free(model);
}

static void test_clearing_leaves_a_set_as_good_as_new(void **state)
{
    (void)state;
    struct model *model = calloc(1, sizeof *model);
    uint64_t seed = 42;

    assert_non_null(model);
    for (unsigned round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 50 * round; i++)
            step(model, &seed, 70, i);
        assay_ranges_clear(ranges);
        *model = (struct model){0};
        struct assay_range seen;
        assert_false(assay_ranges_next(ranges, 0, &seen));
    }
    free(model);
}

/* Orders in which n numbers come; each gives every one of 0 .. n - 1 once. n is a power of two. */
typedef uintptr_t order_fn(uintptr_t i, uintptr_t n);

static uintptr_t rising(uintptr_t i, uintptr_t n)
{
    (void)n;
    return i;
}

static uintptr_t falling(uintptr_t i, uintptr_t n)
{
    return n - 1 - i;
}

static uintptr_t alternating(uintptr_t i, uintptr_t n)
{
    return i % 2 ? n - 1 - i / 2 : i / 2;
}

static uintptr_t from_the_middle(uintptr_t i, uintptr_t n)
{
    return i % 2 ? n / 2 + i / 2 : n / 2 - 1 - i / 2;
}

static uintptr_t scattered(uintptr_t i, uintptr_t n)
{
    return i * 40503u % n;
}

static order_fn *const orders[] = {rising, falling, alternating, from_the_middle, scattered};
#define ORDERS (sizeof orders / sizeof *orders)

static void expect_contents(uintptr_t n, const bool *present)
{
    struct assay_range seen = {0};
    uintptr_t from = 0;

    for (uintptr_t i = 0; i < n; i++) {
        if (!present[i])
            continue;
        assert_true(assay_ranges_next(ranges, from, &seen));
        assert_int_equal(seen.start, i * 16);
        assert_int_equal(seen.value, i);
        from = seen.start + 1;
    }
    assert_false(assay_ranges_next(ranges, from, &seen));
}

static void test_any_order_of_coming_and_going_keeps_every_range(void **state)
{
    (void)state;
    enum { N = 1 << 13 };
    static bool present[N];

    for (size_t in = 0; in < ORDERS; in++) {
        for (size_t out = 0; out < ORDERS; out++) {
            for (uintptr_t i = 0; i < N; i++) {
                uintptr_t which = orders[in](i, N);
                assert_true(insert(which * 16, which * 16 + 16, (uint32_t)which));
                present[which] = true;
            }
            for (uintptr_t i = 0; i < N; i++) {
                uintptr_t which = orders[out](i, N);
                if (i % 1024 == 0)
                    expect_contents(N, present);
                assert_true(assay_ranges_remove(ranges, which * 16, NULL));
                assert_false(assay_ranges_remove(ranges, which * 16, NULL));
                present[which] = false;
            }
            assert_int_equal(assay_ranges_count(ranges), 0);
        }
    }
}

static long resident_peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A window that slides over the address space: were emptied nodes lost, this would take 24 MiB. */
static void test_nodes_that_empty_are_used_again(void **state)
{
    (void)state;
    const uintptr_t window = 4000;
    long before = 0;

    for (uintptr_t i = 0; i < 1000000; i++) {
        if (i == 2 * window)
            before = resident_peak_kib();
        assert_true(insert(i * 64, i * 64 + 64, (uint32_t)i));
        if (i >= window)
            assert_true(assay_ranges_remove(ranges, (i - window) * 64, NULL));
    }
    assert_int_equal(assay_ranges_count(ranges), window);
    assert_true(resident_peak_kib() - before < 8192);
}

static void test_thinning_out_and_filling_again_keeps_every_range(void **state)
{
    (void)state;
    enum { N = 1 << 13 };
    static bool present[N];

    for (unsigned round = 0; round < 30; round++) {
        unsigned kept = 2 + round * 7; /* one in so many stays */
        for (uintptr_t i = 0; i < N; i++) {
            if (!present[i])
                assert_true(insert(i * 16, i * 16 + 16, (uint32_t)i));
            present[i] = true;
        }
        for (uintptr_t i = 0; i < N; i++) {
            if (i % kept == 0)
                continue;
            assert_true(assay_ranges_remove(ranges, i * 16, NULL));
            present[i] = false;
        }
        expect_contents(N, present);
    }
}

static void test_empty_ranges_conflict_inside_others_and_at_one_start(void **state)
{
    (void)state;
    assert_true(insert(100, 200, 1));
    assert_false(insert(100, 100, 2));
    assert_false(insert(150, 150, 2));
    assert_true(insert(200, 200, 3));
    assert_false(insert(200, 200, 4));
    assert_false(insert(200, 300, 4));
    assert_false(insert(199, 201, 4));
    assert_true(insert(201, 300, 5));
    assert_true(insert(50, 50, 6));
    assert_true(insert(60, 100, 7));
    assert_false(insert(40, 51, 8));
    assert_true(insert(40, 50, 9));
    struct assay_range found;
    assert_true(assay_ranges_find(ranges, 50, &found));
    assert_int_equal(found.value, 6);
    assert_true(assay_ranges_find(ranges, 199, &found));
    assert_int_equal(found.value, 1);
    assert_false(assay_ranges_find(ranges, 51, &found));
}

static void test_the_ends_of_the_address_space_can_be_ranges(void **state)
{
    (void)state;
    struct assay_range found;

    assert_true(insert(0, 1, 1));
    assert_true(insert(UINTPTR_MAX, UINTPTR_MAX, 2));
    assert_true(insert(UINTPTR_MAX - 10, UINTPTR_MAX, 3));
    assert_true(assay_ranges_find(ranges, 0, &found));
    assert_int_equal(found.value, 1);
    assert_true(assay_ranges_find(ranges, UINTPTR_MAX, &found));
    assert_int_equal(found.value, 2);
    assert_true(assay_ranges_find(ranges, UINTPTR_MAX - 1, &found));
    assert_int_equal(found.value, 3);
    assert_true(assay_ranges_remove(ranges, UINTPTR_MAX, NULL));
    assert_false(assay_ranges_next(ranges, UINTPTR_MAX, &found));
}

static void test_of_several_conflicts_the_lowest_is_told(void **state)
{
    (void)state;
    struct assay_range conflict;

    assert_true(insert(100, 110, 1));
    assert_true(insert(120, 130, 2));
    assert_true(insert(140, 150, 3));
    assert_false(assay_ranges_insert(ranges, (struct assay_range){115, 200, 9}, &conflict));
    assert_int_equal(conflict.value, 2);
    assert_false(assay_ranges_insert(ranges, (struct assay_range){105, 200, 9}, &conflict));
    assert_int_equal(conflict.value, 1);
    assert_int_equal(assay_ranges_count(ranges), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ranges, close_ranges)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random_use_answers_as_a_naive_model_does),
        TEST(test_clearing_leaves_a_set_as_good_as_new),
        TEST(test_any_order_of_coming_and_going_keeps_every_range),
        TEST(test_nodes_that_empty_are_used_again),
        TEST(test_thinning_out_and_filling_again_keeps_every_range),
        TEST(test_empty_ranges_conflict_inside_others_and_at_one_start),
        TEST(test_the_ends_of_the_address_space_can_be_ranges),
        TEST(test_of_several_conflicts_the_lowest_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
