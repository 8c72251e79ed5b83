/*
 * alloc - a heap of `list` behind a lock that outlives its holder, for threads and for processes.
 *
 *   region  [ lock | journal | counts ][ heap of list: header | payload | header | payload ... edge ]
 *            \___ no address of a process, nothing outside: every process sees the same heap ___/
 *
 * Each call takes the lock, does what `list` does, and gives it back; so addresses are those of `list`. Who is
 * ended meanwhile leaves a journal of the change under way, from which the next one makes the list
 * whole (list/repair.c). Whether the region is shared is up to the page source; the library of
 * alloc.h (api.c) has one that shares it with children.
 *
 * The lock is not destroyed with a heap: other processes may go on with theirs.
 */
#include "shared.h"

#include <errno.h>
#include <string.h>

extern const struct assay_backend assay_backend_list;

_Static_assert(sizeof(struct shared_heap) % 64 == 0, "the list behind it begins with a cache line");

/* Gives what is behind `heap` to the list, once. */
static void *place(void *heap, size_t bytes, size_t align)
{
    (void)bytes;
    (void)align;
    return shared_list(heap);
}

static void keep(void *heap, void *start, size_t bytes)
{
    (void)heap;
    (void)start;
    (void)bytes;
}

static assay_status furnish(struct shared_heap *heap, const struct assay_heap_config *config)
{
    const struct assay_page_source rest = {
        .page_size = 64, .map = place, .unmap = keep, .ctx = heap};
    const struct assay_heap_config inner = {.limit = heap->bytes - sizeof *heap,
                                            .pages = &rest,
                                            .seed = config->seed,
                                            .options = config->options};
    void *made;
    assay_status status = assay_backend_list.create(&assay_backend_list, &inner, &made);

    if (status != ASSAY_OK)
        return status;
    struct assay_list *list = assay_list_of(made);
    list->journal = (char *)&heap->journal - (char *)list;
    return assay_shared_open(heap) ? ASSAY_OK : ASSAY_UNSUPPORTED;
}

static assay_status alloc_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    size_t bytes = config->limit < LIST_REGION_MAX ? config->limit : LIST_REGION_MAX;
    struct shared_heap *heap;

    bytes = assay_align_down(bytes, pages->page_size);
    if (config->limit < backend->min_limit || !bytes)
        return ASSAY_NO_MEMORY;
    heap = pages->map(pages->ctx, bytes, pages->page_size);
    if (!heap)
        return ASSAY_NO_MEMORY;
    heap->pages = pages;
    heap->bytes = bytes;
    assay_status status = furnish(heap, config);
    if (status != ASSAY_OK) {
        pages->unmap(pages->ctx, heap, bytes);
        return status;
    }
    *self = heap;
    return ASSAY_OK;
}

static void alloc_destroy(void *self)
{
    struct shared_heap *heap = self;

    heap->pages->unmap(heap->pages->ctx, heap, heap->bytes);
}

static void *alloc_alloc(void *self, size_t size)
{
    if (!assay_shared_enter(self))
        return NULL;
    return assay_shared_leave(self, assay_backend_list.alloc(shared_list(self), size));
}

static void *alloc_alloc_zeroed(void *self, size_t count, size_t size)
{
    if (!assay_shared_enter(self))
        return NULL;
    return assay_shared_leave(self,
                              assay_backend_list.alloc_zeroed(shared_list(self), count, size));
}

static void *alloc_alloc_aligned(void *self, size_t align, size_t size)
{
    if (!assay_shared_enter(self))
        return NULL;
    return assay_shared_leave(self,
                              assay_backend_list.alloc_aligned(shared_list(self), align, size));
}

static void *alloc_realloc(void *self, void *block, size_t size)
{
    if (!assay_shared_enter(self))
        return NULL;
    void *moved = assay_backend_list.realloc(shared_list(self), block, size);
    assay_shared_leave(self, moved == block ? NULL : moved);
    return moved;
}

static assay_status alloc_free(void *self, void *block)
{
    if (!block)
        return ASSAY_OK;
    if (!assay_shared_enter(self))
        return ASSAY_CORRUPT;
    assay_status status = assay_backend_list.free(shared_list(self), block);
    assay_shared_leave(self, NULL);
    return status;
}

static size_t alloc_usable_size(void *self, const void *block)
{
    if (!assay_shared_enter(self))
        return 0;
    size_t size = assay_backend_list.usable_size(shared_list(self), block);
    assay_shared_leave(self, NULL);
    return size;
}

static bool alloc_owns(void *self, const void *address)
{
    if (!assay_shared_enter(self))
        return false;
    bool owns = assay_backend_list.owns(shared_list(self), address);
    assay_shared_leave(self, NULL);
    return owns;
}

static assay_status alloc_check(void *self, struct assay_damage *damage)
{
    if (!assay_shared_enter(self)) {
        damage->where = NULL;
        strcpy(damage->what, errno == EDEADLK ? "the caller is inside the heap already"
                                              : "the heap could not be repaired");
        return ASSAY_CORRUPT;
    }
    assay_status status = assay_backend_list.check(shared_list(self), damage);
    assay_shared_leave(self, NULL);
    return status;
}

static assay_status alloc_walk(void *self, assay_visit_fn *visit, void *arg)
{
    const struct assay_extent front = {self, sizeof(struct shared_heap), ASSAY_EXTENT_META};
    assay_status status = ASSAY_OK;

    if (!assay_shared_enter(self))
        return ASSAY_CORRUPT;
    if (visit(arg, &front))
        status = assay_backend_list.walk(shared_list(self), visit, arg);
    assay_shared_leave(self, NULL);
    return status;
}

static void alloc_stats(void *self, struct assay_heap_stats *stats)
{
    struct shared_heap *heap = self;

    memset(stats, 0, sizeof *stats);
    stats->mapped_bytes = heap->bytes;
    if (!assay_shared_enter(heap))
        return;
    assay_backend_list.stats(shared_list(heap), stats);
    stats->mapped_bytes = heap->bytes;
    assay_shared_leave(heap, NULL);
}

const struct assay_backend assay_backend_alloc = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE |
            ASSAY_CAP_COALESCES | ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE |
            ASSAY_CAP_DETECTS_OVERRUN | ASSAY_CAP_DETECTS_UNDERRUN | ASSAY_CAP_REALLOC_ZERO_FREES,
    .min_align = LIST_UNIT,
    .max_size = LIST_REGION_MAX,
    .min_limit = 8192,
    .name = "alloc",
    .summary = "list for threads and processes, whole again after a SIGKILL",
    .origin = "assay",
    .options_help = "checked=0: fill freed payloads and verify them on reuse and in check()",
    .create = alloc_create,
    .destroy = alloc_destroy,
    .alloc = alloc_alloc,
    .free = alloc_free,
    .alloc_zeroed = alloc_alloc_zeroed,
    .alloc_aligned = alloc_alloc_aligned,
    .realloc = alloc_realloc,
    .usable_size = alloc_usable_size,
    .owns = alloc_owns,
    .check = alloc_check,
    .walk = alloc_walk,
    .stats = alloc_stats,
};
