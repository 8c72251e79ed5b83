/* A buddy system as a part of another heap: blocks with labels, halved where they are. */
#include "buddy/buddy.h"

#include "assay/os_pages.h"

#define LEAST 6 /* the smallest block has 64 bytes */

struct heap {
    struct assay_buddy blocks;
    struct assay_regions regions; /* all that is mapped, this record too */
};

int main(void)
{
    const struct assay_heap_config config = {.limit = 1 << 20, .pages = assay_os_pages()};
    struct heap *heap =
        assay_regions_open(&config, sizeof *heap, offsetof(struct heap, regions), true);

    if (!heap)
        return 1;
    assay_buddy_init(&heap->blocks, &heap->regions, LEAST, true);
    unsigned order = assay_buddy_order(&heap->blocks, 3000); /* 12: 4096 bytes */
    char *block = assay_buddy_take(&heap->blocks, order, 3000);
    if (!block || (uintptr_t)block % 4096 != 0)
        return 1;

    /* Of any address it is known whether a block begins there, how large it is and what it is called. */
    const struct assay_region *region = assay_regions_find(&heap->regions, block);
    if (assay_buddy_taken(&heap->blocks, region, block) != 12 ||
        assay_buddy_taken(&heap->blocks, region, block + 64) != 0 ||
        assay_buddy_label(&heap->blocks, region, block) != 3000)
        return 1;

    /* The upper half becomes free, and is the next block of its size. */
    if (!assay_buddy_resize(&heap->blocks, region, block, 12, 11))
        return 1;
    char *upper = assay_buddy_take(&heap->blocks, 11, 2048);
    if (upper != block + 2048)
        return 1;

    assay_buddy_give(&heap->blocks, region, upper, 11);
    assay_buddy_give(&heap->blocks, region, block, 11);
    if (assay_buddy_bytes(&heap->blocks) != 0)
        return 1;
    assay_regions_close(&heap->regions);
    return 0;
}
