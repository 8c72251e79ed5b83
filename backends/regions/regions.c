/* regions.c - the table of mappings: a sorted array, and a memory of what was found where. */
#include "regions/regions.h"

#include <string.h>

/* --- pages, within the limit --- */

static void *map_pages(struct assay_regions *regions, size_t bytes, size_t align)
{
    if (bytes > regions->limit || regions->mapped_bytes > regions->limit - bytes)
        return NULL;
    void *start = regions->pages->map(regions->pages->ctx, bytes, align);
    if (start)
        regions->mapped_bytes += bytes;
    return start;
}

static void unmap_pages(struct assay_regions *regions, uintptr_t start, size_t bytes)
{
    regions->mapped_bytes -= bytes;
    regions->pages->unmap(regions->pages->ctx, (void *)start, bytes);
}

/* --- the array --- */

/* The index of the first region that starts above address. */
static size_t above(const struct assay_regions *regions, uintptr_t address)
{
    size_t low = 0, count = regions->count;

    while (count > 0) {
        size_t half = count / 2;
        if (regions->at[low + half].start <= address) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

/* Indices from `from` on have become larger by `by`. */
static void shift_recent(struct assay_regions *regions, size_t from, uint16_t by)
{
    if (!regions->remembers || from >= UINT16_MAX)
        return;
    uint16_t least = (uint16_t)(from + 1);
    for (size_t i = 0; i < ASSAY_REGIONS_RECENT; i++)
        regions->recent[i] =
            (uint16_t)(regions->recent[i] + (regions->recent[i] >= least ? by : 0));
}

static struct assay_region *insert(struct assay_regions *regions, void *start, size_t bytes,
                                   const void *owner)
{
    size_t index = above(regions, (uintptr_t)start);
    struct assay_region *region = &regions->at[index];

    memmove(region + 1, region, (regions->count - index) * sizeof *region);
    regions->count++;
    shift_recent(regions, index, 1);
    *region = (struct assay_region){.start = (uintptr_t)start, .bytes = bytes, .owner = owner};
    return region;
}

static void take_out(struct assay_regions *regions, size_t index)
{
    struct assay_region *region = &regions->at[index];

    /* Who remembers the region itself remembers the one before it now, which does no harm. */
    shift_recent(regions, index, UINT16_MAX);
    regions->count--;
    memmove(region, region + 1, (regions->count - index) * sizeof *region);
}

/* --- the array's own memory --- */

/* Moves the table to `at`; the pages in which it lay, if it had its own, are unmapped. */
static void move_table(struct assay_regions *regions, struct assay_region *at, size_t room)
{
    struct assay_region *old = regions->at;

    memcpy(at, old, regions->count * sizeof *at);
    regions->at = at;
    regions->room = room;
    if (old != regions->first)
        assay_regions_unmap(regions, (uintptr_t)old);
}

/* Room for two more entries, one of which may be the table's own pages. */
static bool make_room(struct assay_regions *regions)
{
    if (regions->count + 2 <= regions->room)
        return true;
    size_t bytes = assay_regions_round(regions, 2 * regions->room * sizeof *regions->at);
    struct assay_region *at = map_pages(regions, bytes, regions->pages->page_size);
    if (!at)
        return false;
    insert(regions, at, bytes, NULL);
    move_table(regions, at, bytes / sizeof *at);
    return true;
}

/* A table that has become small goes home, so that an empty heap has only what it began with. */
static void go_home(struct assay_regions *regions)
{
    if (regions->at != regions->first && regions->count <= ASSAY_REGIONS_INLINE / 2)
        move_table(regions, regions->first, ASSAY_REGIONS_INLINE);
}

/* --- the interface --- */

void *assay_regions_open(const struct assay_heap_config *config, size_t bytes, size_t offset,
                         bool remembers)
{
    const struct assay_page_source *pages = config->pages;

    bytes = assay_align_up(bytes, pages->page_size);
    if (bytes > config->limit)
        return NULL;
    char *record = pages->map(pages->ctx, bytes, pages->page_size);
    if (!record)
        return NULL;
    struct assay_regions *regions = (struct assay_regions *)(void *)(record + offset);
    regions->pages = pages;
    regions->limit = config->limit;
    regions->mapped_bytes = bytes;
    regions->at = regions->first;
    regions->room = ASSAY_REGIONS_INLINE;
    regions->remembers = remembers;
    insert(regions, record, bytes, NULL);
    return record;
}

void assay_regions_close(struct assay_regions *regions)
{
    const struct assay_page_source *pages = regions->pages;
    struct assay_region record = *assay_regions_search(regions, (uintptr_t)regions);
    struct assay_region table = {0};

    for (size_t i = 0; i < regions->count; i++) {
        const struct assay_region *region = &regions->at[i];
        if (region->start == (uintptr_t)regions->at)
            table = *region;
        else if (region->start != record.start)
            pages->unmap(pages->ctx, (void *)region->start, region->bytes);
    }
    if (table.bytes > 0)
        pages->unmap(pages->ctx, (void *)table.start, table.bytes);
    pages->unmap(pages->ctx, (void *)record.start, record.bytes);
}

struct assay_region *assay_regions_map(struct assay_regions *regions, size_t bytes, size_t align,
                                       const void *owner)
{
    void *start = map_pages(regions, bytes, align);

    if (!start)
        return NULL;
    if (make_room(regions))
        return insert(regions, start, bytes, owner);
    unmap_pages(regions, (uintptr_t)start, bytes);
    return NULL;
}

void assay_regions_unmap(struct assay_regions *regions, uintptr_t start)
{
    size_t index = above(regions, start) - 1;
    size_t bytes = regions->at[index].bytes;

    take_out(regions, index);
    unmap_pages(regions, start, bytes);
    go_home(regions);
}

void assay_regions_cut(struct assay_regions *regions, struct assay_region *region, size_t front,
                       size_t back)
{
    if (front > 0)
        unmap_pages(regions, region->start, front);
    region->start += front;
    region->bytes -= front + back;
    if (back > 0)
        unmap_pages(regions, region->start + region->bytes, back);
}

struct assay_region *assay_regions_search(struct assay_regions *regions, uintptr_t address)
{
    size_t index = above(regions, address);

    if (index == 0 || address - regions->at[index - 1].start >= regions->at[index - 1].bytes)
        return NULL;
    if (regions->remembers && index < UINT16_MAX)
        regions->recent[(address >> ASSAY_REGIONS_GRAIN) % ASSAY_REGIONS_RECENT] = (uint16_t)index;
    return &regions->at[index - 1];
}
