/* mem.c - the region of a process: one instance behind mem.h. */
#include "mem.h"

#include "assay/os_pages.h"
#include "region.h"

static struct region *region;

int Mem_InitPolicy(int sizeOfRegion, enum mem_policy policy)
{
    static const enum region_policy policies[] = {[MEM_BEST_FIT] = REGION_BEST,
                                                  [MEM_WORST_FIT] = REGION_WORST,
                                                  [MEM_FIRST_FIT] = REGION_FIRST};
    const struct assay_page_source *pages = assay_os_pages();

    if (region || sizeOfRegion <= 0 || (unsigned)policy > MEM_FIRST_FIT)
        return -1;
    size_t mask = pages->page_size - 1;
    region = region_open(pages, ((size_t)sizeOfRegion + mask) & ~mask, false, 8, policies[policy]);
    return region ? 0 : -1;
}

int Mem_Init(int sizeOfRegion)
{
    return Mem_InitPolicy(sizeOfRegion, MEM_BEST_FIT);
}

void *Mem_Alloc(int size)
{
    return region && size > 0 ? region_take(region, (size_t)size) : NULL;
}

int Mem_Free(void *ptr)
{
    if (!ptr)
        return 0;
    return region && region_release(region, ptr) == ASSAY_OK ? 0 : -1;
}

int Mem_IsValid(void *ptr)
{
    return region && region_size(region, ptr) > 0;
}

int Mem_GetSize(void *ptr)
{
    size_t size = region ? region_size(region, ptr) : 0;

    return size ? (int)size : -1;
}
