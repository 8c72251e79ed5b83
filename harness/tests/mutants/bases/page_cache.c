/*
 * page_cache - each block has pages of its own, and pages that are freed wait in a cache for the next.
 *
 *   run  [ run | ... | run's address | block ........ ]      whole pages
 *
 * A request takes the cached run that fits best, unless that is twice as large as needed, and caches what it
 * cuts off. When the cache has more than a quarter of the limit those that waited longest are unmapped; when
 * pages are refused all are, and the request is tried once more.
 *
 * A correct allocator to plant bugs in: the layer below a real one, with nothing to ask.
 */
#include "assay/backend.h"
#include "assay/sizes.h"

#include <string.h>

#define UNIT 16

struct run {
    struct run *next, *previous;
    size_t bytes;
    bool is_dirty; /* it was a block before */
};
#define RUN_HEAD (sizeof(struct run) + UNIT)
_Static_assert(RUN_HEAD % UNIT == 0, "blocks behind it are aligned");

struct runs {
    struct run *first, *last;
    size_t bytes;
};

struct heap {
    const struct assay_page_source *pages;
    size_t limit;
    size_t mapped;
    struct runs used;
    struct runs cached; /* the one that waits longest is the last */
};

/* --- runs --- */

static void runs_add(struct runs *runs, struct run *run)
{
    run->previous = NULL;
    run->next = runs->first;
    if (runs->first)
        runs->first->previous = run;
    else
        runs->last = run;
    runs->first = run;
    runs->bytes += run->bytes;
}

static void runs_remove(struct runs *runs, struct run *run)
{
    if (run->previous)
        run->previous->next = run->next;
    else
        runs->first = run->next;
    if (run->next)
        run->next->previous = run->previous;
    else
        runs->last = run->previous;
    runs->bytes -= run->bytes;
}

static void run_unmap(struct heap *heap, struct run *run)
{
    heap->mapped -= run->bytes;
    heap->pages->unmap(heap->pages->ctx, run, run->bytes);
}

static struct run *run_map(struct heap *heap, size_t bytes)
{
    if (bytes > heap->limit - heap->mapped)
        return NULL;
    struct run *run = heap->pages->map(heap->pages->ctx, bytes, heap->pages->page_size);
    if (!run)
        return NULL;
    run->bytes = bytes;
    run->is_dirty = false;
    heap->mapped += bytes;
    return run;
}

/* --- the cache --- */

static void flush(struct heap *heap)
{
    while (heap->cached.last) {
        struct run *run = heap->cached.last;
        runs_remove(&heap->cached, run);
        run_unmap(heap, run);
    }
}

static void cache(struct heap *heap, struct run *run)
{
    run->is_dirty = true;
    runs_add(&heap->cached, run);
    while (heap->cached.last && heap->cached.bytes > heap->limit / 4) {
        struct run *oldest = heap->cached.last;
        runs_remove(&heap->cached, oldest);
        run_unmap(heap, oldest);
    }
}

static struct run *find_cached(const struct heap *heap, size_t bytes)
{
    struct run *best = NULL;

    for (struct run *run = heap->cached.first; run; run = run->next)
        if (run->bytes >= bytes && run->bytes / 2 <= bytes && (!best || run->bytes < best->bytes))
            best = run;
    return best;
}

/* Makes what is behind the first `bytes` of a run one of the cache. */
static void cut(struct heap *heap, struct run *run, size_t bytes)
{
    if (run->bytes == bytes)
        return;
    struct run *rest = (struct run *)(void *)((unsigned char *)run + bytes);
    rest->bytes = run->bytes - bytes;
    run->bytes = bytes;
    cache(heap, rest);
}

static struct run *take_run(struct heap *heap, size_t bytes)
{
    struct run *run = find_cached(heap, bytes);

    if (run) {
        runs_remove(&heap->cached, run);
        cut(heap, run, bytes);
    } else {
        run = run_map(heap, bytes);
        if (!run && heap->cached.first) {
            flush(heap);
            run = run_map(heap, bytes);
        }
    }
    if (run)
        runs_add(&heap->used, run);
    return run;
}

/* --- blocks --- */

static struct run *run_of(const void *block)
{
    return ((struct run *const *)block)[-1];
}

static size_t room_of(const void *block)
{
    const struct run *run = run_of(block);

    return run->bytes - (size_t)((const char *)block - (const char *)run);
}

static void *take(struct heap *heap, size_t align, size_t size)
{
    size_t head = align > UNIT ? assay_add(RUN_HEAD, align - UNIT) : RUN_HEAD;
    size_t bytes = assay_align_up(assay_add(head, size), heap->pages->page_size);
    struct run *run = bytes <= heap->limit ? take_run(heap, bytes) : NULL;

    if (!run)
        return NULL;
    uintptr_t block = assay_align_up((uintptr_t)run + RUN_HEAD, align > UNIT ? align : UNIT);
    ((struct run **)block)[-1] = run;
    return (void *)block;
}

/* --- the table --- */

static assay_status page_cache_create(const struct assay_backend *backend,
                                      const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    struct heap *heap;

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    heap = pages->map(pages->ctx, pages->page_size, pages->page_size);
    if (!heap)
        return ASSAY_NO_MEMORY;
    heap->pages = pages;
    heap->limit = config->limit;
    heap->mapped = pages->page_size;
    *self = heap;
    return ASSAY_OK;
}

static void page_cache_destroy(void *self)
{
    struct heap *heap = self;

    flush(heap);
    while (heap->used.first) {
        struct run *run = heap->used.first;
        runs_remove(&heap->used, run);
        run_unmap(heap, run);
    }
    heap->pages->unmap(heap->pages->ctx, heap, heap->pages->page_size);
}

static void *page_cache_alloc(void *self, size_t size)
{
    return take(self, UNIT, size);
}

static void *page_cache_alloc_aligned(void *self, size_t align, size_t size)
{
    return take(self, align, size);
}

static void *page_cache_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = take(self, UNIT, bytes);

    if (block && run_of(block)->is_dirty)
        memset(block, 0, bytes);
    return block;
}

static assay_status page_cache_free(void *self, void *block)
{
    struct heap *heap = self;

    if (!block)
        return ASSAY_OK;
    struct run *run = run_of(block);
    runs_remove(&heap->used, run);
    cache(heap, run);
    return ASSAY_OK;
}

static void *page_cache_realloc(void *self, void *block, size_t size)
{
    if (!block)
        return page_cache_alloc(self, size);
    size_t room = room_of(block);
    if (size <= room && size >= room / 2)
        return block;
    void *moved = page_cache_alloc(self, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, size < room ? size : room);
    return page_cache_free(self, block) == ASSAY_OK ? moved : NULL;
}

const struct assay_backend assay_backend_page_cache = {
    .abi = ASSAY_BACKEND_ABI,
    .caps =
        ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = UNIT,
    .max_size = SIZE_MAX,
    .min_limit = (size_t)32 << 10,
    .name = "page_cache",
    .summary = "blocks of whole pages, freed ones kept for the next",
    .origin = "assay",
    .options_help = "",
    .create = page_cache_create,
    .destroy = page_cache_destroy,
    .alloc = page_cache_alloc,
    .free = page_cache_free,
    .alloc_zeroed = page_cache_alloc_zeroed,
    .alloc_aligned = page_cache_alloc_aligned,
    .realloc = page_cache_realloc,
};
