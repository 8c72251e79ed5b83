/* trial.c - heaps, blocks and verdicts of conformance tests. */
#include "trial.h"

#include "assay/books.h"
#include "assay/guard.h"
#include "assay/os_pages.h"
#include "assay/sizes.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ENDS ((size_t)4 << 10) /* of a large block this much of either end is written */

/* A trial takes milliseconds; this is for a heap that never comes back, on any machine. */
#define SECONDS 60
/* What is only tried may hang without being wrong. */
#define SECONDS_TRIED 10
/* Of processor time, for a heap that never comes back and is not asleep. */
#define SECONDS_COMPUTING 5
/* Of that, before a test that repeats itself ends; a heap too slow for it is not held to be a hang. */
#define SECONDS_PATIENT 3

struct job {
    void (*run)(struct trial *trial);
    struct trial *trial;
};

static void run_job(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;

    (void)progress;
    assay_guard_limit(SECONDS_COMPUTING);
    job->run(job->trial);
    job->trial->result->verdict = job->trial->claimed ? ASSAY_KEPT : ASSAY_COULD_CLAIM;
}

/* A child that did not live to write its verdict has given it. */
static void judge_ending(struct assay_conformance_result *result, bool claimed,
                         const struct assay_guard_outcome *outcome)
{
    if (outcome->ending == ASSAY_ENDED || (outcome->ending == ASSAY_EXITED && outcome->code == 0))
        return;
    result->verdict = claimed ? ASSAY_BROKEN : ASSAY_NOT_CLAIMED;
    result->hung = assay_guard_hung(outcome);
    if (result->why[0] != '\0')
        return;
    if (result->hung)
        snprintf(result->why, sizeof result->why, "did not come back");
    else if (outcome->ending == ASSAY_CRASHED)
        snprintf(result->why, sizeof result->why, "crashed: %s", strsignal(outcome->code));
    else
        snprintf(result->why, sizeof result->why, "ended the process with status %d",
                 outcome->code);
}

assay_status trial_run(struct trial *trial, void (*run)(struct trial *trial),
                       struct assay_conformance_result *result)
{
    struct job job = {.run = run, .trial = trial};
    struct assay_guard_outcome outcome;

    trial->result = assay_guard_shared(sizeof *trial->result);
    if (!trial->result)
        return ASSAY_NO_MEMORY;
    *trial->result = *result;
    assay_status status =
        assay_guard_run(run_job, &job, trial->claimed ? SECONDS : SECONDS_TRIED, true, &outcome);
    if (status == ASSAY_OK) {
        *result = *trial->result;
        judge_ending(result, trial->claimed, &outcome);
    }
    assay_guard_unshare(trial->result, sizeof *trial->result);
    return status;
}

void trial_broken(struct trial *trial, const char *format, ...)
{
    struct assay_conformance_result *result = trial->result;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(result->why, sizeof result->why, format, arguments);
    va_end(arguments);
    result->verdict = trial->claimed ? ASSAY_BROKEN : ASSAY_NOT_CLAIMED;
    _exit(EXIT_SUCCESS);
}

void trial_not_asked(struct trial *trial, const char *why)
{
    snprintf(trial->result->why, sizeof trial->result->why, "%s", why);
    trial->result->verdict = ASSAY_NOT_CLAIMED;
    _exit(EXIT_SUCCESS);
}

bool trial_is_metered(const struct trial *trial)
{
    return assay_backend_claims(trial->backend, ASSAY_CAP_PAGE_SOURCE);
}

void trial_run_threads(struct trial *trial, unsigned count, void *(*run)(void *member),
                       void *members, size_t stride)
{
    pthread_t threads[TRIAL_THREADS];

    assert(count <= TRIAL_THREADS);
    for (unsigned i = 0; i < count; i++)
        EXPECT(trial, pthread_create(&threads[i], NULL, run, (char *)members + i * stride) == 0,
               "the test has no threads");
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

bool trial_has_taken_long(void)
{
    return clock() > SECONDS_PATIENT * CLOCKS_PER_SEC;
}

uint64_t trial_random(struct trial *trial)
{
    /* Marsaglia, xorshift RNGs, 2003. */
    trial->random ^= trial->random << 13;
    trial->random ^= trial->random >> 7;
    trial->random ^= trial->random << 17;
    return trial->random;
}

void trial_open(struct trial *trial)
{
    trial->random = 0x9E3779B97F4A7C15u;
    trial->blocks = assay_books_open(TRIAL_BLOCKS * sizeof *trial->blocks);
    EXPECT(trial, trial->blocks, "the test has no memory for its own records");
    assay_status status =
        assay_heap_open(&trial->heap, trial->backend, assay_os_pages(), TRIAL_LIMIT, 1, NULL);
    EXPECT(trial, status == ASSAY_OK, "create() with a limit of %zu answers: %s", TRIAL_LIMIT,
           assay_status_text(status));
}

void trial_reopen(struct trial *trial)
{
    size_t limit = trial->heap.limit;

    assay_heap_destroy(&trial->heap, NULL);
    trial->count = 0;
    assay_status status = assay_heap_reopen(&trial->heap, limit, 1, NULL);
    EXPECT(trial, status == ASSAY_OK, "create() after destroy() answers: %s",
           assay_status_text(status));
}

void trial_close(struct trial *trial)
{
    trial_free_all(trial);
    assay_heap_close(&trial->heap, NULL);
    assay_books_close(trial->blocks, TRIAL_BLOCKS * sizeof *trial->blocks);
}

static unsigned char pattern(uint64_t mark, size_t i)
{
    return (unsigned char)((mark * 0x9E3779B97F4A7C15u >> 56) + i * 167 + 1);
}

void trial_write(unsigned char *bytes, size_t size, uint64_t mark)
{
    for (size_t i = 0; i < size; i++) {
        if (i == ENDS && size > 2 * ENDS)
            i = size - ENDS;
        bytes[i] = pattern(mark, i);
    }
}

bool trial_holds(const unsigned char *bytes, size_t size, uint64_t mark)
{
    for (size_t i = 0; i < size; i++) {
        if (i == ENDS && size > 2 * ENDS)
            i = size - ENDS;
        if (bytes[i] != pattern(mark, i))
            return false;
    }
    return true;
}

struct trial_block *trial_take(struct trial *trial, void *handle, size_t size)
{
    if (!handle)
        return NULL;
    EXPECT(trial, trial->count < TRIAL_BLOCKS, "the test has room for %zu blocks only",
           TRIAL_BLOCKS);
    struct trial_block *block = &trial->blocks[trial->count++];
    block->handle = handle;
    block->bytes = assay_heap_resolve(&trial->heap, handle);
    block->size = size;
    block->mark = ++trial->marks;
    EXPECT(trial, assay_is_aligned(block->bytes, trial->backend->min_align),
           "a block of %zu bytes is not aligned to %zu as declared", size,
           trial->backend->min_align);
    trial_write(block->bytes, size, block->mark);
    return block;
}

size_t trial_fits(const struct trial *trial, size_t size)
{
    return size < trial->backend->max_size ? size : trial->backend->max_size;
}

struct trial_block *trial_alloc(struct trial *trial, size_t size)
{
    size = trial_fits(trial, size);
    return trial_take(trial, trial->backend->alloc(trial->heap.self, size), size);
}

struct trial_block *trial_must_alloc(struct trial *trial, size_t size)
{
    struct trial_block *block = trial_alloc(trial, size);

    EXPECT(trial, block, "alloc(%zu) is refused with %zu blocks live and a limit of %zu", size,
           trial->count, trial->heap.limit);
    return block;
}

void trial_forget(struct trial *trial, size_t index)
{
    trial->blocks[index] = trial->blocks[--trial->count];
}

static void expect_content(struct trial *trial, const struct trial_block *block)
{
    EXPECT(trial, trial_holds(block->bytes, block->size, block->mark),
           "a live block of %zu bytes does not hold what was written", block->size);
}

void trial_free(struct trial *trial, size_t index)
{
    struct trial_block *block = &trial->blocks[index];

    expect_content(trial, block);
    assay_status status = trial->backend->free(trial->heap.self, block->handle);
    EXPECT(trial, status == ASSAY_OK, "free() of a live block of %zu bytes answers: %s",
           block->size, assay_status_text(status));
    trial_forget(trial, index);
}

void trial_free_all(struct trial *trial)
{
    while (trial->count > 0)
        trial_free(trial, trial->count - 1);
}

bool trial_realloc(struct trial *trial, size_t index, size_t size)
{
    struct trial_block old = trial->blocks[index];

    expect_content(trial, &old);
    void *handle = trial->backend->realloc(trial->heap.self, old.handle, size);
    if (!handle) {
        EXPECT(trial, trial_holds(old.bytes, old.size, old.mark),
               "a refused realloc() from %zu to %zu bytes changed the block", old.size, size);
        return false;
    }
    size_t kept = old.size < size ? old.size : size;
    const unsigned char *bytes = assay_heap_resolve(&trial->heap, handle);
    /* The pattern of a longer block skips its middle: only its front can be compared. */
    bool whole = old.size <= 2 * ENDS;
    EXPECT(trial, trial_holds(bytes, (whole || kept < ENDS) ? kept : ENDS, old.mark),
           "realloc() from %zu to %zu bytes lost content", old.size, size);
    trial_forget(trial, index);
    trial_take(trial, handle, size);
    return true;
}

void trial_verify(struct trial *trial)
{
    for (size_t i = 0; i < trial->count; i++)
        expect_content(trial, &trial->blocks[i]);
}

void trial_check(struct trial *trial)
{
    struct assay_damage damage = {.where = NULL};

    if (!trial->backend->check)
        return;
    assay_status status = trial->backend->check(trial->heap.self, &damage);
    EXPECT(trial, status == ASSAY_OK, "check() reports in a heap that is sound: %s", damage.what);
}

void trial_fill_up(struct trial *trial, size_t size)
{
    size = trial_fits(trial, size);
    size_t most = trial->count + trial->heap.limit / size + 1;

    while (trial->count < most && trial->count < TRIAL_BLOCKS / 2 && trial_alloc(trial, size))
        ;
    EXPECT(trial, trial->count < most, "more bytes were served than the limit of %zu allows",
           trial->heap.limit);
}

void trial_churn(struct trial *trial, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        uint64_t choice = trial_random(trial) % 8;
        size_t size = 1 + trial_random(trial) % (choice == 0 ? 5000 : 300);
        if (choice < 5 && trial->count < 400)
            trial_alloc(trial, size);
        else if (trial->count > 0)
            trial_free(trial, trial_random(trial) % trial->count);
    }
}

void trial_use_all(struct trial *trial)
{
    const struct assay_backend *backend = trial->backend;
    void *self = trial->heap.self;

    for (size_t i = 0; i < 12 && trial->count > 0; i++) {
        size_t size = 1 + trial_random(trial) % 700;
        if (backend->alloc_zeroed)
            trial_take(trial, backend->alloc_zeroed(self, 3, size), 3 * size);
        if (backend->alloc_aligned)
            trial_take(trial, backend->alloc_aligned(self, (size_t)16 << i, size), size);
        if (backend->realloc)
            trial_realloc(trial, trial_random(trial) % trial->count, size);
        trial_free(trial, trial_random(trial) % trial->count);
    }
    if (assay_backend_claims(backend, ASSAY_CAP_ZERO_SIZE_BLOCK))
        trial_alloc(trial, 0);
}
