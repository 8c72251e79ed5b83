/* fence.c - a page source whose mappings lie between inaccessible pages. */
#include "assay/os_pages.h"
#include "assay/pages.h"
#include "assay/sizes.h"

#include <sys/mman.h>

#define RESERVED ((size_t)4 << 30)

static void *map(void *ctx, size_t bytes, size_t align)
{
    struct assay_fence *fence = ctx;
    size_t page = fence->source.page_size;
    uintptr_t start = assay_align_up((uintptr_t)fence->next + page, align);
    uintptr_t end = (uintptr_t)fence->base + RESERVED - page;

    if (start > end || bytes > end - start)
        return NULL;
    if (mprotect((void *)start, bytes, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    fence->next = (unsigned char *)assay_align_up(start + bytes, page);
    return (void *)start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    /* Stays inaccessible and is never given again: use after unmap crashes as well. */
    (void)mprotect(start, bytes, PROT_NONE);
    (void)madvise(start, bytes, MADV_DONTNEED);
}

assay_status assay_fence_open(struct assay_fence *fence)
{
    void *base =
        mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED)
        return ASSAY_NO_MEMORY;
    *fence = (struct assay_fence){
        .source = {.page_size = assay_os_pages()->page_size,
                   .map = map,
                   .unmap = unmap,
                   .ctx = fence},
        .base = base,
        .next = base,
    };
    return ASSAY_OK;
}

void assay_fence_close(struct assay_fence *fence)
{
    munmap(fence->base, RESERVED);
}

void assay_fence_reset(void *ctx)
{
    struct assay_fence *fence = ctx;

    if (fence->next > fence->base)
        unmap(fence, fence->base, (size_t)(fence->next - fence->base));
    fence->next = fence->base;
}
