/* test_pool.c - the order of chunks, the sizes of slabs, and what damage does. */
#include "pool/pool.h"

#include "assay/os_pages.h"
#include "assay/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

extern const struct assay_backend assay_backend_pool;
static const struct assay_backend *const pool = &assay_backend_pool;
static struct assay_meter meter;

static void *open_heap(void)
{
    struct assay_heap_config config = {.limit = SIZE_MAX, .pages = &meter.source, .options = ""};
    void *heap;

    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    assert_int_equal(pool->create(pool, &config, &heap), ASSAY_OK);
    return heap;
}

static void close_heap(void *heap)
{
    pool->destroy(heap);
    assert_int_equal(meter.mapped_bytes, 0);
    assay_meter_close(&meter);
}

static void test_what_was_freed_last_is_given_first(void **state)
{
    void *heap = open_heap();
    void *block[10];

    (void)state;
    for (int i = 0; i < 10; i++)
        block[i] = pool->alloc(heap, 40);
    for (int i = 0; i < 10; i++)
        assert_int_equal(pool->free(heap, block[i]), ASSAY_OK);
    for (int i = 9; i >= 0; i--)
        assert_ptr_equal(pool->alloc(heap, 96), block[i]);
    close_heap(heap);
}

static void test_slabs_hold_128_chunks_and_then_twice_as_many_each(void **state)
{
    void *heap = open_heap();
    uint64_t maps = meter.maps;

    (void)state;
    for (size_t chunks = 128; chunks <= 4096; chunks *= 2) {
        for (size_t i = 0; i < chunks; i++) {
            assert_non_null(pool->alloc(heap, 96));
            assert_int_equal(meter.maps, maps + 2); /* the slab and its tags */
        }
        maps += 2;
    }
    close_heap(heap);
}

static void test_chunks_of_a_slab_adjoin(void **state)
{
    void *heap = open_heap();
    char *first = pool->alloc(heap, 1);

    (void)state;
    for (size_t i = 1; i < 128; i++)
        assert_ptr_equal(pool->alloc(heap, 1), first + i * 96);
    close_heap(heap);
}

static void test_a_chunk_written_to_after_free_leads_nowhere(void **state)
{
    static const uintptr_t wild[] = {16, 17, UINTPTR_MAX, (uintptr_t)1 << 63};
    const size_t count = sizeof wild / sizeof *wild;
    struct assay_damage damage;

    (void)state;
    for (size_t i = 0; i < 3 * count; i++) { /* each of the words that a free chunk holds */
        void *heap = open_heap();
        uintptr_t *block = pool->alloc(heap, 96);
        char *live = pool->alloc(heap, 96);
        assert_int_equal(pool->free(heap, block), ASSAY_OK);
        /* A live chunk must not be given again. */
        block[i / count] = i % count ? wild[i % count] : (uintptr_t)live;
        assert_int_equal(pool->check(heap, &damage), ASSAY_CORRUPT);
        assert_null(pool->alloc(heap, 96));
        assert_int_equal(pool->free(heap, live), ASSAY_OK);
        close_heap(heap);
    }
}

static void test_trimming_keeps_slabs_that_are_in_use(void **state)
{
    void *heap = open_heap();
    static char *block[2000];
    struct assay_pool *inside = heap; /* the first member */

    (void)state;
    assert_false(assay_pool_trim(inside));
    for (size_t i = 0; i < 2000; i++)
        memset(block[i] = pool->alloc(heap, 96), (int)i, 96);
    assert_false(assay_pool_trim(inside));
    for (size_t i = 0; i < 2000; i++)
        if (i % 500)
            assert_int_equal(pool->free(heap, block[i]), ASSAY_OK);
    size_t mapped = meter.mapped_bytes;
    assert_true(assay_pool_trim(inside));
    assert_true(meter.mapped_bytes < mapped);
    struct assay_damage damage;
    assert_int_equal(pool->check(heap, &damage), ASSAY_OK);
    for (size_t i = 0; i < 2000; i += 500) {
        for (size_t k = 0; k < 96; k++)
            assert_int_equal(block[i][k], (char)i);
        assert_int_equal(pool->free(heap, block[i]), ASSAY_OK);
    }
    assert_true(assay_pool_trim(inside));
    assert_int_equal(meter.mapped_bytes, 4096);
    assert_non_null(pool->alloc(heap, 96));
    assert_int_equal(pool->check(heap, &damage), ASSAY_OK);
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_freed_last_is_given_first),
        cmocka_unit_test(test_slabs_hold_128_chunks_and_then_twice_as_many_each),
        cmocka_unit_test(test_chunks_of_a_slab_adjoin),
        cmocka_unit_test(test_a_chunk_written_to_after_free_leads_nowhere),
        cmocka_unit_test(test_trimming_keeps_slabs_that_are_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
