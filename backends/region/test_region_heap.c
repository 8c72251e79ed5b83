/*
 * test_region_heap.c - region behind its table: each policy against a search of all holes, blocks resized where
 * they are, aligned blocks, and what is written over holes.
 */
#include "assay/campaign.h"
#include "assay/error.h"
#include "assay/os_pages.h"
#include "assay/pages.h"
#include "region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

extern const struct assay_backend assay_backend_region;
static const struct assay_backend *const table = &assay_backend_region;

enum { LIMIT = 1 << 16, HOLES = LIMIT / 16, SLOTS = 200 };

static const char *const policies[] = {"policy=best", "policy=worst", "policy=first"};

static void *open_heap(enum region_policy policy)
{
    struct assay_heap_config config = {
        .limit = LIMIT, .pages = assay_os_pages(), .options = policies[policy]};
    void *heap;

    assert_int_equal(table->create(table, &config, &heap), ASSAY_OK);
    return heap;
}

static uint32_t draw(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

/* --- all holes, by the walk --- */

struct holes {
    struct assay_extent hole[HOLES];
    size_t count;
};

static bool keep_hole(void *arg, const struct assay_extent *extent)
{
    struct holes *holes = arg;

    if (extent->kind == ASSAY_EXTENT_FREE)
        holes->hole[holes->count++] = *extent;
    return true;
}

static struct holes *holes_of(void *heap)
{
    static struct holes holes;

    holes.count = 0;
    assert_int_equal(table->walk(heap, keep_hole, &holes), ASSAY_OK);
    return &holes;
}

static size_t bytes_for(size_t size)
{
    return (size + REGION_HEADER + 15) / 16 * 16;
}

static bool is_better(enum region_policy policy, size_t bytes, size_t than)
{
    return policy == REGION_BEST ? bytes < than : policy == REGION_WORST && bytes > than;
}

/* Where a block of `size` bytes must come to lie. */
static const char *expected(void *heap, enum region_policy policy, size_t size)
{
    const struct holes *holes = holes_of(heap);
    const struct assay_extent *best = NULL;

    for (size_t i = 0; i < holes->count; i++) {
        const struct assay_extent *hole = &holes->hole[i];
        if (hole->bytes >= bytes_for(size) &&
            (!best || is_better(policy, hole->bytes, best->bytes)))
            best = hole;
    }
    return best ? (const char *)best->start + REGION_HEADER : NULL;
}

static bool can_align(void *heap, size_t align, size_t size)
{
    const struct holes *holes = holes_of(heap);

    for (size_t i = 0; i < holes->count; i++) {
        size_t gap = -((uintptr_t)holes->hole[i].start + REGION_HEADER) & (align - 1);
        if (gap + bytes_for(size) <= holes->hole[i].bytes)
            return true;
    }
    return false;
}

static size_t some_size(uint32_t *random)
{
    size_t most = (size_t)16 << draw(random) % 8;

    return draw(random) % most + 1;
}

static void churn(void *heap, enum region_policy policy, char **block, int steps)
{
    uint32_t random = 7;

    for (int step = 0; step < steps; step++) {
        size_t i = draw(&random) % SLOTS;
        if (block[i]) {
            assert_int_equal(table->free(heap, block[i]), ASSAY_OK);
            block[i] = NULL;
        } else if (draw(&random) % 4) {
            size_t size = some_size(&random);
            const char *place = expected(heap, policy, size);
            block[i] = table->alloc(heap, size);
            assert_ptr_equal(block[i], place);
        } else {
            size_t align = (size_t)16 << draw(&random) % 8;
            size_t size = some_size(&random);
            bool can = can_align(heap, align, size);
            block[i] = table->alloc_aligned(heap, align, size);
            assert_int_equal(block[i] != NULL, can);
            assert_int_equal((uintptr_t)block[i] & (align - 1), 0);
        }
    }
}

static void expect_policy(enum region_policy policy)
{
    char *block[SLOTS] = {NULL};
    struct assay_damage damage;
    void *heap = open_heap(policy);

    churn(heap, policy, block, 20000);
    assert_int_equal(table->check(heap, &damage), ASSAY_OK);
    table->destroy(heap);
}

static void test_best_fit_takes_what_a_search_of_all_holes_finds(void **state)
{
    (void)state;
    expect_policy(REGION_BEST);
}

static void test_worst_fit_takes_what_a_search_of_all_holes_finds(void **state)
{
    (void)state;
    expect_policy(REGION_WORST);
}

static void test_first_fit_takes_what_a_search_of_all_holes_finds(void **state)
{
    (void)state;
    expect_policy(REGION_FIRST);
}

/* --- resized where it is --- */

static void test_a_block_grows_into_the_hole_behind_it(void **state)
{
    void *heap = open_heap(REGION_BEST);
    char *block = table->alloc(heap, 100);
    char *next = table->alloc(heap, 1000);
    char *wall = table->alloc(heap, 100);

    (void)state;
    assert_int_equal(table->free(heap, next), ASSAY_OK);
    assert_ptr_equal(table->realloc(heap, block, 1100), block);
    assert_int_equal(table->usable_size(heap, block + 1099), 1100);
    assert_true(wall > block + 1100);
    table->destroy(heap);
}

static void test_a_block_that_cannot_grow_moves_and_leaves_a_hole(void **state)
{
    void *heap = open_heap(REGION_BEST);
    char *block = table->alloc(heap, 100);
    char *wall = table->alloc(heap, 100);

    (void)state;
    memset(block, 7, 100);
    char *moved = table->realloc(heap, block, 200);
    assert_true(moved > wall);
    for (int i = 0; i < 100; i++)
        assert_int_equal(moved[i], 7);
    assert_ptr_equal(table->alloc(heap, 100), block);
    table->destroy(heap);
}

static void test_what_a_block_gives_up_joins_the_hole_behind_it(void **state)
{
    void *heap = open_heap(REGION_BEST);
    char *block = table->alloc(heap, 1000);

    (void)state;
    assert_ptr_equal(table->realloc(heap, block, 20), block);
    assert_int_equal(holes_of(heap)->count, 1);
    assert_ptr_equal(table->alloc(heap, 1), block + 32);
    table->destroy(heap);
}

static void test_a_refused_resize_leaves_the_block(void **state)
{
    void *heap = open_heap(REGION_BEST);
    char *block = table->alloc(heap, 100);

    (void)state;
    assert_null(table->realloc(heap, block, LIMIT));
    assert_null(table->realloc(heap, block, SIZE_MAX));
    assert_null(table->realloc(heap, block + 16, 50)); /* an inner address is no block */
    assert_null(table->realloc(heap, block - 1, 50));
    assert_int_equal(table->usable_size(heap, block), 100);
    table->destroy(heap);
}

/* --- damage --- */

/* A heap with holes of several sizes, two and more of each. */
static void *open_with_holes(enum region_policy policy)
{
    void *heap = open_heap(policy);
    char *block[40];

    for (int i = 0; i < 40; i++)
        block[i] = table->alloc(heap, (size_t)(16 + i % 4 * 600));
    for (int i = 0; i < 40; i += 2)
        assert_int_equal(table->free(heap, block[i]), ASSAY_OK);
    return heap;
}

static void expect_notice(enum region_policy policy)
{
    struct assay_damage damage;
    size_t holes = 1;

    for (size_t i = 0; i < holes; i++) {
        for (unsigned bit = 0; bit < 8 * sizeof(struct region_block); bit++) {
            void *heap = open_with_holes(policy);
            assert_int_equal(table->check(heap, &damage), ASSAY_OK);
            holes = holes_of(heap)->count;
            /* The hole is the program's memory, const only in the walk. */
            unsigned char *hole = (unsigned char *)(uintptr_t)holes_of(heap)->hole[i].start;
            hole[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_int_equal(table->check(heap, &damage), ASSAY_CORRUPT);
            assert_true(damage.what[0]);
            assert_null(table->alloc(heap, 1));
            table->destroy(heap);
        }
    }
    assert_true(holes > 10);
}

static void test_check_notices_any_bit_of_a_hole_s_record(void **state)
{
    (void)state;
    expect_notice(REGION_BEST);
    expect_notice(REGION_WORST);
    expect_notice(REGION_FIRST);
}

/* Records that could be some: another hole's, or small numbers. */
static void scribble(void *heap, uint32_t *random)
{
    const struct holes *holes = holes_of(heap);
    uint32_t *words = (uint32_t *)(uintptr_t)holes->hole[draw(random) % holes->count].start;
    const uint32_t *others = holes->hole[draw(random) % holes->count].start;

    words[draw(random) % 4] = draw(random) % 2 ? others[draw(random) % 4] : draw(random) % 256;
}

static void expect_live_untouched(enum region_policy policy, uint32_t seed)
{
    char *block[SLOTS] = {NULL};
    size_t size[SLOTS];
    uint32_t random = seed;
    void *heap = open_heap(policy);
    bool scribbled = false;

    for (int step = 0; step < 1000; step++) {
        size_t i = draw(&random) % SLOTS;
        if (step == 400) {
            scribble(heap, &random);
            scribbled = true;
        }
        if (block[i]) {
            assay_status status = table->free(heap, block[i]);
            assert_true(status == ASSAY_OK || (scribbled && status == ASSAY_CORRUPT));
            block[i] = NULL;
            continue;
        }
        size[i] = some_size(&random);
        block[i] = table->alloc(heap, size[i]);
        for (size_t k = 0; block[i] && k < SLOTS; k++)
            assert_true(k == i || !block[k] || block[k] + size[k] <= block[i] ||
                        block[i] + size[i] <= block[k]);
    }
    table->destroy(heap);
}

static void test_a_damaged_hole_never_costs_a_live_block(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++)
        expect_live_untouched((enum region_policy)(seed % 3), seed);
}

/* --- pages --- */

static void test_there_is_one_mapping_ever(void **state)
{
    struct assay_meter meter;

    (void)state;
    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    struct region *region = region_open(&meter.source, 1 << 20, false, 8, REGION_BEST);
    assert_non_null(region);
    for (size_t size = 1; size < 20000; size += 7)
        if (region_take(region, size) && size % 3 == 0)
            assert_null(region_take(region, (size_t)1 << 20));
    assert_int_equal(meter.maps, 1);
    region_close(region);
    assert_int_equal(meter.mapped_bytes, 0);
    assay_meter_close(&meter);
}

static void test_sizes_that_make_no_sense_are_refused_by_the_instance(void **state)
{
    static const size_t sizes[] = {0, SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2 + 1, (size_t)-4096};
    struct region *region = region_open(assay_os_pages(), 1 << 16, true, 16, REGION_FIRST);

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_null(region_open(assay_os_pages(), sizes[i], true, 16, REGION_BEST));
        assert_null(region_open(assay_os_pages(), sizes[i], false, 8, REGION_BEST));
        assert_null(region_take(region, sizes[i]));
        assert_null(region_take_aligned(region, 64, sizes[i]));
        assert_int_equal(region_release(region, (void *)sizes[i]), ASSAY_INVALID);
        assert_int_equal(region_size(region, (void *)sizes[i]), 0);
        assert_false(region_is_block(region, (void *)sizes[i]));
    }
    assert_null(region_take_aligned(region, (size_t)1 << 63, 1));
    char *block = region_take(region, 100);
    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++)
        assert_false(region_resize(region, block, sizes[i]));
    assert_int_equal(region_size(region, block), 100);
    assert_int_equal(region->used_blocks, 1);
    region_close(region);
}

/* --- random streams, which otherwise run with the default alone --- */

static void test_no_policy_breaks_a_promise(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        const struct assay_campaign_options options = {
            .seed = 1 + i, .most_ops = 300000, .options = policies[i]};
        struct assay_campaign_result result;
        struct assay_error error;
        assert_int_equal(assay_campaign_run(table, &options, &result, &error), ASSAY_OK);
        if (result.found)
            fail_msg("%s: %s", policies[i], result.finding.what);
        assert_true(result.served > 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_fit_takes_what_a_search_of_all_holes_finds),
        cmocka_unit_test(test_worst_fit_takes_what_a_search_of_all_holes_finds),
        cmocka_unit_test(test_first_fit_takes_what_a_search_of_all_holes_finds),
        cmocka_unit_test(test_a_block_grows_into_the_hole_behind_it),
        cmocka_unit_test(test_a_block_that_cannot_grow_moves_and_leaves_a_hole),
        cmocka_unit_test(test_what_a_block_gives_up_joins_the_hole_behind_it),
        cmocka_unit_test(test_a_refused_resize_leaves_the_block),
        cmocka_unit_test(test_check_notices_any_bit_of_a_hole_s_record),
        cmocka_unit_test(test_a_damaged_hole_never_costs_a_live_block),
        cmocka_unit_test(test_there_is_one_mapping_ever),
        cmocka_unit_test(test_sizes_that_make_no_sense_are_refused_by_the_instance),
        cmocka_unit_test(test_no_policy_breaks_a_promise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
