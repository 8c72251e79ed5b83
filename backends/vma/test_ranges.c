/*
 * test_ranges.c - the tree is what a sorted array of the same ranges is, in every question, and sound after every
 * step; and it keeps what was promised when memory ends.
 */
#include "ranges.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define MOST 4096

struct model {
    uint64_t starts[MOST], ends[MOST];
    size_t count;
};

static struct model model;
static struct vma_ranges ranges;
static uint64_t state;

static uint64_t random_below(uint64_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

/* --- memory that ends: the linker lets the tree's nodes come from here --- */

void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

static size_t nodes_left = SIZE_MAX;

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    if (nodes_left == 0)
        return NULL;
    nodes_left -= nodes_left != SIZE_MAX;
    return __real_aligned_alloc(align, size);
}

/* --- the array --- */

/* The index of the first range that ends behind address. */
static size_t model_from(uint64_t address)
{
    size_t i = 0;

    while (i < model.count && model.ends[i] <= address)
        i++;
    return i;
}

static void model_put(size_t at, uint64_t start, uint64_t end)
{
    memmove(&model.starts[at + 1], &model.starts[at], (model.count - at) * sizeof(uint64_t));
    memmove(&model.ends[at + 1], &model.ends[at], (model.count - at) * sizeof(uint64_t));
    model.starts[at] = start;
    model.ends[at] = end;
    model.count++;
}

static void model_take(size_t at)
{
    model.count--;
    memmove(&model.starts[at], &model.starts[at + 1], (model.count - at) * sizeof(uint64_t));
    memmove(&model.ends[at], &model.ends[at + 1], (model.count - at) * sizeof(uint64_t));
}

static size_t model_runs(void)
{
    size_t runs = 0;

    for (size_t i = 0; i < model.count; i++)
        runs += i == 0 || model.ends[i - 1] != model.starts[i];
    return runs;
}

/* The lowest place, by looking before each range and behind the last. */
static bool model_gap(uint64_t end, uint64_t size, uint64_t align, uint64_t *start)
{
    uint64_t from = 0;

    for (size_t i = 0; i <= model.count; i++) {
        uint64_t to = i < model.count ? model.starts[i] : end;
        uint64_t pad = (align - from % align) % align;
        if (to - from >= pad && to - from - pad >= size) {
            *start = from + pad;
            return true;
        }
        from = i < model.count ? model.ends[i] : end;
    }
    return false;
}

/* --- both --- */

static void add_to_both(uint64_t start, uint64_t end)
{
    size_t at = model_from(start);
    struct vma_place place;
    enum vma_status status = vma_ranges_add(&ranges, start, end, &place);

    if (at < model.count && model.starts[at] < end) {
        assert_int_equal(status, VMA_OVERLAP);
        return;
    }
    assert_int_equal(status, VMA_OK);
    assert_true(vma_start(place) == start && vma_range(place)->end == end);
    assert_null(vma_range(place)->content);
    vma_range(place)->content = (void *)(uintptr_t)start;
    model_put(at, start, end);
}

static void remove_from_both(uint64_t start)
{
    size_t at = model_from(start);
    struct vma_range removed;
    bool is_there = at < model.count && model.starts[at] == start;

    assert_int_equal(vma_ranges_remove(&ranges, start, &removed), is_there);
    if (!is_there)
        return;
    assert_true(removed.end == model.ends[at] && removed.content == (void *)(uintptr_t)start);
    model_take(at);
}

static void expect_same_from(uint64_t address)
{
    struct vma_place place = vma_ranges_from(&ranges, address);
    size_t i = model_from(address);

    assert_int_equal(place.leaf != NULL, i < model.count);
    if (place.leaf)
        assert_true(vma_start(place) == model.starts[i] && vma_range(place)->end == model.ends[i] &&
                    vma_range(place)->content == (void *)(uintptr_t)model.starts[i]);
}

static void expect_same_ranges(void)
{
    struct vma_place place = vma_ranges_from(&ranges, 0);

    for (size_t i = 0; i < model.count; i++, place = vma_ranges_next(place))
        assert_true(place.leaf && vma_start(place) == model.starts[i]);
    assert_null(place.leaf);
    assert_int_equal(ranges.count, model.count);
    assert_int_equal(ranges.runs, model_runs());
    assert_null(vma_ranges_damage(&ranges));
}

static void expect_same_gap(uint64_t end, uint64_t size, uint64_t align)
{
    uint64_t start = 0, right = 0;
    bool is_there = model_gap(end, size, align, &right);

    assert_int_equal(vma_ranges_gap(&ranges, end, size, align, &start), is_there);
    assert_true(!is_there || start == right);
}

static void empty_both(void)
{
    vma_ranges_clear(&ranges);
    model.count = 0;
}

/* `steps` at random in [0, size): `adds` of ten add a range. */
static void run_steps(size_t steps, uint64_t size, uint64_t longest, uint64_t adds)
{
    for (size_t step = 0; step < steps; step++) {
        uint64_t start = random_below(size - longest);
        size_t near = model_from(start);
        if (random_below(10) < adds && model.count < MOST - 1)
            add_to_both(start, start + 1 + random_below(longest));
        else
            remove_from_both(near < model.count && random_below(8) ? model.starts[near] : start);
        expect_same_from(random_below(size));
        if (step % 16 == 0)
            expect_same_gap(size, 1 + random_below(4 * longest), (uint64_t)1 << random_below(6));
        if (step % 64 == 0)
            expect_same_ranges();
    }
    expect_same_ranges();
}

static void test_ranges_come_and_go_as_in_an_array(void **unused)
{
    static const uint64_t sizes[] = {100, 1000, 20000, (uint64_t)1 << 40, UINT64_MAX};

    (void)unused;
    state = 88172645463325252u;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint64_t longest = 1; longest < 64; longest *= 7) {
            run_steps(4000, sizes[i], longest, 8);
            run_steps(4000, sizes[i], longest, 5);
            run_steps(4000, sizes[i], longest, 1);
            empty_both();
        }
}

#define ORDERED 2000

/* Number i of all below ORDERED: rising, falling, mixed, from both ends to the middle, and from there. */
static uint64_t in_order(unsigned order, uint64_t i)
{
    switch (order) {
    case 0:
        return i;
    case 1:
        return ORDERED - 1 - i;
    case 2:
        return i * 1237 % ORDERED;
    case 3:
        return i % 2 ? ORDERED - 1 - i / 2 : i / 2;
    default:
        return in_order(3, ORDERED - 1 - i);
    }
}

static void test_all_orders_of_adding_and_removing_keep_nodes_half_full(void **unused)
{
    (void)unused;
    for (unsigned order = 0; order < 25; order++) {
        for (uint64_t i = 0; i < ORDERED; i++) {
            uint64_t start = 10 * in_order(order % 5, i);
            add_to_both(start, start + 1 + i % 10);
            if (i % 50 == 0)
                expect_same_ranges();
        }
        for (uint64_t i = 0; i < ORDERED; i++) {
            if (i % 50 == 0)
                expect_same_ranges();
            remove_from_both(10 * in_order(order / 5, i));
        }
        assert_null(ranges.root);
    }
}

static void test_a_range_has_at_most_80_bytes_of_nodes(void **unused)
{
    (void)unused;
    state = 88172645463325252u;
    for (uint64_t i = 0; model.count < MOST - 1; i++)
        add_to_both(2 * i, 2 * i + 1);
    assert_true(ranges.nodes * sizeof(struct vma_node) <= 80 * model.count + 1024);
    while (model.count > 0) {
        remove_from_both(model.starts[random_below(model.count)]);
        assert_true(ranges.nodes * sizeof(struct vma_node) <= 80 * model.count + 1024);
    }
}

static void test_the_first_and_the_last_addresses_are_like_others(void **unused)
{
    (void)unused;
    add_to_both(UINT64_MAX - 1, UINT64_MAX);
    add_to_both(0, 1);
    add_to_both(UINT64_MAX - 1, UINT64_MAX);
    expect_same_from(UINT64_MAX);
    expect_same_from(UINT64_MAX - 1);
    expect_same_from(0);
    expect_same_from(1);
    expect_same_gap(UINT64_MAX, UINT64_MAX - 2, 1);
    expect_same_gap(UINT64_MAX, UINT64_MAX - 1, 1);
    remove_from_both(UINT64_MAX);
    remove_from_both(0);
    remove_from_both(UINT64_MAX - 1);
    expect_same_ranges();
    empty_both();
}

static void test_without_memory_nothing_has_changed(void **unused)
{
    struct vma_place place;
    size_t refused = 0;

    (void)unused;
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t start = 2 * (i * 1237 % 3000);
        enum vma_status status = VMA_NO_MEMORY;
        for (size_t room = 0; status == VMA_NO_MEMORY; room++) {
            nodes_left = room;
            status = vma_ranges_add(&ranges, start, start + 1, &place);
            nodes_left = SIZE_MAX;
            if (status == VMA_NO_MEMORY && model.count > 0)
                expect_same_ranges();
            refused += status == VMA_NO_MEMORY;
        }
        assert_int_equal(status, VMA_OK);
        model_put(model_from(start), start, start + 1);
    }
    assert_true(refused > 100);
    expect_same_ranges();
    empty_both();
}

static void test_the_audit_sees_what_is_damaged(void **unused)
{
    (void)unused;
    for (uint64_t i = 0; i < 1000; i++)
        add_to_both(3 * i, 3 * i + 1 + i % 3);
    assert_null(vma_ranges_damage(&ranges));
    struct vma_place place = vma_ranges_from(&ranges, 1500);
    struct vma_node *root = ranges.root;

    vma_range(place)->end -= 1000;
    assert_non_null(vma_ranges_damage(&ranges));
    vma_range(place)->end += 1000;
    root->entries[0].below.gap++;
    assert_non_null(vma_ranges_damage(&ranges));
    root->entries[0].below.gap--;
    root->entries[0].below.end++;
    assert_non_null(vma_ranges_damage(&ranges));
    root->entries[0].below.end--;
    ranges.runs++;
    assert_non_null(vma_ranges_damage(&ranges));
    ranges.runs--;
    ranges.count++;
    assert_non_null(vma_ranges_damage(&ranges));
    ranges.count--;
    assert_null(vma_ranges_damage(&ranges));
    empty_both();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_come_and_go_as_in_an_array),
        cmocka_unit_test(test_all_orders_of_adding_and_removing_keep_nodes_half_full),
        cmocka_unit_test(test_a_range_has_at_most_80_bytes_of_nodes),
        cmocka_unit_test(test_the_first_and_the_last_addresses_are_like_others),
        cmocka_unit_test(test_without_memory_nothing_has_changed),
        cmocka_unit_test(test_the_audit_sees_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
