/* conformance_caps.c - the capabilities that one thread of a well-behaved program can see. */
#include "conformance_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- MANY_HEAPS --- */

#define HEAPS 3

static void test_heaps_live_side_by_side(struct trial *trial)
{
    struct trial heaps[HEAPS];

    for (int i = 0; i < HEAPS; i++) {
        heaps[i] = *trial;
        trial_open(&heaps[i]);
        heaps[i].random += (uint64_t)i * 12345;
        heaps[i].marks = (uint64_t)i * 1000000; /* a byte of another heap is a wrong byte */
    }
    for (int round = 0; round < 60; round++)
        trial_churn(&heaps[round % HEAPS], 60);
    for (int i = 0; i < HEAPS; i++)
        trial_verify(&heaps[i]);
    trial_close(&heaps[1]);
    trial_churn(&heaps[0], 100);
    trial_open(&heaps[1]);
    trial_churn(&heaps[1], 100);
    for (int i = 0; i < HEAPS; i++) {
        trial_verify(&heaps[i]);
        for (size_t j = 0; j < heaps[i].count; j++)
            EXPECT(trial,
                   assay_meter_holds(&heaps[i].heap.meter, heaps[i].blocks[j].bytes,
                                     heaps[i].blocks[j].size),
                   "a block of one heap lies in the pages of another");
    }
    for (int i = HEAPS - 1; i >= 0; i--)
        trial_close(&heaps[i]);
}

/* --- PAGE_SOURCE --- */

/* Bytes of private writable memory that the kernel lists for this process. Allocates nothing. */
static size_t writable_bytes(struct trial *trial)
{
    static char text[1 << 20];
    size_t length = 0, total = 0;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    EXPECT(trial, file >= 0, "the test cannot read /proc/self/maps");
    for (ssize_t got = 1; got > 0 && length < sizeof text - 1;
         length += (size_t)(got > 0 ? got : 0))
        got = read(file, text + length, sizeof text - 1 - length);
    close(file);
    text[length] = '\0';
    for (const char *line = text; *line;) {
        char *rest;
        size_t start = strtoull(line, &rest, 16);
        size_t end = strtoull(rest + 1, &rest, 16);
        /* The kernel grows the stack on its own. */
        const char *newline = strchr(rest, '\n');
        const char *stack = strstr(rest, "[stack]");
        if (rest[2] == 'w' && !(stack && newline && stack < newline))
            total += end - start;
        line = newline ? newline + 1 : rest + strlen(rest);
    }
    return total;
}

static void expect_all_in_the_page_source(struct trial *trial)
{
    EXPECT(trial, trial->count > 0, "every request was refused");
    for (size_t i = 0; i < trial->count; i++)
        EXPECT(trial,
               assay_meter_holds(&trial->heap.meter, trial->blocks[i].bytes, trial->blocks[i].size),
               "a block of %zu bytes lies outside the pages of the source", trial->blocks[i].size);
}

static void test_every_block_lies_in_the_page_source(struct trial *trial)
{
    trial_open(trial);
    for (size_t size = 1; size < 500000; size = size * 3 / 2 + 1)
        trial_alloc(trial, size);
    expect_all_in_the_page_source(trial);
    trial_churn(trial, 1000);
    trial_use_all(trial);
    expect_all_in_the_page_source(trial);
    trial_close(trial);
}

/* What this process holds that did not come through the meter. */
static size_t bytes_from_elsewhere(struct trial *trial)
{
    struct mallinfo2 library = mallinfo2();

    /* Memory the C library had already, given to the heap now, counts as well. */
    return writable_bytes(trial) - trial->heap.meter.mapped_bytes + library.uordblks;
}

/* The most that a heap, from before its creation, takes from elsewhere than the page source. */
static size_t most_from_elsewhere(struct trial *trial)
{
    size_t limit = trial->heap.limit;
    size_t most = 0;

    assay_heap_destroy(&trial->heap, NULL);
    size_t before = bytes_from_elsewhere(trial);
    assay_status status = assay_heap_reopen(&trial->heap, limit, 1, NULL);
    EXPECT(trial, status == ASSAY_OK, "create() answers: %s", assay_status_text(status));
    for (int i = 0; i < 10; i++) {
        trial_churn(trial, 300);
        trial_alloc(trial, 100000);
        size_t now = bytes_from_elsewhere(trial);
        if (now > before + most)
            most = now - before;
    }
    trial_free_all(trial);
    return most;
}

static void test_no_memory_comes_from_elsewhere(struct trial *trial)
{
    size_t most = 1;

    /* What a process needs once, or once for a range of addresses, is not the heap's: heap after
     * heap must take something to be at fault. */
    trial_open(trial);
    for (int heap = 0; heap < 4 && most > 0; heap++)
        most = most_from_elsewhere(trial);
    EXPECT(trial, most == 0, "%zu bytes came from elsewhere than the page source", most);
    trial_close(trial);
}

/* --- GROWS --- */

static void grow_without_meter(struct trial *trial)
{
    enum { BYTES = 1 << 20, BLOCKS = 128 };

    trial_must_alloc(trial, BYTES);
    size_t before = writable_bytes(trial);
    for (int i = 0; i < BLOCKS; i++)
        trial_must_alloc(trial, BYTES);
    size_t after = writable_bytes(trial);
    EXPECT(trial, after > before && after - before > (size_t)BYTES * BLOCKS / 4,
           "%d blocks of %d bytes were served from what was mapped before", BLOCKS, BYTES);
}

static void test_maps_more_on_demand(struct trial *trial)
{
    trial_open(trial);
    if (!trial_is_metered(trial)) {
        grow_without_meter(trial);
        trial_close(trial);
        return;
    }
    size_t at_create = trial->heap.meter.mapped_bytes;
    trial_fill_up(trial, trial->heap.limit / 64);
    size_t at_end = trial->heap.meter.mapped_bytes;
    EXPECT(trial, at_end > at_create,
           "maps %zu bytes at create() and no more when it is filled up to its limit of %zu",
           at_create, trial->heap.limit);
    trial_close(trial);
}

static void test_serves_again_after_refused_pages(struct trial *trial)
{
    static const size_t parts[] = {4, 64, 1024};

    trial_open(trial);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t size = trial_fits(trial, trial->heap.limit / parts[i]);
        trial_churn(trial, 50);
        trial->heap.meter.budget = 0;
        trial_fill_up(trial, size);
        if (trial->backend->realloc && trial->count > 0)
            trial_realloc(trial, 0, size * 2);
        trial_verify(trial);
        trial->heap.meter.budget = SIZE_MAX;
        trial_must_alloc(trial, size);
        trial_verify(trial);
        trial_reopen(trial);
    }
    trial_close(trial);
}

/* --- COALESCES and TRIMS --- */

static void free_in_order(struct trial *trial, int order)
{
    while (trial->count > 0) {
        size_t index = 0; /* trial_free() moves the last block to the place of the freed one */
        if (order == 1)
            index = trial->count - 1;
        if (order == 2)
            index = trial_random(trial) % trial->count;
        trial_free(trial, index);
    }
}

/* The largest request that a heap serves first. */
static size_t largest_first_block(struct trial *trial)
{
    size_t served = 0, refused = trial->heap.limit + 1;

    while (refused - served > 1) {
        size_t size = served + (refused - served) / 2;
        trial_reopen(trial);
        if (trial->backend->alloc(trial->heap.self, size))
            served = size;
        else
            refused = size;
    }
    trial_reopen(trial);
    return served;
}

static void test_all_freed_the_largest_fits_again(struct trial *trial)
{
    trial_open(trial);
    size_t largest = largest_first_block(trial);
    EXPECT(trial, largest > 0, "a fresh heap serves nothing");
    for (int order = 0; order < 3; order++) {
        trial_churn(trial, 1500);
        trial_fill_up(trial, trial->heap.limit / 100);
        trial_fill_up(trial, trial->heap.limit / 1000);
        free_in_order(trial, order);
        EXPECT(trial, trial_alloc(trial, largest),
               "all blocks are freed, but %zu bytes, which fitted first, do not fit again",
               largest);
        trial_free_all(trial);
    }
    trial_close(trial);
}

static void test_all_freed_what_was_mapped_is_returned(struct trial *trial)
{
    trial_open(trial);
    size_t at_create = trial->heap.meter.mapped_bytes;
    for (int order = 0; order < 3; order++) {
        trial_churn(trial, 1500);
        trial_fill_up(trial, trial->heap.limit / 100);
        free_in_order(trial, order);
        size_t mapped = trial->heap.meter.mapped_bytes;
        EXPECT(trial, mapped <= at_create,
               "all blocks are freed, but %zu bytes are mapped: %zu at create()", mapped,
               at_create);
    }
    trial_close(trial);
}

/* --- ZERO_SIZE_BLOCK --- */

static void *no_bytes(struct trial *trial, int how)
{
    const struct assay_backend *backend = trial->backend;

    if (how == 1 && backend->alloc_zeroed)
        return backend->alloc_zeroed(trial->heap.self, 0, 8);
    if (how == 2 && backend->alloc_zeroed)
        return backend->alloc_zeroed(trial->heap.self, 8, 0);
    if (how == 3 && backend->alloc_aligned)
        return backend->alloc_aligned(trial->heap.self, 64, 0);
    return backend->alloc(trial->heap.self, 0);
}

static void test_zero_bytes_are_a_block_of_their_own(struct trial *trial)
{
    trial_open(trial);
    trial_churn(trial, 100);
    for (int i = 0; i < 32; i++) {
        void *handle = no_bytes(trial, i % 4);
        EXPECT(trial, handle, "a request of 0 bytes is refused");
        const unsigned char *bytes = assay_heap_resolve(&trial->heap, handle);
        for (size_t j = 0; j < trial->count; j++) {
            const struct trial_block *other = &trial->blocks[j];
            EXPECT(trial,
                   handle != other->handle &&
                       (bytes < other->bytes || bytes >= other->bytes + other->size),
                   "a request of 0 bytes gives an address of a live block of %zu bytes",
                   other->size);
        }
        trial_take(trial, handle, 0);
    }
    trial_churn(trial, 300);
    trial_verify(trial);
    trial_close(trial);
}

static void test_zero_bytes_are_answered_as_declared(struct trial *trial)
{
    bool declared = assay_backend_claims(trial->backend, ASSAY_CAP_ZERO_SIZE_BLOCK);

    trial_open(trial);
    for (int how = 0; how < 4; how++) {
        void *handle = no_bytes(trial, how);
        EXPECT(trial, declared == (handle != NULL), "a request of 0 bytes gives %s",
               declared ? "NULL although zero_size_block is claimed"
                        : "a block although zero_size_block is not claimed");
        trial_take(trial, handle, 0);
    }
    trial_close(trial);
}

/* --- FREE_INTERIOR --- */

static size_t used_blocks(struct trial *trial)
{
    struct assay_heap_stats stats = {.used_blocks = ASSAY_UNKNOWN};

    if (trial->backend->stats)
        trial->backend->stats(trial->heap.self, &stats);
    return stats.used_blocks;
}

static void test_any_address_inside_frees_the_block(struct trial *trial)
{
    static const size_t sizes[] = {16, 17, 100, 2000, 40000};

    trial_open(trial);
    /* A free() that does nothing would pass for one that is tried, unless it can be counted. */
    EXPECT(trial, trial->claimed || used_blocks(trial) != ASSAY_UNKNOWN, "cannot be told");
    trial_churn(trial, 300);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t offsets[] = {1, sizes[i] / 2, sizes[i] - 1};
        for (size_t j = 0; j < 3; j++) {
            struct trial_block *block = trial_must_alloc(trial, sizes[i]);
            char *inside = (char *)block->handle + offsets[j];
            if (trial->backend->usable_size)
                EXPECT(trial, trial->backend->usable_size(trial->heap.self, inside) > 0,
                       "usable_size() of an address inside a block is 0");
            size_t before = used_blocks(trial);
            assay_status status = trial->backend->free(trial->heap.self, inside);
            EXPECT(trial, status == ASSAY_OK, "free() of byte %zu of a block of %zu answers: %s",
                   offsets[j], sizes[i], assay_status_text(status));
            EXPECT(trial, before == ASSAY_UNKNOWN || used_blocks(trial) == before - 1,
                   "free() of byte %zu of a block of %zu frees nothing", offsets[j], sizes[i]);
            trial_forget(trial, trial->count - 1);
            trial_verify(trial);
        }
    }
    trial_churn(trial, 300);
    trial_close(trial);
}

/* --- SETS_ERRNO --- */

/* A request that is always refused; how is 0..4. Stores in *name what it is. */
static void *ask_too_much(struct trial *trial, int how, const char **name)
{
    const struct assay_backend *backend = trial->backend;
    void *self = trial->heap.self;

    if (how == 1 && backend->alloc_zeroed) {
        *name = "alloc_zeroed(SIZE_MAX / 2, 3)";
        return backend->alloc_zeroed(self, SIZE_MAX / 2, 3);
    }
    if (how == 2 && backend->alloc_aligned) {
        *name = "alloc_aligned(4096, SIZE_MAX - 8192)";
        return backend->alloc_aligned(self, 4096, SIZE_MAX - 8192);
    }
    if (how == 3 && backend->realloc) {
        *name = "realloc of a block to SIZE_MAX / 2 + 2";
        return backend->realloc(self, trial->blocks[0].handle, SIZE_MAX / 2 + 2);
    }
    if (how == 4 && backend->alloc_zeroed) {
        *name = "alloc_zeroed(1, SIZE_MAX)";
        return backend->alloc_zeroed(self, 1, SIZE_MAX);
    }
    *name = "alloc(SIZE_MAX)";
    return backend->alloc(self, SIZE_MAX);
}

static void test_a_refused_request_sets_errno(struct trial *trial)
{
    const char *name;

    trial_open(trial);
    trial_must_alloc(trial, 100);
    for (int how = 0; how < 5; how++) {
        errno = EDOM;
        void *block = ask_too_much(trial, how, &name);
        int why = errno;
        if (block)
            return; /* a block where there can be none is for another test */
        EXPECT(trial, why == ENOMEM, "%s leaves errno at %d (%s), not at ENOMEM", name, why,
               why == EDOM ? "not set" : strerror(why));
    }
    trial_close(trial);
}

static void test_free_leaves_errno_alone(struct trial *trial)
{
    trial_open(trial);
    for (size_t size = 1; size <= trial->heap.limit / 8 && size <= (size_t)4 << 20; size *= 4) {
        void *block = trial->backend->alloc(trial->heap.self, size);
        errno = EDOM;
        assay_status status = trial->backend->free(trial->heap.self, block);
        int why = errno;
        EXPECT(trial, status == ASSAY_OK && why == EDOM,
               "free() of a block of %zu bytes sets errno to %d (%s)", size, why, strerror(why));
    }
    trial_close(trial);
}

static const struct conformance_test tests[] = {
    {.name = "heaps_live_side_by_side",
     .needs = "many_heaps",
     .capability = ASSAY_CAP_MANY_HEAPS,
     .setting = ASSAY_CAP_PAGE_SOURCE, /* else all blocks are of the one heap of the process */
     .tried = true,
     .run = test_heaps_live_side_by_side},
    {.name = "every_block_lies_in_the_page_source",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .tried = true,
     .run = test_every_block_lies_in_the_page_source},
    {.name = "no_memory_comes_from_elsewhere",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_no_memory_comes_from_elsewhere},
    {.name = "maps_more_on_demand",
     .needs = "grows",
     .capability = ASSAY_CAP_GROWS,
     .tried = true,
     .run = test_maps_more_on_demand},
    {.name = "serves_again_after_refused_pages",
     .needs = "grows",
     .capability = ASSAY_CAP_GROWS,
     .setting = ASSAY_CAP_PAGE_SOURCE,
     .run = test_serves_again_after_refused_pages},
    {.name = "all_freed_the_largest_fits_again",
     .needs = "coalesces",
     .capability = ASSAY_CAP_COALESCES,
     .setting = ASSAY_CAP_PAGE_SOURCE,
     .tried = true,
     .run = test_all_freed_the_largest_fits_again},
    {.name = "all_freed_what_was_mapped_is_returned",
     .needs = "trims",
     .capability = ASSAY_CAP_TRIMS,
     .setting = ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS,
     .tried = true,
     .run = test_all_freed_what_was_mapped_is_returned},
    {.name = "zero_bytes_are_a_block_of_their_own",
     .needs = "zero_size_block",
     .capability = ASSAY_CAP_ZERO_SIZE_BLOCK,
     .tried = true,
     .run = test_zero_bytes_are_a_block_of_their_own},
    {.name = "zero_bytes_are_answered_as_declared",
     .needs = "",
     .run = test_zero_bytes_are_answered_as_declared},
    {.name = "any_address_inside_frees_the_block",
     .needs = "free_interior",
     .capability = ASSAY_CAP_FREE_INTERIOR,
     .tried = true,
     .run = test_any_address_inside_frees_the_block},
    {.name = "a_refused_request_sets_errno",
     .needs = "sets_errno",
     .capability = ASSAY_CAP_SETS_ERRNO,
     .tried = true,
     .run = test_a_refused_request_sets_errno},
    {.name = "free_leaves_errno_alone",
     .needs = "sets_errno",
     .capability = ASSAY_CAP_SETS_ERRNO,
     .tried = true,
     .run = test_free_leaves_errno_alone},
};

const struct conformance_room assay_conformance_caps = CONFORMANCE_ROOM(tests);
