/*
 * conformance_threads.c - THREAD_SAFE: several threads at once, blocks freed by other threads.
 *
 * Threads pass blocks through shared cells: each takes out what another put in, checks it, frees
 * it. A block says its own size in its first bytes; the rest is a pattern bound to its address.
 */
#include "conformance_tests.h"

#include "assay/sizes.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 12000
#define CELLS 64

struct crowd {
    struct trial *trial;
    pthread_barrier_t start;
    void *cells[CELLS];
};

struct member {
    struct crowd *crowd;
    uint64_t random;
};

static void put_in(struct crowd *crowd, void *handle, size_t size)
{
    struct trial *trial = crowd->trial;
    unsigned char *bytes = assay_heap_resolve(&trial->heap, handle);

    EXPECT(trial, assay_is_aligned(bytes, trial->backend->min_align),
           "a block of %zu bytes is not aligned to %zu when threads run", size,
           trial->backend->min_align);
    memcpy(bytes, &size, sizeof size);
    trial_write(bytes + sizeof size, size - sizeof size, (uintptr_t)handle);
}

static size_t expect_intact(struct crowd *crowd, void *handle)
{
    struct trial *trial = crowd->trial;
    const unsigned char *bytes = assay_heap_resolve(&trial->heap, handle);
    size_t size;

    memcpy(&size, bytes, sizeof size);
    EXPECT(trial,
           size >= sizeof size && size < TRIAL_LIMIT &&
               trial_holds(bytes + sizeof size, size - sizeof size, (uintptr_t)handle),
           "a live block does not hold what was written when %d threads run", THREADS);
    return size;
}

static void *make_block(struct crowd *crowd, uint64_t random)
{
    const struct assay_backend *backend = crowd->trial->backend;
    void *self = crowd->trial->heap.self;
    size_t size = 16 + (random >> 8) % (random % 16 ? 200 : 4000);
    void *handle;

    if (random >> 32 & 1 && backend->alloc_zeroed)
        handle = backend->alloc_zeroed(self, 1, size);
    else if (random >> 33 & 1 && backend->alloc_aligned)
        handle = backend->alloc_aligned(self, 128, size);
    else
        handle = backend->alloc(self, size);
    if (handle)
        put_in(crowd, handle, size);
    return handle;
}

static void *resize_block(struct crowd *crowd, void *handle, uint64_t random)
{
    struct trial *trial = crowd->trial;
    size_t size = 16 + (random >> 8) % 400;
    size_t old = expect_intact(crowd, handle);

    void *moved = trial->backend->realloc(trial->heap.self, handle, size);
    if (!moved)
        return handle;
    size_t kept = (old < size ? old : size) - sizeof size;
    const unsigned char *bytes = assay_heap_resolve(&trial->heap, moved);
    EXPECT(trial, trial_holds(bytes + sizeof size, kept, (uintptr_t)handle),
           "realloc() lost content when %d threads run", THREADS);
    put_in(crowd, moved, size);
    return moved;
}

static void end_block(struct crowd *crowd, void *handle)
{
    struct trial *trial = crowd->trial;

    expect_intact(crowd, handle);
    assay_status status = trial->backend->free(trial->heap.self, handle);
    EXPECT(trial, status == ASSAY_OK, "free() of a live block answers when %d threads run: %s",
           THREADS, assay_status_text(status));
}

static void *run_member(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    struct trial random = {.random = member->random};

    pthread_barrier_wait(&crowd->start);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t choice = trial_random(&random);
        void **cell = &crowd->cells[(choice >> 40) % CELLS];
        void *handle = choice % 8 < 5 ? make_block(crowd, choice) : NULL;
        handle = __atomic_exchange_n(cell, handle, __ATOMIC_ACQ_REL);
        if (!handle)
            continue;
        if (choice % 8 == 7 && crowd->trial->backend->realloc)
            handle = resize_block(crowd, handle, choice);
        end_block(crowd, handle);
    }
    return NULL;
}

static void test_threads_may_call_at_the_same_time(struct trial *trial)
{
    struct crowd crowd = {.trial = trial};
    struct member members[THREADS];

    trial_open(trial);
    EXPECT(trial, pthread_barrier_init(&crowd.start, NULL, THREADS) == 0,
           "the test has no barrier");
    for (int i = 0; i < THREADS; i++)
        members[i] = (struct member){.crowd = &crowd, .random = trial_random(trial)};
    trial_run_threads(trial, THREADS, run_member, members, sizeof *members);
    for (int i = 0; i < CELLS; i++)
        if (crowd.cells[i])
            end_block(&crowd, crowd.cells[i]);
    trial_churn(trial, 200);
    trial_verify(trial);
    trial_check(trial);
    trial_close(trial);
}

static const struct conformance_test tests[] = {
    {.name = "threads_may_call_at_the_same_time",
     .needs = "thread_safe",
     .capability = ASSAY_CAP_THREAD_SAFE,
     .run = test_threads_may_call_at_the_same_time},
};

const struct conformance_room assay_conformance_threads = CONFORMANCE_ROOM(tests);
