/*
 * process.c - one heap for the whole process, made by the first call, whenever that is.
 *
 * fork() copies the heap as it is, so it waits for the lock: the child gets a heap that nobody is changing.
 */
#include "emalloc/process.h"

#include "assay/os_pages.h"
#include "emalloc/emalloc.h"
#include "emalloc/heap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic(struct emalloc_heap *) the_heap;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_heap(void)
{
    struct assay_heap_config config = {.limit = SIZE_MAX, .pages = assay_os_pages(), .options = ""};
    struct emalloc_heap *heap;

    if (emalloc_heap_open(&config, &heap) == ASSAY_OK)
        atomic_store_explicit(&the_heap, heap, memory_order_release);
}

/* NULL if there was no memory for the very first page. */
static struct emalloc_heap *process_heap(void)
{
    struct emalloc_heap *heap = atomic_load_explicit(&the_heap, memory_order_acquire);

    if (heap)
        return heap;
    pthread_once(&once, open_heap);
    return atomic_load_explicit(&the_heap, memory_order_acquire);
}

/* --- fork --- */

static void before_fork(void)
{
    struct emalloc_heap *heap = process_heap();

    if (heap)
        lock_take(&heap->lock);
}

static void after_fork(void)
{
    struct emalloc_heap *heap = process_heap();

    if (heap)
        lock_give(&heap->lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(before_fork, after_fork, after_fork) != 0)
        abort(); /* a child could find the heap locked for ever */
}

/* --- damage --- */

/* One line, made without memory. */
__attribute__((noreturn)) static void stop(const char *caller, const void *block,
                                           assay_status status, const struct emalloc_fault *why)
{
    static const char *const kinds[] = {"small", "medium", "large"};
    static const char *const parts[] = {"mark", "header", "slack", "footer"};
    char line[160];
    int length;

    if (status == ASSAY_INVALID)
        length = snprintf(line, sizeof line, "emalloc: %s(%p): no block is there\n", caller, block);
    else
        length =
            snprintf(line, sizeof line, "emalloc: %s(%p): the %s of a %s block was overwritten\n",
                     caller, block, parts[why->fault], kinds[why->kind]);
    if (write(STDERR_FILENO, line, (size_t)length) != length)
        abort(); /* nobody listens */
    abort();
}

/* --- what process.h says --- */

void *emalloc_process_alloc(size_t align, size_t size, bool zeroed)
{
    struct emalloc_heap *heap = process_heap();

    return heap ? emalloc_heap_alloc(heap, align, size, zeroed) : NULL;
}

void emalloc_process_free(void *block, const char *caller)
{
    struct emalloc_heap *heap = process_heap();
    struct emalloc_fault why = {MARK_INTACT, MARK_SMALL};

    if (!block)
        return;
    assay_status status = heap ? emalloc_heap_free(heap, block, &why) : ASSAY_INVALID;
    if (status != ASSAY_OK)
        stop(caller, block, status, &why);
}

void *emalloc_process_resize(void *block, size_t size, const char *caller)
{
    struct emalloc_heap *heap = process_heap();
    struct emalloc_fault why = {MARK_INTACT, MARK_SMALL};
    void *resized = NULL;

    assay_status status =
        heap ? emalloc_heap_resize(heap, block, size, &resized, &why) : ASSAY_INVALID;
    if (status == ASSAY_INVALID || status == ASSAY_CORRUPT)
        stop(caller, block, status, &why);
    return resized;
}

size_t emalloc_process_size(const void *block)
{
    struct emalloc_heap *heap = process_heap();

    return heap && block ? emalloc_heap_size(heap, block) : 0;
}

/* --- emalloc.h --- */

void *emalloc(unsigned long size)
{
    return emalloc_process_alloc(EMALLOC_ALIGN, size, false);
}

void efree(void *ptr)
{
    emalloc_process_free(ptr, "efree");
}

void *ecalloc(unsigned long count, unsigned long size)
{
    return emalloc_process_alloc(EMALLOC_ALIGN, assay_multiply(count, size), true);
}

void *erealloc(void *ptr, unsigned long size)
{
    if (!ptr)
        return emalloc(size);
    if (size > 0)
        return emalloc_process_resize(ptr, size, "erealloc");
    emalloc_process_free(ptr, "erealloc");
    return NULL;
}

void *ealigned_alloc(unsigned long align, unsigned long size)
{
    return assay_is_power_of_two(align) ? emalloc_process_alloc(align, size, false) : NULL;
}

unsigned long emalloc_usable_size(const void *ptr)
{
    return emalloc_process_size(ptr);
}
