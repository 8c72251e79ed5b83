/* conformance_alloc.c - alloc, free, alloc_zeroed, alloc_aligned, realloc, and refusals. */
#include "conformance_tests.h"

#include "assay/sanitizer.h"
#include "assay/sizes.h"

#include <stddef.h>
#include <string.h>

static void test_blocks_are_apart_and_keep_their_content(struct trial *trial)
{
    trial_open(trial);
    for (size_t size = 1; size <= 70; size++)
        trial_must_alloc(trial, size);
    for (size_t size = 128; size <= 65536; size *= 2) {
        trial_must_alloc(trial, size - 1);
        trial_must_alloc(trial, size);
        trial_must_alloc(trial, size + 1);
    }
    trial_verify(trial);
    trial_churn(trial, 4000);
    trial_verify(trial);
    trial_close(trial);
}

static void test_free_of_null_is_ok(struct trial *trial)
{
    trial_open(trial);
    for (int i = 0; i < 3; i++) {
        assay_status status = trial->backend->free(trial->heap.self, NULL);
        EXPECT(trial, status == ASSAY_OK, "free(NULL) answers: %s", assay_status_text(status));
        trial_churn(trial, 100);
    }
    trial_verify(trial);
    trial_close(trial);
}

/* Requests that no heap can serve; a request of more than the limit only where there is one. */
static void expect_absurd_refused(struct trial *trial,
                                  void *(*allocate)(struct trial *trial, size_t size))
{
    static const size_t below[] = {0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 4095, 4096, 65536};

    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        EXPECT(trial, !allocate(trial, SIZE_MAX - below[i]),
               "a request of SIZE_MAX - %zu is served", below[i]);
        EXPECT(trial, !allocate(trial, (size_t)PTRDIFF_MAX + 1 + below[i]),
               "a request of PTRDIFF_MAX + %zu is served", below[i] + 1);
    }
    if (trial->backend->max_size < SIZE_MAX)
        EXPECT(trial, !allocate(trial, trial->backend->max_size + 1),
               "a request of max_size + 1 is served");
    if (!trial_is_metered(trial))
        return;
    for (unsigned shift = 31; shift < 63; shift++)
        for (size_t i = 0; i < 6; i++)
            if (((size_t)1 << shift) > trial->heap.limit)
                EXPECT(trial, !allocate(trial, ((size_t)1 << shift) + below[i]),
                       "a request of 2^%u + %zu is served", shift, below[i]);
    EXPECT(trial, !allocate(trial, trial->heap.limit + 1), "a request of limit + 1 is served");
}

static void *plain(struct trial *trial, size_t size)
{
    return trial->backend->alloc(trial->heap.self, size);
}

static void *zeroed(struct trial *trial, size_t size)
{
    return trial->backend->alloc_zeroed(trial->heap.self, 1, size);
}

static void *aligned(struct trial *trial, size_t size)
{
    return trial->backend->alloc_aligned(trial->heap.self, 64, size);
}

static void *reallocated(struct trial *trial, size_t size)
{
    return trial->backend->realloc(trial->heap.self, trial->blocks[0].handle, size);
}

static void test_absurd_sizes_are_refused(struct trial *trial)
{
    trial_open(trial);
    expect_absurd_refused(trial, plain); /* as the very first calls */
    trial_churn(trial, 300);
    expect_absurd_refused(trial, plain);
    trial_verify(trial);
    trial_churn(trial, 300);
    trial_close(trial);
}

/*
 * What has no page source is never asked for so much in a stream. One whose room nobody tells is written at its last
 * byte: of 4 GiB that is one page.
 */
static void test_sizes_above_32_bits_are_whole_or_refused(struct trial *trial)
{
    static const size_t above[] = {1, 16, 100, 4096, 70000};

    if (assay_is_sanitized())
        trial_not_asked(trial, "not asked under a sanitizer, whose books of 4 GiB would not fit");
    trial_open(trial);
    trial_churn(trial, 100);
    for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
        size_t size = ((size_t)1 << 32) + above[i];
        void *handle = plain(trial, size);
        if (!handle)
            continue;
        size_t usable = trial->backend->usable_size
                            ? trial->backend->usable_size(trial->heap.self, handle)
                            : size;
        EXPECT(trial, usable >= size, "of 2^32 + %zu bytes %zu are usable", above[i], usable);
        ((volatile unsigned char *)assay_heap_resolve(&trial->heap, handle))[size - 1] = 1;
        EXPECT(trial, trial->backend->free(trial->heap.self, handle) == ASSAY_OK,
               "the block of 2^32 + %zu bytes cannot be freed", above[i]);
    }
    trial_verify(trial);
    trial_close(trial);
}

static void test_zeroed_blocks_are_zero(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 600); /* memory that was used before */
    for (size_t i = 0; i < 300; i++) {
        size_t count = 1 + trial_random(trial) % 20;
        size_t size = 1 + trial_random(trial) % (trial_fits(trial, 8000) / 20);
        if (trial->count > 300)
            trial_free(trial, trial_random(trial) % trial->count);
        void *handle = trial->backend->alloc_zeroed(trial->heap.self, count, size);
        EXPECT(trial, handle, "alloc_zeroed(%zu, %zu) is refused", count, size);
        const unsigned char *bytes = assay_heap_resolve(&trial->heap, handle);
        for (size_t j = 0; j < count * size; j++)
            EXPECT(trial, bytes[j] == 0, "byte %zu of alloc_zeroed(%zu, %zu) is not 0", j, count,
                   size);
        trial_take(trial, handle, count * size);
    }
    trial_verify(trial);
    trial_close(trial);
}

static void test_overflowing_products_are_refused(struct trial *trial)
{
    static const size_t factors[][2] = {
        {SIZE_MAX / 2 + 1, 2},
        {2, SIZE_MAX / 2 + 1},
        {SIZE_MAX, SIZE_MAX},
        {(size_t)1 << 32, (size_t)1 << 32},
        {((size_t)1 << 32) + 1, (size_t)1 << 32},
        {16, SIZE_MAX / 16 + 2},
        {SIZE_MAX / 16 + 2, 16},
        {3, SIZE_MAX / 3 + 9},
    };

    trial_open(trial);
    trial_churn(trial, 200);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        void *handle = trial->backend->alloc_zeroed(trial->heap.self, factors[i][0], factors[i][1]);
        EXPECT(trial, !handle, "alloc_zeroed(%zu, %zu) is served", factors[i][0], factors[i][1]);
    }
    expect_absurd_refused(trial, zeroed);
    trial_verify(trial);
    trial_close(trial);
}

static void test_aligned_blocks_are_aligned(struct trial *trial)
{
    /* Powers of two are aligned to themselves by many allocators, and to no more by some. */
    static const size_t sizes[] = {1, 15, 16, 100, 256, 512, 513, 1024, 4096, 5000};

    trial_open(trial);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t align = 1; align <= 65536; align *= 2) {
            void *handle = trial->backend->alloc_aligned(trial->heap.self, align, sizes[i]);
            EXPECT(trial, handle, "alloc_aligned(%zu, %zu) is refused", align, sizes[i]);
            EXPECT(trial, assay_is_aligned(assay_heap_resolve(&trial->heap, handle), align),
                   "alloc_aligned(%zu, %zu) gives a block that is not", align, sizes[i]);
            trial_take(trial, handle, sizes[i]);
            trial_alloc(trial, 1 + trial_random(trial) % 200);
            if (trial_random(trial) % 2)
                trial_free(trial, trial_random(trial) % trial->count);
        }
        trial_verify(trial);
    }
    trial_close(trial);
}

static void test_absurd_alignments_are_refused(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 200);
    expect_absurd_refused(trial, aligned);
    for (unsigned shift = 48; shift < 64; shift++) {
        size_t align = (size_t)1 << shift;
        EXPECT(trial, !trial->backend->alloc_aligned(trial->heap.self, align, align - 1),
               "alloc_aligned(2^%u, 2^%u - 1) is served", shift, shift);
        EXPECT(trial, !trial->backend->alloc_aligned(trial->heap.self, align, 0 - align),
               "alloc_aligned(2^%u, SIZE_MAX - 2^%u + 1) is served", shift, shift);
    }
    trial_verify(trial);
    trial_churn(trial, 200);
    trial_close(trial);
}

static void test_realloc_keeps_the_smaller_content(struct trial *trial)
{
    static const size_t sizes[] = {1,    8,    24,   100, 4000, 30000, 200, 16, 5000, 5001,
                                   5016, 9000, 4096, 1,   64,   65,    128, 31, 70000};

    trial_open(trial);
    for (int i = 0; i < 20; i++)
        trial_must_alloc(trial, 48);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int j = 0; j < 12; j++) {
            /* The last block is the one just resized: it meets its own old place, too. */
            size_t index = j % 3 ? trial_random(trial) % trial->count : trial->count - 1;
            EXPECT(trial, trial_realloc(trial, index, trial_fits(trial, sizes[i])),
                   "realloc() to %zu bytes is refused", sizes[i]);
        }
    trial_verify(trial);
    trial_close(trial);
}

static void test_realloc_of_null_allocates(struct trial *trial)
{
    trial_open(trial);
    for (size_t size = 1; size < 3000; size += 97) {
        size_t fits = trial_fits(trial, size);
        void *handle = trial->backend->realloc(trial->heap.self, NULL, fits);
        EXPECT(trial, handle, "realloc(NULL, %zu) is refused", fits);
        trial_take(trial, handle, fits);
    }
    trial_verify(trial);
    trial_close(trial);
}

static void test_refused_realloc_keeps_the_block(struct trial *trial)
{
    trial_open(trial);
    for (size_t step = 1; step < 20000; step *= 3) {
        size_t size = trial_must_alloc(trial, step)->size;
        expect_absurd_refused(trial, reallocated);
        trial_verify(trial);
        EXPECT(trial,
               !trial->backend->usable_size ||
                   trial->backend->usable_size(trial->heap.self, trial->blocks[0].handle) >= size,
               "usable_size() of a block of %zu bytes is less after a refused realloc()", size);
        EXPECT(trial, trial_realloc(trial, 0, trial_fits(trial, size + 1)),
               "realloc() by one byte is refused after one that could not be served");
        trial_churn(trial, 50);
        trial_free_all(trial);
    }
    trial_close(trial);
}

/* What can be seen of a heap from outside. */
struct view {
    uint64_t extents;
    struct assay_heap_stats stats;
};

static bool hash_extent(void *arg, const struct assay_extent *extent)
{
    uint64_t *hash = arg;

    *hash = (*hash ^ (uintptr_t)extent->start ^ extent->bytes << 20 ^ (uint64_t)extent->kind) *
            0x9E3779B97F4A7C15u;
    *hash ^= *hash >> 29;
    return true;
}

static struct view look(struct trial *trial)
{
    struct view view = {.extents = 1};

    if (trial->backend->walk) {
        assay_status status = trial->backend->walk(trial->heap.self, hash_extent, &view.extents);
        EXPECT(trial, status == ASSAY_OK, "walk() answers: %s", assay_status_text(status));
    }
    if (trial->backend->stats)
        trial->backend->stats(trial->heap.self, &view.stats);
    return view;
}

static void ask_for_too_much(struct trial *trial, size_t size)
{
    const struct assay_backend *backend = trial->backend;
    void *self = trial->heap.self;

    EXPECT(trial, !backend->alloc(self, size), "alloc(%zu) is served by a full heap", size);
    if (backend->alloc_zeroed)
        EXPECT(trial, !backend->alloc_zeroed(self, 2, size / 2 + 1),
               "alloc_zeroed(2, %zu) is served by a full heap", size / 2 + 1);
    if (backend->alloc_aligned)
        EXPECT(trial, !backend->alloc_aligned(self, 4096, size),
               "alloc_aligned(4096, %zu) is served by a full heap", size);
    if (backend->realloc)
        EXPECT(trial, !trial_realloc(trial, trial->count / 2, size),
               "realloc() to %zu bytes is served by a full heap", size);
}

static void test_refused_requests_change_nothing(struct trial *trial)
{
    trial_open(trial);
    size_t size = trial_fits(trial, trial->heap.limit / 100);
    trial_fill_up(trial, size);
    EXPECT(trial, trial->count > 2, "a heap with a limit of %zu has room for %zu blocks of %zu",
           trial->heap.limit, trial->count, size);
    trial_fill_up(trial, size / 10);
    struct view before = look(trial);
    size_t mapped = trial->heap.meter.mapped_bytes;
    for (size_t factor = 4; factor <= 64; factor *= 2)
        ask_for_too_much(trial, size * factor);
    struct view after = look(trial);
    EXPECT(trial, after.extents == before.extents, "walk() shows a change after refused requests");
    EXPECT(trial, memcmp(&after.stats, &before.stats, sizeof after.stats) == 0,
           "stats() shows a change after refused requests");
    EXPECT(trial, trial->heap.meter.mapped_bytes <= mapped,
           "refused requests have mapped %zu bytes", trial->heap.meter.mapped_bytes - mapped);
    trial_verify(trial);
    trial_close(trial);
}

/* --- realloc to 0 bytes, which allocators answer differently --- */

#define ROUNDS 1024

/* What was not freed has its address for itself: in so many rounds one that was freed comes again. */
static void test_realloc_to_0_bytes_frees(struct trial *trial)
{
    static void *seen[ROUNDS];
    bool again = false;

    trial_open(trial);
    trial_churn(trial, 200);
    for (size_t i = 0; i < ROUNDS && !again; i++) {
        seen[i] = trial->backend->alloc(trial->heap.self, trial_fits(trial, 64));
        EXPECT(trial, seen[i], "the %zu. block is refused", i + 1);
        void *handle = trial->backend->realloc(trial->heap.self, seen[i], 0);
        EXPECT(trial, !handle, "realloc(block, 0) gives a block");
        for (size_t j = 0; j < i && !again; j++)
            again = seen[j] == seen[i];
    }
    EXPECT(trial, again, "realloc(block, 0) gives NULL and keeps the block");
    trial_verify(trial);
    trial_check(trial);
    trial_close(trial);
}

static void test_realloc_to_0_bytes_gives_a_block(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 200);
    for (size_t i = 0; i < 64; i++) {
        void *handle = trial->backend->alloc(trial->heap.self, trial_fits(trial, 10 * i + 1));
        EXPECT(trial, handle, "a block of %zu bytes is refused", 10 * i + 1);
        handle = trial->backend->realloc(trial->heap.self, handle, 0);
        EXPECT(trial, handle, "realloc(block, 0) gives NULL");
        for (size_t j = 0; j < trial->count; j++)
            EXPECT(trial, handle != trial->blocks[j].handle,
                   "realloc(block, 0) gives the address of a live block of %zu bytes",
                   trial->blocks[j].size);
        trial_take(trial, handle, 0);
    }
    trial_churn(trial, 200);
    trial_verify(trial);
    trial_close(trial);
}

#define FUNCTION(entry) .needs = #entry, .function = offsetof(struct assay_backend, entry)

static const struct conformance_test tests[] = {
    {.name = "blocks_are_apart_and_keep_their_content",
     .needs = "",
     .run = test_blocks_are_apart_and_keep_their_content},
    {.name = "free_of_null_is_ok", .needs = "", .run = test_free_of_null_is_ok},
    {.name = "absurd_sizes_are_refused", .needs = "", .run = test_absurd_sizes_are_refused},
    {.name = "sizes_above_32_bits_are_whole_or_refused",
     .needs = "",
     .unless = ASSAY_CAP_PAGE_SOURCE,
     .run = test_sizes_above_32_bits_are_whole_or_refused},
    {.name = "refused_requests_change_nothing",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_refused_requests_change_nothing},
    {.name = "zeroed_blocks_are_zero", FUNCTION(alloc_zeroed), .run = test_zeroed_blocks_are_zero},
    {.name = "overflowing_products_are_refused",
     FUNCTION(alloc_zeroed),
     .run = test_overflowing_products_are_refused},
    {.name = "aligned_blocks_are_aligned",
     FUNCTION(alloc_aligned),
     .run = test_aligned_blocks_are_aligned},
    {.name = "absurd_alignments_are_refused",
     FUNCTION(alloc_aligned),
     .run = test_absurd_alignments_are_refused},
    {.name = "realloc_keeps_the_smaller_content",
     FUNCTION(realloc),
     .run = test_realloc_keeps_the_smaller_content},
    {.name = "realloc_of_null_allocates", FUNCTION(realloc), .run = test_realloc_of_null_allocates},
    {.name = "a_refused_realloc_keeps_the_block",
     FUNCTION(realloc),
     .run = test_refused_realloc_keeps_the_block},
    {.name = "realloc_to_0_bytes_frees",
     .needs = "realloc_zero_frees",
     .function = offsetof(struct assay_backend, realloc),
     .capability = ASSAY_CAP_REALLOC_ZERO_FREES,
     .tried = true,
     .run = test_realloc_to_0_bytes_frees},
    {.name = "realloc_to_0_bytes_gives_a_block",
     .needs = "realloc_zero_block",
     .function = offsetof(struct assay_backend, realloc),
     .capability = ASSAY_CAP_REALLOC_ZERO_BLOCK,
     .tried = true,
     .run = test_realloc_to_0_bytes_gives_a_block},
};

const struct conformance_room assay_conformance_alloc = CONFORMANCE_ROOM(tests);
