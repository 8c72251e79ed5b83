/* regions.c - the table of mappings: a tree in one array, and a memory of what was found where. */
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

/* --- the tree --- */

/*
 * A treap: in order by address, and above each node only nodes of higher priority. That is a hash of a node's
 * place, so no two are equal, and depth is that of a tree into which nodes came in random order.
 */
static uint32_t priority(uint32_t place)
{
    uint32_t hash = place * 0x9e3779b1u;

    hash = (hash ^ hash >> 15) * 0x85ebca77u;
    return hash ^ hash >> 13;
}

/* The place of the last region that starts at address or below; 0 if there is none. */
static uint32_t below(const struct assay_regions *regions, uintptr_t address)
{
    const struct assay_region *at = regions->at;
    uint32_t found = 0;

    for (uint32_t place = at[0].right; place;) {
        bool low = at[place].start <= address;
        found = low ? place : found;
        place = low ? at[place].right : at[place].left;
    }
    return found;
}

/* Puts the node where its priority has it; what was there is divided among its halves. */
static void hang(struct assay_region *at, uint32_t place)
{
    uintptr_t start = at[place].start;
    uint32_t *link = &at[0].right, *low = &at[place].left, *high = &at[place].right;

    while (*link && priority(*link) > priority(place))
        link = at[*link].start < start ? &at[*link].right : &at[*link].left;
    uint32_t rest = *link;
    *link = place;
    while (rest) {
        if (at[rest].start < start) {
            *low = rest;
            low = &at[rest].right;
            rest = *low;
        } else {
            *high = rest;
            high = &at[rest].left;
            rest = *high;
        }
    }
    *low = *high = 0;
}

/* Puts what is below the node in its place. */
static void take_off(struct assay_region *at, uint32_t place)
{
    uint32_t *link = &at[0].right, low = at[place].left, high = at[place].right;

    while (*link != place)
        link = at[*link].start < at[place].start ? &at[*link].right : &at[*link].left;
    while (low && high) {
        if (priority(low) > priority(high)) {
            *link = low;
            link = &at[low].right;
            low = *link;
        } else {
            *link = high;
            link = &at[high].left;
            high = *link;
        }
    }
    *link = low ? low : high;
}

static struct assay_region *insert(struct assay_regions *regions, struct assay_region entry)
{
    struct assay_region *at = regions->at;
    uint32_t previous = below(regions, entry.start), place = regions->spare;

    if (place)
        regions->spare = at[place].next;
    else
        place = ++regions->used;
    entry.previous = previous;
    entry.next = at[previous].next;
    at[place] = entry;
    at[entry.next].previous = place;
    at[previous].next = place;
    hang(at, place);
    regions->count++;
    return &at[place];
}

static void take_out(struct assay_regions *regions, uint32_t place)
{
    struct assay_region *at = regions->at;
    uint32_t next = at[place].next, previous = at[place].previous;

    take_off(at, place);
    at[next].previous = previous;
    at[previous].next = next;
    at[place] = (struct assay_region){.next = regions->spare};
    regions->spare = place;
    regions->count--;
}

/* --- the table's own memory --- */

/* Moves the table to `to`, all zero. Where it lay, nothing is left that looks like a region. */
static void move_table(struct assay_regions *regions, struct assay_region *to, size_t room)
{
    struct assay_region *from = regions->at;

    regions->at = to;
    regions->room = room;
    regions->count = regions->used = regions->spare = 0;
    memset(regions->recent, 0, sizeof regions->recent);
    for (uint32_t place = from[0].next; place; place = from[place].next)
        insert(regions, from[place]);
    if (from == regions->first)
        memset(from, 0, sizeof regions->first);
    else
        assay_regions_unmap(regions, (uintptr_t)from);
}

/* Room for two more entries, one of which may be the table's own pages. */
static bool make_room(struct assay_regions *regions)
{
    if (regions->count + 2 <= regions->room)
        return true;
    size_t bytes = assay_regions_round(regions, 2 * (regions->room + 1) * sizeof *regions->at);
    struct assay_region *to = map_pages(regions, bytes, regions->pages->page_size);
    if (!to)
        return false;
    insert(regions, (struct assay_region){.start = (uintptr_t)to, .bytes = bytes});
    move_table(regions, to, bytes / sizeof *to - 1);
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
    insert(regions, (struct assay_region){.start = (uintptr_t)record, .bytes = bytes});
    return record;
}

void assay_regions_close(struct assay_regions *regions)
{
    const struct assay_page_source *pages = regions->pages;
    struct assay_region record = *assay_regions_search(regions, (uintptr_t)regions);
    struct assay_region table = {0};

    for (const struct assay_region *region = assay_regions_next(regions, NULL); region;
         region = assay_regions_next(regions, region)) {
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
        return insert(regions, (struct assay_region){
                                   .start = (uintptr_t)start, .bytes = bytes, .owner = owner});
    unmap_pages(regions, (uintptr_t)start, bytes);
    return NULL;
}

void assay_regions_unmap(struct assay_regions *regions, uintptr_t start)
{
    uint32_t place = below(regions, start);
    size_t bytes = regions->at[place].bytes;

    take_out(regions, place);
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

__attribute__((noinline)) struct assay_region *assay_regions_search(struct assay_regions *regions,
                                                                    uintptr_t address)
{
    uint32_t place = below(regions, address);
    struct assay_region *region = &regions->at[place];

    if (address - region->start >= region->bytes) /* the place of none has no bytes */
        return NULL;
    if (regions->remembers && place <= UINT16_MAX)
        regions->recent[(address >> ASSAY_REGIONS_GRAIN) % ASSAY_REGIONS_RECENT] = (uint16_t)place;
    return region;
}

struct assay_region *assay_regions_after(const struct assay_regions *regions, uintptr_t address)
{
    uint32_t next = regions->at[below(regions, address)].next;

    return next ? &regions->at[next] : NULL;
}
