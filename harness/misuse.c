/* misuse.c - what programs must not do, and whether the heap answers it as it claims. */
#include "conformance_tests.h"

#include <stdlib.h>
#include <string.h>

/* --- DETECTS_BAD_FREE --- */

static void expect_refused(struct trial *trial, void *address, const char *what)
{
    assay_status status = trial->backend->free(trial->heap.self, address);

    EXPECT(trial, status == ASSAY_INVALID, "free() of %s answers: %s", what,
           assay_status_text(status));
}

/* The heap must serve and keep its promises after it was misused. */
static void expect_unharmed(struct trial *trial)
{
    trial_verify(trial);
    trial_check(trial);
    trial_churn(trial, 300);
    trial_verify(trial);
    trial_check(trial);
    trial_close(trial);
}

/* Allocates and frees a block whose both neighbours stay, and gives its stale address. */
static void *stale_block(struct trial *trial, size_t size)
{
    trial_must_alloc(trial, 40);
    void *handle = trial_must_alloc(trial, size)->handle;
    size_t index = trial->count - 1;
    trial_must_alloc(trial, 40);
    trial_free(trial, index);
    return handle;
}

static bool is_live(const struct trial *trial, const void *handle)
{
    for (size_t i = 0; i < trial->count; i++)
        if (trial->blocks[i].handle == handle)
            return true;
    return false;
}

/* Gives the addresses of `count` blocks that lay side by side and have become one free stretch. */
static void stale_stretch(struct trial *trial, void **stale, size_t count)
{
    size_t first = trial->count;

    for (size_t i = 0; i < count; i++)
        stale[i] = trial_must_alloc(trial, 16 + i * 5)->handle;
    while (trial->count > first)
        trial_free(trial, first);
}

static void test_freeing_twice(struct trial *trial)
{
    void *stale[64];

    trial_open(trial);
    for (size_t size = 1; size <= 100000; size = size * 3 + 1)
        expect_refused(trial, stale_block(trial, size), "a block that was just freed");
    trial_churn(trial, 200);
    stale_stretch(trial, stale, 64);
    for (size_t i = 0; i < 64; i++)
        expect_refused(trial, stale[i], "a block that was freed before others");
    expect_unharmed(trial);
}

static void test_freeing_twice_across_new_blocks(struct trial *trial)
{
    void *stale[64];

    trial_open(trial);
    trial_churn(trial, 200);
    stale_stretch(trial, stale, 64);
    for (size_t i = 0; i < 20; i++)
        trial_must_alloc(trial, 200);
    for (size_t i = 0; i < 64; i++)
        if (!is_live(trial, stale[i]))
            expect_refused(trial, stale[i], "a block freed before its memory was used again");
    expect_unharmed(trial);
}

static void test_freeing_an_address_inside_a_block(struct trial *trial)
{
    static const size_t sizes[] = {64, 100, 1000, 5000, 70000};

    trial_open(trial);
    trial_churn(trial, 200);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct trial_block *block = trial_must_alloc(trial, sizes[i]);
        char *handle = block->handle;
        size_t size = block->size;
        trial_must_alloc(trial, 40);
        for (size_t offset = trial->backend->min_align; offset < size; offset *= 2)
            expect_refused(trial, handle + offset, "an address inside a block");
    }
    expect_unharmed(trial);
}

static void test_freeing_a_misaligned_address(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 200);
    for (size_t size = 16; size <= 20000; size *= 6) {
        char *handle = trial_must_alloc(trial, size)->handle;
        for (size_t offset = 1; offset < trial->backend->min_align; offset++) {
            expect_refused(trial, handle + offset, "an address just after the start of a block");
            expect_refused(trial, handle - offset, "an address just before the start of a block");
        }
    }
    expect_unharmed(trial);
}

static void test_freeing_what_the_heap_never_gave(struct trial *trial)
{
    static _Alignas(64) char global[256];
    _Alignas(64) char local[256];
    char *foreign = malloc(256);

    memset(global, 0x5A, sizeof global);
    memset(local, 0x5A, sizeof local);
    EXPECT(trial, foreign, "the test has no memory");
    trial_open(trial);
    for (int round = 0; round < 2; round++) { /* of an empty heap, and of one in use */
        expect_refused(trial, local + 64, "an address on the stack");
        expect_refused(trial, global + 64, "a static variable");
        expect_refused(trial, foreign, "a block of the C library");
        expect_refused(trial, (void *)(uintptr_t)16, "address 16");
        expect_refused(trial, (void *)(UINTPTR_MAX - 63), "an address at the end of memory");
        trial_churn(trial, 300);
    }
    free(foreign);
    if (trial_is_metered(trial)) {
        struct assay_range mapping;
        bool is_mapped = assay_ranges_next(trial->heap.meter.mappings, 0, &mapping);
        EXPECT(trial, is_mapped, "a heap in use has nothing mapped");
        if (!is_live(trial, (void *)mapping.start))
            expect_refused(trial, (void *)mapping.start, "the first byte of the heap's own pages");
    }
    expect_unharmed(trial);
}

static void test_freeing_a_block_of_another_heap(struct trial *trial)
{
    struct trial other = *trial;

    trial_open(trial);
    trial_open(&other);
    other.marks = 1000000;
    for (size_t size = 1; size < 100000; size = size * 4 + 3) {
        trial_must_alloc(trial, size);
        expect_refused(trial, trial_must_alloc(&other, size)->handle, "a block of another heap");
    }
    trial_verify(&other);
    trial_close(&other);
    expect_unharmed(trial);
}

/* --- DETECTS_OVERRUN --- */

static size_t usable_end(struct trial *trial, const struct trial_block *block)
{
    return trial->backend->usable_size
               ? trial->backend->usable_size(trial->heap.self, block->handle)
               : block->size;
}

static bool is_mapped(const struct trial *trial, const unsigned char *bytes, size_t count)
{
    return !trial_is_metered(trial) || assay_meter_holds(&trial->heap.meter, bytes, count);
}

/* Changes bytes, or changes them back so that destroy() finds what it may rely on; the end of the pages stops it. */
static bool change(const struct trial *trial, unsigned char *bytes, size_t count)
{
    if (!is_mapped(trial, bytes, count))
        return false;
    for (size_t i = 0; i < count; i++)
        bytes[i] ^= 0x5A;
    return true;
}

static bool check_reports(struct trial *trial)
{
    struct assay_damage damage = {.where = NULL};

    return trial->backend->check &&
           trial->backend->check(trial->heap.self, &damage) == ASSAY_CORRUPT;
}

/* Writes `excess` bytes past or before a block, in a heap made for it, between two others. */
static void expect_excess_seen(struct trial *trial, size_t size, size_t excess, bool before)
{
    trial_reopen(trial);
    for (int i = 0; i < 3; i++)
        trial_must_alloc(trial, size);
    const struct trial_block *block = &trial->blocks[1];
    unsigned char *at = before ? block->bytes - excess : block->bytes + usable_end(trial, block);
    if (!change(trial, at, excess))
        return;
    bool seen =
        check_reports(trial) || trial->backend->free(trial->heap.self, block->handle) != ASSAY_OK;
    EXPECT(trial, seen, "%zu bytes written %s a block of %zu are not reported", excess,
           before ? "before" : "past", size);
    change(trial, at, excess);
}

static const size_t sizes_to_leave[] = {1, 7, 8, 15, 16, 17, 24, 32, 100, 256, 1000, 4096, 30000};

static void test_excess(struct trial *trial, bool before)
{
    static const size_t excess[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64};

    trial_open(trial);
    for (size_t i = 0; i < sizeof sizes_to_leave / sizeof *sizes_to_leave; i++)
        for (size_t j = 0; j < sizeof excess / sizeof *excess; j++)
            expect_excess_seen(trial, sizes_to_leave[i], excess[j], before);
    trial_reopen(trial);
    trial_churn(trial, 300);
    trial_verify(trial);
    trial_close(trial);
}

static void test_bytes_written_past_a_block(struct trial *trial)
{
    test_excess(trial, false);
}

static void test_bytes_written_before_a_block(struct trial *trial)
{
    test_excess(trial, true);
}

/* --- DETECTS_WRITE_AFTER_FREE --- */

/* Changes a byte of a block after it was freed, between two that stay, and asks for as much again. */
static void expect_write_after_free_seen(struct trial *trial, size_t size, size_t offset)
{
    trial_reopen(trial);
    for (int i = 0; i < 3; i++)
        trial_must_alloc(trial, size);
    unsigned char *stale = trial->blocks[1].bytes;
    trial_free(trial, 1);
    if (!change(trial, stale + offset, 1))
        return;
    bool seen = check_reports(trial) || !trial->backend->alloc(trial->heap.self, size);
    EXPECT(trial, seen, "byte %zu of a block of %zu, changed after it was freed, is not reported",
           offset, size);
    change(trial, stale + offset, 1);
}

static void test_bytes_written_to_a_freed_block(struct trial *trial)
{
    trial_open(trial);
    for (size_t i = 0; i < sizeof sizes_to_leave / sizeof *sizes_to_leave; i++) {
        size_t size = sizes_to_leave[i];
        for (size_t offset = 0; offset < size; offset = 2 * offset + 1)
            expect_write_after_free_seen(trial, size, offset);
        expect_write_after_free_seen(trial, size, size - 1);
    }
    trial_reopen(trial);
    trial_churn(trial, 300);
    trial_verify(trial);
    trial_close(trial);
}

#define DETECTS_BAD_FREE                                                                           \
    .needs = "detects_bad_free", .capability = ASSAY_CAP_DETECTS_BAD_FREE, .tried = true

static const struct conformance_test tests[] = {
    {.name = "freeing_twice_is_refused", DETECTS_BAD_FREE, .run = test_freeing_twice},
    {.name = "freeing_twice_is_refused_when_the_memory_is_in_use_again",
     DETECTS_BAD_FREE,
     .unless = ASSAY_CAP_FREE_INTERIOR, /* it frees the block that is there now */
     .run = test_freeing_twice_across_new_blocks},
    {.name = "freeing_an_address_inside_a_block_is_refused",
     DETECTS_BAD_FREE,
     .unless = ASSAY_CAP_FREE_INTERIOR,
     .run = test_freeing_an_address_inside_a_block},
    {.name = "freeing_a_misaligned_address_is_refused",
     DETECTS_BAD_FREE,
     .unless = ASSAY_CAP_FREE_INTERIOR,
     .run = test_freeing_a_misaligned_address},
    {.name = "freeing_what_the_heap_never_gave_is_refused",
     DETECTS_BAD_FREE,
     .run = test_freeing_what_the_heap_never_gave},
    {.name = "freeing_a_block_of_another_heap_is_refused",
     DETECTS_BAD_FREE,
     .setting = ASSAY_CAP_MANY_HEAPS,
     .run = test_freeing_a_block_of_another_heap},
    {.name = "bytes_written_past_a_block_are_reported",
     .needs = "detects_overrun",
     .capability = ASSAY_CAP_DETECTS_OVERRUN,
     .tried = true,
     .run = test_bytes_written_past_a_block},
    {.name = "bytes_written_before_a_block_are_reported",
     .needs = "detects_underrun",
     .capability = ASSAY_CAP_DETECTS_UNDERRUN,
     .tried = true,
     .run = test_bytes_written_before_a_block},
    {.name = "bytes_written_to_a_freed_block_are_reported",
     .needs = "detects_write_after_free",
     .capability = ASSAY_CAP_DETECTS_WRITE_AFTER_FREE,
     .tried = true,
     .run = test_bytes_written_to_a_freed_block},
};

const struct conformance_room assay_conformance_misuse = CONFORMANCE_ROOM(tests);
