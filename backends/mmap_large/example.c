/* Mappings as a part of another heap: each block with a header before it, one mapping kept for the next. */
#include "mmap_large/large.h"

#include "assay/os_pages.h"

#define HEADER 16

struct heap {
    struct assay_large blocks;
    struct assay_regions regions; /* all that is mapped, this record too */
};

int main(void)
{
    const struct assay_heap_config config = {.limit = 1 << 24, .pages = assay_os_pages()};
    struct heap *heap =
        assay_regions_open(&config, sizeof *heap, offsetof(struct heap, regions), false);
    bool was_used;

    if (!heap)
        return 1;
    assay_large_init(&heap->blocks, &heap->regions, 1 << 20);
    char *block = assay_large_take(&heap->blocks, HEADER, 64, 100000, &was_used);
    if (!block || (uintptr_t)block % 64 != 0 || was_used)
        return 1;
    block[-HEADER] = 1; /* ours to use */

    /* Of any address it is known whether a block begins there; it may use all of its last page. */
    struct assay_region *region = assay_large_find(&heap->blocks, block);
    if (!region || assay_large_room(region) < 100000 || assay_large_find(&heap->blocks, block + 64))
        return 1;
    if (!assay_large_resize(&heap->blocks, region, 5000)) /* pages behind it go back */
        return 1;

    /* At most 1 MiB is kept of what is given back: it serves the next block, and may hold anything. */
    assay_large_give(&heap->blocks, region);
    char *again = assay_large_take(&heap->blocks, HEADER, 64, 5000, &was_used);
    if (again != block || !was_used || again[-HEADER] != 1)
        return 1;
    assay_regions_close(&heap->regions);
    return 0;
}
