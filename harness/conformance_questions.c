/* conformance_questions.c - usable_size, owns, resolve, check, walk and stats. */
#include "conformance_tests.h"

#include <stddef.h>
#include <string.h>

static size_t usable(struct trial *trial, const struct trial_block *block)
{
    return trial->backend->usable_size(trial->heap.self, block->handle);
}

static void test_usable_size_can_all_be_written(struct trial *trial)
{
    trial_open(trial);
    for (size_t i = 0; i < 400; i++) {
        size_t size = trial_fits(trial, i < 300 ? i + 1 : i * 31);
        struct trial_block *block = trial_must_alloc(trial, size);
        size_t bytes = usable(trial, block);
        EXPECT(trial, bytes >= size, "usable_size() of a block of %zu bytes is %zu", size, bytes);
        block->size = bytes;
        trial_write(block->bytes, bytes, block->mark);
    }
    if (trial->backend->alloc_aligned) {
        void *handle = trial->backend->alloc_aligned(trial->heap.self, 1024, 100);
        struct trial_block *block = trial_take(trial, handle, 100);
        EXPECT(trial, block && usable(trial, block) >= 100,
               "usable_size() of an aligned block is less than was asked for");
        block->size = usable(trial, block);
        trial_write(block->bytes, block->size, block->mark);
    }
    trial_verify(trial);
    trial_close(trial);
}

static void test_usable_size_of_a_non_block_is_zero(struct trial *trial)
{
    char local[64];

    trial_open(trial);
    trial_churn(trial, 200);
    size_t bytes = trial->backend->usable_size(trial->heap.self, local + 16);
    EXPECT(trial, bytes == 0, "usable_size() of an address on the stack is %zu", bytes);
    bytes = trial->backend->usable_size(trial->heap.self, NULL);
    EXPECT(trial, bytes == 0, "usable_size(NULL) is %zu", bytes);
    trial_close(trial);
}

static bool is_in_a_block(const struct trial *trial, const unsigned char *address)
{
    for (size_t i = 0; i < trial->count; i++) {
        const struct trial_block *block = &trial->blocks[i];
        size_t bytes = block->size;
        if (trial->backend->usable_size)
            bytes = trial->backend->usable_size(trial->heap.self, block->handle);
        if (address >= block->bytes && address < block->bytes + bytes)
            return true;
    }
    return false;
}

static void test_owns_tells_blocks_from_all_else(struct trial *trial)
{
    static char global[64];
    char local[64];

    trial_open(trial);
    bool (*owns)(void *self, const void *address) = trial->backend->owns;
    EXPECT(trial, !owns(trial->heap.self, local),
           "owns() an address on the stack of an empty heap");
    trial_churn(trial, 700);
    for (size_t i = 0; i < trial->count; i++) {
        const struct trial_block *block = &trial->blocks[i];
        EXPECT(trial,
               owns(trial->heap.self, block->bytes) &&
                   owns(trial->heap.self, block->bytes + block->size / 2) &&
                   owns(trial->heap.self, block->bytes + block->size - 1),
               "does not own a byte of a live block of %zu", block->size);
        if (!trial->backend->usable_size)
            continue;
        const unsigned char *end = block->bytes + usable(trial, block);
        if (!is_in_a_block(trial, end))
            EXPECT(trial, !owns(trial->heap.self, end),
                   "owns() the byte after the usable ones of a block of %zu", block->size);
    }
    EXPECT(trial, !owns(trial->heap.self, local), "owns() an address on the stack");
    EXPECT(trial, !owns(trial->heap.self, global), "owns() a static variable");
    EXPECT(trial, !owns(trial->heap.self, NULL), "owns() NULL");
    while (trial->count > 0) {
        const unsigned char *bytes = trial->blocks[trial->count - 1].bytes;
        trial_free(trial, trial->count - 1);
        EXPECT(trial, !owns(trial->heap.self, bytes), "owns() a block that was freed");
    }
    trial_close(trial);
}

static void test_resolve_tells_where_the_bytes_are(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 1000);
    for (size_t i = 0; i < trial->count; i++) {
        const struct trial_block *block = &trial->blocks[i];
        for (int again = 0; again < 2; again++)
            EXPECT(trial, trial->backend->resolve(trial->heap.self, block->handle) == block->bytes,
                   "resolve() of a live block changes from call to call");
        if (trial_is_metered(trial))
            EXPECT(trial, assay_meter_holds(&trial->heap.meter, block->bytes, block->size),
                   "resolve() names bytes outside what is mapped");
    }
    trial_verify(trial);
    trial_close(trial);
}

static void test_check_is_content_with_a_sound_heap(struct trial *trial)
{
    trial_open(trial);
    trial_check(trial);
    for (int i = 0; i < 40; i++) {
        trial_churn(trial, 50);
        trial_use_all(trial);
        trial_check(trial);
    }
    if (trial_is_metered(trial)) {
        trial_fill_up(trial, trial->heap.limit / 50);
        trial_check(trial);
    }
    trial_free_all(trial);
    trial_check(trial);
    trial_close(trial);
}

struct tour {
    struct trial *trial;
    const char *end; /* of the extent before */
    size_t bytes;
    size_t used;
    size_t extents;
    size_t stop_after;
};

static size_t blocks_in(const struct trial *trial, const struct assay_extent *extent)
{
    size_t count = 0;

    for (size_t i = 0; i < trial->count; i++) {
        uintptr_t bytes = (uintptr_t)trial->blocks[i].bytes, start = (uintptr_t)extent->start;
        count += bytes >= start && bytes - start < extent->bytes;
    }
    return count;
}

static bool visit(void *arg, const struct assay_extent *extent)
{
    struct tour *tour = arg;
    struct trial *trial = tour->trial;
    const char *start = extent->start;

    EXPECT(trial, extent->bytes > 0, "walk() shows an extent of no bytes");
    EXPECT(trial, !tour->end || start >= tour->end,
           "walk() shows extents that overlap or do not rise");
    if (trial_is_metered(trial))
        EXPECT(trial, assay_meter_holds(&trial->heap.meter, start, extent->bytes),
               "walk() shows an extent of %zu bytes outside what is mapped", extent->bytes);
    size_t blocks = blocks_in(trial, extent);
    if (extent->kind == ASSAY_EXTENT_USED) {
        EXPECT(trial, blocks == 1, "walk() shows a used extent with %zu live blocks in it", blocks);
        tour->used++;
    } else {
        EXPECT(trial, blocks == 0, "walk() shows a live block in an extent that is not used");
    }
    tour->end = start + extent->bytes;
    tour->bytes += extent->bytes;
    tour->extents++;
    return tour->extents != tour->stop_after;
}

static struct tour walk(struct trial *trial, size_t stop_after)
{
    struct tour tour = {.trial = trial, .stop_after = stop_after};
    assay_status status = trial->backend->walk(trial->heap.self, visit, &tour);

    EXPECT(trial, status == ASSAY_OK, "walk() answers: %s", assay_status_text(status));
    return tour;
}

static void expect_whole_walk(struct trial *trial)
{
    struct tour tour = walk(trial, 0);

    EXPECT(trial, tour.used == trial->count, "walk() shows %zu used extents of %zu live blocks",
           tour.used, trial->count);
    if (trial_is_metered(trial))
        EXPECT(trial, tour.bytes == trial->heap.meter.mapped_bytes,
               "walk() shows %zu bytes of the %zu that are mapped", tour.bytes,
               trial->heap.meter.mapped_bytes);
}

static void test_walk_shows_every_block_once_and_tiles(struct trial *trial)
{
    trial_open(trial);
    expect_whole_walk(trial);
    for (int i = 0; i < 10; i++) {
        trial_churn(trial, 120);
        trial_use_all(trial);
        expect_whole_walk(trial);
    }
    if (trial_is_metered(trial)) {
        trial_fill_up(trial, trial->heap.limit / 60);
        expect_whole_walk(trial);
    }
    trial_free_all(trial);
    expect_whole_walk(trial);
    trial_close(trial);
}

static void test_walk_ends_when_told(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 100);
    size_t extents = walk(trial, 0).extents;
    for (size_t most = 1; most <= extents; most += 7)
        EXPECT(trial, walk(trial, most).extents == most,
               "walk() went on after the visitor said no");
    trial_close(trial);
}

static void expect_right_stats(struct trial *trial)
{
    struct assay_heap_stats stats;
    size_t bytes = 0;

    memset(&stats, 0xA5, sizeof stats); /* so that a field left alone is seen */
    trial->backend->stats(trial->heap.self, &stats);
    EXPECT(trial, stats.used_blocks == ASSAY_UNKNOWN || stats.used_blocks == trial->count,
           "stats() counts %zu used blocks of %zu", stats.used_blocks, trial->count);
    if (trial_is_metered(trial))
        EXPECT(trial,
               stats.mapped_bytes == ASSAY_UNKNOWN ||
                   stats.mapped_bytes == trial->heap.meter.mapped_bytes,
               "stats() counts %zu mapped bytes of %zu", stats.mapped_bytes,
               trial->heap.meter.mapped_bytes);
    if (trial->backend->usable_size) {
        for (size_t i = 0; i < trial->count; i++)
            bytes += usable(trial, &trial->blocks[i]);
        EXPECT(trial, stats.used_bytes == ASSAY_UNKNOWN || stats.used_bytes == bytes,
               "stats() counts %zu used bytes of %zu", stats.used_bytes, bytes);
    }
}

static void test_stats_count_what_is_there(struct trial *trial)
{
    trial_open(trial);
    expect_right_stats(trial);
    for (int i = 0; i < 10; i++) {
        trial_churn(trial, 150);
        trial_use_all(trial);
        expect_right_stats(trial);
    }
    trial_free_all(trial);
    expect_right_stats(trial);
    trial_close(trial);
}

static void test_largest_free_is_the_largest_that_fits(struct trial *trial)
{
    struct assay_heap_stats stats;

    trial_open(trial);
    for (int i = 0; i < 10; i++) {
        trial_churn(trial, 100);
        if (i == 5)
            trial_fill_up(trial, trial->heap.limit / 50);
        trial->backend->stats(trial->heap.self, &stats);
        size_t largest = stats.largest_free;
        if (largest == ASSAY_UNKNOWN)
            break;
        trial->heap.meter.budget = 0; /* without mapping */
        EXPECT(trial, largest == 0 || !trial->backend->alloc(trial->heap.self, largest + 1),
               "largest_free is %zu, but a request of one byte more is served", largest);
        if (largest > 0) {
            EXPECT(trial, trial_alloc(trial, largest),
                   "largest_free is %zu, but a request of as much is refused", largest);
            trial_free(trial, trial->count - 1);
        }
        trial->heap.meter.budget = SIZE_MAX;
    }
    trial_verify(trial);
    trial_close(trial);
}

#define FUNCTION(entry) .needs = #entry, .function = offsetof(struct assay_backend, entry)

static const struct conformance_test tests[] = {
    {.name = "usable_size_can_all_be_written",
     FUNCTION(usable_size),
     .run = test_usable_size_can_all_be_written},
    {.name = "usable_size_of_a_non_block_is_zero",
     FUNCTION(usable_size),
     .setting = ASSAY_CAP_DETECTS_BAD_FREE,
     .run = test_usable_size_of_a_non_block_is_zero},
    {.name = "owns_tells_blocks_from_all_else",
     FUNCTION(owns),
     .run = test_owns_tells_blocks_from_all_else},
    {.name = "resolve_tells_where_the_bytes_are",
     FUNCTION(resolve),
     .run = test_resolve_tells_where_the_bytes_are},
    {.name = "check_is_content_with_a_sound_heap",
     FUNCTION(check),
     .run = test_check_is_content_with_a_sound_heap},
    {.name = "walk_shows_every_block_once_and_tiles",
     FUNCTION(walk),
     .run = test_walk_shows_every_block_once_and_tiles},
    {.name = "walk_ends_when_told", FUNCTION(walk), .run = test_walk_ends_when_told},
    {.name = "stats_count_what_is_there", FUNCTION(stats), .run = test_stats_count_what_is_there},
    {.name = "largest_free_is_the_largest_that_fits",
     FUNCTION(stats),
     .setting = ASSAY_CAP_PAGE_SOURCE,
     .run = test_largest_free_is_the_largest_that_fits},
};

const struct conformance_room assay_conformance_questions = CONFORMANCE_ROOM(tests);
