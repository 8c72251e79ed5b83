/* load_plugin - `load_plugin FILE.so...`: loads each plug-in through the registry and works with it. */
#include "assay/registry.h"
#include "assay/sizes.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void *map(void *ctx, size_t bytes, size_t align)
{
    size_t *mapped_bytes = ctx;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        return NULL;
    if (!assay_is_aligned(start, align)) {
        munmap(start, bytes);
        return NULL;
    }
    *mapped_bytes += bytes;
    return start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    size_t *mapped_bytes = ctx;

    *mapped_bytes -= bytes;
    munmap(start, bytes);
}

static bool works(const struct assay_backend *backend)
{
    size_t mapped_bytes = 0;
    const struct assay_page_source pages = {4096, map, unmap, &mapped_bytes};
    const struct assay_heap_config config = {.limit = 1 << 20, .pages = &pages, .options = ""};
    void *self, *blocks[100];

    if (backend->create(backend, &config, &self) != ASSAY_OK)
        return false;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < 100; i++) {
            blocks[i] = backend->alloc(self, i * 50);
            if (!blocks[i] || !assay_is_aligned(blocks[i], backend->min_align))
                return false;
            memset(blocks[i], (int)i, i * 50);
        }
        for (size_t i = 0; i < 100; i++) {
            if (i > 0 && ((unsigned char *)blocks[i])[i * 50 - 1] != i)
                return false;
            if (backend->free(self, blocks[i]) != ASSAY_OK)
                return false;
        }
    }
    backend->destroy(self);
    return mapped_bytes == 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct assay_backend *backend;
        struct assay_error error;
        char spec[4200];

        snprintf(spec, sizeof spec, "plugin:%s", argv[i]);
        if (assay_registry_find(spec, &backend, &error) != ASSAY_OK) {
            fprintf(stderr, "%s\n", error.what);
            return 1;
        }
        if (!works(backend)) {
            fprintf(stderr, "%s does not work\n", spec);
            return 1;
        }
    }
    return argc > 1 ? 0 : 2;
}
