/*
 * system - the C library's malloc, or whatever stands in for it in this process: a preloaded library, a
 * sanitizer. Reports ask the process which one it was.
 */
#include "assay/backend.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static assay_status system_create(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    (void)config;
    *self = (void *)(uintptr_t)backend; /* there is one heap, the process's; any non-NULL will do */
    return ASSAY_OK;
}

static void system_destroy(void *self)
{
    (void)self;
}

static void *system_alloc(void *self, size_t size)
{
    (void)self;
    return malloc(size);
}

static assay_status system_free(void *self, void *block)
{
    (void)self;
    free(block);
    return ASSAY_OK;
}

static void *system_alloc_zeroed(void *self, size_t count, size_t size)
{
    (void)self;
    return calloc(count, size);
}

static void *system_alloc_aligned(void *self, size_t align, size_t size)
{
    void *block;

    (void)self;
    if (align < sizeof(void *))
        align = sizeof(void *);
    int why = posix_memalign(&block, align, size);
    if (why != 0)
        errno = why;
    return why == 0 ? block : NULL;
}

static void *system_realloc(void *self, void *block, size_t size)
{
    (void)self;
    return realloc(block, size);
}

static size_t system_usable_size(void *self, const void *block)
{
    (void)self;
    return malloc_usable_size((void *)(uintptr_t)block);
}

const struct assay_backend assay_backend_system = {
    .abi = ASSAY_BACKEND_ABI,
    .caps =
        ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_GROWS | ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_SETS_ERRNO,
    .min_align = 8, /* glibc gives 16; what is preloaded may give blocks below 16 bytes only this */
    .max_size = PTRDIFF_MAX,
    .name = "system",
    .summary = "the C library's malloc, or what stands in for it in this process",
    .origin = "libc",
    .options_help = "",
    .create = system_create,
    .destroy = system_destroy,
    .alloc = system_alloc,
    .free = system_free,
    .alloc_zeroed = system_alloc_zeroed,
    .alloc_aligned = system_alloc_aligned,
    .realloc = system_realloc,
    .usable_size = system_usable_size,
};
