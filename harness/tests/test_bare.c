/* test_bare - the replay without checks makes exactly the calls that the stream says. */
#include "assay/bare.h"

#include "assay/os_pages.h"
#include "assay/sizes.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A backend that writes down what it is called with; blocks are never reused. */
static char calls[4000];
static unsigned char arena[1 << 16];
static size_t arena_used;

static void note(const char *format, size_t a, size_t b)
{
    size_t length = strlen(calls);

    snprintf(calls + length, sizeof calls - length, format, a, b);
}

static size_t number(const void *block)
{
    return block ? (size_t)((const unsigned char *)block - arena) : 9999;
}

static void *serve(size_t size)
{
    if (size > sizeof arena - arena_used)
        return NULL;
    arena_used += size + 1;
    return arena + arena_used - size - 1;
}

static assay_status noting_create(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    (void)backend;
    (void)config;
    calls[0] = '\0';
    arena_used = 0;
    memset(arena, 0xee, sizeof arena);
    *self = arena;
    return ASSAY_OK;
}

static void noting_destroy(void *self)
{
    (void)self;
}

static void *noting_alloc(void *self, size_t size)
{
    (void)self;
    note("a%zu ", size, 0);
    return serve(size);
}

static assay_status noting_free(void *self, void *block)
{
    (void)self;
    note("f%zu ", number(block), 0);
    return ASSAY_OK;
}

static void *noting_alloc_zeroed(void *self, size_t count, size_t size)
{
    (void)self;
    note("z%zu*%zu ", count, size);
    return serve(assay_multiply(count, size));
}

static void *noting_alloc_aligned(void *self, size_t align, size_t size)
{
    (void)self;
    note("l%zu:%zu ", align, size);
    return serve(size);
}

static void *noting_realloc(void *self, void *block, size_t size)
{
    (void)self;
    note("r%zu>%zu ", number(block), size);
    return serve(size);
}

static const struct assay_backend noting = {
    .abi = ASSAY_BACKEND_ABI,
    .min_align = 1,
    .max_size = SIZE_MAX,
    .name = "noting",
    .create = noting_create,
    .destroy = noting_destroy,
    .alloc = noting_alloc,
    .free = noting_free,
    .alloc_zeroed = noting_alloc_zeroed,
    .alloc_aligned = noting_alloc_aligned,
    .realloc = noting_realloc,
};

static const struct assay_backend scant = {
    .abi = ASSAY_BACKEND_ABI,
    .min_align = 1,
    .max_size = SIZE_MAX,
    .name = "scant",
    .create = noting_create,
    .destroy = noting_destroy,
    .alloc = noting_alloc,
    .free = noting_free,
};

static struct assay_bare *bare;
static struct assay_heap heap;

static struct assay_bare_result run(const struct assay_backend *backend, const struct assay_op *ops,
                                    size_t count, enum assay_touch touch)
{
    struct assay_stream stream = {.ops = (struct assay_op *)(uintptr_t)ops, .count = count};
    struct assay_stream_reader memory;
    struct assay_bare_result result = {0};

    assert_int_equal(assay_heap_open(&heap, backend, assay_os_pages(), 0, 0, NULL), ASSAY_OK);
    assay_stream_reader_init(&memory, &stream);
    assay_bare_run(bare, &heap, &memory.reader, touch, &result);
    return result;
}

static int open_bare(void **state)
{
    (void)state;
    bare = assay_bare_open();
    return bare ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    assay_bare_close(bare);
    return 0;
}

#define RUN(backend, ops, touch) run(backend, ops, sizeof(ops) / sizeof *(ops), touch)

static void test_every_operation_is_the_call_it_names(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 9},
        {.kind = ASSAY_OP_ALLOC_ZEROED, .slot = 1, .size = 3, .arg = 3},
        {.kind = ASSAY_OP_ALLOC_ALIGNED, .slot = 2, .size = 9, .arg = 64},
        {.kind = ASSAY_OP_REALLOC, .slot = 0, .size = 19},
        {.kind = ASSAY_OP_REALLOC, .slot = 3, .size = 4},
        {.kind = ASSAY_OP_FREE_NULL},
        {.kind = ASSAY_OP_HAND_OVER, .slot = 1, .arg = 1},
        {.kind = ASSAY_OP_FREE, .slot = 1},
        {.kind = ASSAY_OP_FREE, .slot = 0},
    };
    struct assay_bare_result result = RUN(&noting, ops, ASSAY_TOUCH_NONE);

    assert_string_equal(calls, "a9 z3*3 l64:9 r0>19 r9999>4 f9999 f10 f30 ");
    assert_int_equal(result.ops, 9);
    assert_int_equal(result.calls, 8);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(result.refused, 0);
    assert_int_equal(heap.made_up, 0);
}

static void test_an_operation_on_a_slot_in_the_wrong_state_is_skipped(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_FREE, .slot = 5},
        {.kind = ASSAY_OP_ALLOC, .slot = 5, .size = 8},
        {.kind = ASSAY_OP_ALLOC, .slot = 5, .size = 9},
        {.kind = ASSAY_OP_ALLOC_ZEROED, .slot = 5, .size = 9, .arg = 1},
        {.kind = ASSAY_OP_CHECK},
        {.kind = ASSAY_OP_FREE, .slot = 5},
        {.kind = ASSAY_OP_DOUBLE_FREE, .slot = 5},
        {.kind = ASSAY_OP_REFUSE_NEXT, .arg = 3},
    };
    struct assay_bare_result result = RUN(&noting, ops, ASSAY_TOUCH_NONE);

    assert_string_equal(calls, "a8 f0 ");
    assert_int_equal(result.skipped, 6);
    assert_int_equal(heap.meter.refuse_next, 0);
}

static void test_a_refused_allocation_leaves_its_slot_empty_a_refused_realloc_full(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 1 << 20},
        {.kind = ASSAY_OP_FREE, .slot = 0},
        {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 10},
        {.kind = ASSAY_OP_REALLOC, .slot = 0, .size = 1 << 20},
        {.kind = ASSAY_OP_FREE, .slot = 0},
    };
    struct assay_bare_result result = RUN(&noting, ops, ASSAY_TOUCH_NONE);

    assert_string_equal(calls, "a1048576 a10 r0>1048576 f0 ");
    assert_int_equal(result.refused, 2);
    assert_int_equal(result.skipped, 1);
}

static void test_what_is_not_offered_is_made_up_and_told_or_skipped(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC_ZEROED, .slot = 0, .size = 3, .arg = 3},
        {.kind = ASSAY_OP_REALLOC, .slot = 0, .size = 20},
        {.kind = ASSAY_OP_ALLOC_ALIGNED, .slot = 2, .size = 9, .arg = 64},
    };
    struct assay_bare_result result = RUN(&scant, ops, ASSAY_TOUCH_NONE);

    assert_string_equal(calls, "a9 a20 f0 ");
    assert_int_equal(result.skipped, 1);
    assert_int_equal(heap.made_up, 1u << ASSAY_OP_ALLOC_ZEROED | 1u << ASSAY_OP_REALLOC);
}

static size_t count_written(void)
{
    size_t written = 0;

    for (size_t i = 0; i < sizeof arena; i++)
        written += arena[i] != 0xee;
    return written;
}

static void test_blocks_are_touched_nowhere_on_each_page_or_everywhere(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 10000},
        {.kind = ASSAY_OP_ALLOC, .slot = 1, .size = 0},
    };
    RUN(&noting, ops, ASSAY_TOUCH_NONE);
    assert_int_equal(count_written(), 0);
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    RUN(&noting, ops, ASSAY_TOUCH_PAGES);
    assert_int_equal(count_written(), 4);
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    RUN(&noting, ops, ASSAY_TOUCH_ALL);
    assert_int_equal(count_written(), 10000);
}

static void test_a_touch_operation_writes_its_block_in_any_run(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 10000},
        {.kind = ASSAY_OP_TOUCH, .slot = 0},
        {.kind = ASSAY_OP_TOUCH, .slot = 1},
    };
    RUN(&noting, ops, ASSAY_TOUCH_NONE);
    assert_int_equal(count_written(), 10000);
}

static void test_draining_frees_what_is_live_lowest_slot_first(void **state)
{
    (void)state;
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = ASSAY_SLOTS - 1, .size = 4},
        {.kind = ASSAY_OP_ALLOC, .slot = 7, .size = 4},
        {.kind = ASSAY_OP_ALLOC, .slot = 2, .size = 4},
        {.kind = ASSAY_OP_FREE, .slot = 7},
    };
    RUN(&noting, ops, ASSAY_TOUCH_NONE);
    calls[0] = '\0';
    assay_bare_drain(bare, &heap);
    assert_string_equal(calls, "f10 f0 ");
    assay_bare_drain(bare, &heap);
    assert_string_equal(calls, "f10 f0 ");
}

static size_t resident_pages(void)
{
    char line[200];
    FILE *file = fopen("/proc/self/statm", "re");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return strtoul(line + strcspn(line, " "), NULL, 10);
}

static void test_warming_makes_the_slots_of_a_stream_resident_and_leaves_them_empty(void **state)
{
    (void)state;
    enum { SLOTS = 1 << 18 };
    struct assay_stream stream = {0};
    for (uint32_t slot = 0; slot < SLOTS; slot += 64)
        assert_int_equal(
            assay_stream_append(&stream, &(struct assay_op){.kind = ASSAY_OP_FREE, .slot = slot}),
            ASSAY_OK);
    size_t before = resident_pages();
    assay_bare_warm(bare, &stream);
    assert_in_range(resident_pages() - before, SLOTS * sizeof(void *) / 4096, SLOTS);
    assay_stream_clear(&stream);
    const struct assay_op ops[] = {{.kind = ASSAY_OP_FREE, .slot = 0}};
    assert_int_equal(RUN(&noting, ops, ASSAY_TOUCH_NONE).skipped, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bare, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_operation_is_the_call_it_names),
        TEST(test_an_operation_on_a_slot_in_the_wrong_state_is_skipped),
        TEST(test_a_refused_allocation_leaves_its_slot_empty_a_refused_realloc_full),
        TEST(test_what_is_not_offered_is_made_up_and_told_or_skipped),
        TEST(test_blocks_are_touched_nowhere_on_each_page_or_everywhere),
        TEST(test_a_touch_operation_writes_its_block_in_any_run),
        TEST(test_draining_frees_what_is_live_lowest_slot_first),
        TEST(test_warming_makes_the_slots_of_a_stream_resident_and_leaves_them_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
