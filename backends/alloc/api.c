/* api.c - the functions of alloc.h, on one heap that children share. Its address is all that a process keeps. */
#include "alloc.h"
#include "shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

extern const struct assay_backend assay_backend_alloc;
static const struct assay_backend *const backend = &assay_backend_alloc;

/* As much as there may be, for address space costs nothing; less where the system has limits. */
#define RESERVE_MOST ((size_t)8 << 30)
#define RESERVE_LEAST ((size_t)1 << 20)

static void *map(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    (void)align; /* a page, as always */
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    munmap(start, bytes);
}

static const struct assay_page_source shared_pages = {
    .page_size = 4096, .map = map, .unmap = unmap};

static _Atomic(struct shared_heap *) the_heap;

/* The largest heap that the system gives; NULL with errno. */
static struct shared_heap *reserve(void)
{
    const char *options = getenv("ALLOC_OPTIONS");
    struct assay_heap_config config = {.pages = &shared_pages, .options = options ? options : ""};
    assay_status status = ASSAY_NO_MEMORY;
    void *made = NULL;

    for (config.limit = RESERVE_MOST; config.limit >= RESERVE_LEAST; config.limit /= 2) {
        status = backend->create(backend, &config, &made);
        if (status != ASSAY_NO_MEMORY)
            break;
    }
    if (status != ASSAY_OK)
        errno = status == ASSAY_INVALID ? EINVAL : status == ASSAY_NO_MEMORY ? ENOMEM : ENOTSUP;
    return made;
}

/* Of two threads that come first at once, one gives its region back. No lock, for one may fork() meanwhile. */
static struct shared_heap *open_heap(void)
{
    struct shared_heap *heap = atomic_load_explicit(&the_heap, memory_order_acquire);

    if (heap)
        return heap;
    struct shared_heap *made = reserve();
    if (made && !atomic_compare_exchange_strong(&the_heap, &heap, made)) {
        backend->destroy(made);
        return heap;
    }
    return made;
}

void init_mutex(void)
{
    int before = errno;

    if (open_heap())
        errno = before;
}

void finish_mutex(void)
{
    struct shared_heap *heap = atomic_exchange(&the_heap, NULL);

    if (heap)
        backend->destroy(heap);
}

/* errno for a request that gave `block`, when it was `before` it and 0 during it. */
static void *settle(void *block, int before)
{
    if (block)
        errno = before;
    else if (errno == 0)
        errno = ENOMEM;
    return block;
}

/* Why ptr was refused: 0 if it is a block, so that nothing is wrong with it. */
static int fault_of(struct shared_heap *heap, const void *ptr)
{
    assay_status status;

    if (!assay_shared_enter(heap))
        return errno;
    const struct list_header *header =
        assay_list_header(assay_list_of(shared_list(heap)), ptr, &status);
    assay_shared_leave(heap, NULL);
    return header ? 0 : status == ASSAY_INVALID ? EINVAL : ENOTRECOVERABLE;
}

void *allocate_memory(size_t size)
{
    struct shared_heap *heap = open_heap();
    int before = errno;

    if (!heap)
        return NULL;
    errno = 0;
    return settle(backend->alloc(heap, size), before);
}

void *allocate_clear_memory(size_t count, size_t size)
{
    struct shared_heap *heap = open_heap();
    int before = errno;

    if (!heap)
        return NULL;
    errno = 0;
    return settle(backend->alloc_zeroed(heap, count, size), before);
}

void *reallocate_memory(void *ptr, size_t size)
{
    struct shared_heap *heap = atomic_load_explicit(&the_heap, memory_order_acquire);
    int before = errno;

    if (!ptr)
        return allocate_memory(size);
    if (size == 0 || !heap) {
        deallocate_memory(ptr);
        return NULL;
    }
    errno = 0;
    void *block = backend->realloc(heap, ptr, size);
    if (!block && errno == 0)
        errno = fault_of(heap, ptr);
    return settle(block, before);
}

void deallocate_memory(void *ptr)
{
    struct shared_heap *heap = atomic_load_explicit(&the_heap, memory_order_acquire);
    int before = errno;

    if (!ptr)
        return;
    if (!heap) {
        errno = EINVAL; /* no heap, so no block */
        return;
    }
    errno = 0;
    assay_status status = backend->free(heap, ptr);
    if (status == ASSAY_OK)
        errno = before;
    else if (errno == 0)
        errno = status == ASSAY_INVALID ? EINVAL : ENOTRECOVERABLE;
}

bool check_memory(struct memory_report *report)
{
    struct shared_heap *heap = atomic_load_explicit(&the_heap, memory_order_acquire);
    struct memory_report unread;
    struct assay_heap_stats stats;
    struct assay_damage damage = {0};

    report = report ? report : &unread;
    memset(report, 0, sizeof *report);
    if (!heap)
        return true;
    assay_status status = backend->check(heap, &damage);
    report->where = damage.where;
    memcpy(report->what, damage.what, sizeof report->what);
    backend->stats(heap, &stats);
    report->reserved_bytes = stats.mapped_bytes;
    report->used_blocks = stats.used_blocks;
    report->used_bytes = stats.used_bytes;
    report->largest_free = stats.largest_free;
    if (!assay_shared_enter(heap))
        return false;
    report->repairs = heap->repairs;
    report->orphan = (const void *)(uintptr_t)heap->orphan;
    assay_shared_leave(heap, NULL);
    return status == ASSAY_OK;
}
