/* broken.c - a plug-in whose blocks overlap when a page is full: it must get no number. */
#include "assay/backend.h"

struct broken {
    const struct assay_page_source *pages;
    size_t used;
    unsigned char bytes[4000];
};

static assay_status create(const struct assay_backend *backend,
                           const struct assay_heap_config *config, void **self)
{
    struct broken *broken = config->pages->map(config->pages->ctx, sizeof *broken, 4096);

    (void)backend;
    if (!broken)
        return ASSAY_NO_MEMORY;
    broken->pages = config->pages;
    *self = broken;
    return ASSAY_OK;
}

static void destroy(void *self)
{
    struct broken *broken = self;

    broken->pages->unmap(broken->pages->ctx, broken, sizeof *broken);
}

static void *alloc(void *self, size_t size)
{
    struct broken *broken = self;

    if (size > sizeof broken->bytes)
        return NULL;
    if (size > sizeof broken->bytes - broken->used)
        broken->used = 0; /* whatever lies there */
    broken->used += size;
    return broken->bytes + broken->used - size;
}

static assay_status release(void *self, void *block)
{
    (void)self;
    (void)block;
    return ASSAY_OK;
}

static const struct assay_backend broken = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE,
    .min_align = 1,
    .max_size = SIZE_MAX,
    .name = "broken",
    .summary = "blocks overlap when a page is full",
    .origin = "assay",
    .options_help = "",
    .create = create,
    .destroy = destroy,
    .alloc = alloc,
    .free = release,
};

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void);

const struct assay_backend *assay_backend_plugin(void)
{
    return &broken;
}
