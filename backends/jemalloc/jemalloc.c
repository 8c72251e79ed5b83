/*
 * jemalloc - a private copy of the packaged library, one arena for each heap.
 *
 *   page source --> [ record, hooks ]  [ base: the arena's own records ]  [ extent ] [ extent ] ...
 *                                       2 MiB at a time                    slabs, large blocks
 *
 * The arena's records and all blocks come from config->pages. What does not: the index from
 * addresses to extents (8 bytes for each page of address space ever used, as it were a second page
 * table) and the list of arenas, which jemalloc keeps once for the process and never gives back;
 * see process.c.
 *
 * There is no thread cache, for that would hold blocks beyond a heap's end; a program that links
 * jemalloc has one and is faster. Measure that by preloading the library and running `system`.
 *
 * Freed extents stay with the arena until a request is refused; then they go back and the request
 * is tried again. Hence no TRIMS. No COALESCES either: records (2 MiB hold those of some fifteen
 * thousand extents) and the table of borders grow with the most extents there ever were, until
 * destroy.
 */
#include "assay/backend.h"
#include "assay/sizes.h"
#include "extents.h"
#include "private.h"

#include <assert.h>
#include <stddef.h>

#define MIN_ALIGN 8 /* the smallest size class is 8 bytes */
#define HUGE_PAGE ((size_t)2 << 20)
#define ROOM_FOR_BLOCKS ((size_t)60 << 10) /* one slab of any size class fits: at most 28 KiB */
#define ARENAS 4096                        /* as many fit into a flag */

struct heap {
    struct extents extents;
    unsigned arena;
    int flags;
};

static size_t record_bytes(const struct assay_page_source *pages)
{
    return assay_align_up(sizeof(struct heap), pages->page_size);
}

/* Calls arena.I.WHAT, which has no arguments. */
static int arena_call(const struct heap *heap, const char *what)
{
    size_t mib[3], length = 3;
    int failure = je_mallctlnametomib(what, mib, &length);

    assert(failure == 0 && "the name is known to jemalloc 5");
    (void)failure;
    mib[1] = heap->arena;
    return je_mallctlbymib(mib, length, NULL, NULL, NULL, 0);
}

/* Whether a page source takes back what jemalloc gives it, multiples of its own page size. */
static bool suits(const struct assay_page_source *pages)
{
    size_t page_size, length = sizeof page_size;

    return je_mallctl("arenas.page", &page_size, &length, NULL, 0) == 0 &&
           pages->page_size <= page_size;
}

static assay_status jemalloc_create(const struct assay_backend *backend,
                                    const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    size_t bytes = record_bytes(pages), length = sizeof(unsigned);

    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    if (!suits(pages))
        return ASSAY_UNSUPPORTED;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    struct heap *heap = pages->map(pages->ctx, bytes, pages->page_size);
    if (!heap)
        return ASSAY_NO_MEMORY;
    extents_open(&heap->extents, config, bytes);
    extent_hooks_t *hooks = &heap->extents.hooks;
    if (je_mallctl("arenas.create", &heap->arena, &length, &hooks, sizeof(void *)) != 0) {
        extents_close(&heap->extents);
        pages->unmap(pages->ctx, heap, bytes);
        return ASSAY_NO_MEMORY;
    }
    assert(heap->arena < ARENAS - 1);
    heap->flags = MALLOCX_ARENA(heap->arena) | MALLOCX_TCACHE_NONE;
    *self = heap;
    return ASSAY_OK;
}

static void jemalloc_destroy(void *self)
{
    struct heap *heap = self;
    const struct assay_page_source *pages = heap->extents.pages;
    int failure = arena_call(heap, "arena.0.destroy");

    assert(failure == 0 && "no thread is bound to the arena");
    (void)failure;
    extents_close(&heap->extents);
    pages->unmap(pages->ctx, heap, record_bytes(pages));
}

/* After a refusal: whether giving back free extents has made room to try again. */
static bool made_room(struct heap *heap, uint64_t refusals_before)
{
    size_t mapped_before = heap->extents.mapped_bytes;

    if (heap->extents.refusals == refusals_before)
        return false; /* refused for another reason, a size that cannot be */
    return arena_call(heap, "arena.0.purge") == 0 && heap->extents.mapped_bytes < mapped_before;
}

static void *allocate(struct heap *heap, size_t size, int flags)
{
    if (size > PTRDIFF_MAX)
        return NULL;
    size = size ? size : 1; /* mallocx(0) is undefined */
    uint64_t refusals = heap->extents.refusals;
    void *block = je_mallocx(size, heap->flags | flags);
    if (!block && made_room(heap, refusals))
        block = je_mallocx(size, heap->flags | flags);
    return block;
}

static void *jemalloc_alloc(void *self, size_t size)
{
    return allocate(self, size, 0);
}

static assay_status jemalloc_free(void *self, void *block)
{
    struct heap *heap = self;

    if (block)
        je_dallocx(block, heap->flags);
    return ASSAY_OK;
}

static void *jemalloc_alloc_zeroed(void *self, size_t count, size_t size)
{
    return allocate(self, assay_multiply(count, size), MALLOCX_ZERO);
}

static void *jemalloc_alloc_aligned(void *self, size_t align, size_t size)
{
    return allocate(self, size, (int)assay_floor_log2(align));
}

static void *jemalloc_realloc(void *self, void *block, size_t size)
{
    struct heap *heap = self;

    if (!block)
        return jemalloc_alloc(self, size);
    if (size > PTRDIFF_MAX || size == 0)
        return NULL;
    uint64_t refusals = heap->extents.refusals;
    void *moved = je_rallocx(block, size, heap->flags);
    if (!moved && made_room(heap, refusals))
        moved = je_rallocx(block, size, heap->flags);
    return moved;
}

static size_t jemalloc_usable_size(void *self, const void *block)
{
    (void)self;
    return block ? je_sallocx(block, 0) : 0;
}

static void jemalloc_stats(void *self, struct assay_heap_stats *stats)
{
    struct heap *heap = self;

    *stats = (struct assay_heap_stats){.mapped_bytes = heap->extents.mapped_bytes,
                                       .used_bytes = ASSAY_UNKNOWN,
                                       .used_blocks = ASSAY_UNKNOWN,
                                       .largest_free = ASSAY_UNKNOWN};
}

const struct assay_backend assay_backend_jemalloc = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS |
            ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = MIN_ALIGN,
    .max_size = PTRDIFF_MAX,
    .min_limit = HUGE_PAGE + ROOM_FOR_BLOCKS + 4096,
    .name = "jemalloc",
    .summary = "one arena of jemalloc for each heap, without its thread cache",
    .origin = "jemalloc " JEMALLOC_VERSION,
    .options_help = "",
    .create = jemalloc_create,
    .destroy = jemalloc_destroy,
    .alloc = jemalloc_alloc,
    .free = jemalloc_free,
    .alloc_zeroed = jemalloc_alloc_zeroed,
    .alloc_aligned = jemalloc_alloc_aligned,
    .realloc = jemalloc_realloc,
    .usable_size = jemalloc_usable_size,
    .stats = jemalloc_stats,
};
