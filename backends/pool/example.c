/* A pool as a part of another heap: nodes of two kinds, told apart by their tags. */
#include "pool/pool.h"

#include "assay/os_pages.h"

#define NODE ((size_t)48) /* bytes of each */

enum kind { NUMBER = 1, NAME };

struct heap {
    struct assay_pool nodes;
    struct assay_regions regions; /* all that is mapped, this record too */
};

int main(void)
{
    const struct assay_heap_config config = {.limit = 1 << 20, .pages = assay_os_pages()};
    struct heap *heap =
        assay_regions_open(&config, sizeof *heap, offsetof(struct heap, regions), true);
    bool was_used;

    if (!heap)
        return 1;
    /* Room for 128 nodes, then 256, 512, ... */
    assay_pool_init(&heap->nodes, &heap->regions, NODE, 128 * NODE);
    char *number = assay_pool_take(&heap->nodes, NUMBER, &was_used);
    char *name = assay_pool_take(&heap->nodes, NAME, &was_used);
    if (!number || !name || name != number + NODE)
        return 1;

    /* Of any address it is known whether a node begins there, and of which kind. */
    const struct assay_region *slab = assay_regions_find(&heap->regions, name);
    uint8_t *tag = assay_pool_tag(&heap->nodes, slab, name);
    if (!tag || *tag != NAME || assay_pool_tag(&heap->nodes, slab, name + 1))
        return 1;

    assay_pool_give(&heap->nodes, name, tag);
    /* Last in, first out. */
    if (assay_pool_take(&heap->nodes, NUMBER, &was_used) != name || !was_used)
        return 1;
    assay_regions_close(&heap->regions);
    return 0;
}
