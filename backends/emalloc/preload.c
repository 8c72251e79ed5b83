/*
 * preload.c - the C library's names over emalloc, for libemalloc.so.
 *
 * As in the C library: 0 bytes are a block of their own, realloc(p, 0) frees, a refusal sets ENOMEM, and free()
 * leaves errno alone.
 */
#include "emalloc/process.h"

#include "assay/sizes.h"
#include "emalloc/heap.h"

#include <errno.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* As in stdlib.h and malloc.h. */
void *malloc(size_t size);
void free(void *block);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void *reallocarray(void *block, size_t count, size_t size);
void *memalign(size_t align, size_t size);
void *aligned_alloc(size_t align, size_t size);
int posix_memalign(void **block, size_t align, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *block);

static void *answer(void *block)
{
    if (!block)
        errno = ENOMEM;
    return block;
}

static void *allocate(size_t align, size_t size, bool zeroed)
{
    return answer(emalloc_process_alloc(align, size ? size : 1, zeroed));
}

static void release(void *block, const char *caller)
{
    int before = errno;

    emalloc_process_free(block, caller);
    errno = before;
}

EXPORT void *malloc(size_t size)
{
    return allocate(EMALLOC_ALIGN, size, false);
}

EXPORT void free(void *block)
{
    release(block, "free");
}

EXPORT void *calloc(size_t count, size_t size)
{
    return allocate(EMALLOC_ALIGN, assay_multiply(count, size), true);
}

static void *resize(void *block, size_t size)
{
    if (!block)
        return allocate(EMALLOC_ALIGN, size, false);
    if (size > 0)
        return answer(emalloc_process_resize(block, size, "realloc"));
    release(block, "realloc");
    return NULL;
}

EXPORT void *realloc(void *block, size_t size)
{
    return resize(block, size);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);

    /* Not to be taken for a size, even of 1 by SIZE_MAX: no block is so large. */
    return bytes == SIZE_MAX ? answer(NULL) : resize(block, bytes);
}

EXPORT void *memalign(size_t align, size_t size)
{
    if (assay_is_power_of_two(align))
        return allocate(align, size, false);
    errno = EINVAL;
    return NULL;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
    int before = errno;

    if (!assay_is_power_of_two(align) || align < sizeof(void *))
        return EINVAL;
    void *given = allocate(align, size, false);
    errno = before;
    if (!given)
        return ENOMEM;
    *block = given;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return allocate((size_t)sysconf(_SC_PAGESIZE), size, false);
}

EXPORT void *pvalloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return allocate(page, assay_align_up(size ? size : 1, page), false);
}

EXPORT size_t malloc_usable_size(void *block)
{
    return emalloc_process_size(block);
}
