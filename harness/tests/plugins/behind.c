/*
 * behind.c - a plug-in with a page for each block, which reads the byte behind the page when it is freed: what only a
 * page source can tell that has nothing there.
 */
#include "assay/backend.h"

#define BLOCKS 64

static struct {
    const struct assay_page_source *pages;
    char *block[BLOCKS];
} heap;

static assay_status behind_create(const struct assay_backend *backend,
                                  const struct assay_heap_config *config, void **self)
{
    (void)backend;
    heap.pages = config->pages;
    for (int i = 0; i < BLOCKS; i++)
        heap.block[i] = NULL;
    *self = &heap;
    return ASSAY_OK;
}

static void give_back(char **block)
{
    heap.pages->unmap(heap.pages->ctx, *block, heap.pages->page_size);
    *block = NULL;
}

static void behind_destroy(void *self)
{
    (void)self;
    for (int i = 0; i < BLOCKS; i++)
        if (heap.block[i])
            give_back(&heap.block[i]);
}

static void *behind_alloc(void *self, size_t size)
{
    (void)self;
    for (int i = 0; i < BLOCKS && size <= heap.pages->page_size; i++)
        if (!heap.block[i])
            return heap.block[i] = heap.pages->map(heap.pages->ctx, heap.pages->page_size,
                                                   heap.pages->page_size);
    return NULL;
}

static assay_status behind_free(void *self, void *block)
{
    (void)self;
    for (int i = 0; block && i < BLOCKS; i++)
        if (heap.block[i] == block) {
            (void)*(volatile char *)(heap.block[i] + heap.pages->page_size);
            give_back(&heap.block[i]);
            return ASSAY_OK;
        }
    return block ? ASSAY_INVALID : ASSAY_OK;
}

static const struct assay_backend behind = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = 4096,
    .max_size = 4096,
    .min_limit = 4096,
    .name = "behind",
    .summary = "a page for each block",
    .origin = "assay's tests",
    .options_help = "",
    .create = behind_create,
    .destroy = behind_destroy,
    .alloc = behind_alloc,
    .free = behind_free,
};

const struct assay_backend *assay_backend_plugin(void);

const struct assay_backend *assay_backend_plugin(void)
{
    return &behind;
}
