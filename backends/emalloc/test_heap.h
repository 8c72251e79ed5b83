/* test_heap.h - a heap of emalloc on counted pages, and its marks, for tests. */
#ifndef ASSAY_EMALLOC_TEST_HEAP_H
#define ASSAY_EMALLOC_TEST_HEAP_H

#include "emalloc/heap.h"

#include "assay/os_pages.h"
#include "assay/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct assay_meter meter;

static inline struct emalloc_heap *open_heap(void)
{
    struct assay_heap_config config = {.limit = SIZE_MAX, .pages = &meter.source, .options = ""};
    struct emalloc_heap *heap;

    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    assert_int_equal(emalloc_heap_open(&config, &heap), ASSAY_OK);
    return heap;
}

static inline void close_heap(struct emalloc_heap *heap)
{
    emalloc_heap_close(heap);
    assert_int_equal(meter.mapped_bytes, 0);
    assay_meter_close(&meter);
}

static inline char *take(struct emalloc_heap *heap, size_t size)
{
    return emalloc_heap_alloc(heap, 16, size, false);
}

static inline assay_status give(struct emalloc_heap *heap, void *block)
{
    struct emalloc_fault why;

    return emalloc_heap_free(heap, block, &why);
}

static inline void assert_sound(struct emalloc_heap *heap)
{
    struct assay_damage damage = {0};

    if (emalloc_heap_check(heap, &damage) != ASSAY_OK)
        fail_msg("check: %s", damage.what);
}

static inline uint64_t word_at(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t kind_of(const char *block)
{
    return word_at(block - 8) & 3;
}

static inline uint64_t bytes_of(const char *block)
{
    return word_at(block - 16);
}

#endif
