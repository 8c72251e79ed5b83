/* late.c - a plug-in that passes all checks and crashes in a second run of a stream: a failure that only measuring finds. */
#include "assay/backend.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LAST_CALL 150

struct late {
    atomic_uint calls;
};

static assay_status create(const struct assay_backend *backend,
                           const struct assay_heap_config *config, void **self)
{
    (void)backend;
    (void)config;
    *self = calloc(1, sizeof(struct late));
    return *self ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void *alloc(void *self, size_t size)
{
    struct late *late = self;

    if (atomic_fetch_add(&late->calls, 1) + 1 == LAST_CALL)
        abort();
    return malloc(size);
}

static assay_status release(void *self, void *block)
{
    (void)self;
    free(block);
    return ASSAY_OK;
}

static const struct assay_backend late_backend = {
    .abi = ASSAY_BACKEND_ABI,
    .caps =
        ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_GROWS | ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_THREAD_SAFE,
    .min_align = 16,
    .max_size = SIZE_MAX,
    .name = "late",
    .summary = "crashes in a second run",
    .origin = "assay",
    .options_help = "",
    .create = create,
    .destroy = free,
    .alloc = alloc,
    .free = release,
};

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void);

const struct assay_backend *assay_backend_plugin(void)
{
    return &late_backend;
}
