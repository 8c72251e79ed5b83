/* liars.c - one thing wrong each; see liars.h. */
#include "liars.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

struct liar assay_liar;

static const struct assay_backend *truth(void)
{
    return assay_liar.truth;
}

static assay_status create_truth(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    (void)backend; /* the truth may have something behind its own table */
    return truth()->create(truth(), config, self);
}

void assay_liar_copy(const struct assay_backend *backend)
{
    assay_liar.truth = backend;
    assay_liar.backend = *backend;
    assay_liar.backend.create = create_truth;
}

void lie_empty_summary(void)
{
    assay_liar.backend.summary = "";
}

/* --- create and destroy --- */

static assay_status create_loudly(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    fputs("here I am\n", stderr);
    return create_truth(backend, config, self);
}

void lie_prints(void)
{
    assay_liar.backend.create = create_loudly;
}

static assay_status create_any(const struct assay_backend *backend,
                               const struct assay_heap_config *config, void **self)
{
    struct assay_heap_config more = *config;

    if (more.limit < backend->min_limit)
        more.limit = backend->min_limit;
    return create_truth(backend, &more, self);
}

void lie_takes_any_limit(void)
{
    assay_liar.backend.create = create_any;
}

static assay_status create_whole_pages(const struct assay_backend *backend,
                                       const struct assay_heap_config *config, void **self)
{
    if (config->limit % config->pages->page_size)
        return ASSAY_INVALID;
    return create_truth(backend, config, self);
}

void lie_refuses_odd_limits(void)
{
    assay_liar.backend.create = create_whole_pages;
}

static assay_status create_above_limit(const struct assay_backend *backend,
                                       const struct assay_heap_config *config, void **self)
{
    struct assay_heap_config more = *config;

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    more.limit += 65536;
    return create_truth(backend, &more, self);
}

void lie_maps_above_limit(void)
{
    assay_liar.backend.create = create_above_limit;
}

static assay_status create_or_keep_a_page(const struct assay_backend *backend,
                                          const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    assay_status status = create_truth(backend, config, self);
    if (status != ASSAY_OK)
        pages->map(pages->ctx, pages->page_size, pages->page_size);
    return status;
}

void lie_keeps_a_page_of_a_refused_create(void)
{
    assay_liar.backend.create = create_or_keep_a_page;
}

#define ELSEWHERE ((size_t)1 << 16)
static void *elsewhere;

static void *map_elsewhere(size_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return start == MAP_FAILED ? NULL : start;
}

static assay_status create_elsewhere(const struct assay_backend *backend,
                                     const struct assay_heap_config *config, void **self)
{
    assay_status status = create_truth(backend, config, self);

    if (status == ASSAY_OK)
        elsewhere = map_elsewhere(ELSEWHERE);
    return status;
}

static void destroy_elsewhere(void *self)
{
    if (elsewhere)
        munmap(elsewhere, ELSEWHERE);
    elsewhere = NULL;
    truth()->destroy(self);
}

void lie_maps_on_its_own(void)
{
    assay_liar.backend.create = create_elsewhere;
    assay_liar.backend.destroy = destroy_elsewhere;
}

static void *the_heap;

static assay_status create_shared(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    assay_status status = ASSAY_OK;

    if (!the_heap)
        status = create_truth(backend, config, &the_heap);
    *self = the_heap;
    return status;
}

static void destroy_shared(void *self)
{
    if (the_heap)
        truth()->destroy(self);
    the_heap = NULL;
}

void lie_shares_one_heap(void)
{
    assay_liar.backend.create = create_shared;
    assay_liar.backend.destroy = destroy_shared;
}

/* --- allocation --- */

static void *alloc_elsewhere(void *self, size_t size)
{
    return size > 400000 && size < 500000 ? map_elsewhere(size) : truth()->alloc(self, size);
}

/* Only for a truth whose free() does nothing. */
void lie_serves_from_elsewhere(void)
{
    assay_liar.backend.alloc = alloc_elsewhere;
}

static void *alloc_by_chance(void *self, size_t size)
{
    static uint32_t calls;
    uint32_t chance = ++calls * UINT32_C(2654435761) >> 28;

    return truth()->alloc(self, size > 0 && size < 300 ? size + chance : size);
}

void lie_allocates_by_chance(void)
{
    assay_liar.backend.alloc = alloc_by_chance;
}

static void *alloc_something(void *self, size_t size)
{
    return size > 0 ? truth()->alloc(self, size) : NULL;
}

static void *alloc_of_32_bits(void *self, size_t size)
{
    return truth()->alloc(self, size >> 40 ? size : (uint32_t)size);
}

void lie_keeps_32_bits_of_a_size(void)
{
    assay_liar.backend.alloc = alloc_of_32_bits;
}

static void *zeroed_something(void *self, size_t count, size_t size)
{
    return count > 0 && size > 0 ? truth()->alloc_zeroed(self, count, size) : NULL;
}

static void *aligned_something(void *self, size_t align, size_t size)
{
    return size > 0 ? truth()->alloc_aligned(self, align, size) : NULL;
}

void lie_gives_nothing_for_zero(void)
{
    assay_liar.backend.alloc = alloc_something;
    assay_liar.backend.alloc_zeroed = zeroed_something;
    assay_liar.backend.alloc_aligned = aligned_something;
}

static assay_status free_nothing(void *self, void *block)
{
    (void)self;
    (void)block;
    return ASSAY_OK;
}

void lie_frees_nothing(void)
{
    assay_liar.backend.free = free_nothing;
}

static pthread_t first_thread;

static assay_status free_in_first_thread(void *self, void *block)
{
    return pthread_equal(pthread_self(), first_thread) ? truth()->free(self, block) : ASSAY_OK;
}

void lie_frees_nothing_in_threads(void)
{
    first_thread = pthread_self(); /* of the tests' children too */
    assay_liar.backend.free = free_in_first_thread;
}

/* --- crowds: of so many live blocks --- */

#define CROWD 1000

static size_t live;

static void *alloc_of_a_crowd(void *self, size_t size)
{
    static void *last;
    static size_t last_size;

    if (++live > CROWD && last && size == last_size)
        return last;
    last = truth()->alloc(self, size);
    last_size = size;
    return last;
}

static assay_status free_of_a_crowd(void *self, void *block)
{
    live -= block != NULL;
    return truth()->free(self, block);
}

/* Only for a truth whose free() does nothing. */
void lie_gives_twice_in_a_crowd(void)
{
    assay_liar.backend.alloc = alloc_of_a_crowd;
    assay_liar.backend.free = free_of_a_crowd;
}

static void *alloc_counted(void *self, size_t size)
{
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return truth()->alloc(self, size);
}

static assay_status free_unless_crowded(void *self, void *block)
{
    bool is_crowd = block && __atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED) > CROWD;

    return is_crowd ? ASSAY_OK : truth()->free(self, block);
}

void lie_frees_nothing_in_a_crowd(void)
{
    assay_liar.backend.alloc = alloc_counted;
    assay_liar.backend.free = free_unless_crowded;
}

/* --- a lock, but not for large blocks --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *alloc_locked(void *self, size_t size)
{
    if (size >= (size_t)128 << 10)
        return truth()->alloc(self, size);
    pthread_mutex_lock(&lock);
    void *block = truth()->alloc(self, size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void *zeroed_locked(void *self, size_t count, size_t size)
{
    pthread_mutex_lock(&lock);
    void *block = truth()->alloc_zeroed(self, count, size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void *aligned_locked(void *self, size_t align, size_t size)
{
    pthread_mutex_lock(&lock);
    void *block = truth()->alloc_aligned(self, align, size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void *realloc_locked(void *self, void *block, size_t size)
{
    pthread_mutex_lock(&lock);
    void *moved = truth()->realloc(self, block, size);
    pthread_mutex_unlock(&lock);
    return moved;
}

static assay_status free_locked(void *self, void *block)
{
    pthread_mutex_lock(&lock);
    assay_status status = truth()->free(self, block);
    pthread_mutex_unlock(&lock);
    return status;
}

void lie_locks_only_small_blocks(void)
{
    assay_liar.backend.alloc = alloc_locked;
    assay_liar.backend.alloc_zeroed = zeroed_locked;
    assay_liar.backend.alloc_aligned = aligned_locked;
    assay_liar.backend.realloc = realloc_locked;
    assay_liar.backend.free = free_locked;
}

static assay_status free_with_errno(void *self, void *block)
{
    assay_status status = truth()->free(self, block);

    errno = ENOMEM;
    return status;
}

void lie_free_sets_errno(void)
{
    assay_liar.backend.free = free_with_errno;
}

/* --- questions --- */

static size_t usable_of_null(void *self, const void *block)
{
    return block ? truth()->usable_size(self, block) : 16;
}

void lie_knows_null(void)
{
    assay_liar.backend.usable_size = usable_of_null;
}

struct stubborn {
    assay_visit_fn *visit;
    void *arg;
};

static bool visit_anyway(void *arg, const struct assay_extent *extent)
{
    const struct stubborn *stubborn = arg;

    stubborn->visit(stubborn->arg, extent);
    return true;
}

static assay_status walk_to_the_end(void *self, assay_visit_fn *visit, void *arg)
{
    struct stubborn stubborn = {.visit = visit, .arg = arg};

    return truth()->walk(self, visit_anyway, &stubborn);
}

void lie_walks_to_the_end(void)
{
    assay_liar.backend.walk = walk_to_the_end;
}

static void *resolve_anew(void *self, const void *block)
{
    static const void *last;
    bool again = block == last;

    (void)self;
    last = block;
    return (char *)(uintptr_t)block + (again ? 16 : 0);
}

void lie_resolves_anew(void)
{
    assay_liar.backend.resolve = resolve_anew;
}

/* --- realloc to 0 bytes --- */

static void *realloc_kept(void *self, void *block, size_t size)
{
    return size > 0 ? truth()->realloc(self, block, size) : NULL;
}

void lie_keeps_a_block_of_0_bytes(void)
{
    assay_liar.backend.caps |= ASSAY_CAP_REALLOC_ZERO_FREES;
    assay_liar.backend.realloc = realloc_kept;
}

static void *realloc_freed(void *self, void *block, size_t size)
{
    if (size > 0)
        return truth()->realloc(self, block, size);
    return truth()->free(self, block) == ASSAY_OK ? NULL : block;
}

void lie_frees_for_0_bytes(void)
{
    assay_liar.backend.caps |= ASSAY_CAP_REALLOC_ZERO_BLOCK;
    assay_liar.backend.realloc = realloc_freed;
}

/* One block for all that become empty. */
static void *realloc_shared(void *self, void *block, size_t size)
{
    static void *empty;

    if (size > 0)
        return truth()->realloc(self, block, size);
    if (!empty)
        return empty = block;
    return truth()->free(self, block) == ASSAY_OK ? empty : NULL;
}

void lie_empties_into_a_live_block(void)
{
    assay_liar.backend.caps |= ASSAY_CAP_REALLOC_ZERO_BLOCK;
    assay_liar.backend.realloc = realloc_shared;
}
