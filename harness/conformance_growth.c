/*
 * conformance_growth.c - whether freed memory serves again, in heaps whose pages nobody can count.
 *
 * A heap on a page source is held to it by the replay (drift.c). Of the others only the process tells: how much of it
 * was resident at most. The same blocks are allocated and freed in windows of the same length. A heap that loses
 * some of them needs more memory in nearly every window, however long it goes on; one that is still settling stops.
 * Of what only seems to grow, eight times as much is asked.
 */
#include "conformance_tests.h"

#include "assay/sanitizer.h"
#include "assay/sizes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define WINDOWS 8
#define GROWING 7 /* so many of them */
#define WINDOW_BYTES ((size_t)1 << 19)
#define WINDOW_BLOCKS ((size_t)1 << 13)
#define WINDOW_BLOCKS_AT_PAGES ((size_t)1 << 8) /* each takes more than a page */
#define AT_ONCE 64
#define CROWD 2000 /* more than one slab holds, and so some are full */
#define CROWD_LARGEST 512
#define LARGEST ((size_t)256 << 10)
#define LONGER 8
#define PAGES_ALIGN ((size_t)16 << 10)
#define KEEPS_FREED "cannot be told under a sanitizer, which keeps freed memory"

static size_t most_resident_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss;
}

typedef void *make_function(const struct assay_backend *backend, void *self, size_t size);

static void *make_plain(const struct assay_backend *backend, void *self, size_t size)
{
    return backend->alloc(self, size);
}

static void *make_zeroed(const struct assay_backend *backend, void *self, size_t size)
{
    return backend->alloc_zeroed(self, 1, size);
}

static void *make_aligned(const struct assay_backend *backend, void *self, size_t size)
{
    return backend->alloc_aligned(self, 256, size);
}

static void *make_at_pages(const struct assay_backend *backend, void *self, size_t size)
{
    return backend->alloc_aligned(self, PAGES_ALIGN, size);
}

/* What was there stays with the caller if realloc() refuses. */
static void *resize(const struct assay_backend *backend, void *self, void *block, size_t size)
{
    void *moved = block ? backend->realloc(self, block, size) : NULL;

    return moved ? moved : block;
}

static void *make_grown(const struct assay_backend *backend, void *self, size_t size)
{
    return resize(backend, self, backend->alloc(self, size / 2 + 1), size);
}

static void *make_shrunk(const struct assay_backend *backend, void *self, size_t size)
{
    return resize(backend, self, backend->alloc(self, size * 2), size);
}

struct work {
    make_function *make;
    const char *how;
    size_t size;
    size_t most_blocks; /* of a window */
    size_t at_once;     /* so many live at a time, at most CROWD */
};

/* What one window does: `blocks` of them, at most at_once and WINDOW_BYTES live at a time. */
static void work_once(struct trial *trial, const struct work *work, size_t blocks)
{
    const struct assay_backend *backend = trial->backend;
    void *self = trial->heap.self, *live[CROWD];
    size_t most = WINDOW_BYTES / work->size;
    size_t at_once = most < work->at_once ? most : work->at_once;

    for (size_t done = 0; done < blocks; done += at_once) {
        if (trial_has_taken_long())
            trial_not_asked(trial, ASSAY_TOO_SLOW);
        for (size_t i = 0; i < at_once; i++) {
            live[i] = work->make(backend, self, work->size);
            EXPECT(trial, live[i], "%s of %zu bytes is refused", work->how, work->size);
            *(volatile unsigned char *)assay_heap_resolve(&trial->heap, live[i]) = 1;
        }
        for (size_t i = 0; i < at_once; i++)
            EXPECT(trial, backend->free(self, live[i]) == ASSAY_OK, "a live block cannot be freed");
    }
}

typedef void window_function(struct trial *trial, const void *arg, unsigned length);

/* How much more is resident after `WINDOWS` windows, or 0 if it came to rest. */
static size_t growth_kib(struct trial *trial, window_function *run, const void *arg,
                         unsigned length)
{
    unsigned growing = 0;

    run(trial, arg, length);
    size_t first = most_resident_kib(), before = first, after = first;
    for (unsigned i = 0; i < WINDOWS; i++, before = after) {
        run(trial, arg, length);
        after = most_resident_kib();
        growing += after > before;
    }
    return growing >= GROWING ? after - first : 0;
}

/* The same, asked again of what seemed to grow. */
static size_t lasting_growth_kib(struct trial *trial, window_function *run, const void *arg)
{
    return growth_kib(trial, run, arg, 1) != 0 ? growth_kib(trial, run, arg, LONGER) : 0;
}

static void run_work(struct trial *trial, const void *arg, unsigned length)
{
    const struct work *work = arg;

    size_t blocks = WINDOW_BYTES / work->size + work->at_once;
    work_once(trial, work, (blocks < work->most_blocks ? blocks : work->most_blocks) * length);
}

static void expect_rest(struct trial *trial, make_function *make, const char *how)
{
    size_t most = make == make_at_pages ? WINDOW_BLOCKS_AT_PAGES : WINDOW_BLOCKS;

    for (size_t size = 16; size <= LARGEST; size += size / 2 < 32 ? 16 : size / 2) {
        const struct work work = {make, how, size, most, AT_ONCE};
        size_t kib = lasting_growth_kib(trial, run_work, &work);
        EXPECT(trial, kib == 0, "%s and free of %zu bytes again and again need %zu KiB more", how,
               size, kib);
    }
}

static void expect_rest_of_crowds(struct trial *trial)
{
    for (size_t size = 16; size <= CROWD_LARGEST; size += size < 128 ? 16 : size / 4) {
        const struct work work = {make_plain, "alloc", size, WINDOW_BLOCKS, CROWD};
        size_t kib = lasting_growth_kib(trial, run_work, &work);
        EXPECT(trial, kib == 0,
               "to allocate and free %d blocks of %zu bytes again and again needs %zu KiB more",
               CROWD, size, kib);
    }
}

static void test_freed_memory_serves_again(struct trial *trial)
{
    const struct assay_backend *backend = trial->backend;

    if (assay_is_sanitized())
        trial_not_asked(trial, KEEPS_FREED);
    trial_open(trial);
    expect_rest(trial, make_plain, "alloc");
    if (backend->alloc_zeroed)
        expect_rest(trial, make_zeroed, "alloc_zeroed");
    if (backend->alloc_aligned) {
        expect_rest(trial, make_aligned, "alloc_aligned");
        expect_rest(trial, make_at_pages, "alloc_aligned to pages");
    }
    if (backend->realloc) {
        expect_rest(trial, make_grown, "alloc, realloc to more");
        expect_rest(trial, make_shrunk, "alloc, realloc to less");
    }
    expect_rest_of_crowds(trial);
    trial_close(trial);
}

/* --- threads --- */

#define THREADS_OF_A_WINDOW 40

static void *run_thread(void *arg)
{
    struct trial *trial = arg;

    for (size_t size = 16; size <= 1024; size *= 2) {
        const struct work work = {make_plain, "alloc", size, AT_ONCE, AT_ONCE};
        work_once(trial, &work, AT_ONCE);
    }
    return NULL;
}

static void run_threads(struct trial *trial, const void *arg, unsigned length)
{
    (void)arg;
    for (unsigned i = 0; i < THREADS_OF_A_WINDOW * length; i++)
        trial_run_threads(trial, 1, run_thread, trial, 0);
}

/* Blocks on their way from the thread that allocates to those that free. */
#define CELLS 128
#define TAKERS 2
#define PASSED_SIZE 64

struct passage {
    struct trial *trial;
    void *_Atomic cells[CELLS];
    atomic_bool is_over;
};

static size_t free_what_came(struct passage *passage)
{
    struct trial *trial = passage->trial;
    size_t freed = 0;

    for (size_t i = 0; i < CELLS; i++) {
        void *handle = atomic_exchange(&passage->cells[i], NULL);
        if (handle)
            EXPECT(trial, trial->backend->free(trial->heap.self, handle) == ASSAY_OK,
                   "a live block cannot be freed by another thread");
        freed += handle != NULL;
    }
    return freed;
}

static void *run_taker(void *arg)
{
    struct passage *passage = arg;

    while (!atomic_load(&passage->is_over))
        if (free_what_came(passage) == 0)
            sched_yield();
    return NULL;
}

static void pass_blocks(struct passage *passage, size_t blocks)
{
    struct trial *trial = passage->trial;

    for (size_t i = 0, passed = 0; passed < blocks; i++) {
        if (atomic_load_explicit(&passage->cells[i % CELLS], memory_order_relaxed)) {
            if (i % CELLS == 0)
                sched_yield();
            continue;
        }
        void *handle = trial->backend->alloc(trial->heap.self, PASSED_SIZE);
        EXPECT(trial, handle, "alloc of %d bytes is refused when other threads free", PASSED_SIZE);
        *(volatile unsigned char *)assay_heap_resolve(&trial->heap, handle) = 1;
        atomic_store(&passage->cells[i % CELLS], handle);
        passed++;
    }
}

static void run_passage(struct trial *trial, const void *arg, unsigned length)
{
    struct passage passage = {.trial = trial};
    pthread_t takers[TAKERS];

    (void)arg;
    if (trial_has_taken_long())
        trial_not_asked(trial, ASSAY_TOO_SLOW);
    for (int i = 0; i < TAKERS; i++)
        EXPECT(trial, pthread_create(&takers[i], NULL, run_taker, &passage) == 0,
               "the test has no thread");
    pass_blocks(&passage, WINDOW_BYTES / PASSED_SIZE * length);
    atomic_store(&passage.is_over, true);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    free_what_came(&passage);
}

static void expect_rest_of_threads(struct trial *trial, window_function *run, const char *what)
{
    if (assay_is_sanitized())
        trial_not_asked(trial, KEEPS_FREED);
    trial_open(trial);
    size_t kib = lasting_growth_kib(trial, run, NULL);
    EXPECT(trial, kib == 0, "%s again and again need %zu KiB more", what, kib);
    trial_close(trial);
}

static void test_ended_threads_leave_nothing(struct trial *trial)
{
    expect_rest_of_threads(trial, run_threads, "threads that free all they allocate");
}

static void test_blocks_freed_elsewhere_serve_again(struct trial *trial)
{
    expect_rest_of_threads(trial, run_passage, "blocks that other threads free");
}

static const struct conformance_test tests[] = {
    {.name = "freed_memory_serves_again",
     .needs = "grows",
     .setting = ASSAY_CAP_GROWS,
     .unless = ASSAY_CAP_PAGE_SOURCE,
     .run = test_freed_memory_serves_again},
    {.name = "ended_threads_leave_nothing_behind",
     .needs = "thread_safe",
     .setting = ASSAY_CAP_GROWS | ASSAY_CAP_THREAD_SAFE,
     .unless = ASSAY_CAP_PAGE_SOURCE,
     .run = test_ended_threads_leave_nothing},
    {.name = "blocks_freed_by_other_threads_serve_again",
     .needs = "thread_safe",
     .setting = ASSAY_CAP_GROWS | ASSAY_CAP_THREAD_SAFE,
     .unless = ASSAY_CAP_PAGE_SOURCE,
     .run = test_blocks_freed_elsewhere_serve_again},
};

const struct conformance_room assay_conformance_growth = CONFORMANCE_ROOM(tests);
