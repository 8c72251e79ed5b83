/*
 * conformance_crowds.c - what shows only where much is live: many blocks of one size, and large ones of several threads.
 *
 * A bitmap has its second and its last word, a slab its last block and a list of those that are full; streams of a few
 * hundred slots seldom get there. Large blocks go past the lock of the small ones, or past every lock.
 */
#include "conformance_tests.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* --- many blocks of one size --- */

#define MANY 1300

static void take_many(struct trial *trial, size_t size)
{
    while (trial->count < MANY)
        if (!trial_alloc(trial, size))
            break;
}

static void test_many_blocks_of_one_size_are_apart(struct trial *trial)
{
    static const size_t sizes[] = {8, 16, 24, 32, 48, 64, 96, 128, 256, 512};

    trial_open(trial);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes &&
                       trial_fits(trial, sizes[i]) == sizes[i] && !trial_has_taken_long();
         i++) {
        take_many(trial, sizes[i]);
        for (size_t j = trial->count; j-- > 1; j--)
            trial_free(trial, j);
        take_many(trial, sizes[i]);
        trial_verify(trial);
        for (size_t left = trial->count / 2; trial->count > left;)
            trial_free(trial, trial_random(trial) % trial->count);
        take_many(trial, sizes[i]);
        trial_verify(trial);
        trial_free_all(trial);
    }
    trial_check(trial);
    trial_close(trial);
}

/* --- large blocks of several threads --- */

#define THREADS 2
#define ROUNDS 2000
#define HELD 4
#define LARGE ((size_t)128 << 10)
#define SPREAD ((size_t)900 << 10)
#define STEP ((size_t)64 << 10) /* between two bytes that are written */

/* Where threads begin each round together; it is over for all of them when it is for one. */
struct meeting {
    atomic_uint steps; /* of all threads together */
    atomic_bool is_over;
};

struct member {
    struct trial *trial;
    struct meeting *meeting;
    struct trial random;
    struct large {
        void *handle;
        size_t size;
        unsigned char mark;
    } held[HELD];
};

/* Of each STEP bytes one, and the last. */
static void mark_large(struct trial *trial, const struct large *block)
{
    volatile unsigned char *bytes = assay_heap_resolve(&trial->heap, block->handle);

    for (size_t at = 0; at < block->size; at += STEP)
        bytes[at] = block->mark;
    bytes[block->size - 1] = block->mark;
}

static void expect_marked(struct trial *trial, const struct large *block, size_t size)
{
    const volatile unsigned char *bytes = assay_heap_resolve(&trial->heap, block->handle);
    bool is_whole = size < block->size || bytes[size - 1] == block->mark;

    for (size_t at = 0; at < size && is_whole; at += STEP)
        is_whole = bytes[at] == block->mark;
    EXPECT(trial, is_whole,
           "a block of %zu bytes does not hold what was written when %d threads run", block->size,
           THREADS);
}

static void free_large(struct trial *trial, struct large *block)
{
    expect_marked(trial, block, block->size);
    assay_status status = trial->backend->free(trial->heap.self, block->handle);
    EXPECT(trial, status == ASSAY_OK, "free() of a live block answers when %d threads run: %s",
           THREADS, assay_status_text(status));
    block->handle = NULL;
}

static void resize_large(struct trial *trial, struct large *block, size_t size)
{
    void *moved = trial->backend->realloc(trial->heap.self, block->handle, size);

    if (!moved)
        return;
    size_t old = block->size;
    block->handle = moved;
    block->size = size;
    expect_marked(trial, block, (old < size ? old : size) - 1);
    mark_large(trial, block);
}

/*
 * Each round begins with all threads at the same moment: what is not locked would seldom meet otherwise. False if
 * there are to be no more.
 */
static bool meet(struct meeting *meeting, unsigned round)
{
    if (trial_has_taken_long())
        atomic_store(&meeting->is_over, true);
    atomic_fetch_add(&meeting->steps, 1);
    for (unsigned spins = 0;
         atomic_load(&meeting->steps) < (round + 1) * THREADS && !atomic_load(&meeting->is_over);
         spins++)
        if (spins > 1000)
            sched_yield();
    return !atomic_load(&meeting->is_over);
}

static void *run_member(void *arg)
{
    struct member *member = arg;
    struct trial *trial = member->trial;

    for (unsigned i = 0; i < ROUNDS && meet(member->meeting, i); i++) {
        uint64_t choice = trial_random(&member->random);
        struct large *block = &member->held[choice % HELD];
        size_t size = LARGE + (choice >> 8) % SPREAD;
        if (!block->handle) {
            *block = (struct large){trial->backend->alloc(trial->heap.self, size), size,
                                    (unsigned char)(choice >> 40)};
            if (block->handle)
                mark_large(trial, block);
        } else if (choice >> 50 & 1 && trial->backend->realloc) {
            resize_large(trial, block, size);
        } else {
            free_large(trial, block);
        }
    }
    for (size_t i = 0; i < HELD; i++)
        if (member->held[i].handle)
            free_large(trial, &member->held[i]);
    return NULL;
}

static void test_threads_may_take_large_blocks(struct trial *trial)
{
    struct member members[THREADS];
    struct meeting meeting = {.steps = 0};

    trial_open(trial);
    for (int i = 0; i < THREADS; i++)
        members[i] = (struct member){.trial = trial,
                                     .meeting = &meeting,
                                     .random = {.random = 1}}; /* the same: they want the same */
    trial_run_threads(trial, THREADS, run_member, members, sizeof *members);
    trial_churn(trial, 200);
    trial_verify(trial);
    trial_check(trial);
    trial_close(trial);
}

static const struct conformance_test tests[] = {
    {.name = "many_blocks_of_one_size_are_apart",
     .needs = "",
     .run = test_many_blocks_of_one_size_are_apart},
    {.name = "threads_may_take_large_blocks_at_the_same_time",
     .needs = "thread_safe",
     .capability = ASSAY_CAP_THREAD_SAFE,
     .run = test_threads_may_take_large_blocks},
};

const struct conformance_room assay_conformance_crowds = CONFORMANCE_ROOM(tests);
